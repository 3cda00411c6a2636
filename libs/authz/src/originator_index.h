#pragma once
/// Finds the rules that name an originator, at a cost that hardly depends on how many originators are named.
///
/// Every distinct entry of the acor lists is kept once, in canonical text. Entries with the same shape (which
/// segments are literal, how long the literal beginning of the others is) can be found by one hash probe:
/// hash the same parts of the originator and look the value up. So a decision makes one probe for each shape
/// that occurs, not one comparison for each pattern.
#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "latchkey/base/ids.h"
#include "originator.h"

namespace latchkey::authz {

/// Fast, unkeyed: it only spreads entries over slots, and an equal hash is always followed by a comparison.
[[nodiscard]] inline std::uint64_t mix(std::uint64_t hash, std::uint64_t value) noexcept {
  hash = (hash ^ value) * 0x9e37'79b9'7f4a'7c15U;
  return hash ^ (hash >> 32);
}
[[nodiscard]] inline std::uint64_t hash_text(std::string_view text) noexcept {
  std::uint64_t hash = text.size();
  while (text.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), 8);
    hash = mix(hash, word);
    text.remove_prefix(8);
  }
  std::uint64_t tail = 0;
  if (!text.empty()) std::memcpy(&tail, text.data(), text.size());
  return mix(hash, tail);
}

/// An originator as the index sees it: SP, CSE if any, stem. Views into the EntityId, which must outlive
/// this.
class Subject {
 public:
  explicit Subject(const EntityId& id);
  /// 0 for an identity that is neither a CSE-ID nor an AE-ID: no domain, no id of either covers it.
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] std::string_view segment(std::size_t i) const noexcept { return segments_[i]; }
  [[nodiscard]] std::uint64_t hash(std::size_t i) const noexcept { return hashes_[i]; }

 private:
  void add(std::string_view segment);
  std::array<std::string_view, 3> segments_;
  std::array<std::uint64_t, 3> hashes_{};
  std::size_t count_ = 0;
};

class OriginatorIndex {
 public:
  using EntryId = std::uint32_t;

  /// Adds the entry, or finds it. Before finish() only.
  EntryId add(const Originator& originator);
  /// Sets the rules that name each entry, by EntryId. After it the index is immutable.
  void finish(const std::vector<std::vector<std::uint32_t>>& rules_of_entry);

  [[nodiscard]] OriginatorKind kind(EntryId entry) const noexcept { return entries_[entry].kind; }
  [[nodiscard]] std::string_view text(EntryId entry) const noexcept {
    return std::string_view(texts_).substr(entries_[entry].text, entries_[entry].text_size);
  }
  [[nodiscard]] std::span<const std::uint32_t> rules(EntryId entry) const noexcept {
    return std::span(rules_).subspan(entries_[entry].rules, entries_[entry].rule_count);
  }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  /// Entries of kind group.
  [[nodiscard]] std::span<const EntryId> groups() const noexcept { return groups_; }

  /// Whether the entry, which is no group, covers the originator.
  [[nodiscard]] bool covers(EntryId entry, const Subject& subject,
                            std::span<const std::string> roles) const noexcept;

  /// Calls `visit(EntryId)` for each entry but groups that covers the originator, exact ids first, until one
  /// call is true. Returns whether one was. No allocation.
  template <class Visit>
  bool visit(const Subject& subject, std::span<const std::string> roles, Visit&& visit_entry) const;

 private:
  struct Entry {
    std::uint32_t hash = 0;
    std::uint32_t text = 0;
    std::uint32_t rules = 0;
    std::uint32_t rule_count = 0;
    std::uint16_t text_size = 0;
    OriginatorKind kind = OriginatorKind::all;
  };
  /// What the entity entries of one probe have in common.
  struct Shape {
    std::uint8_t count = 0;                ///< segments
    std::uint8_t wild = 0;                 ///< bit i: segment i has a '*'
    std::array<std::uint8_t, 3> prefix{};  ///< octets before the first '*' of a wild segment
    friend bool operator==(const Shape&, const Shape&) = default;
  };
  static constexpr std::uint32_t kEmpty = 0xffff'ffff;

  [[nodiscard]] static std::uint64_t salt(OriginatorKind kind) noexcept {
    return static_cast<std::uint64_t>(kind) + 1;
  }
  [[nodiscard]] static std::uint64_t salt(const Shape& shape) noexcept;
  [[nodiscard]] static Shape shape_of(std::string_view entity,
                                      std::array<std::string_view, 3>& segments) noexcept;
  [[nodiscard]] std::uint64_t hash_of(const Originator& originator);
  /// The hash that an entry of this shape has if it may cover the subject; false if it cannot.
  [[nodiscard]] static bool probe_hash(const Shape& shape, const Subject& subject,
                                       std::uint64_t& hash) noexcept;
  [[nodiscard]] static bool entity_covers(std::string_view pattern, const Subject& subject) noexcept;
  void rebuild_slots();

  /// Calls `visit_entry` for the entries of this kind and hash whose text satisfies `matches`.
  template <class Matches, class Visit>
  bool probe(OriginatorKind kind, std::uint64_t hash, const Matches& matches, Visit& visit_entry) const;

  std::vector<Entry> entries_;
  std::string texts_;
  std::vector<std::uint32_t> rules_;
  std::vector<std::uint32_t> slots_;  ///< open addressing, a power of two, at most three quarters full
  std::vector<Shape> shapes_;
  std::vector<EntryId> groups_;
  EntryId all_ = kEmpty;
  bool has_roles_ = false, has_domains_ = false;
  std::unordered_map<std::string, EntryId> known_;  ///< while building; empty afterwards
};

template <class Matches, class Visit>
bool OriginatorIndex::probe(OriginatorKind kind, std::uint64_t hash, const Matches& matches,
                            Visit& visit_entry) const {
  const auto mask = slots_.size() - 1;
  const auto wanted = static_cast<std::uint32_t>(hash);
  for (auto at = wanted & mask;; at = (at + 1) & mask) {
    const auto id = slots_[at];
    if (id == kEmpty) return false;
    const auto& entry = entries_[id];
    if (entry.hash == wanted && entry.kind == kind && matches(text(id)) && visit_entry(id)) return true;
  }
}

template <class Visit>
bool OriginatorIndex::visit(const Subject& subject, std::span<const std::string> roles,
                            Visit&& visit_entry) const {
  if (entries_.empty()) return false;
  if (subject.count() > 0) {
    const auto same = [&](std::string_view pattern) { return entity_covers(pattern, subject); };
    for (const auto& shape : shapes_) {
      std::uint64_t hash = 0;
      if (probe_hash(shape, subject, hash) && probe(OriginatorKind::entity, hash, same, visit_entry))
        return true;
    }
    const auto domain = [&](std::string_view sp) { return sp == subject.segment(0); };
    if (has_domains_ && probe(OriginatorKind::domain, mix(salt(OriginatorKind::domain), subject.hash(0)),
                              domain, visit_entry))
      return true;
  }
  if (all_ != kEmpty && visit_entry(all_)) return true;
  if (!has_roles_) return false;
  for (const auto& role : roles) {
    const auto same = [&](std::string_view text) { return text == role; };
    if (probe(OriginatorKind::role, mix(salt(OriginatorKind::role), hash_text(role)), same, visit_entry))
      return true;
  }
  return false;
}

}  // namespace latchkey::authz
