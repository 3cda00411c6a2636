#pragma once
/// Ways out whose ends are named by others: notification targets, registrees. As many as are in use, a
/// bounded number in all, and a share of them for each who names some.
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "latchkey/bind/request.h"

namespace latchkey::bind {

struct SenderPoolLimits {
  std::size_t senders = 10'000;  ///< in all
  std::size_t of_owner = 1'000;  ///< named by one entity, so that it exhausts its own share only
};

/// Senders by owner and key. One that has a request under way is never given up; of the idle ones the least
/// recently used makes room for a new one. Reactor's thread.
class SenderPool {
 public:
  using Make = std::function<std::unique_ptr<RequestSender>()>;

  explicit SenderPool(SenderPoolLimits limits);
  ~SenderPool();
  SenderPool(const SenderPool&) = delete;
  SenderPool& operator=(const SenderPool&) = delete;

  /// The sender that `owner` (who named its peer) has under `key`, made by `make` if there is none. nullptr:
  /// `make` gave none, or all that the owner or the pool may have are in use. Valid until the next call.
  [[nodiscard]] RequestSender* get(const std::string& owner, const std::string& key, const Make& make);
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  class Entry;
  struct Owner {
    std::size_t senders = 0;
    std::list<Entry*> idle;  ///< least recently used first
  };
  [[nodiscard]] bool make_room(const std::string& asking);
  void take_from_idle(Entry& entry);
  void back_to_idle(Entry& entry);
  void drop(Entry& entry, const std::string& asking);

  const SenderPoolLimits limits_;
  std::unordered_map<std::string, Owner> owners_;
  std::list<Entry*> idle_;  ///< of all owners, least recently used first
  std::unordered_map<std::string, std::unique_ptr<Entry>> entries_;
};

}  // namespace latchkey::bind
