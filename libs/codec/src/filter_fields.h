#pragma once
/// The conditions of filterCriteria by short name, once for the JSON form and for query fields
/// (TS-0004 8.2.5).
#include <array>
#include <string_view>

#include "latchkey/codec/primitive.h"

namespace latchkey::codec {

struct TimeCondition {
  std::string_view name;
  std::optional<TimePoint> FilterCriteria::*member;
};
inline constexpr std::array kTimeConditions{
    TimeCondition{"crb", &FilterCriteria::created_before},
    TimeCondition{"cra", &FilterCriteria::created_after},
    TimeCondition{"ms", &FilterCriteria::modified_since},
    TimeCondition{"us", &FilterCriteria::unmodified_since},
    TimeCondition{"exb", &FilterCriteria::expire_before},
    TimeCondition{"exa", &FilterCriteria::expire_after},
};

struct CountCondition {
  std::string_view name;
  std::optional<std::uint64_t> FilterCriteria::*member;
};
inline constexpr std::array kCountConditions{
    CountCondition{"sts", &FilterCriteria::state_tag_smaller},
    CountCondition{"stb", &FilterCriteria::state_tag_bigger},
    CountCondition{"sza", &FilterCriteria::size_above},
    CountCondition{"szb", &FilterCriteria::size_below},
};

/// Limit, level and offset of the result; an offset counts from 1.
struct PageField {
  std::string_view name;
  std::optional<std::uint32_t> FilterCriteria::*member;
  std::uint32_t least;
};
inline constexpr std::array kPageFields{
    PageField{"lim", &FilterCriteria::limit, 0},
    PageField{"lvl", &FilterCriteria::level, 0},
    PageField{"ofst", &FilterCriteria::offset, 1},
};

/// Known conditions of features that are not offered: semantics, content filters, and the R3 ones on
/// relatives.
inline constexpr std::array<std::string_view, 11> kConditionsNotOffered{
    "smf", "cfs", "cfq", "arp", "clbl", "palb", "lbq", "chty", "catr", "patr", "pty"};

}  // namespace latchkey::codec
