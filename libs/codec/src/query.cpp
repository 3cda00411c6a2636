#include "latchkey/codec/query.h"

#include <algorithm>
#include <array>

#include "attribute_names.h"
#include "filter_fields.h"
#include "json_reader.h"
#include "latchkey/codec/formats.h"
#include "text.h"

namespace latchkey::codec {
namespace {

using Request = RequestPrimitive;
using Entries = std::vector<std::string_view>;

/// Query fields of features that are not offered; conditions on children and parents (R3) begin with "c." and
/// "p.".
constexpr std::array<std::string_view, 3> kFieldsNotOffered{"asi", "auri", "sqi"};

tl::unexpected<Refusal> twice() { return bad_form("given twice"); }

Outcome<std::uint64_t> read_number(std::string_view text, std::uint64_t least, std::uint64_t most) {
  const auto number = parse_integer(text);
  if (!number || *number < least || *number > most) return bad_form("not an integer in the permitted range");
  return *number;
}

template <class T>
Outcome<void> set_number(std::optional<T>& target, std::string_view text, std::uint64_t least,
                         std::uint64_t most) {
  if (target) return twice();
  return assign_as(target, read_number(text, least, most));
}

Outcome<void> set_flag(std::optional<bool>& target, std::string_view text) {
  if (target) return twice();
  if (text != "true" && text != "false" && text != "1" && text != "0") return bad_form("not a boolean");
  target = text == "true" || text == "1";
  return {};
}

Outcome<void> set_time(std::optional<TimePoint>& target, std::string_view text) {
  if (target) return twice();
  const auto time = parse_timestamp(text);
  if (!time) return bad_form("not a timestamp YYYYMMDDThhmmss");
  target = *time;
  return {};
}

Outcome<void> set_persistence(Request& request, std::string_view text, TimePoint now) {
  if (request.rp) return twice();
  if (!parse_abs_rel_timestamp(text, now))
    return bad_form("neither a timestamp nor a number of milliseconds");
  request.rp = std::string(text);
  return {};
}

/// The entries of a list between '+' or blanks. An empty entry is kept, so that it is refused.
Entries split(std::string_view text) {
  Entries entries;
  while (true) {
    const auto end = text.find_first_of("+ ");
    entries.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return entries;
    text.remove_prefix(end + 1);
  }
}

/// Content types hold '+' themselves ("application/vnd.onem2m-res+json"): what follows a '+' and has no '/'
/// belongs to the entry before it.
Entries split_content_types(std::string_view text) {
  Entries entries;
  for (const auto part : split(text)) {
    const bool continues =
        !entries.empty() && part.find('/') == std::string_view::npos && part.data()[-1] == '+';
    if (continues) {
      entries.back() = {entries.back().data(), entries.back().size() + 1 + part.size()};
    } else {
      entries.push_back(part);
    }
  }
  return entries;
}

Outcome<void> append(std::vector<std::string>& target, const Entries& entries,
                     const PrimitiveLimits& limits) {
  if (target.size() + entries.size() > limits.list_entries) {
    return bad_form("more than " + std::to_string(limits.list_entries) + " entries");
  }
  for (const auto entry : entries) {
    if (entry.empty()) return bad_form("empty entry");
    if (entry.size() > limits.id_octets)
      return bad_form("longer than " + std::to_string(limits.id_octets) + " octets");
    target.emplace_back(entry);
  }
  return {};
}

Outcome<void> append_types(std::vector<std::uint32_t>& target, const Entries& entries,
                           const PrimitiveLimits& limits) {
  if (target.size() + entries.size() > limits.list_entries) {
    return bad_form("more than " + std::to_string(limits.list_entries) + " entries");
  }
  for (const auto entry : entries) {
    const auto type = read_number(entry, 1, UINT32_MAX);
    if (!type) return refuse(type.error());
    target.push_back(static_cast<std::uint32_t>(*type));
  }
  return {};
}

Outcome<void> add_attribute(FilterCriteria& criteria, std::string_view name, std::string_view value,
                            const PrimitiveLimits& limits) {
  if (criteria.attributes.size() >= limits.list_entries) {
    return bad_form("more than " + std::to_string(limits.list_entries) + " conditions");
  }
  criteria.attributes.emplace_back(name, value);
  return {};
}

/// nullopt: no condition of filterCriteria has this name.
std::optional<Outcome<void>> apply_condition(FilterCriteria& criteria, std::string_view name,
                                             std::string_view value, const PrimitiveLimits& limits) {
  for (const auto& condition : kTimeConditions) {
    if (condition.name == name) return set_time(criteria.*condition.member, value);
  }
  for (const auto& condition : kCountConditions) {
    if (condition.name == name) return set_number(criteria.*condition.member, value, 0, kIntegerMax);
  }
  for (const auto& field : kPageFields) {
    if (field.name == name) return set_number(criteria.*field.member, value, field.least, UINT32_MAX);
  }
  if (name == "lbl") return append(criteria.labels, split(value), limits);
  if (name == "cty") return append(criteria.content_types, split_content_types(value), limits);
  if (name == "ty") return append_types(criteria.types, split(value), limits);
  if (name == "fu") return set_number(criteria.usage, value, 1, 3);
  if (name == "fo") {
    const auto operation = read_number(value, 1, 2);
    if (!operation) return Outcome<void>(refuse(operation.error()));
    if (criteria.any) return Outcome<void>(twice());
    criteria.any = *operation == 2;
    return Outcome<void>();
  }
  if (is_attribute_name(name)) return add_attribute(criteria, name, value, limits);
  return std::nullopt;
}

Outcome<void> apply_filter(Request& request, std::string_view name, std::string_view value,
                           const PrimitiveLimits& limits) {
  FilterCriteria criteria = request.fc ? std::move(*request.fc) : FilterCriteria{};
  auto applied = apply_condition(criteria, name, value, limits);
  if (applied) {
    request.fc = std::move(criteria);
    return *applied;
  }
  const bool relative = name.starts_with("c.") || name.starts_with("p.");
  if (relative || std::ranges::find(kConditionsNotOffered, name) != kConditionsNotOffered.end() ||
      std::ranges::find(kFieldsNotOffered, name) != kFieldsNotOffered.end()) {
    return refuse(Rsc::not_implemented, "not offered");
  }
  return bad_form("unknown");
}

Outcome<void> apply(Request& request, std::string_view name, std::string_view value, TimePoint now,
                    const PrimitiveLimits& limits) {
  if (name == "rcn") {
    if (value == "10") return refuse(Rsc::not_implemented, "semantic content is not offered");
    return set_number(request.rcn, value, 0, 9);
  }
  if (name == "rt") return set_number(request.rt, value, 1, 4);
  if (name == "rp") return set_persistence(request, value, now);
  if (name == "da") return set_flag(request.da, value);
  if (name == "tqi") return set_flag(request.tqi, value);
  if (name == "drt") return set_number(request.drt, value, 1, 2);
  if (name == "rids") return append(request.rids, split(value), limits);
  if (name == "tids") return append(request.tids, split(value), limits);
  if (name == "ltids") return append(request.ltids, split(value), limits);
  if (name == "atrl") return append(request.atrl, split(value), limits);
  return apply_filter(request, name, value, limits);
}

class Fields {
 public:
  void number(std::string_view name, std::uint64_t value) { out_.emplace_back(name, std::to_string(value)); }
  void text(std::string_view name, std::string value) { out_.emplace_back(name, std::move(value)); }
  void flag(std::string_view name, const std::optional<bool>& value) {
    if (value) text(name, *value ? "true" : "false");
  }
  template <class T>
  void optional_number(std::string_view name, const std::optional<T>& value) {
    if (value) number(name, static_cast<std::uint64_t>(*value));
  }
  void list(std::string_view name, const std::vector<std::string>& entries) {
    std::string joined;
    for (const auto& entry : entries) joined += (joined.empty() ? "" : "+") + entry;
    if (!joined.empty()) text(name, std::move(joined));
  }
  void types(const std::vector<std::uint32_t>& types) {
    std::string joined;
    for (const auto type : types) joined += (joined.empty() ? "" : "+") + std::to_string(type);
    if (!joined.empty()) text("ty", std::move(joined));
  }
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> take() { return std::move(out_); }

 private:
  std::vector<std::pair<std::string, std::string>> out_;
};

void put_filter(Fields& fields, const FilterCriteria& criteria) {
  for (const auto& condition : kTimeConditions) {
    if (const auto& time = criteria.*condition.member) fields.text(condition.name, timestamp_text(*time));
  }
  for (const auto& condition : kCountConditions)
    fields.optional_number(condition.name, criteria.*condition.member);
  for (const auto& field : kPageFields) fields.optional_number(field.name, criteria.*field.member);
  fields.list("lbl", criteria.labels);
  fields.types(criteria.types);
  fields.list("cty", criteria.content_types);
  for (const auto& [name, wanted] : criteria.attributes) fields.text(name, wanted);
  fields.optional_number("fu", criteria.usage);
  if (criteria.any) fields.number("fo", 2);
}

}  // namespace

Outcome<void> apply_query_field(RequestPrimitive& request, std::string_view name,
                                std::string_view decoded_value, TimePoint now,
                                const PrimitiveLimits& limits) {
  Outcome<void> applied;
  if (decoded_value.size() > limits.to_octets) {
    applied = bad_form("longer than " + std::to_string(limits.to_octets) + " octets");
  } else if (has_control(decoded_value) || !is_utf8(decoded_value)) {
    applied = bad_form("not text");
  } else {
    applied = apply(request, name, decoded_value, now, limits);
  }
  if (applied) return applied;
  return refuse(named("query field " + shown(name), std::move(applied).error()));
}

std::vector<std::pair<std::string, std::string>> query_fields(const RequestPrimitive& request) {
  Fields fields;
  fields.optional_number("rt", request.rt);
  if (request.rp) fields.text("rp", *request.rp);
  fields.optional_number("rcn", request.rcn);
  fields.flag("da", request.da);
  if (request.fc) put_filter(fields, *request.fc);
  fields.optional_number("drt", request.drt);
  fields.list("rids", request.rids);
  fields.list("tids", request.tids);
  fields.list("ltids", request.ltids);
  fields.flag("tqi", request.tqi);
  fields.list("atrl", request.atrl);
  return fields.take();
}

}  // namespace latchkey::codec
