#pragma once
/// Takes a recorded connection apart as a protocol analyser does: records, handshake messages, and, by the
/// key log line of TR-0038 A.2, what is encrypted.
#include <gnutls/crypto.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "latchkey/crypto/crypto.h"
#include "world.h"

namespace latchkey::tls::test {

struct CapturedRecord {
  bool from_client = false;
  std::uint8_t type = 0;
  std::uint16_t version = 0;
  Bytes body;
};
inline std::vector<CapturedRecord> records_of(const std::vector<Flight>& flights) {
  std::vector<CapturedRecord> records;
  for (const Flight& flight : flights) {
    for (std::size_t at = 0; at < flight.octets.size();) {
      const auto* header = &flight.octets.at(at);
      const std::size_t length = static_cast<std::size_t>(header[3]) << 8U | header[4];
      records.push_back({flight.from_client, header[0],
                         static_cast<std::uint16_t>(header[1] << 8U | header[2]),
                         Bytes(header + 5, header + 5 + length)});
      at += 5 + length;
    }
  }
  return records;
}

struct CapturedMessage {
  bool from_client = false;
  std::uint8_t type = 0;
  Bytes body;   ///< without the header of four octets
  Bytes whole;  ///< with it
};
/// The clear handshake messages of both sides, in order.
inline std::vector<CapturedMessage> messages_of(const std::vector<CapturedRecord>& records) {
  std::vector<CapturedMessage> messages;
  bool encrypted[2] = {false, false};
  for (const CapturedRecord& record : records) {
    if (record.type == 20) encrypted[record.from_client ? 1 : 0] = true;
    if (record.type != 22 || encrypted[record.from_client ? 1 : 0]) continue;
    for (std::size_t at = 0; at < record.body.size();) {
      const std::size_t length = static_cast<std::size_t>(record.body.at(at + 1)) << 16U |
                                 static_cast<std::size_t>(record.body.at(at + 2)) << 8U |
                                 record.body.at(at + 3);
      const auto begin = record.body.begin() + static_cast<std::ptrdiff_t>(at);
      const auto end = begin + 4 + static_cast<std::ptrdiff_t>(length);
      messages.push_back({record.from_client, record.body.at(at), Bytes(begin + 4, end), Bytes(begin, end)});
      at += 4 + length;
    }
  }
  return messages;
}

/// The extension types of a well-formed ClientHello body.
inline std::vector<int> extension_types(const Bytes& hello) {
  const auto u16 = [&](std::size_t at) {
    return static_cast<std::size_t>(hello.at(at)) << 8U | hello.at(at + 1);
  };
  std::size_t at = 34;
  at += 1U + hello.at(at);
  at += 2U + u16(at);
  at += 1U + hello.at(at);
  at += 2;
  std::vector<int> types;
  while (at < hello.size()) {
    types.push_back(static_cast<int>(u16(at)));
    at += 4 + u16(at + 2);
  }
  return types;
}

/// RFC 5246 section 5.
inline Bytes tls_prf(const SecretBytes& secret, std::string_view label, ByteView seed, std::size_t size) {
  Bytes labelled(label.begin(), label.end());
  labelled.insert(labelled.end(), seed.begin(), seed.end());
  Bytes out;
  SecretBytes a = crypto::hmac_sha256(secret, labelled);
  while (out.size() < size) {
    Bytes block(a.reveal().begin(), a.reveal().end());
    block.insert(block.end(), labelled.begin(), labelled.end());
    const SecretBytes part = crypto::hmac_sha256(secret, block);
    out.insert(out.end(), part.reveal().begin(), part.reveal().end());
    a = crypto::hmac_sha256(secret, a.reveal());
  }
  out.resize(size);
  return out;
}

/// What a reader of the capture has who was given the key log line.
struct KeyLog {
  Bytes client_random;
  SecretBytes master;

  static KeyLog parse(const std::string& line) {
    const std::size_t first = line.find(' ');
    const std::size_t second = line.find(' ', first + 1);
    if (line.substr(0, first) != "CLIENT_RANDOM" || second != first + 65 || line.size() != second + 97) {
      throw std::runtime_error("malformed key log line");
    }
    return {*from_hex(line.substr(first + 1, 64)), *secret_from_hex(line.substr(second + 1))};
  }
  /// Opens an AES-128-CBC-SHA256 record with encrypt-then-MAC (RFC 7366): IV, ciphertext, MAC of 32 octets.
  [[nodiscard]] Bytes open(ByteView server_random, bool from_client, ByteView record) const {
    Bytes seed(server_random.begin(), server_random.end());
    seed.insert(seed.end(), client_random.begin(), client_random.end());
    // client MAC 32, server MAC 32, client key 16, server key 16
    Bytes block = tls_prf(master, "key expansion", seed, 96);
    gnutls_datum_t key{block.data() + (from_client ? 64 : 80), 16};
    Bytes iv(record.begin(), record.begin() + 16);
    gnutls_datum_t iv_datum{iv.data(), 16};
    Bytes plain(record.begin() + 16, record.end() - 32);
    gnutls_cipher_hd_t cipher = nullptr;
    if (gnutls_cipher_init(&cipher, GNUTLS_CIPHER_AES_128_CBC, &key, &iv_datum) != 0 ||
        gnutls_cipher_decrypt(cipher, plain.data(), plain.size()) != 0) {
      throw std::runtime_error("cannot decrypt");
    }
    gnutls_cipher_deinit(cipher);
    plain.resize(plain.size() - plain.back() - 1U);
    return plain;
  }
};

}  // namespace latchkey::tls::test
