#pragma once
/// Verified tokens under the names that a request may give them: Token-ID, and the Local-Token-ID that this
/// CSE assigned for their holder (TS-0003 7.3.2.3, TS-0001 11.5.3).
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "latchkey/authz/grants.h"

namespace latchkey::cse {

/// Bounded: the oldest make room. Whether a token is still valid is for the caller to ask each time.
class TokenShelf {
 public:
  using Token = std::shared_ptr<const authz::Token>;
  /// `local_ids_begin` must differ between two starts: an id of an earlier run must not name another token.
  TokenShelf(std::size_t tokens_max, std::string local_ids_begin)
      : tokens_max_(tokens_max), local_ids_begin_(std::move(local_ids_begin)) {}

  /// Takes it in; a token of the same Token-ID makes way. Returns its Local-Token-ID if that is new.
  std::string keep(const Token& token);
  /// nullptr: not known.
  [[nodiscard]] Token by_id(std::string_view token_id) const;
  [[nodiscard]] Token by_local_id(const EntityId& holder, std::string_view local_id) const;
  void clear();

 private:
  struct Entry {
    Token token;
    std::string local_id;
  };
  using Entries = std::list<Entry>;
  void drop(Entries::iterator entry);

  const std::size_t tokens_max_;
  const std::string local_ids_begin_;
  std::uint64_t last_local_id_ = 0;
  Entries entries_;                                                              // oldest first
  std::unordered_map<std::string_view, Entries::iterator> by_id_, by_local_id_;  // keys view the entries
};

}  // namespace latchkey::cse
