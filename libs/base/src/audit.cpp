#include "latchkey/base/audit.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <thread>

#include "audit_file.h"
#include "json_text.h"
#include "refusal_limit.h"

namespace latchkey {
namespace {

void append_member(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out.append(",\"").append(name).append("\":");
  append_json_string(out, value);
}

using EventPtr = std::shared_ptr<const AuditEvent>;

}  // namespace

std::string_view to_string(AuditEventId id) noexcept {
  switch (id) {
    case AuditEventId::handshake_accepted:
      return "handshake_accepted";
    case AuditEventId::handshake_refused:
      return "handshake_refused";
    case AuditEventId::session_closed_by_policy:
      return "session_closed_by_policy";
    case AuditEventId::key_fetch_started:
      return "key_fetch_started";
    case AuditEventId::key_fetch_ok:
      return "key_fetch_ok";
    case AuditEventId::key_fetch_failed:
      return "key_fetch_failed";
    case AuditEventId::originator_accepted:
      return "originator_accepted";
    case AuditEventId::originator_refused:
      return "originator_refused";
    case AuditEventId::access_permitted:
      return "access_permitted";
    case AuditEventId::access_denied:
      return "access_denied";
    case AuditEventId::das_consulted:
      return "das_consulted";
    case AuditEventId::registration_ok:
      return "registration_ok";
    case AuditEventId::registration_refused:
      return "registration_refused";
    case AuditEventId::deregistration:
      return "deregistration";
    case AuditEventId::key_registered:
      return "key_registered";
    case AuditEventId::key_retrieved:
      return "key_retrieved";
    case AuditEventId::key_refused:
      return "key_refused";
    case AuditEventId::key_updated:
      return "key_updated";
    case AuditEventId::key_deleted:
      return "key_deleted";
    case AuditEventId::token_issued:
      return "token_issued";
    case AuditEventId::token_refused:
      return "token_refused";
    case AuditEventId::token_retrieved:
      return "token_retrieved";
    case AuditEventId::token_revoked:
      return "token_revoked";
    case AuditEventId::policy_granted:
      return "policy_granted";
    case AuditEventId::role_assigned:
      return "role_assigned";
    case AuditEventId::role_refused:
      return "role_refused";
    case AuditEventId::role_revoked:
      return "role_revoked";
    case AuditEventId::credential_reloaded:
      return "credential_reloaded";
    case AuditEventId::configuration_refused:
      return "configuration_refused";
    case AuditEventId::admin_action:
      return "admin_action";
    case AuditEventId::store_failure:
      return "store_failure";
  }
  return "unknown";
}

namespace {

void append_json(std::string& out, const AuditEvent& event) {
  out.append("{\"time\":\"").append(format_log_time(event.time)).append("\",\"event\":\"");
  out.append(to_string(event.id)).append("\"");
  append_member(out, "originator", event.originator);
  append_member(out, "peer", event.peer);
  append_member(out, "operation", event.operation);
  append_member(out, "target", event.target);
  append_member(out, "credential_id", event.credential_id);
  append_member(out, "reason", event.reason);
  if (event.status != 0) out.append(",\"status\":").append(std::to_string(event.status));
  out += '}';
}

}  // namespace

std::string to_json(const AuditEvent& event) {
  std::string out;
  append_json(out, event);
  return out;
}

struct AuditLog::Impl {
  Impl(Options given, std::unique_ptr<AuditFile> opened)
      : options(std::move(given)),
        file(std::move(opened)),
        refusals(options.refusals_per_source, options.refusal_sources) {
    if (file) writer = std::thread([this] { run(); });
  }

  /// Body of the background thread: takes all that waits, writes it with one system call, until stopped and
  /// empty. It lets a few milliseconds' events gather: to be woken for each costs more than to write it.
  void run() {
    std::unique_lock lock(mutex);
    while (true) {
      wake.wait(lock, [this] { return stop || !queue.empty(); });
      wake.wait_for(lock, kGather, [this] { return stop || is_filling(); });
      if (queue.empty()) return;
      auto batch = std::exchange(queue, {});
      lock.unlock();
      const std::uint64_t lost = write_batch(batch);
      lock.lock();
      dropped += lost;
    }
  }

  /// A null pointer stands for a reopen() at that place of the order. Returns how many events were lost.
  std::uint64_t write_batch(const std::deque<EventPtr>& batch) {
    std::string lines;
    std::uint64_t in_lines = 0;
    std::uint64_t lost = 0;
    const auto flush = [&] {
      lost += in_lines - file->write(lines);
      lines.clear();
      in_lines = 0;
    };
    for (const EventPtr& event : batch) {
      if (event == nullptr) {
        flush();
        file->reopen();
        continue;
      }
      append_json(lines, *event);
      lines += '\n';
      ++in_lines;
      if (lines.size() > kWriteBytes) flush();
    }
    flush();
    return lost;
  }

  /// Needs the lock. True if the writer is to be woken; `oldest` is what the ring gave up, to be freed after
  /// the lock.
  bool put(const EventPtr& entry, EventPtr& oldest) {
    if (options.ring_events > 0) {
      if (ring.size() >= options.ring_events) {
        oldest = std::move(ring.front());
        ring.pop_front();
      }
      ring.push_back(entry);
    }
    if (file == nullptr) return false;
    if (queue.size() >= options.queue_events) {
      ++dropped;
      return false;
    }
    const bool first = queue.empty(), was_filling = is_filling();
    queue.push_back(entry);
    return first || (is_filling() && !was_filling);
  }

  /// Needs the lock. True if the writer is to be woken.
  bool put_summaries(std::vector<AuditEvent> summaries) {
    bool wakes = false;
    for (AuditEvent& summary : summaries) {
      EventPtr oldest;
      if (put(std::make_shared<const AuditEvent>(std::move(summary)), oldest)) wakes = true;
    }
    return wakes;
  }

  /// Half full: there is nothing to wait for any more.
  [[nodiscard]] bool is_filling() const { return queue.size() >= (options.queue_events + 1) / 2; }

  static constexpr std::size_t kWriteBytes = 256UL * 1024UL;
  static constexpr std::chrono::milliseconds kGather{5};

  const Options options;
  const std::unique_ptr<AuditFile> file;
  mutable std::mutex mutex;  // guards what follows, held for a few instructions only
  std::condition_variable wake;
  std::deque<EventPtr> ring;
  std::deque<EventPtr> queue;
  RefusalLimit refusals;
  std::uint64_t dropped = 0;
  bool stop = false;
  std::thread writer;
};

Result<std::unique_ptr<AuditLog>> AuditLog::open(Options options) {
  std::unique_ptr<AuditFile> file;
  if (!options.path.empty()) {
    auto opened = AuditFile::open(options.path);
    if (!opened) return fail(opened.error());
    file = std::move(*opened);
  }
  return std::unique_ptr<AuditLog>(new AuditLog(std::make_unique<Impl>(std::move(options), std::move(file))));
}

AuditLog::AuditLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

AuditLog::~AuditLog() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->put_summaries(impl_->refusals.rest());
    impl_->stop = true;
  }
  impl_->wake.notify_one();
  if (impl_->writer.joinable()) impl_->writer.join();
}

void AuditLog::record(AuditEvent event) {
  const auto entry = std::make_shared<const AuditEvent>(std::move(event));
  EventPtr oldest;  // freed after the lock
  bool wake = false;
  {
    const std::lock_guard lock(impl_->mutex);
    wake = impl_->put_summaries(impl_->refusals.ended(entry->time));
    if (entry->id != AuditEventId::handshake_refused || impl_->refusals.admit(*entry))
      if (impl_->put(entry, oldest)) wake = true;
  }
  if (wake) impl_->wake.notify_one();
}

std::vector<AuditEvent> AuditLog::query(const std::function<bool(const AuditEvent&)>& match,
                                        std::size_t limit) const {
  std::vector<EventPtr> newest_first;  // a copy of pointers: `match` must not hold up record()
  {
    const std::lock_guard lock(impl_->mutex);
    newest_first.assign(impl_->ring.rbegin(), impl_->ring.rend());
  }
  std::vector<AuditEvent> found;
  for (const EventPtr& event : newest_first) {
    if (found.size() >= limit) break;
    if (match(*event)) found.push_back(*event);
  }
  std::reverse(found.begin(), found.end());
  return found;
}

std::uint64_t AuditLog::dropped() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->dropped;
}

void AuditLog::reopen() {
  if (impl_->file == nullptr) return;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->queue.push_back(nullptr);
  }
  impl_->wake.notify_one();
}

}  // namespace latchkey
