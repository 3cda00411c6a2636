#pragma once
/// Verified tokens by the text they came in. A hit costs one pass over the text, whatever the number of
/// tokens.
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "latchkey/authz/grants.h"

namespace latchkey::authz {

/// Not thread-safe: the verifier locks. Only texts that verified are put in, so that nobody without an
/// issuer's key chooses what collides; a collision replaces the older entry and never answers for it, since
/// the text is compared.
class TokenCache {
 public:
  TokenCache(std::size_t tokens_max, std::size_t octets_max);
  [[nodiscard]] std::shared_ptr<const Token> find(std::string_view text) const;
  /// The oldest make room.
  void insert(std::string_view text, std::shared_ptr<const Token> token);
  void erase(std::string_view text);
  void clear();
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct Entry {
    std::string text;
    std::shared_ptr<const Token> token;
    std::list<std::uint64_t>::iterator age;
  };
  using Entries = std::unordered_map<std::uint64_t, Entry>;
  [[nodiscard]] std::uint64_t key(std::string_view text) const noexcept;
  void erase(Entries::iterator at);

  std::size_t tokens_max_, octets_max_;
  std::uint64_t seed_;
  std::size_t octets_ = 0;
  Entries entries_;
  std::list<std::uint64_t> by_age_;  ///< oldest first
};

}  // namespace latchkey::authz
