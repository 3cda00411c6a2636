#include <algorithm>
#include <array>

#include "attribute_check.h"
#include "attribute_names.h"
#include "json_reader.h"
#include "latchkey/codec/formats.h"
#include "text.h"

namespace latchkey::codec {
namespace {

constexpr std::array<std::string_view, 6> kTimes{"crb", "cra", "ms", "us", "exb", "exa"};
constexpr std::array<std::string_view, 4> kCounts{"sts", "stb", "sza", "szb"};

bool holds(const auto& names, std::string_view name) { return std::ranges::find(names, name) != names.end(); }

using CheckEntry = Outcome<void> (*)(const json::value&);

Outcome<void> each(const json::value& value, CheckEntry check_entry) {
  if (!value.is_array()) return bad_form("not an array");
  if (value.get_array().empty()) return bad_form("empty");
  for (const auto& entry : value.get_array()) {
    if (auto checked = check_entry(entry); !checked) return checked;
  }
  return {};
}

/// Events 6 to 8 are of R3: triggers, blocking updates, missing data reports.
Outcome<void> check_event_type(const json::value& value) {
  const auto event = read_integer(value, 1, 8);
  if (!event) return refuse(event.error());
  if (*event > 5) return refuse(Rsc::not_implemented, "event " + std::to_string(*event) + " is not offered");
  return {};
}

Outcome<void> check_attribute_name(const json::value& value) {
  if (!value.is_string() || !is_attribute_name(view(value.get_string())))
    return bad_form("holds what is no attribute's short name");
  return {};
}

Outcome<void> check_type(const json::value& value) {
  return without_value(read_integer(value, 1, UINT32_MAX));
}

/// operationMonitor: {ops: operation, or: originator}, both optional, one at least.
Outcome<void> check_operation_monitor(const json::value& value) {
  if (!value.is_object() || value.get_object().empty()) return bad_form("not an object of ops and or");
  for (const auto& member : value.get_object()) {
    Outcome<void> checked;
    if (member.key() == "ops") {
      checked = without_value(read_integer(member.value(), 1, 5));
    } else if (member.key() == "or") {
      checked = without_value(read_name(member.value(), 512));
    } else {
      checked = bad_form("unknown");
    }
    if (!checked) return refuse(named("." + shown(member.key()), std::move(checked).error()));
  }
  return {};
}

Outcome<void> check_criterion(std::string_view name, const json::value& value) {
  if (holds(kTimes, name)) return without_value(read_timestamp(value));
  if (holds(kCounts, name)) return without_value(read_integer(value, 0, kIntegerMax));
  if (name == "net") return each(value, check_event_type);
  if (name == "om") return each(value, check_operation_monitor);
  if (name == "atr") return each(value, check_attribute_name);
  if (name == "chty") return each(value, check_type);
  if (name == "md" || name == "fo") return refuse(Rsc::not_implemented, "not offered");
  return bad_form("unknown");
}

Outcome<void> check_duration(const json::value& value) {
  if (!value.is_string()) return bad_form("not a string");
  return without_value(parse_duration(view(value.get_string())));
}

/// An object of a count and a duration, of which at least one is given.
Outcome<void> check_count_and_duration(const json::value& value, std::string_view count,
                                       std::string_view duration) {
  if (!value.is_object() || value.get_object().empty()) {
    return bad_form("not an object of " + std::string(count) + " and " + std::string(duration));
  }
  for (const auto& member : value.get_object()) {
    Outcome<void> checked;
    if (member.key() == count) {
      checked = without_value(read_integer(member.value(), 1, kIntegerMax));
    } else if (member.key() == duration) {
      checked = check_duration(member.value());
    } else {
      checked = bad_form("unknown");
    }
    if (!checked) return refuse(named("." + shown(member.key()), std::move(checked).error()));
  }
  return {};
}

}  // namespace

Outcome<void> check_event_criteria(const json::value& value) {
  if (!value.is_object()) return bad_form("not an object");
  const auto& criteria = value.get_object();
  for (const auto& member : criteria) {
    if (auto checked = check_criterion(member.key(), member.value()); !checked) {
      return refuse(named("." + shown(member.key()), std::move(checked).error()));
    }
  }
  // TS-0004 7.4.8.2.1: a subscription watches events of the resource or operations on it, not both.
  if (criteria.contains("net") && criteria.contains("om")) return bad_form("holds both net and om");
  return {};
}

Outcome<void> check_batch_notify(const json::value& value) {
  return check_count_and_duration(value, "num", "dur");
}

Outcome<void> check_rate_limit(const json::value& value) {
  return check_count_and_duration(value, "mnn", "tww");
}

}  // namespace latchkey::codec
