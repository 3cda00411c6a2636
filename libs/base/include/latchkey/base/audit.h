#pragma once
/// Typed audit events: every security-relevant outcome, with who, what, why. No secret is ever in one.
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "latchkey/base/error.h"
#include "latchkey/base/time.h"

namespace latchkey {

/// Stable ids: the text form (to_string) is a contract with those who read the log.
enum class AuditEventId : std::uint16_t {
  handshake_accepted,
  handshake_refused,
  session_closed_by_policy,  // tls
  key_fetch_started,
  key_fetch_ok,
  key_fetch_failed,  // remote keys
  originator_accepted,
  originator_refused,  // 7.2.1
  access_permitted,
  access_denied,  // 7.1.5
  das_consulted,  // 7.3.2.2
  registration_ok,
  registration_refused,
  deregistration,  // AE, CSE, MAF client
  key_registered,
  key_retrieved,
  key_refused,
  key_updated,
  key_deleted,  // MAF
  token_issued,
  token_refused,
  token_retrieved,
  token_revoked,
  policy_granted,  // DAS Server
  role_assigned,
  role_refused,
  role_revoked,  // Authorization Authority
  credential_reloaded,
  configuration_refused,
  admin_action,
  store_failure,
};
[[nodiscard]] std::string_view to_string(AuditEventId id) noexcept;

struct AuditEvent {
  AuditEventId id{};
  TimePoint time{};
  std::string originator;     ///< From, or the authenticated identity
  std::string peer;           ///< address and port of the connection
  std::string operation;      ///< "CREATE" ...
  std::string target;         ///< resource address, key identifier, or suite for a handshake
  std::string credential_id;  ///< TS-0003 10.4, or the psk_identity that was presented
  std::string reason;         ///< rule, ACP, missing attribute, cause of refusal
  int status = 0;             ///< Response Status Code, 0 where there is none
};
/// One line of JSON without line break.
[[nodiscard]] std::string to_json(const AuditEvent& event);

class AuditSink {
 public:
  AuditSink() = default;
  AuditSink(const AuditSink&) = delete;
  AuditSink& operator=(const AuditSink&) = delete;
  virtual ~AuditSink() = default;
  /// Must not block on I/O and must not fail. Thread-safe.
  virtual void record(AuditEvent event) = 0;
};

/// Ring of the newest events in memory (for the admin query) and, if given a path, one JSON line each in a
/// file that is appended to and flushed by a background thread. When the thread cannot keep up, events are
/// counted as dropped, never waited for. A stranger cannot fill it: a source (IPv4 address, IPv6 /64) gets
/// `refusals_per_source` events of refused handshakes in a minute, and when the minute is over one with the
/// number of the rest. Thread-safe.
class AuditLog final : public AuditSink {
 public:
  struct Options {
    std::string path;  ///< empty: memory only; created 0600
    std::size_t refusals_per_source = 30;
    std::size_t refusal_sources = 128;  ///< told apart at once; further ones share one allowance
    std::size_t ring_events = 4096;
    std::size_t queue_events = 65536;  ///< not yet written
  };
  /// `io`, or `invalid_argument` for what is no regular file, or `denied` for a file that is open to others.
  [[nodiscard]] static Result<std::unique_ptr<AuditLog>> open(Options options);
  ~AuditLog() override;
  void record(AuditEvent event) override;
  /// Newest last, at most `limit`, those for which `match` is true.
  [[nodiscard]] std::vector<AuditEvent> query(const std::function<bool(const AuditEvent&)>& match,
                                              std::size_t limit) const;
  [[nodiscard]] std::uint64_t dropped() const;
  /// Closes and reopens the file, for log rotation.
  void reopen();

 private:
  struct Impl;
  explicit AuditLog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// For tests: keeps everything. Thread-safe.
class AuditRecorder final : public AuditSink {
 public:
  void record(AuditEvent event) override {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
  }
  [[nodiscard]] std::vector<AuditEvent> events() const {
    const std::lock_guard lock(mutex_);
    return events_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<AuditEvent> events_;
};

}  // namespace latchkey
