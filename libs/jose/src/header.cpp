#include "latchkey/jose/header.h"

#include <boost/json/serialize.hpp>

#include "compact.h"
#include "latchkey/base/bytes.h"
#include "latchkey/codec/primitive.h"

namespace latchkey::jose {
namespace {

namespace json = boost::json;

Status read_text(const json::object& members, std::string_view name, std::optional<std::string>& out) {
  const json::value* const value = members.if_contains(name);
  if (value == nullptr) return {};
  if (!value->is_string())
    return fail(ErrorCode::invalid_argument, "header member " + std::string(name) + " is no text");
  out = std::string(value->get_string());
  return {};
}

}  // namespace

Result<json::object> header_members(std::string_view encoded, const Limits& limits) {
  if (encoded.size() > limits.header_octets) return fail(ErrorCode::limit, "JOSE header of excessive length");
  auto octets = from_base64url(encoded);
  if (!octets) return fail("JOSE header", std::move(octets.error()));
  auto value = codec::parse_json(as_text(*octets), {});
  if (!value) return fail(ErrorCode::invalid_argument, "JOSE header: " + value.error().detail);
  if (!value->is_object()) return fail(ErrorCode::invalid_argument, "JOSE header is no object");
  return std::move(value->get_object());
}

Result<Header> Header::parse(std::string_view encoded, const Limits& limits) {
  auto members = header_members(encoded, limits);
  if (!members) return fail(std::move(members.error()));
  return of(std::move(*members));
}

Result<Header> Header::of(json::object members) {
  Header header;
  header.members = std::move(members);
  if (header.members.contains("crit")) return fail(ErrorCode::unsupported, "critical JOSE header extension");
  if (header.members.contains("zip")) return fail(ErrorCode::unsupported, "compressed JOSE payload");
  std::optional<std::string> alg;
  for (const auto& [name, out] : {std::pair<std::string_view, std::optional<std::string>*>{"alg", &alg},
                                  {"enc", &header.enc},
                                  {"kid", &header.kid},
                                  {"typ", &header.typ},
                                  {"cty", &header.cty}})
    if (auto read = read_text(header.members, name, *out); !read) return fail(std::move(read.error()));
  if (!alg) return fail(ErrorCode::invalid_argument, "JOSE header without alg");
  header.alg = std::move(*alg);
  return header;
}

std::string encode_header(std::string_view alg, std::string_view enc, json::object&& members) {
  json::object header;
  header.reserve(members.size() + 2);
  if (!alg.empty()) header.emplace("alg", alg);
  if (!enc.empty()) header.emplace("enc", enc);
  for (json::key_value_pair& member : members) header.emplace(member.key(), std::move(member.value()));
  return to_base64url(as_bytes(json::serialize(header)));
}

}  // namespace latchkey::jose
