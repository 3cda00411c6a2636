#pragma once
/// A race for a policy (TS-0003 7.1.4): one writer changes it back and forth, readers ask meanwhile for what
/// it governs, each over TLS. Nobody may be judged by a policy older than the last one acknowledged before it
/// asked.
#include <map>

#include "support/world.h"

namespace latchkey::association {

/// Key of every entity of a race; each has an identity of its own.
constexpr const char* kRacerKey = "1a2b3c4d5e6f7a8b";
/// An AE of `cse`, the n-th that races there, registered with its key.
[[nodiscard]] std::unique_ptr<EntityA> racer(EntityB& cse, std::size_t n, const std::string& stem);

/// The `pv` of the policy: lets `readers` (an acor entry) retrieve, or nobody.
[[nodiscard]] boost::json::object race_rules(bool open, const char* readers);

class PolicyRace {
 public:
  struct Course {
    EntityA& writer;
    std::string policy;   ///< its address, as the writer knows it
    std::string target;   ///< what the readers ask for
    const char* readers;  ///< whom an open policy lets in
    std::uint64_t changes;
  };
  PolicyRace(bind::Reactor& reactor, Course course) : reactor_(reactor), course_(std::move(course)) {}

  /// Runs the reactor until every change is acknowledged and every reader has heard. Fails the test on an
  /// answer that no allowed policy explains, and where too few answers could have been wrong.
  void run(const std::vector<std::unique_ptr<EntityA>>& readers);

 private:
  void change();
  void read(EntityA& reader);

  bind::Reactor& reactor_;
  Course course_;
  std::uint64_t sent_ = 0, acknowledged_ = 0;
  std::size_t reading_ = 0;
  std::map<bool, std::uint64_t> certain_;  ///< answers that only one policy explains
};

}  // namespace latchkey::association
