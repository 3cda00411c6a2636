#include "token_shelf.h"

namespace latchkey::cse {

std::string TokenShelf::keep(const Token& token) {
  if (const auto known = by_id_.find(token->token_id); known != by_id_.end()) {
    if (known->second->token == token) return {};
    drop(known->second);
  }
  if (entries_.size() >= tokens_max_) drop(entries_.begin());
  entries_.push_back({token, local_ids_begin_ + std::to_string(++last_local_id_)});
  const auto entry = std::prev(entries_.end());
  by_id_.emplace(entry->token->token_id, entry);
  by_local_id_.emplace(entry->local_id, entry);
  return entry->local_id;
}

TokenShelf::Token TokenShelf::by_id(std::string_view token_id) const {
  const auto found = by_id_.find(token_id);
  return found != by_id_.end() ? found->second->token : nullptr;
}

TokenShelf::Token TokenShelf::by_local_id(const EntityId& holder, std::string_view local_id) const {
  const auto found = by_local_id_.find(local_id);
  return found != by_local_id_.end() && found->second->token->holder == holder ? found->second->token
                                                                               : nullptr;
}

void TokenShelf::drop(Entries::iterator entry) {
  by_id_.erase(entry->token->token_id);
  by_local_id_.erase(entry->local_id);
  entries_.erase(entry);
}

void TokenShelf::clear() {
  by_id_.clear();
  by_local_id_.clear();
  entries_.clear();
}

}  // namespace latchkey::cse
