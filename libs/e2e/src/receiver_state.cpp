#include "receiver_state.h"

#include <algorithm>

namespace latchkey::e2e {
namespace {

constexpr std::chrono::seconds kPurgeInterval{10};
constexpr std::size_t kHeadersPerSession = 4;
constexpr std::size_t kKnownHeaderOctets = 2'048;
constexpr std::string_view kAnswerType = "vnd.onem2m-prsp";

std::string live_name(std::string_view kid, std::string_view ori) {
  return std::string(kid) + " " + std::string(ori);
}

}  // namespace

Status ReceiverMemory::add_key(PairwiseEsPrimKey::Shared key) {
  const std::string id = key->id();
  if (!keys_.contains(id) && keys_.size() >= config_.keys)
    return fail(ErrorCode::limit, "more than " + std::to_string(config_.keys) + " pairwise keys");
  remove_key(id);
  keys_.emplace(id, KeyState{std::move(key)});
  return {};
}

void ReceiverMemory::remove_key(std::string_view id) {
  const auto found = keys_.find(id);
  if (found == keys_.end()) return;
  // What came in its sessions stays known: the same key may be added again.
  for (const auto& live : found->second.lives) {
    live->closed = true;
    for (const std::string& header : live->headers) known_.erase(header);
    live->headers.clear();
  }
  keys_.erase(found);
}

KeyState* ReceiverMemory::key(std::string_view id) {
  const auto found = keys_.find(id);
  return found != keys_.end() ? &found->second : nullptr;
}

Issued& ReceiverMemory::add_object(bool shared, TimePoint now) {
  make_room();
  const auto lifetime = shared ? config_.shared_lifetime : config_.unshared_lifetime;
  auto object = ReceiverRandObject::make(shared, now + lifetime, config_.encs);
  const std::string id = object.id();
  return objects_.emplace(id, Issued{.object = std::move(object), .number = ++numbers_}).first->second;
}

const ReceiverRandObject& ReceiverMemory::shared_object(TimePoint now) {
  const auto current = objects_.find(shared_);
  if (current != objects_.end() && current->second.object.end() - config_.refresh_ahead > now)
    return current->second.object;
  const Issued& made = add_object(true, now);
  shared_ = made.object.id();
  return made.object;
}

const ReceiverRandObject& ReceiverMemory::issue(std::string_view requester, TimePoint now) {
  auto oldest = objects_.end();
  std::size_t unused = 0;
  for (auto at = objects_.begin(); at != objects_.end(); ++at) {
    const Issued& issued = at->second;
    if (issued.object.shared() || issued.requester != requester || !issued.owner.empty()) continue;
    ++unused;
    if (oldest == objects_.end() || issued.number < oldest->second.number) oldest = at;
  }
  if (unused > 0 && unused >= config_.unused_per_requester) give_up(oldest);
  Issued& made = add_object(false, now);
  made.requester = requester;
  return made.object;
}

std::optional<ReceiverRandObject> ReceiverMemory::successor(std::string_view rri, TimePoint now) {
  const auto found = objects_.find(rri);
  if (found == objects_.end()) return {};
  const auto ahead = found->second.object.shared() ? config_.refresh_ahead : config_.unshared_lifetime / 4;
  if (found->second.object.end() - ahead > now) return {};
  if (config_.share) return shared_object(now);
  const auto next = objects_.find(found->second.successor);
  if (next != objects_.end()) return next->second.object;
  const std::string owner = found->second.owner;
  Issued& made = add_object(false, now);
  made.owner = owner;
  // Making room may have given up the one that this is to follow.
  if (const auto old = objects_.find(rri); old != objects_.end()) old->second.successor = made.object.id();
  return made.object;
}

std::optional<Known> ReceiverMemory::known(std::string_view header, TimePoint now) const {
  const auto found = known_.find(header);
  if (found == known_.end() || found->second.live->session->end() <= now) return {};
  return found->second;
}

EsPrimResult<OriginatorRandObject> ReceiverMemory::originator_object(const KeyState& key,
                                                                     const EsPrimHeader& header) const {
  const auto known = std::ranges::find(key.objects, header.ori, &RandObject::id);
  const bool given = header.oro && header.oro->id() == header.ori;
  if (known == key.objects.end()) {
    if (given) return *header.oro;
    return refuse(EsPrimDefect::unknown_originator_object, "ori is not known and no oro of that ID is there");
  }
  if (given && !(*known == *header.oro))
    return refuse(EsPrimDefect::changed_originator_object,
                  "oro differs from the one first sent under its ID");
  return *known;
}

EsPrimResult<Known> ReceiverMemory::resolve(const EsPrimHeader& header, TimePoint now) {
  if (header.rro) return refuse(EsPrimDefect::header, "rro: sent by Receivers only");
  const KeyState* const state = key(header.kid);
  if (state == nullptr) return refuse(EsPrimDefect::unknown_key, "kid is not known");
  if (state->key->expired(now)) return refuse(EsPrimDefect::expired_key, "the pairwise key has expired");
  const auto found = objects_.find(header.rri);
  if (found == objects_.end() || found->second.object.end() <= now)
    return refuse(EsPrimDefect::unknown_receiver_object, "rri is not known or has expired");
  const Issued& issued = found->second;
  if (!issued.owner.empty() && issued.owner != header.kid)
    return refuse(EsPrimDefect::foreign_receiver_object, "rri is in use with another key");
  const auto originator = originator_object(*state, header);
  if (!originator) return tl::unexpected(originator.error());

  Known out{.enc = header.enc, .cty = header.cty};
  if (const auto live = issued.lives.find(live_name(header.kid, header.ori)); live != issued.lives.end()) {
    if (live->second->closed)
      return refuse(EsPrimDefect::unknown_originator_object, "the key of this session was removed");
    if (!(live->second->session->originator() == *originator))
      return refuse(EsPrimDefect::changed_originator_object, "oro differs from the one of the session");
    if (live->second->session->end() <= now)
      return refuse(EsPrimDefect::expired_originator_object, "the originator object has expired");
    out.live = live->second;
  } else {
    auto session = Session::establish(state->key, issued.object, *originator, now, kAnswerType);
    if (!session) return tl::unexpected(session.error());
    out.live = std::make_shared<Live>(Live{.session = std::move(*session), .shared = issued.object.shared()});
  }
  if (!out.live->session->permits(header.enc))
    return refuse(EsPrimDefect::algorithms, "enc is not in espa of the originator object");
  return out;
}

EsPrimResult<void> ReceiverMemory::admit(const Known& known, std::string_view encoded_header,
                                         const std::optional<EsPrimHeader>& header, std::string_view rqi) {
  const Session& session = *known.live->session;
  KeyState* const state = key(session.pairwise().id());
  if (state == nullptr || state->key.get() != &session.pairwise())
    return refuse(EsPrimDefect::unknown_key, "the key was removed");
  const auto hash = std::hash<std::string_view>{}(rqi);
  for (const auto& live : state->lives)
    if (live->requests.contains(hash)) return refuse(EsPrimDefect::replayed, "rqi was received before");
  if (requests_ >= config_.requests) make_room();
  if (auto added = add_live(*state, known.live); !added) return added;
  // The stored session of this header: another message of it may have been first.
  Issued& issued = objects_.find(session.rri())->second;
  const auto& live = issued.lives.at(live_name(session.pairwise().id(), session.ori()));
  if (live->requests.size() >= config_.requests_per_session)
    return refuse(EsPrimDefect::used_up, "the session has carried its requests");
  live->requests.insert(hash);
  ++issued.requests;
  ++requests_;
  record(*state, session.originator());
  const bool announces = header && header->oro && header->oro->id() != header->ori;
  if (announces) record(*state, *header->oro);
  if (!announces) remember_header({live, known.enc, known.cty}, encoded_header);
  return {};
}

EsPrimResult<void> ReceiverMemory::add_live(KeyState& key, const std::shared_ptr<Live>& live) {
  const Session& session = *live->session;
  const auto name = live_name(key.key->id(), session.ori());
  auto found = objects_.find(session.rri());
  if (found != objects_.end() && found->second.lives.contains(name)) return {};
  const auto same_kind = [&](const std::shared_ptr<Live>& other) { return other->shared == live->shared; };
  if (static_cast<std::size_t>(std::ranges::count_if(key.lives, same_kind)) >= config_.sessions_per_key) {
    const auto oldest = std::ranges::find_if(key.lives, same_kind);
    if (live->shared || (*oldest)->session->rri() == session.rri())
      return refuse(EsPrimDefect::crowded, "too many sessions of one key");
    give_up(objects_.find((*oldest)->session->rri()));
  }
  if (sessions_ >= config_.sessions) make_room();
  found = objects_.find(session.rri());
  if (found == objects_.end()) return refuse(EsPrimDefect::unknown_receiver_object, "rri was given up");
  Issued& issued = found->second;
  if (!issued.object.shared()) {
    if (!issued.owner.empty() && issued.owner != key.key->id())
      return refuse(EsPrimDefect::foreign_receiver_object, "rri is in use with another key");
    issued.owner = key.key->id();
  }
  issued.lives.emplace(name, live);
  key.lives.push_back(live);
  ++sessions_;
  return {};
}

void ReceiverMemory::record(KeyState& key, const OriginatorRandObject& object) {
  if (std::ranges::find(key.objects, object.id(), &RandObject::id) != key.objects.end()) return;
  if (key.objects.size() >= kOriginatorObjectsPerKey)
    key.objects.erase(std::ranges::min_element(key.objects, {}, &RandObject::end));
  key.objects.push_back(object);
}

void ReceiverMemory::remember_header(const Known& known, std::string_view encoded) {
  if (known.live->headers.size() >= kHeadersPerSession || encoded.size() > kKnownHeaderOctets) return;
  if (!known_.emplace(std::string(encoded), known).second) return;
  known.live->headers.emplace_back(encoded);
}

void ReceiverMemory::forget(Issued& object, const std::shared_ptr<Live>& live) {
  for (const std::string& header : live->headers) known_.erase(header);
  object.requests -= live->requests.size();
  requests_ -= live->requests.size();
  --sessions_;
  if (KeyState* const state = key(live->session->pairwise().id())) std::erase(state->lives, live);
}

void ReceiverMemory::give_up(Objects::iterator object) {
  for (const auto& [name, live] : object->second.lives) forget(object->second, live);
  objects_.erase(object);
}

ReceiverMemory::Objects::iterator ReceiverMemory::oldest_unused() {
  auto oldest = objects_.end();
  for (auto at = objects_.begin(); at != objects_.end(); ++at) {
    if (at->second.object.shared() || !at->second.owner.empty()) continue;
    if (oldest == objects_.end() || at->second.number < oldest->second.number) oldest = at;
  }
  return oldest;
}

/// For one more object, the oldest that nobody uses goes first. Whatever else is full, the object with most
/// behind it goes; among equals the oldest.
void ReceiverMemory::make_room() {
  const auto more = [](const auto& a, const auto& b) {
    const auto rank = [](const Issued& issued) {
      return std::pair(issued.requests + issued.lives.size(), ~issued.number);
    };
    return rank(a.second) < rank(b.second);
  };
  if (objects_.size() >= config_.receiver_objects)
    if (const auto unused = oldest_unused(); unused != objects_.end()) give_up(unused);
  while (objects_.size() >= config_.receiver_objects || sessions_ >= config_.sessions ||
         requests_ >= config_.requests)
    give_up(std::ranges::max_element(objects_, more));
}

void ReceiverMemory::purge(TimePoint now) {
  if (now < next_purge_) return;
  next_purge_ = now + kPurgeInterval;
  for (auto at = objects_.begin(); at != objects_.end();) {
    const auto object = at++;
    if (object->second.object.end() <= now) {
      give_up(object);
      continue;
    }
    std::erase_if(object->second.lives, [&](const auto& entry) {
      if (entry.second->session->end() > now) return false;
      forget(object->second, entry.second);
      return true;
    });
  }
  for (auto at = keys_.begin(); at != keys_.end();) {
    const auto state = at++;
    std::erase_if(state->second.objects, [&](const auto& object) { return object.end() <= now; });
    if (state->second.key->expired(now)) remove_key(std::string(state->first));
  }
}

EsPrimReceiver::Counts ReceiverMemory::counts() const {
  return {keys_.size(), objects_.size(), sessions_, requests_};
}

}  // namespace latchkey::e2e
