#include "client_key_exchange.h"

#include <algorithm>

namespace latchkey::tls {
namespace {

constexpr std::size_t kRecordHeaderOctets = 5;
constexpr std::size_t kRecordBodyOctetsMax = (1U << 14U) + 2048U;  // RFC 5246 6.2.3
constexpr std::size_t kHandshakeHeaderOctets = 4;
constexpr std::size_t kPskIdentityPrefixOctets = 2;
constexpr std::uint16_t kTls12 = 0x0303;
constexpr std::uint16_t kServerNameExtension = 0;
constexpr std::uint16_t kSupportedVersionsExtension = 43;
constexpr std::uint8_t kHostName = 0;
constexpr std::size_t kHostNameOctetsMax = 253;

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Takes integers and vectors off the front; once something did not fit, every further call fails as well.
class Cursor {
 public:
  explicit Cursor(ByteView data) : rest_(data) {}
  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }

  ByteView take(std::size_t size) {
    if (!ok_ || rest_.size() < size) {
      ok_ = false;
      return {};
    }
    const ByteView taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  std::size_t integer(std::size_t octets) {
    std::size_t value = 0;
    for (const std::uint8_t octet : take(octets)) value = value << 8U | octet;
    return value;
  }
  std::uint16_t u16() { return static_cast<std::uint16_t>(integer(2)); }
  ByteView vector(std::size_t length_octets) { return take(integer(length_octets)); }

 private:
  ByteView rest_;
  bool ok_ = true;
};

Status read_server_name(ByteView extension, ClientHello& hello) {
  Cursor outer(extension);
  Cursor list(outer.vector(2));
  while (list.ok() && !list.at_end()) {
    const auto type = list.integer(1);
    const ByteView name = list.vector(2);
    if (list.ok() && type == kHostName && !hello.server_name) hello.server_name = std::string(as_text(name));
  }
  if (!outer.ok() || !outer.at_end() || !list.ok()) {
    return fail(ErrorCode::invalid_argument, "ClientHello: malformed server_name");
  }
  return {};
}

Status read_versions(ByteView extension, ClientHello& hello) {
  Cursor outer(extension);
  Cursor list(outer.vector(1));
  hello.offers_tls12 = false;  // the extension replaces client_version (RFC 8446 4.2.1)
  while (list.ok() && !list.at_end()) {
    if (list.u16() == kTls12) hello.offers_tls12 = true;
  }
  if (!outer.ok() || !outer.at_end() || !list.ok()) {
    return fail(ErrorCode::invalid_argument, "ClientHello: malformed supported_versions");
  }
  return {};
}

Status read_extensions(ByteView extensions, ClientHello& hello) {
  Cursor cursor(extensions);
  while (cursor.ok() && !cursor.at_end()) {
    const std::uint16_t type = cursor.u16();
    const ByteView body = cursor.vector(2);
    if (!cursor.ok()) break;
    Status read;
    if (type == kServerNameExtension) read = read_server_name(body, hello);
    if (type == kSupportedVersionsExtension) read = read_versions(body, hello);
    if (!read) return read;
  }
  if (!cursor.ok()) return fail(ErrorCode::invalid_argument, "ClientHello: malformed extensions");
  return {};
}

}  // namespace

Result<std::optional<Record>> next_record(ByteView data) {
  // The header is judged octet by octet as it comes: garbage must not make a server wait for more.
  if (!data.empty() && (data[0] < kRecordChangeCipherSpec || data[0] > 23)) {
    return fail(ErrorCode::invalid_argument, "not a TLS record");
  }
  if (data.size() > 1 && data[1] != 3) return fail(ErrorCode::invalid_argument, "not a TLS record");
  if (data.size() < kRecordHeaderOctets) return std::optional<Record>();
  const std::size_t length = static_cast<std::size_t>(data[3]) << 8U | data[4];
  if (length > kRecordBodyOctetsMax) return fail(ErrorCode::invalid_argument, "TLS record is too long");
  if (length == 0 && data[0] != 23) return fail(ErrorCode::invalid_argument, "TLS record is empty");
  if (data.size() < kRecordHeaderOctets + length) return std::optional<Record>();
  return std::optional<Record>(Record{.type = data[0],
                                      .size = kRecordHeaderOctets + length,
                                      .body = data.subspan(kRecordHeaderOctets, length)});
}

Result<std::vector<HandshakeMessage>> HandshakeReader::follow(const Record& record) {
  std::vector<HandshakeMessage> complete;
  if (record.type == kRecordChangeCipherSpec) encrypted_ = true;
  if (encrypted_ || record.type != kRecordHandshake) return complete;
  ByteView rest = record.body;
  while (!rest.empty()) {
    if (header_.size() < kHandshakeHeaderOctets) {
      if (auto taken = take_header(rest); !taken) return fail(taken.error());
      if (header_.size() < kHandshakeHeaderOctets) break;
    }
    take_body(rest, complete);
  }
  return complete;
}

Status HandshakeReader::take_header(ByteView& rest) {
  const std::size_t size = std::min(kHandshakeHeaderOctets - header_.size(), rest.size());
  header_.insert(header_.end(), rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(size));
  rest = rest.subspan(size);
  if (header_.size() < kHandshakeHeaderOctets) return {};
  missing_ =
      static_cast<std::size_t>(header_[1]) << 16U | static_cast<std::size_t>(header_[2]) << 8U | header_[3];
  if (missing_ > message_octets_) {
    return fail(ErrorCode::limit, "handshake message of " + std::to_string(missing_) + " octets, at most " +
                                      std::to_string(message_octets_) + " are taken");
  }
  return {};
}

void HandshakeReader::take_body(ByteView& rest, std::vector<HandshakeMessage>& complete) {
  const std::size_t size = std::min(missing_, rest.size());
  const bool kept = header_[0] == kClientHello || header_[0] == kClientKeyExchange;
  if (kept) body_.insert(body_.end(), rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(size));
  rest = rest.subspan(size);
  missing_ -= size;
  if (missing_ > 0) return;
  complete.push_back({header_[0], std::move(body_)});
  body_ = {};
  header_.clear();
}

Result<ClientHello> parse_client_hello(ByteView body) {
  Cursor cursor(body);
  ClientHello hello;
  // TLS 1.3 and later keep client_version at 1.2; anything above is treated as a version we may be lowered
  // from.
  hello.offers_tls12 = cursor.u16() >= kTls12;
  cursor.take(32);   // random
  cursor.vector(1);  // session_id
  Cursor suites(cursor.vector(2));
  while (suites.ok() && !suites.at_end()) hello.suites.push_back(suites.u16());
  cursor.vector(1);  // compression_methods
  if (!cursor.ok() || !suites.ok()) return fail(ErrorCode::invalid_argument, "ClientHello: malformed");
  if (cursor.at_end()) return hello;
  const ByteView extensions = cursor.vector(2);
  if (!cursor.ok() || !cursor.at_end()) return fail(ErrorCode::invalid_argument, "ClientHello: malformed");
  if (auto read = read_extensions(extensions, hello); !read) return fail(read.error());
  return hello;
}

Result<std::string> parse_psk_identity(ByteView body) {
  if (body.size() < kPskIdentityPrefixOctets ||
      body.size() - kPskIdentityPrefixOctets != (static_cast<std::size_t>(body[0]) << 8U | body[1])) {
    return fail(ErrorCode::invalid_argument, "ClientKeyExchange: malformed PSK identity");
  }
  return std::string(as_text(body.subspan(kPskIdentityPrefixOctets)));
}

Status check_psk_identity(std::string_view identity, std::size_t octets_max) {
  if (identity.empty()) return fail(ErrorCode::invalid_argument, "empty psk_identity");
  if (identity.size() > octets_max) {
    return fail(ErrorCode::limit, "psk_identity of " + std::to_string(identity.size()) + " octets, at most " +
                                      std::to_string(octets_max) + " are taken");
  }
  const bool printable =
      std::all_of(identity.begin(), identity.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (!printable)
    return fail(ErrorCode::invalid_argument, "psk_identity has octets that are not printable ASCII");
  return {};
}

bool has_host_name_characters(std::string_view name) noexcept {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.';
  });
}

bool is_sni_host_name(std::string_view name) noexcept {
  if (name.size() > kHostNameOctetsMax || !has_host_name_characters(name)) return false;
  // A name whose last label is a number is an IPv4 address.
  const std::string_view last = name.substr(name.rfind('.') + 1);
  return !std::all_of(last.begin(), last.end(), is_digit);
}

}  // namespace latchkey::tls
