// Any octets as JSON text, as a whole primitive, as a representation and as a query: no crash, and what is
// accepted survives being encoded and decoded again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "latchkey/codec/query.h"
#include "latchkey/codec/resource_types.h"

namespace {

using namespace latchkey;
using namespace latchkey::codec;

constexpr TimePoint kNow{std::chrono::seconds(1'510'570'800)};

void expect(bool holds) {
  if (!holds) std::abort();
}

void primitive(const json::value& value) {
  if (const auto request = request_from_json(value, kNow, {})) {
    const auto again = request_from_json(to_json(*request), kNow, {});
    expect(again && *again == *request);
    static_cast<void>(check_request(*request, kNow));
    static_cast<void>(query_fields(*request));
  }
  if (const auto response = response_from_json(value, {})) {
    const auto again = response_from_json(to_json(*response), {});
    expect(again && *again == *response);
  }
}

void representation(const json::value& value) {
  for (const auto ty : implemented_types()) {
    static_cast<void>(check_create(*resource_type(ty), value, "3"));
    static_cast<void>(check_update(*resource_type(ty), value));
  }
  for (const std::uint32_t ty : {1U, 3U, 5U}) static_cast<void>(check_create(*maf_resource_type(ty), value));
}

void query(std::string_view text) {
  RequestPrimitive request;
  while (!text.empty()) {
    const auto field = text.substr(0, text.find('&'));
    const auto equals = field.find('=');
    const auto value = equals == std::string_view::npos ? std::string_view() : field.substr(equals + 1);
    if (!apply_query_field(request, field.substr(0, equals), value, kNow, {})) return;
    text.remove_prefix(std::min(text.size(), field.size() + 1));
  }
  RequestPrimitive again;
  for (const auto& [name, value] : query_fields(request))
    expect(apply_query_field(again, name, value, kNow, {}).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  query(text);
  const auto value = parse_json(text, {});
  if (!value) return 0;
  const auto again = parse_json(to_text(*value), {.octets = std::size_t{1} << 24U});
  expect(again && to_text(*again) == to_text(*value));
  primitive(*value);
  representation(*value);
  return 0;
}
