#pragma once
#include <string>

#include "latchkey/base/secret.h"
#include "latchkey/codec/cbor.h"
#include "latchkey/codec/primitive.h"
#include "latchkey/e2e/esprim.h"
#include "latchkey/e2e/rand_object.h"

namespace latchkey::e2e {

/// The octets of an inner primitive on its way into an object; overwritten afterwards.
class Plaintext {
 public:
  /// `confidential`: it holds a key, so that `primitive` is overwritten too.
  Plaintext(json::value primitive, InnerFormat format, bool confidential)
      : text_(format == InnerFormat::json ? codec::to_text(primitive) : std::string()),
        cbor_(format == InnerFormat::cbor ? codec::to_cbor(primitive) : Bytes()) {
    if (confidential) codec::wipe(primitive);
  }
  Plaintext(const Plaintext&) = delete;
  Plaintext& operator=(const Plaintext&) = delete;
  ~Plaintext() {
    wipe(text_.data(), text_.size());
    wipe(cbor_.data(), cbor_.size());
  }
  [[nodiscard]] ByteView octets() const noexcept { return cbor_.empty() ? as_bytes(text_) : ByteView(cbor_); }

 private:
  std::string text_;  ///< one of the two is empty
  Bytes cbor_;
};

/// What an opened object holds.
[[nodiscard]] inline codec::Outcome<json::value> read_plaintext(const SecretBytes& octets, InnerFormat format,
                                                                const codec::PrimitiveLimits& limits) {
  return format == InnerFormat::json ? codec::parse_json(as_text(octets.reveal()), limits)
                                     : codec::parse_cbor(octets.reveal(), limits);
}

}  // namespace latchkey::e2e
