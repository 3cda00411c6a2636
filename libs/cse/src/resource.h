#pragma once
/// One resource of the tree. Reactor's thread only, like everything in this library.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "latchkey/base/time.h"
#include "latchkey/codec/resource_types.h"

namespace latchkey::cse {

struct Resource;
struct Governing;

/// Children in order of creation, linked through the children themselves: first, last, insert and remove are
/// O(1).
struct SiblingList {
  Resource* first = nullptr;
  Resource* last = nullptr;
  std::size_t count = 0;
};

/// The place of a resource in Representations.
struct KeptText {
  std::shared_ptr<const std::string> text;  ///< null: not kept
  std::size_t place = 0;
  bool asked_for = false;  ///< since eviction last came by
};

struct Resource {
  std::string ri;
  std::uint32_t ty = 0;
  std::string rn;
  /// Every attribute under its short name, the universal ones included (ri, pi, ty, rn, ct, lt, et, ...).
  /// Change it only through ResourceTree, which keeps the indexes and the record.
  boost::json::object attributes;
  /// Absolute id of the originator of the CREATE: the default policy names it (TS-0001 9.6.1.3.2). Empty: the
  /// CSE itself.
  std::string created_by;

  /// An AE that registered inside a security association: outside of one nobody may use its name.
  bool associated = false;
  /// An <accessControlPolicy> that a DAS Server granted (TS-0003 7.3.2.2 step 4.1.2): it governs its parent,
  /// beside the policies that the parent names.
  bool dynamic = false;

  Resource* parent = nullptr;    ///< null: the CSEBase
  Resource* previous = nullptr;  ///< older sibling in the same list
  Resource* next = nullptr;      ///< younger sibling
  SiblingList children;          ///< all but instances
  SiblingList instances;         ///< contentInstances of a container: last is `la`, first is `ol`
  std::unordered_map<std::string_view, Resource*> by_name;  ///< all children; keys view their rn

  std::uint64_t serial = 0;          ///< order of creation, also across restarts
  std::uint64_t changed = 0;         ///< write sequence of the last change of attributes or set of children
  std::optional<TimePoint> expires;  ///< et, parsed
  mutable KeptText kept_text;
  /// What acpi leads to, kept by the PolicyEnforcement; goes when acpi changes.
  mutable std::shared_ptr<const Governing> governing;

  [[nodiscard]] bool is(codec::Ty type) const noexcept { return ty == static_cast<std::uint32_t>(type); }
  /// Attribute of that kind, or the fallback when it is absent.
  [[nodiscard]] std::string_view text(std::string_view name) const noexcept;
  [[nodiscard]] std::uint64_t number(std::string_view name, std::uint64_t fallback = 0) const noexcept;
  [[nodiscard]] bool flag(std::string_view name, bool fallback = false) const noexcept;
  /// nullptr when absent or no array.
  [[nodiscard]] const boost::json::array* list(std::string_view name) const noexcept;
};

}  // namespace latchkey::cse
