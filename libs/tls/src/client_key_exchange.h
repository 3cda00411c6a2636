#pragma once
/// Reads the part of a client's handshake that travels in clear (RFC 5246 6.2.1, 7.4), from ClientHello to
/// ChangeCipherSpec, so that a server can choose the suite and find a remote key before its TLS library needs
/// them (TS-0003 8.2.2.3). Pure parsers of outside octets; they keep no reference to what they are given.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/base/bytes.h"

namespace latchkey::tls {

inline constexpr std::uint8_t kRecordChangeCipherSpec = 20;
inline constexpr std::uint8_t kRecordHandshake = 22;
inline constexpr std::uint8_t kClientHello = 1;
inline constexpr std::uint8_t kClientKeyExchange = 16;

/// One record; `body` points into the octets that were given.
struct Record {
  std::uint8_t type = 0;
  std::size_t size = 0;  ///< with its header of five octets
  ByteView body;
};
/// The record at the front of `data`; nullopt while it is not complete. Not TLS, or longer than RFC
/// 5246 6.2.3 allows: invalid_argument, as soon as the header shows it.
[[nodiscard]] Result<std::optional<Record>> next_record(ByteView data);

/// A complete handshake message. The body is kept only of ClientHello and ClientKeyExchange.
struct HandshakeMessage {
  std::uint8_t type = 0;
  Bytes body;
};

/// Joins handshake messages out of records: several in one record, one over several. Memory is bounded by
/// `message_octets`.
class HandshakeReader {
 public:
  explicit HandshakeReader(std::size_t message_octets) : message_octets_(message_octets) {}

  /// The messages that this record completes, in order. `limit` for a message that is too long. After
  /// ChangeCipherSpec everything is encrypted and nothing is returned any more.
  [[nodiscard]] Result<std::vector<HandshakeMessage>> follow(const Record& record);
  [[nodiscard]] bool encrypted() const noexcept { return encrypted_; }
  /// True if a message has begun that is not complete.
  [[nodiscard]] bool within_message() const noexcept { return !header_.empty(); }

 private:
  [[nodiscard]] Status take_header(ByteView& rest);
  void take_body(ByteView& rest, std::vector<HandshakeMessage>& complete);

  std::size_t message_octets_;
  Bytes header_;             ///< type and 24-bit length, as far as they have come
  std::size_t missing_ = 0;  ///< body octets that are still to come
  Bytes body_;
  bool encrypted_ = false;
};

struct ClientHello {
  bool offers_tls12 = false;
  std::vector<std::uint16_t> suites;
  std::optional<std::string> server_name;  ///< SNI host_name (RFC 6066 section 3), as sent
};
/// RFC 5246 7.4.1.2. Lengths must fit exactly, else invalid_argument.
[[nodiscard]] Result<ClientHello> parse_client_hello(ByteView body);

/// The identity in a ClientKeyExchange of RFC 4279 section 2. Lengths must fit exactly, else
/// invalid_argument.
[[nodiscard]] Result<std::string> parse_psk_identity(ByteView body);

/// What may be looked up: 1 to `octets_max` printable ASCII characters. KpsaID, KmID and Key Identifier
/// (TS-0003 10.3.5, 10.5, 10.6) have no others; a NUL or a non-ASCII octet must never be cut off or mistaken
/// for another identity.
[[nodiscard]] Status check_psk_identity(std::string_view identity, std::size_t octets_max);

/// Letters, digits, '-' and '.', at least one: what GnuTLS 3.7 accepts as SNI; '/' or '_' end its handshake.
[[nodiscard]] bool has_host_name_characters(std::string_view name) noexcept;
/// A name that a client may send as SNI: the above, at most 253 octets, and no IPv4 address (RFC 6066 section
/// 3).
[[nodiscard]] bool is_sni_host_name(std::string_view name) noexcept;

}  // namespace latchkey::tls
