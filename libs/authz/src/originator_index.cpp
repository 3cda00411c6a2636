#include "originator_index.h"

#include <algorithm>
#include <variant>

#include "latchkey/base/glob.h"

namespace latchkey::authz {

void Subject::add(std::string_view segment) {
  segments_[count_] = segment;
  hashes_[count_++] = hash_text(segment);
}

Subject::Subject(const EntityId& id) {
  if (const auto* cse = std::get_if<CseId>(&id)) {
    add(cse->sp().fqdn().folded());
    add(cse->stem());
  } else if (const auto* ae = std::get_if<AeId>(&id)) {
    add(ae->sp().fqdn().folded());
    if (!ae->sp_assigned()) add(ae->registrar_stem());
    add(ae->stem());
  }
}

std::uint64_t OriginatorIndex::salt(const Shape& shape) noexcept {
  auto hash = mix(salt(OriginatorKind::entity), std::uint64_t{shape.count} << 8 | shape.wild);
  for (const auto octets : shape.prefix) hash = mix(hash, octets);
  return hash;
}

OriginatorIndex::Shape OriginatorIndex::shape_of(std::string_view entity,
                                                 std::array<std::string_view, 3>& segments) noexcept {
  Shape shape;
  for (;;) {
    const auto slash = entity.find('/');
    const auto segment = entity.substr(0, slash);
    const auto star = segment.find('*');
    if (star != std::string_view::npos) {
      shape.wild = static_cast<std::uint8_t>(shape.wild | 1U << shape.count);
      shape.prefix[shape.count] = static_cast<std::uint8_t>(star);  // a segment has at most 255 octets
    }
    segments[shape.count++] = segment.substr(0, star);
    if (slash == std::string_view::npos) return shape;
    entity.remove_prefix(slash + 1);
  }
}

std::uint64_t OriginatorIndexBuilder::hash_of(const Originator& originator) {
  if (originator.kind != OriginatorKind::entity)
    return mix(OriginatorIndex::salt(originator.kind), hash_text(originator.text));
  std::array<std::string_view, 3> segments;
  const auto shape = OriginatorIndex::shape_of(originator.text, segments);
  if (std::ranges::find(shapes_, shape) == shapes_.end()) shapes_.push_back(shape);
  auto hash = OriginatorIndex::salt(shape);
  for (std::size_t i = 0; i < shape.count; ++i) hash = mix(hash, hash_text(segments[i]));
  return hash;
}

bool OriginatorIndex::probe_hash(const Shape& shape, const Subject& subject, std::uint64_t& hash) noexcept {
  if (shape.count != subject.count()) return false;
  hash = salt(shape);
  for (std::size_t i = 0; i < shape.count; ++i) {
    if ((shape.wild >> i & 1U) == 0) {
      hash = mix(hash, subject.hash(i));
      continue;
    }
    if (subject.segment(i).size() < shape.prefix[i]) return false;
    hash = mix(hash, hash_text(subject.segment(i).substr(0, shape.prefix[i])));
  }
  return true;
}

bool OriginatorIndex::entity_covers(std::string_view pattern, const Subject& subject) noexcept {
  for (std::size_t i = 0; i < subject.count(); ++i) {
    const auto slash = pattern.find('/');
    const bool last = slash == std::string_view::npos;
    if (last != (i + 1 == subject.count())) return false;
    if (!glob(pattern.substr(0, slash), subject.segment(i))) return false;
    if (!last) pattern.remove_prefix(slash + 1);
  }
  return subject.count() > 0;
}

bool OriginatorIndex::covers(EntryId entry, const Subject& subject,
                             std::span<const std::string> roles) const noexcept {
  switch (kind(entry)) {
    case OriginatorKind::all:
      return true;
    case OriginatorKind::role:
      return std::ranges::find(roles, text(entry)) != roles.end();
    case OriginatorKind::domain:
      return subject.count() > 0 && subject.segment(0) == text(entry);
    case OriginatorKind::entity:
      return entity_covers(text(entry), subject);
    case OriginatorKind::group:
      break;
  }
  return false;
}

OriginatorIndex::EntryId OriginatorIndexBuilder::add(const Originator& originator) {
  const auto id = static_cast<EntryId>(entries_.size());
  const auto [at, added] =
      known_.try_emplace(static_cast<char>('0' + static_cast<int>(originator.kind)) + originator.text, id);
  if (!added) return at->second;
  entries_.push_back({.hash = static_cast<std::uint32_t>(hash_of(originator)),
                      .text = static_cast<std::uint32_t>(texts_.size()),
                      .text_size = static_cast<std::uint16_t>(originator.text.size()),
                      .kind = originator.kind});
  texts_.insert(texts_.end(), originator.text.begin(), originator.text.end());
  switch (originator.kind) {
    case OriginatorKind::all:
      flags_.all_ = id;
      break;
    case OriginatorKind::role:
      flags_.has_roles_ = true;
      break;
    case OriginatorKind::domain:
      flags_.has_domains_ = true;
      break;
    case OriginatorKind::group:
      groups_.push_back(id);
      break;
    case OriginatorKind::entity:
      break;
  }
  return id;
}

/// At most three quarters full.
void OriginatorIndexBuilder::fill_slots() {
  std::size_t size = 4;
  while (size * 3 < entries_.size() * 4 + 4) size *= 2;
  slots_.assign(size, OriginatorIndex::kEmpty);
  for (EntryId id = 0; id < entries_.size(); ++id) {
    auto at = entries_[id].hash & (size - 1);
    while (slots_[at] != OriginatorIndex::kEmpty) at = (at + 1) & (size - 1);
    slots_[at] = id;
  }
}

void OriginatorIndexBuilder::finish(const std::vector<std::vector<std::uint32_t>>& rules_of_entry) {
  for (EntryId id = 0; id < entries_.size(); ++id) {
    entries_[id].rules = static_cast<std::uint32_t>(rules_.size());
    entries_[id].rule_count = static_cast<std::uint32_t>(rules_of_entry[id].size());
    rules_.insert(rules_.end(), rules_of_entry[id].begin(), rules_of_entry[id].end());
  }
  // Fewest wildcards first: exact ids decide most requests.
  std::ranges::stable_sort(shapes_, {}, [](const Shape& shape) { return shape.wild; });
  fill_slots();
}

std::size_t OriginatorIndexBuilder::octets() const noexcept {
  const auto of = [](const auto& list) { return list.size() * sizeof(list[0]); };
  return of(entries_) + of(rules_) + of(slots_) + of(groups_) + of(shapes_) + of(texts_);
}

OriginatorIndex OriginatorIndexBuilder::pack(Packer& packer) const {
  auto out = flags_;
  out.entries_ = packer.put(entries_);
  out.rules_ = packer.put(rules_);
  out.slots_ = packer.put(slots_);
  out.groups_ = packer.put(groups_);
  out.shapes_ = packer.put(shapes_);
  out.texts_ = packer.put(texts_);
  return out;
}

}  // namespace latchkey::authz
