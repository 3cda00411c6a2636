#include "core.h"

#include <algorithm>

#include "containers.h"
#include "end_to_end.h"
#include "latchkey/base/log.h"
#include "location_policy.h"

namespace latchkey::cse {

namespace {

constexpr std::size_t kExpireAtOnce = 200;
constexpr std::chrono::milliseconds kExpiryTimerMax = std::chrono::hours(24);

}  // namespace

Request Request::with(RequestPrimitive primitive) const {
  return {.in = {.primitive = std::move(primitive),
                 .security = in.security,
                 .listener = in.listener,
                 .listener_name = in.listener_name,
                 .peer = in.peer,
                 .peer_ip = in.peer_ip,
                 .channel = in.channel,
                 .received = in.received},
          .originator = originator,
          .rq_authn = rq_authn,
          .end_to_end = end_to_end,
          .administrator = administrator,
          .associated = associated,
          .trusted = trusted,
          .seen = seen,
          .groups_passed = groups_passed,
          .members_left = members_left,
          .evidence = evidence,
          .location = location,
          .collected = collected};
}

ResponsePrimitive response_to(const RequestPrimitive& request, Rsc rsc, codec::Content content) {
  ResponsePrimitive response;
  response.rsc = rsc;
  response.rqi = request.rqi;
  response.rvi = request.rvi;
  response.pc = std::move(content);
  return response;
}

Core::Core(CseOptions the_options, store::Store& the_store, Executor& the_executor, const Clock& the_clock,
           AuditSink& the_audit, Peers& the_peers)
    : options(std::move(the_options)),
      store(the_store),
      executor(the_executor),
      clock(the_clock),
      audit(the_audit),
      peers(the_peers),
      tree(options.cse_id) {}

Core::~Core() {
  executor.cancel(expiry_timer_);
  if (write_out_posted_) write_out();
}

// Write path: memory first, then the disk; whoever was shown a change waits for the disk.

void Core::commit(std::uint64_t sequence, store::Batch batch) {
  turn_.append(std::move(batch));
  turn_sequence_ = std::max(turn_sequence_, sequence);
  if (!std::exchange(write_out_posted_, true)) {
    executor.post([weak = std::weak_ptr<Core*>(self_)] {
      if (const auto alive = weak.lock()) (*alive)->write_out();
    });
  }
  schedule_expiry();
}

void Core::write_out() {
  write_out_posted_ = false;
  tree.write_counted(turn_);
  store.commit(std::exchange(turn_, {}), [weak = std::weak_ptr<Core*>(self_), &executor = executor,
                                          sequence = turn_sequence_](Status status) {
    executor.post([weak, sequence, status = std::move(status)] {
      if (const auto alive = weak.lock()) (*alive)->committed(sequence, status);
    });
  });
}

void Core::committed(std::uint64_t sequence, const Status& status) {
  if (!status && !failed_) {
    failed_ = true;
    log::error("cse", "store failed, nothing is written any more: " + status.error().detail);
    AuditEvent event;
    event.id = AuditEventId::store_failure;
    event.time = clock.now();
    event.reason = status.error().detail;
    audit.record(std::move(event));
    if (options.store_failed) options.store_failed(status.error());
  }
  // Batches become durable in their order; after a failure none of the later ones does.
  if (!failed_) durable_ = std::max(durable_, sequence);
  const auto end = failed_ ? waiting_.end() : waiting_.upper_bound(durable_);
  std::vector<Settled> ready;
  for (auto at = waiting_.begin(); at != end; ++at) ready.push_back(std::move(at->second));
  waiting_.erase(waiting_.begin(), end);
  for (auto& settled : ready) settled(!failed_);
}

void Core::when_settled(std::uint64_t sequence, Settled settled) {
  if (sequence <= durable_) return settled(true);
  if (failed_) return settled(false);
  waiting_.emplace(sequence, std::move(settled));
}

void Core::when_durable(std::uint64_t sequence, Task task) {
  when_settled(sequence, [task = std::move(task)](bool durable) mutable {
    if (durable) task();
  });
}

std::uint64_t Core::change(Resource& resource, json::object changes) {
  const auto sequence = begin();
  store::Batch batch;
  changes["lt"] = format_timestamp(clock.now());
  tree.update(resource, changes, sequence, batch);
  commit(sequence, std::move(batch));
  return sequence;
}

// Removal. Subscriptions hear of a removal before they go with the rest.

void Core::announce_removal(const Resource& resource, const std::optional<EntityId>& originator,
                            std::uint64_t sequence) {
  ResourceEvent event{.kind = EventKind::remove,
                      .subject = &resource,
                      .operation = codec::Operation::del,
                      .originator = &originator,
                      .sequence = sequence};
  subscriptions->on_event(event);
  if (resource.parent == nullptr) return;
  event.kind = EventKind::remove_child;
  event.subject = resource.parent;
  event.child = &resource;
  subscriptions->on_event(event);
}

void Core::take_out(Resource& resource, std::uint64_t sequence, store::Batch& batch) {
  if (resource.is(codec::Ty::sub)) subscriptions->detach(resource, sequence);
  if (resource.is(codec::Ty::pch)) polling->detach(resource);
  if (resource.is(codec::Ty::acp) || resource.is(codec::Ty::grp)) access->forget(resource);
  if (auto* const policies = location_policies(*this); resource.is(codec::Ty::lcp) && policies != nullptr)
    policies->detach(resource);
  tree.remove(resource, sequence, batch);
}

std::uint64_t Core::remove(Resource& resource, const std::optional<EntityId>& originator) {
  const auto sequence = begin();
  store::Batch batch;
  Resource* const parent = resource.parent;
  const bool instance = resource.is(codec::Ty::cin);
  const auto size = resource.number("cs");
  ResourceTree::for_each_descendant(resource,
                                    [&](Resource& below) { announce_removal(below, originator, sequence); });
  announce_removal(resource, originator, sequence);
  ResourceTree::for_each_descendant(resource, [&](Resource& below) { take_out(below, sequence, batch); });
  take_out(resource, sequence, batch);
  if (instance && parent != nullptr) count_removal(*this, *parent, size, sequence);
  commit(sequence, std::move(batch));
  return sequence;
}

// Expiration (TS-0001 9.6.1.3.1): one timer for the earliest et.

void Core::schedule_expiry() {
  const auto next = tree.next_expiry();
  if (next == expiry_set_for_) return;
  executor.cancel(expiry_timer_);
  expiry_set_for_ = next;
  if (!next) return;
  const auto delay = std::chrono::ceil<std::chrono::milliseconds>(*next - clock.now());
  expiry_timer_ =
      executor.after(std::clamp(delay, std::chrono::milliseconds(1), kExpiryTimerMax), [this] { expire(); });
}

void Core::expire() {
  expiry_set_for_.reset();
  for (std::size_t i = 0; i < kExpireAtOnce && !failed_; ++i) {
    Resource* const due = tree.expired(clock.now());
    if (due == nullptr) break;
    remove(*due, std::nullopt);
  }
  if (!failed_) schedule_expiry();
}

// Answers.

void Core::answer(const Request& request, ResponsePrimitive response, Respond respond) {
  answer_written(request, 0, std::move(response), std::move(respond));
}

void Core::answer_written(const Request& request, std::uint64_t sequence, ResponsePrimitive response,
                          Respond respond) {
  when_settled(std::max(request.seen, sequence),
               [response = std::move(response), respond = std::move(respond)](bool durable) mutable {
                 if (!durable) {
                   response.rsc = Rsc::internal_server_error;
                   response.pc = json::object{{"m2m:dbg", "not stored"}};
                   response.content_location.clear();
                 }
                 respond(std::move(response));
               });
}

void Core::refuse(const Request& request, const codec::Refusal& refusal, Respond respond) {
  answer(request, codec::refusal_response(request.primitive(), refusal), std::move(respond));
}

}  // namespace latchkey::cse
