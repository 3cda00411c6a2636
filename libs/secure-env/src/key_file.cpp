#include "key_file.h"

#include <algorithm>

#include "latchkey/crypto/crypto.h"

namespace latchkey::secure_env {

namespace {

constexpr std::string_view kMagic = "LATCHKS1";
constexpr std::size_t kHeaderBytes = 8 + 1 + kSaltBytes;
constexpr std::size_t kPrefixBytes = kHeaderBytes + crypto::kGcmNonceBytes;
constexpr std::string_view kFileKeyLabel = "latchkey keys.lks 1";
constexpr std::size_t kSealKeyBytes = 32;
// count; name length, flags, suid, expiry, secret length
constexpr std::size_t kCountBytes = 4;
constexpr std::size_t kEntryBytes = 2 + 1 + 1 + 8 + 4;
constexpr std::uint8_t kHasSuid = 1, kHasExpiry = 2;

const Error kNotAuthentic{ErrorCode::authentication,
                          "the key file was changed, or its key-encryption key is another"};

class Out {
 public:
  explicit Out(std::span<std::uint8_t> to) : to_(to) {}
  void octets(ByteView from) {
    std::copy(from.begin(), from.end(), to_.begin());
    to_ = to_.subspan(from.size());
  }
  void number(std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) to_[i] = static_cast<std::uint8_t>(value >> (8 * (size - 1 - i)));
    to_ = to_.subspan(size);
  }

 private:
  std::span<std::uint8_t> to_;
};

/// Reads what decryption has authenticated; still checks each length, so that a fault of ours cannot read
/// beyond it.
class In {
 public:
  explicit In(ByteView from) : from_(from) {}
  ByteView octets(std::size_t size) {
    if (size > from_.size()) {
      good_ = false;
      return {};
    }
    const auto taken = from_.first(size);
    from_ = from_.subspan(size);
    return taken;
  }
  std::uint64_t number(std::size_t size) {
    std::uint64_t value = 0;
    for (const auto octet : octets(size)) value = (value << 8U) | octet;
    return value;
  }
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] bool at_end() const { return good_ && from_.empty(); }

 private:
  ByteView from_;
  bool good_ = true;
};

std::size_t plaintext_size(const KeyFileContent& content) {
  std::size_t size = kSealKeyBytes + kCountBytes;
  for (const auto& [name, key] : content.keys) size += kEntryBytes + name.size() + key.secret.size();
  return size;
}

SecretBytes serialise(const KeyFileContent& content) {
  SecretBytes plain(plaintext_size(content));
  Out out(plain.reveal_writable());
  out.octets(content.seal_key.reveal());
  out.number(content.keys.size(), kCountBytes);
  for (const auto& [name, key] : content.keys) {
    const auto& attributes = key.attributes;
    out.number(name.size(), 2);
    out.octets(as_bytes(name));
    out.number((attributes.suid ? kHasSuid : 0U) | (attributes.expires_unix ? kHasExpiry : 0U), 1);
    out.number(attributes.suid ? attributes.suid->value() : 0U, 1);
    out.number(static_cast<std::uint64_t>(attributes.expires_unix.value_or(0)), 8);
    out.number(key.secret.size(), 4);
    out.octets(key.secret.reveal());
  }
  return plain;
}

bool read_entry(In& in, KeyFileContent& content) {
  const std::string name(as_text(in.octets(in.number(2))));
  const auto flags = in.number(1);
  const auto suid_value = static_cast<std::int64_t>(in.number(1));
  const auto expiry = static_cast<std::int64_t>(in.number(8));
  StoredKey key;
  key.secret = SecretBytes::copy_of(in.octets(in.number(4)));
  if ((flags & kHasSuid) != 0) {
    const auto suid = Suid::from(suid_value);
    if (!suid) return false;
    key.attributes.suid = *suid;
  }
  if ((flags & kHasExpiry) != 0) key.attributes.expires_unix = expiry;
  return in.good() && content.keys.emplace(name, std::move(key)).second;
}

Result<KeyFileContent> parse(const SecretBytes& plain) {
  const Error broken{ErrorCode::internal, "the key file was written by a program with another layout"};
  In in(plain.reveal());
  KeyFileContent content;
  content.seal_key = SecretBytes::copy_of(in.octets(kSealKeyBytes));
  for (auto count = in.number(kCountBytes); in.good() && count > 0; --count) {
    if (!read_entry(in, content)) return fail(broken);
  }
  if (!in.at_end()) return fail(broken);
  return content;
}

}  // namespace

Result<KeyFileHeader> read_header(ByteView file) {
  if (file.size() < kPrefixBytes + crypto::kGcmTagBytes || as_text(file.first(kMagic.size())) != kMagic)
    return fail(kNotAuthentic);
  const auto kind = file[kMagic.size()];
  if (kind != static_cast<std::uint8_t>(KekKind::key) &&
      kind != static_cast<std::uint8_t>(KekKind::passphrase))
    return fail(kNotAuthentic);
  const auto salt = file.subspan(kMagic.size() + 1, kSaltBytes);
  return KeyFileHeader{static_cast<KekKind>(kind), Bytes(salt.begin(), salt.end())};
}

SecretBytes file_key(const SecretBytes& kek, ByteView salt) {
  Bytes label(kFileKeyLabel.begin(), kFileKeyLabel.end());
  label.insert(label.end(), salt.begin(), salt.end());
  return crypto::hmac_sha256(kek, label);
}

Result<Bytes> encode(const KeyFileHeader& header, const SecretBytes& key, const KeyFileContent& content) {
  const auto plain = serialise(content);
  if (plain.size() + kPrefixBytes + crypto::kGcmTagBytes > kKeyFileBytesMax) {
    return fail(ErrorCode::limit,
                "the key file would be longer than " + std::to_string(kKeyFileBytesMax) + " octets");
  }
  Bytes file(kPrefixBytes);
  Out out(file);
  out.octets(as_bytes(kMagic));
  out.number(static_cast<std::uint64_t>(header.kind), 1);
  out.octets(header.salt);
  const auto nonce = crypto::random_bytes(crypto::kGcmNonceBytes);
  out.octets(nonce);
  const auto sealed = crypto::aes_gcm_seal(key, nonce, ByteView(file).first(kHeaderBytes), plain.reveal());
  if (!sealed) return fail(sealed.error());
  file.insert(file.end(), sealed->begin(), sealed->end());
  return file;
}

Result<KeyFileContent> decode(ByteView file, const SecretBytes& key) {
  if (const auto header = read_header(file); !header) return fail(header.error());
  const auto nonce = file.subspan(kHeaderBytes, crypto::kGcmNonceBytes);
  const auto plain = crypto::aes_gcm_open(key, nonce, file.first(kHeaderBytes), file.subspan(kPrefixBytes));
  if (!plain) return fail(kNotAuthentic);
  return parse(*plain);
}

}  // namespace latchkey::secure_env
