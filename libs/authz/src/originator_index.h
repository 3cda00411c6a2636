#pragma once
/// Finds the rules that name an originator, at a cost that hardly depends on how many originators are named.
///
/// Every distinct entry of the acor lists is kept once, in canonical text. Entries with the same shape (which
/// segments are literal, how long the literal beginning of the others is) can be found by one hash probe:
/// hash the same parts of the originator and look the value up. So a decision makes one probe for each shape
/// that occurs, not one comparison for each pattern.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
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

/// Puts arrays into one block: most policies have a handful of rules, for which the blocks and pointers of
/// seven vectors would weigh more than what is in them. Types with an alignment of 4 go before those of 1.
class Packer {
 public:
  explicit Packer(std::size_t octets)
      : block_(std::make_unique_for_overwrite<std::byte[]>(octets)), at_(block_.get()) {}
  template <class T>
  [[nodiscard]] std::span<const T> put(const std::vector<T>& from) {
    static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= 4);
    const auto* const begin = reinterpret_cast<const T*>(at_);
    const auto octets = from.size() * sizeof(T);
    if (octets > 0) std::memcpy(at_, from.data(), octets);
    at_ += octets;
    return {begin, from.size()};
  }
  /// The block, which must outlive what put() returned.
  [[nodiscard]] std::unique_ptr<const std::byte[]> take() { return std::move(block_); }

 private:
  std::unique_ptr<std::byte[]> block_;
  std::byte* at_;
};

/// Made by an OriginatorIndexBuilder; immutable. Its arrays are in the block of a Packer.
class OriginatorIndex {
 public:
  using EntryId = std::uint32_t;

  [[nodiscard]] OriginatorKind kind(EntryId entry) const noexcept { return entries_[entry].kind; }
  [[nodiscard]] std::string_view text(EntryId entry) const noexcept {
    return {texts_.data() + entries_[entry].text, entries_[entry].text_size};
  }
  [[nodiscard]] std::span<const std::uint32_t> rules(EntryId entry) const noexcept {
    return rules_.subspan(entries_[entry].rules, entries_[entry].rule_count);
  }
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
  friend class OriginatorIndexBuilder;

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
  /// The hash that an entry of this shape has if it may cover the subject; false if it cannot.
  [[nodiscard]] static bool probe_hash(const Shape& shape, const Subject& subject,
                                       std::uint64_t& hash) noexcept;
  [[nodiscard]] static bool entity_covers(std::string_view pattern, const Subject& subject) noexcept;

  /// Calls `visit_entry` for the entries of this kind and hash whose text satisfies `matches`.
  template <class Matches, class Visit>
  bool probe(OriginatorKind kind, std::uint64_t hash, const Matches& matches, Visit& visit_entry) const;

  std::span<const Entry> entries_;
  std::span<const std::uint32_t> rules_, slots_;  ///< slots: open addressing, a power of two
  std::span<const EntryId> groups_;
  std::span<const Shape> shapes_;
  std::span<const char> texts_;
  EntryId all_ = kEmpty;
  bool has_roles_ = false, has_domains_ = false;
};

/// Collects the entries of a policy.
class OriginatorIndexBuilder {
 public:
  using EntryId = OriginatorIndex::EntryId;

  /// Adds the entry, or finds it.
  EntryId add(const Originator& originator);
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  /// Sets the rules that name each entry, by EntryId. Once, after the last add().
  void finish(const std::vector<std::vector<std::uint32_t>>& rules_of_entry);
  /// How much pack() takes.
  [[nodiscard]] std::size_t octets() const noexcept;
  [[nodiscard]] OriginatorIndex pack(Packer& packer) const;

 private:
  using Shape = OriginatorIndex::Shape;
  [[nodiscard]] std::uint64_t hash_of(const Originator& originator);
  void fill_slots();

  std::vector<OriginatorIndex::Entry> entries_;
  std::vector<char> texts_;
  std::vector<std::uint32_t> rules_, slots_;
  std::vector<Shape> shapes_;
  std::vector<EntryId> groups_;
  std::unordered_map<std::string, EntryId> known_;
  OriginatorIndex flags_;  ///< what is no array
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
