/// Octets from a peer through parser and mapping, as a server and as a client would take them. The first
/// octet says where the rest is cut in two. What maps to a request must map to the same one when it is
/// written again.
#include <algorithm>
#include <cstdlib>

#include "http_mapping.h"
#include "http_parser.h"

using namespace latchkey;        // NOLINT: ten lines
using namespace latchkey::bind;  // NOLINT: ten lines

namespace {

constexpr TimePoint kNow{std::chrono::seconds(1'700'000'000)};
constexpr codec::PrimitiveLimits kLimits{.octets = 4096};

/// Keeps octets for the parser as a connection does. The head is looked at before its octets go.
template <class AtHead>
void parse(MessageParser& parser, std::string_view first, std::string_view second, AtHead at_head) {
  std::string kept;
  for (const std::string_view part : {first, second}) {
    kept += part;
    for (bool more = true; more && !parser.error();) {
      const bool before = parser.head_done();
      const std::size_t used = parser.put(kept);
      if (!before && parser.head_done()) at_head();
      kept.erase(0, used);
      more = used > 0;
    }
  }
}

void write_again(const codec::RequestPrimitive& request) {
  std::string text;
  if (!write_request(text, request, {.host = "h", .path_prefix = {}})) return;
  MessageParser parser(MessageParser::Kind::request,
                       {.header_octets = text.size(), .header_fields = 64, .body_octets = text.size()});
  MappedRequest again;
  parse(parser, text, {}, [&] {
    again =
        map_request_head(parser.request(), {.path_prefix = {}, .host_fqdn = {}, .now = kNow, .limits = {}});
  });
  if (parser.error() || again.refusal || !map_request_body(again, parser.take_body(), {})) std::abort();
  if (again.primitive != request) std::abort();
}

void as_request(std::string_view first, std::string_view second) {
  MessageParser parser(MessageParser::Kind::request,
                       {.header_octets = 2048, .header_fields = 32, .body_octets = 4096});
  MappedRequest mapped;
  parse(parser, first, second, [&] {
    mapped = map_request_head(parser.request(),
                              {.path_prefix = {}, .host_fqdn = {}, .now = kNow, .limits = kLimits});
  });
  if (!parser.done() || mapped.refusal || !map_request_body(mapped, parser.take_body(), kLimits)) return;
  write_again(mapped.primitive);
}

void as_response(std::string_view first, std::string_view second) {
  MessageParser parser(MessageParser::Kind::response,
                       {.header_octets = 2048, .header_fields = 32, .body_octets = 4096});
  std::string octets(first);
  octets += second;
  std::size_t used = 0;
  for (std::size_t step = 1; step > 0 && !parser.error(); used += step) {
    step = parser.put(std::string_view(octets).substr(used));
  }
  parser.put_eof();
  if (!parser.done()) return;
  const auto mapped = map_response(parser.response(), parser.take_body(), "1", kLimits);
  std::string text;
  if (mapped && !write_response(text, *mapped, {})) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t cut = std::min<std::size_t>(data[0] * std::size_t{4}, text.size());
  as_request(text.substr(0, cut), text.substr(cut));
  as_response(text.substr(0, cut), text.substr(cut));
  return 0;
}
