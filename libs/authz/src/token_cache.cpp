#include "token_cache.h"

#include <array>
#include <cstring>

#include "latchkey/crypto/crypto.h"
#include "originator_index.h"

namespace latchkey::authz {
namespace {

std::uint64_t random_seed() {
  std::array<std::uint8_t, sizeof(std::uint64_t)> octets{};
  crypto::random_fill(octets);
  std::uint64_t seed = 0;
  std::memcpy(&seed, octets.data(), octets.size());
  return seed;
}

}  // namespace

TokenCache::TokenCache(std::size_t tokens_max, std::size_t octets_max)
    : tokens_max_(tokens_max), octets_max_(octets_max), seed_(random_seed()) {}

std::uint64_t TokenCache::key(std::string_view text) const noexcept { return mix(seed_, hash_text(text)); }

std::shared_ptr<const Token> TokenCache::find(std::string_view text) const {
  const auto at = entries_.find(key(text));
  return at != entries_.end() && at->second.text == text ? at->second.token : nullptr;
}

void TokenCache::insert(std::string_view text, std::shared_ptr<const Token> token) {
  if (tokens_max_ == 0 || text.size() > octets_max_) return;
  const auto hash = key(text);
  if (const auto at = entries_.find(hash); at != entries_.end()) erase(at);
  while (entries_.size() >= tokens_max_ || octets_ + text.size() > octets_max_)
    erase(entries_.find(by_age_.front()));
  by_age_.push_back(hash);
  entries_.emplace(hash, Entry{std::string(text), std::move(token), std::prev(by_age_.end())});
  octets_ += text.size();
}

void TokenCache::erase(std::string_view text) {
  const auto at = entries_.find(key(text));
  if (at != entries_.end() && at->second.text == text) erase(at);
}

void TokenCache::erase(Entries::iterator at) {
  octets_ -= at->second.text.size();
  by_age_.erase(at->second.age);
  entries_.erase(at);
}

void TokenCache::clear() {
  entries_.clear();
  by_age_.clear();
  octets_ = 0;
}

}  // namespace latchkey::authz
