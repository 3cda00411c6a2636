#pragma once
/// Representations and addresses in responses (TS-0004 7.5.2, 6.3.4.2.7).
#include "core.h"

namespace latchkey::cse {

/// How a response writes addresses: in the scope of the request's `to`, structured unless drt asks otherwise.
struct AddressForm {
  ResourceAddress::Scope scope = ResourceAddress::Scope::cse_relative;
  bool structured = true;
};
[[nodiscard]] AddressForm address_form(const RequestPrimitive& primitive);
[[nodiscard]] std::string address_of(const ResourceTree& tree, const Resource& resource, AddressForm form);

/// "m2m:cnt"; of a stored resource, so it is known.
[[nodiscard]] std::string_view element_of(const Resource& resource) noexcept;
/// {"m2m:cnt": attributes}
[[nodiscard]] json::object wrapped(const Resource& resource, json::object attributes);
/// The whole of it, as text where the answer is all that it goes into.
[[nodiscard]] codec::Content representation_of(const Core& core, const Request& request,
                                               const Resource& resource);
/// childResourceRef.
[[nodiscard]] json::object reference_to(const ResourceTree& tree, const Resource& resource, AddressForm form);

}  // namespace latchkey::cse
