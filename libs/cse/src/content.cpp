#include "content.h"

#include "latchkey/codec/resource_types.h"

namespace latchkey::cse {

AddressForm address_form(const RequestPrimitive& primitive) {
  using Scope = ResourceAddress::Scope;
  const auto scope = primitive.to.starts_with("//")  ? Scope::absolute
                     : primitive.to.starts_with('/') ? Scope::sp_relative
                                                     : Scope::cse_relative;
  return {scope, primitive.drt.value_or(1) != 2};
}

std::string address_of(const ResourceTree& tree, const Resource& resource, AddressForm form) {
  std::string local = form.structured ? tree.path(resource) : resource.ri;
  switch (form.scope) {
    case ResourceAddress::Scope::cse_relative:
      return local;
    case ResourceAddress::Scope::sp_relative:
      return tree.own().sp_relative() + "/" + local;
    case ResourceAddress::Scope::absolute:
      return tree.own().absolute() + "/" + local;
  }
  return local;
}

std::string_view element_of(const Resource& resource) noexcept {
  const auto* const type = codec::resource_type(resource.ty);
  return type != nullptr ? type->element : "m2m:unknown";
}

json::object wrapped(const Resource& resource, json::object attributes) {
  json::object content;
  content[element_of(resource)] = std::move(attributes);
  return content;
}

codec::Content representation_of(const Core& core, const Request& request, const Resource& resource) {
  // A group puts the answers of its members into one of its own.
  if (request.groups_passed > 0) return wrapped(resource, resource.attributes);
  return codec::Content::kept(core.tree.representation(resource));
}

json::object reference_to(const ResourceTree& tree, const Resource& resource, AddressForm form) {
  return {{"nm", resource.rn}, {"typ", resource.ty}, {"val", address_of(tree, resource, form)}};
}

}  // namespace latchkey::cse
