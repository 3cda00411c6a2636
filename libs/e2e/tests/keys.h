#pragma once
/// Keys of ESData credentials, one of each kind for all tests of a program: an RSA key costs as much as many
/// tests.
#include <map>
#include <string>

#include "latchkey/crypto/keys.h"
#include "latchkey/e2e/esdata.h"

namespace latchkey::e2e::test {

inline const crypto::PrivateKey& key_pair(crypto::KeyKind kind = crypto::KeyKind::p256) {
  static std::map<crypto::KeyKind, crypto::PrivateKey> keys;
  if (const auto found = keys.find(kind); found != keys.end()) return found->second;
  return keys
      .emplace(kind, kind == crypto::KeyKind::rsa ? crypto::PrivateKey::generate_rsa(2048)
                                                  : crypto::PrivateKey::generate(kind))
      .first->second;
}
inline EsDataCredential credential(std::string kid, int suid) {
  return {.kid = std::move(kid), .suid = Suid::from(suid).value()};
}

}  // namespace latchkey::e2e::test
