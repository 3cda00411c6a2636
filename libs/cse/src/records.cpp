#include "records.h"

#include <boost/json/parse.hpp>

#include "latchkey/codec/primitive.h"

namespace latchkey::cse {

namespace json = boost::json;

namespace {

/// Everything before the attributes. Those of a usual resource fit into what is reserved.
std::string record_head(const Resource& resource, std::size_t attributes_octets) {
  std::string text;
  text.reserve(attributes_octets + resource.created_by.size() + 64);
  (text += R"({"n":)") += std::to_string(resource.serial);
  if (!resource.created_by.empty()) codec::append_text(text += R"(,"o":)", json::value(resource.created_by));
  if (resource.associated) text += R"(,"b":true)";
  if (resource.dynamic) text += R"(,"d":true)";
  return text += R"(,"a":)";
}

}  // namespace

std::string to_record(const Resource& resource) {
  constexpr std::size_t kUsualOctets = 512;
  auto text = record_head(resource, kUsualOctets);
  codec::append_text(text, resource.attributes);
  return text += '}';
}

std::string to_record(const Resource& resource, std::string_view attributes) {
  return (record_head(resource, attributes.size()) += attributes) += '}';
}

Result<std::unique_ptr<Resource>> from_record(std::string_view ri, std::string_view record) {
  boost::system::error_code error;
  json::value value = json::parse(record, error);
  auto* const members = error ? nullptr : value.if_object();
  auto* const attributes = members != nullptr ? members->if_contains("a") : nullptr;
  if (attributes == nullptr || !attributes->is_object()) {
    return fail(ErrorCode::internal, "record of resource " + std::string(ri) + " cannot be read");
  }
  auto resource = std::make_unique<Resource>();
  resource->attributes = std::move(attributes->get_object());
  resource->ri = resource->text("ri");
  resource->rn = resource->text("rn");
  resource->ty = static_cast<std::uint32_t>(resource->number("ty"));
  resource->expires = expiration_of(resource->attributes);
  if (const auto* const serial = members->if_contains("n"); serial != nullptr && serial->is_int64()) {
    resource->serial = static_cast<std::uint64_t>(serial->get_int64());
  }
  if (const auto* const creator = members->if_contains("o"); creator != nullptr && creator->is_string()) {
    resource->created_by = creator->get_string();
  }
  resource->associated = members->contains("b");
  resource->dynamic = members->contains("d");
  if (resource->ri != ri || resource->rn.empty() || resource->ty == 0 || resource->serial == 0) {
    return fail(ErrorCode::internal, "record of resource " + std::string(ri) + " is incomplete");
  }
  return resource;
}

std::optional<TimePoint> expiration_of(const json::object& attributes) {
  const auto* const et = attributes.if_contains("et");
  if (et == nullptr || !et->is_string()) return std::nullopt;
  const auto time = parse_timestamp(std::string_view(et->get_string()));
  return time ? std::optional(*time) : std::nullopt;
}

}  // namespace latchkey::cse
