#include "latchkey/base/audit.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <thread>

#include "json_text.h"
#include "latchkey/base/log.h"

namespace latchkey {
namespace {

void append_member(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out.append(",\"").append(name).append("\":");
  append_json_string(out, value);
}

/// The file behind an AuditLog; used by its background thread only, after the constructor.
class AuditFile {
 public:
  explicit AuditFile(std::string path) : path_(std::move(path)) { open(); }
  AuditFile(const AuditFile&) = delete;
  AuditFile& operator=(const AuditFile&) = delete;
  ~AuditFile() { close(); }

  void reopen() {
    close();
    open();
  }

  /// False if not everything could be written.
  bool write(std::string_view lines) {
    while (!lines.empty()) {
      const ssize_t size = fd_ < 0 ? -1 : ::write(fd_, lines.data(), lines.size());
      if (size < 0 && fd_ >= 0 && errno == EINTR) continue;
      if (size < 0) return complain("cannot write");
      lines.remove_prefix(static_cast<std::size_t>(size));
    }
    complained_ = false;
    return true;
  }

 private:
  void open() {
    fd_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd_ < 0) complain("cannot open");
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
    complained_ = false;
  }
  /// Once per failure, not once per event.
  bool complain(const char* what) {
    if (!complained_) log::error("audit", std::string(what) + " " + path_ + ": " + std::strerror(errno));
    complained_ = true;
    return false;
  }

  std::string path_;
  int fd_ = -1;
  bool complained_ = false;
};

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
  explicit Impl(Options given) : options(std::move(given)) {
    if (options.path.empty()) return;
    file = std::make_unique<AuditFile>(options.path);
    writer = std::thread([this] { run(); });
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
      if (!file->write(lines)) lost += in_lines;
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

  /// Half full: there is nothing to wait for any more.
  [[nodiscard]] bool is_filling() const { return queue.size() >= (options.queue_events + 1) / 2; }

  static constexpr std::size_t kWriteBytes = 256UL * 1024UL;
  static constexpr std::chrono::milliseconds kGather{5};

  const Options options;
  std::unique_ptr<AuditFile> file;
  mutable std::mutex mutex;  // guards what follows, held for a few instructions only
  std::condition_variable wake;
  std::deque<EventPtr> ring;
  std::deque<EventPtr> queue;
  std::uint64_t dropped = 0;
  bool stop = false;
  std::thread writer;
};

AuditLog::AuditLog(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}

AuditLog::~AuditLog() {
  {
    const std::lock_guard lock(impl_->mutex);
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
    if (impl_->options.ring_events > 0) {
      if (impl_->ring.size() >= impl_->options.ring_events) {
        oldest = std::move(impl_->ring.front());
        impl_->ring.pop_front();
      }
      impl_->ring.push_back(entry);
    }
    if (impl_->file == nullptr) return;
    if (impl_->queue.size() >= impl_->options.queue_events) {
      ++impl_->dropped;
      return;
    }
    const bool first = impl_->queue.empty(), was_filling = impl_->is_filling();
    impl_->queue.push_back(entry);
    wake = first || (impl_->is_filling() && !was_filling);
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
