#pragma once
/// HTTP messages as text, for tests of the mapping and the parser.
#include <memory>
#include <string>
#include <string_view>

#include "http_mapping.h"
#include "http_parser.h"

namespace latchkey::bind::test {

inline constexpr TimePoint kNow{std::chrono::seconds(1'700'000'000)};

/// A message that has been parsed from `text`, which it keeps.
struct Parsed {
  explicit Parsed(MessageParser::Kind kind, std::string octets, const ParserLimits& limits = {})
      : text(std::move(octets)), parser(std::make_unique<MessageParser>(kind, limits)) {
    used = parser->put(text);
    while (!parser->error() && parser->head_done() && !parser->done() && used < text.size()) {
      const std::size_t step = parser->put(std::string_view(text).substr(used));
      used += step;
      if (step == 0) break;
    }
  }
  std::string text;
  std::unique_ptr<MessageParser> parser;
  std::size_t used = 0;
};

inline Parsed parse_request(std::string octets, const ParserLimits& limits = {}) {
  return Parsed(MessageParser::Kind::request, std::move(octets), limits);
}
inline Parsed parse_response(std::string octets) {
  return Parsed(MessageParser::Kind::response, std::move(octets));
}

/// A whole request through parser and mapping.
inline MappedRequest map_request(const std::string& octets, std::string_view host_fqdn = {},
                                 std::string_view prefix = {}) {
  const Parsed parsed = parse_request(octets);
  if (parsed.parser->error())
    return {.refusal = codec::Refusal{codec::Rsc::bad_request, parsed.parser->error()->detail}};
  MappedRequest mapped = map_request_head(
      parsed.parser->request(), {.path_prefix = prefix, .host_fqdn = host_fqdn, .now = kNow, .limits = {}});
  if (mapped.refusal) return mapped;
  if (auto body = map_request_body(mapped, parsed.parser->take_body(), {}); !body)
    mapped.refusal = body.error();
  return mapped;
}

/// "GET /a HTTP/1.1" with the fields that every request needs, and `more` lines that each end in CR LF.
inline std::string request_text(std::string_view start, std::string_view more = {},
                                std::string_view body = {}) {
  std::string out(start);
  out += " HTTP/1.1\r\nHost: cse.example\r\nX-M2M-Origin: CAdmin\r\nX-M2M-RI: 1\r\nX-M2M-RVI: 2a\r\n";
  out += more;
  if (!body.empty()) out += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  (out += "\r\n") += body;
  return out;
}

}  // namespace latchkey::bind::test
