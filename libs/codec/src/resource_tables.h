#pragma once
/// The building blocks of the attribute tables.
#include <array>
#include <cstddef>

#include "latchkey/codec/resource_types.h"

namespace latchkey::codec::tables {

template <std::size_t... sizes>
[[nodiscard]] constexpr auto join(const std::array<AttributeSpec, sizes>&... parts) {
  std::array<AttributeSpec, (sizes + ...)> all{};
  std::size_t at = 0;
  const auto append = [&](const auto& part) {
    for (const auto& spec : part) all[at++] = spec;
  };
  (append(parts), ...);
  return all;
}

using Name = std::string_view;

/// Set by the hosting CSE, read only (RO; NP/NP).
[[nodiscard]] constexpr AttributeSpec by_cse(Name short_name, Name long_name, ValueKind kind) {
  return {.short_name = short_name,
          .long_name = long_name,
          .kind = kind,
          .create = Presence::not_permitted,
          .update = Presence::not_permitted,
          .one = true};
}
/// RW, O/O, multiplicity 0..1.
[[nodiscard]] constexpr AttributeSpec optional(Name short_name, Name long_name, ValueKind kind) {
  return {.short_name = short_name, .long_name = long_name, .kind = kind};
}
/// WO, O/NP.
[[nodiscard]] constexpr AttributeSpec once(Name short_name, Name long_name, ValueKind kind) {
  return {.short_name = short_name, .long_name = long_name, .kind = kind, .update = Presence::not_permitted};
}
/// RW, M/O, multiplicity 1.
[[nodiscard]] constexpr AttributeSpec mandatory(Name short_name, Name long_name, ValueKind kind) {
  return {.short_name = short_name,
          .long_name = long_name,
          .kind = kind,
          .create = Presence::mandatory,
          .one = true};
}
/// WO, M/NP.
[[nodiscard]] constexpr AttributeSpec mandatory_once(Name short_name, Name long_name, ValueKind kind) {
  return {.short_name = short_name,
          .long_name = long_name,
          .kind = kind,
          .create = Presence::mandatory,
          .update = Presence::not_permitted,
          .one = true};
}
/// Known, but its feature is not offered.
[[nodiscard]] constexpr AttributeSpec not_offered(Name short_name, Name long_name) {
  return {.short_name = short_name, .long_name = long_name, .implemented = false};
}

/// The same of one that an UPDATE may not name at all.
[[nodiscard]] constexpr AttributeSpec once_not_offered(Name short_name, Name long_name) {
  AttributeSpec spec = not_offered(short_name, long_name);
  spec.update = Presence::not_permitted;
  return spec;
}

/// Exists in a request to the resource or in the answer, and not in the resource.
[[nodiscard]] constexpr AttributeSpec in_messages(Name short_name, Name long_name) {
  return {.short_name = short_name,
          .long_name = long_name,
          .create = Presence::not_permitted,
          .update = Presence::not_permitted,
          .stored = false};
}

[[nodiscard]] constexpr AttributeSpec with_range(AttributeSpec spec, std::uint64_t least,
                                                 std::uint64_t most) {
  spec.least = least;
  spec.most = most;
  return spec;
}
[[nodiscard]] constexpr AttributeSpec at_least(AttributeSpec spec, std::uint64_t least) {
  spec.least = least;
  return spec;
}
/// Multiplicity 1: the hosting CSE sets a default, and no UPDATE removes it.
[[nodiscard]] constexpr AttributeSpec always(AttributeSpec spec) {
  spec.one = true;
  return spec;
}
/// R2A: mandatory only for originators that know rvi.
[[nodiscard]] constexpr AttributeSpec since_2a(AttributeSpec spec) {
  spec.since_2a = true;
  return spec;
}

}  // namespace latchkey::codec::tables
