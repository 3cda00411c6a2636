#include "latchkey/bind/sender_pool.h"

#include <utility>

namespace latchkey::bind {

/// A sender that tells the pool when it is in use. It may be dropped from within the answer to its own
/// request.
class SenderPool::Entry final : public RequestSender {
 public:
  Entry(SenderPool& pool, std::string the_id, std::string the_owner, std::unique_ptr<RequestSender> sender)
      : id(std::move(the_id)), owner(std::move(the_owner)), pool_(pool), sender_(std::move(sender)) {}
  ~Entry() override {
    alive_.reset();  // a sender that goes answers what was asked: that is no business of the pool any more
    sender_.reset();
  }

  void send(codec::RequestPrimitive request, std::chrono::milliseconds timeout, Done done) override {
    if (under_way_++ == 0) pool_.take_from_idle(*this);
    sender_->send(std::move(request), timeout,
                  [this, weak = std::weak_ptr<bool>(alive_),
                   done = std::move(done)](Result<codec::ResponsePrimitive> response) mutable {
                    if (!weak.expired() && --under_way_ == 0) pool_.back_to_idle(*this);
                    done(std::move(response));
                  });
  }

  const std::string id, owner;
  bool is_idle = false;
  std::list<Entry*>::iterator place, place_of_owner;

 private:
  SenderPool& pool_;
  std::unique_ptr<RequestSender> sender_;
  std::size_t under_way_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

SenderPool::SenderPool(SenderPoolLimits limits) : limits_(limits) {}
SenderPool::~SenderPool() = default;

RequestSender* SenderPool::get(const std::string& owner, const std::string& key, const Make& make) {
  auto id = owner + "\n" + key;
  if (const auto found = entries_.find(id); found != entries_.end()) {
    Entry& entry = *found->second;
    if (entry.is_idle) {
      take_from_idle(entry);
      back_to_idle(entry);
    }
    return &entry;
  }
  auto& of_owner = owners_[owner];
  auto sender = make_room(owner) ? make() : nullptr;
  if (sender == nullptr) {
    if (of_owner.senders == 0) owners_.erase(owner);
    return nullptr;
  }
  auto entry = std::make_unique<Entry>(*this, id, owner, std::move(sender));
  Entry& added = *entry;
  entries_.emplace(std::move(id), std::move(entry));
  ++of_owner.senders;
  back_to_idle(added);
  return &added;
}

/// The owner's own idle ones go before those of others.
bool SenderPool::make_room(const std::string& asking) {
  auto& owner = owners_[asking];
  if (owner.senders >= limits_.of_owner) {
    if (owner.idle.empty()) return false;
    drop(*owner.idle.front(), asking);
  }
  if (entries_.size() < limits_.senders) return true;
  auto& candidates = owner.idle.empty() ? idle_ : owner.idle;
  if (candidates.empty()) return false;
  drop(*candidates.front(), asking);
  return true;
}

void SenderPool::take_from_idle(Entry& entry) {
  if (!std::exchange(entry.is_idle, false)) return;
  idle_.erase(entry.place);
  owners_[entry.owner].idle.erase(entry.place_of_owner);
}

void SenderPool::back_to_idle(Entry& entry) {
  auto& owner = owners_[entry.owner];
  entry.is_idle = true;
  entry.place = idle_.insert(idle_.end(), &entry);
  entry.place_of_owner = owner.idle.insert(owner.idle.end(), &entry);
}

/// An owner without senders is forgotten, but for the one that asks for a new one.
void SenderPool::drop(Entry& entry, const std::string& asking) {
  take_from_idle(entry);
  const auto found = entries_.find(entry.id);
  const auto gone = std::move(found->second);
  entries_.erase(found);
  const auto owner = owners_.find(gone->owner);
  if (--owner->second.senders == 0 && gone->owner != asking) owners_.erase(owner);
}

}  // namespace latchkey::bind
