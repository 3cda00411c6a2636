#include "refusal_limit.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

namespace latchkey {
namespace {

constexpr std::chrono::minutes kMinute{1};
constexpr const char* kOthers = "other sources";

}  // namespace

std::string source_of(const std::string& peer) {
  const auto colon = peer.rfind(':');
  if (colon == std::string::npos) return peer;
  if (!peer.starts_with('[')) return peer.starts_with("unix:") ? peer : peer.substr(0, colon);
  in6_addr address{};
  auto text = peer.substr(1, peer.find(']') - 1);
  if (::inet_pton(AF_INET6, text.c_str(), &address) != 1) return text;
  // One customer has a /64: its other half costs nothing to change.
  std::memset(&address.s6_addr[8], 0, 8);
  std::array<char, INET6_ADDRSTRLEN> prefix{};
  ::inet_ntop(AF_INET6, &address, prefix.data(), prefix.size());
  return std::string(prefix.data()) + "/64";
}

bool RefusalLimit::admit(const AuditEvent& refusal) {
  auto source = source_of(refusal.peer);
  auto found = by_source_.find(source);
  if (found == by_source_.end() && by_source_.size() >= sources_) {
    source = kOthers;
    found = by_source_.find(source);
  }
  if (found == by_source_.end()) {
    const auto minute = minutes_.insert(minutes_.end(), {source, refusal.time, refusal.time});
    found = by_source_.emplace(std::move(source), minute).first;
  }
  found->second->last = refusal.time;
  return ++found->second->refusals <= per_source_;
}

std::vector<AuditEvent> RefusalLimit::ended(TimePoint now) {
  std::vector<AuditEvent> out;
  // A clock that was set back ends a minute too.
  while (!minutes_.empty() &&
         (now - minutes_.front().begin >= kMinute || now < minutes_.front().begin - kMinute))
    end_oldest(out);
  return out;
}

std::vector<AuditEvent> RefusalLimit::rest() {
  std::vector<AuditEvent> out;
  while (!minutes_.empty()) end_oldest(out);
  return out;
}

void RefusalLimit::end_oldest(std::vector<AuditEvent>& out) {
  const Minute& minute = minutes_.front();
  if (minute.refusals > per_source_) {
    AuditEvent summary;
    summary.id = AuditEventId::handshake_refused;
    summary.time = minute.last;
    summary.peer = minute.source;
    summary.reason = std::to_string(minute.refusals - per_source_) + " more refused in the minute from " +
                     format_log_time(minute.begin);
    out.push_back(std::move(summary));
  }
  by_source_.erase(minute.source);
  minutes_.pop_front();
}

}  // namespace latchkey
