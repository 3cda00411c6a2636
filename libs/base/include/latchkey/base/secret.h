#pragma once
/// Secrets wipe themselves, move but do not copy, compare in constant time and cannot be printed.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "latchkey/base/bytes.h"

namespace latchkey {

/// Overwrites memory in a way the optimiser may not remove.
void wipe(void* data, std::size_t size) noexcept;

/// True if both have the same length and octets; time depends on the lengths only. Thread-safe.
[[nodiscard]] bool constant_time_equal(ByteView a, ByteView b) noexcept;

/// Owner of secret octets (keys, passphrases). No operator<<, no formatter, no copy.
class SecretBytes {
 public:
  SecretBytes() noexcept = default;
  explicit SecretBytes(std::size_t size);
  /// Copies the octets in; the caller wipes its own copy.
  [[nodiscard]] static SecretBytes copy_of(ByteView bytes);
  /// Takes the octets and wipes the vector it took them from.
  [[nodiscard]] static SecretBytes take(Bytes&& bytes);

  SecretBytes(SecretBytes&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes();

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  /// The one greppable way to the octets. The view must not outlive this object.
  [[nodiscard]] ByteView reveal() const noexcept { return {data_, size_}; }
  [[nodiscard]] std::span<std::uint8_t> reveal_writable() noexcept { return {data_, size_}; }
  /// An explicit second copy, for handing a key on.
  [[nodiscard]] SecretBytes duplicate() const { return copy_of(reveal()); }
  /// The first `size` octets as a secret of their own; size must not exceed size().
  [[nodiscard]] SecretBytes first(std::size_t size) const { return copy_of(reveal().first(size)); }

  [[nodiscard]] friend bool operator==(const SecretBytes& a, const SecretBytes& b) noexcept {
    return constant_time_equal(a.reveal(), b.reveal());
  }

 private:
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Hex text of a key into a secret; detail never repeats the text.
[[nodiscard]] Result<SecretBytes> secret_from_hex(std::string_view text);

/// A key type of its own over SecretBytes, so that a Kc does not fit where a Km goes.
template <class Tag>
class Key {
 public:
  Key() noexcept = default;
  explicit Key(SecretBytes&& bytes) noexcept : bytes_(std::move(bytes)) {}
  [[nodiscard]] const SecretBytes& bytes() const noexcept { return bytes_; }
  [[nodiscard]] SecretBytes release() && noexcept { return std::move(bytes_); }
  [[nodiscard]] Key duplicate() const { return Key(bytes_.duplicate()); }
  [[nodiscard]] friend bool operator==(const Key& a, const Key& b) noexcept { return a.bytes_ == b.bytes_; }

 private:
  SecretBytes bytes_;
};

using Kpsa = Key<struct KpsaTag>;  ///< Provisioned Secure Connection Key, TS-0003 8.2.2.1
using Km = Key<struct KmTag>;      ///< Master Credential shared with a MAF, TS-0003 8.8.2.2
using Kc = Key<struct KcTag>;      ///< M2M Secure Connection Key, TS-0003 10.3.1
using Ke = Key<struct KeTag>;      ///< Enrolment Key, TS-0003 10.3.1

}  // namespace latchkey
