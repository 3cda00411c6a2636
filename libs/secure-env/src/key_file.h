#pragma once
/// keys.lks: magic, kind of KEK, salt, nonce, then AES-256-GCM of all keys with everything before it as
/// associated data.
#include <map>

#include "kek.h"
#include "latchkey/secure_env/secure_env.h"

namespace latchkey::secure_env {

inline constexpr std::size_t kSaltBytes = 16;
inline constexpr std::size_t kSecretBytesMax = 64UL * 1024UL;
inline constexpr std::size_t kKeyFileBytesMax = 64U << 20U;

struct StoredKey {
  KeyAttributes attributes;
  SecretBytes secret;
};

/// What the file holds in clear.
struct KeyFileContent {
  SecretBytes
      seal_key;  ///< 32 octets, made with the file: what seal() uses, so that a new KEK unseals old blobs
  std::map<std::string, StoredKey, std::less<>> keys;
};

/// The part that is needed before the KEK is.
struct KeyFileHeader {
  KekKind kind = KekKind::key;
  Bytes salt;
};

/// `authentication` for anything that is not a key file.
[[nodiscard]] Result<KeyFileHeader> read_header(ByteView file);
/// The key of the file; `salt` from its header.
[[nodiscard]] SecretBytes file_key(const SecretBytes& kek, ByteView salt);

/// `limit` above kKeyFileBytesMax. A fresh nonce each time.
[[nodiscard]] Result<Bytes> encode(const KeyFileHeader& header, const SecretBytes& key,
                                   const KeyFileContent& content);
/// `authentication` if the key is another or any octet of the file was changed.
[[nodiscard]] Result<KeyFileContent> decode(ByteView file, const SecretBytes& key);

}  // namespace latchkey::secure_env
