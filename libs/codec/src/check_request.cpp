#include <algorithm>
#include <array>
#include <initializer_list>

#include "latchkey/codec/primitive.h"
#include "latchkey/codec/resource_types.h"

namespace latchkey::codec {
namespace {

constexpr std::array<std::string_view, 4> kReleases{"1", "2", "2a", "3"};

constexpr std::uint16_t set_of(std::initializer_list<ResultContent> contents) {
  std::uint16_t bits = 0;
  for (const auto content : contents)
    bits = static_cast<std::uint16_t>(bits | (1U << static_cast<unsigned>(content)));
  return bits;
}

/// TS-0004 7.3.3: result contents that the operation allows.
std::uint16_t allowed_contents(const RequestPrimitive& request) {
  using enum ResultContent;
  switch (request.op) {
    case Operation::create:
      return set_of({nothing, attributes, address, address_and_attributes, modified_attributes});
    case Operation::retrieve:
      if (request.is_discovery()) return set_of({child_references});
      return set_of({attributes, attributes_and_children, attributes_and_child_references, child_references,
                     original_resource, children});
    case Operation::update:
      return set_of({nothing, attributes, modified_attributes});
    case Operation::del:
      return set_of({nothing, attributes, attributes_and_children, attributes_and_child_references,
                     child_references, children});
    case Operation::notify:
      return 0;
  }
  return 0;
}

std::string not_permitted(std::string_view parameter, Operation op) {
  return std::string(parameter) + ": not permitted in " + std::string(to_string(op));
}

Outcome<void> check_times(const RequestPrimitive& request, TimePoint now) {
  if (request.rqet && *request.rqet <= now) return refuse(Rsc::request_timeout, "rqet: passed");
  if (request.rqet && request.rset && *request.rset < *request.rqet)
    return refuse(Rsc::bad_request, "rset: before rqet");
  return {};
}

Outcome<void> check_result_content(const RequestPrimitive& request) {
  if (!request.rcn) return {};
  const auto bit = 1U << static_cast<unsigned>(*request.rcn);
  if ((allowed_contents(request) & bit) != 0) return {};
  const auto number = std::to_string(static_cast<unsigned>(*request.rcn));
  return refuse(Rsc::bad_request,
                "rcn: " + number + " not permitted in " +
                    (request.is_discovery() ? "discovery" : std::string(to_string(request.op))));
}

Outcome<void> check_type(const RequestPrimitive& request) {
  const bool create = request.op == Operation::create;
  if (create && (!request.ty || *request.ty == 0)) return refuse(Rsc::bad_request, "ty: missing");
  if (!create && request.ty) return refuse(Rsc::bad_request, not_permitted("ty", request.op));
  return {};
}

Outcome<void> check_filter(const RequestPrimitive& request) {
  if (!request.fc) return {};
  if (request.op == Operation::create || request.op == Operation::notify) {
    return refuse(Rsc::bad_request, not_permitted("fc", request.op));
  }
  // Discovery is an operation of its own in an access decision. Only a RETRIEVE may be one, so that no UPDATE
  // or DELETE passes under the privilege to discover.
  const bool conditional = !request.fc->usage || *request.fc->usage == FilterUsage::conditional;
  if (request.op != Operation::retrieve && !conditional)
    return refuse(Rsc::bad_request, not_permitted("fc.fu", request.op));
  return {};
}

/// TS-0004 7.2.1: what is left of the table of parameters per operation.
Outcome<void> check_parameters(const RequestPrimitive& request) {
  const bool retrieve = request.op == Operation::retrieve;
  if (request.drt && !retrieve) return refuse(Rsc::bad_request, not_permitted("drt", request.op));
  if (request.rp && request.op == Operation::notify)
    return refuse(Rsc::bad_request, not_permitted("rp", request.op));
  if (!request.atrl.empty() && !retrieve) return refuse(Rsc::bad_request, not_permitted("atrl", request.op));
  if (request.to.empty()) return refuse(Rsc::bad_request, "to: missing");
  if (request.rqi.empty()) return refuse(Rsc::bad_request, "rqi: missing");
  return {};
}

Outcome<void> check_content(const RequestPrimitive& request) {
  const bool expected = request.op != Operation::retrieve && request.op != Operation::del;
  if (expected && request.pc.is_null()) return refuse(Rsc::bad_request, "pc: missing");
  if (!expected && !request.pc.is_null()) return refuse(Rsc::bad_request, not_permitted("pc", request.op));
  if (expected && (!request.pc.is_object() || request.pc.get_object().size() != 1)) {
    return refuse(Rsc::bad_request, "pc: not an object of one member");
  }
  return {};
}

Outcome<void> check_originator(const RequestPrimitive& request) {
  const bool ae_registration =
      request.op == Operation::create && request.ty == static_cast<std::uint32_t>(Ty::ae);
  if (request.from.empty() && !ae_registration) return refuse(Rsc::bad_request, "fr: missing");
  return {};
}

}  // namespace

Outcome<void> check_request(const RequestPrimitive& request, TimePoint now) {
  if (request.rvi && std::ranges::find(kReleases, *request.rvi) == kReleases.end()) {
    return refuse(Rsc::release_version_not_supported, "rvi: not one of 1, 2, 2a, 3");
  }
  if (auto checked = check_times(request, now); !checked) return checked;
  for (const auto check :
       {check_result_content, check_type, check_filter, check_parameters, check_content, check_originator}) {
    if (auto checked = check(request); !checked) return checked;
  }
  return {};
}

}  // namespace latchkey::codec
