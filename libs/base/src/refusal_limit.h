#pragma once
/// Keeps a stranger from filling the decision log: who opens connections that fail gets so many events in a
/// minute, and then one that counts the rest. Not thread-safe.
#include <cstddef>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "latchkey/base/audit.h"

namespace latchkey {

/// Where an event's peer is, without its port: the IPv4 address, the /64 of an IPv6 address, the text itself
/// otherwise.
[[nodiscard]] std::string source_of(const std::string& peer);

class RefusalLimit {
 public:
  /// `per_source` events in a minute for each of `sources` at once; further sources share one allowance.
  RefusalLimit(std::size_t per_source, std::size_t sources) : per_source_(per_source), sources_(sources) {}
  /// Whether this refusal is recorded by itself; otherwise it has been counted.
  [[nodiscard]] bool admit(const AuditEvent& refusal);
  /// One event for each source whose minute is over at `now` and had more refusals than were recorded.
  [[nodiscard]] std::vector<AuditEvent> ended(TimePoint now);
  /// As ended(), of every source.
  [[nodiscard]] std::vector<AuditEvent> rest();

 private:
  struct Minute {
    std::string source;
    TimePoint begin, last;
    std::size_t refusals = 0;
  };
  void end_oldest(std::vector<AuditEvent>& out);

  std::size_t per_source_, sources_;
  std::list<Minute> minutes_;  ///< by their begin
  std::map<std::string, std::list<Minute>::iterator, std::less<>> by_source_;
};

}  // namespace latchkey
