#pragma once
/// The Authorization Authority's side of TS-0003 7.4.2.2 and 7.4.2.3: one assignment is a row of steps, each
/// a request to the repository, and each durable before the next.
#include <map>
#include <memory>
#include <set>
#include <string>

#include "ledger.h"

namespace latchkey::das {

class Authority {
 public:
  /// What its owner does for it. References outlive this object.
  struct World {
    const DasOptions& options;
    Ledger& ledger;
    Executor& executor;
    const Clock& clock;
    AuditSink& audit;
    bind::RequestSender* repository;
    std::function<Result<Issued>(const Assignment&)> issue_token;
    /// `then` runs when the batch is durable; never when it is not.
    std::function<void(store::Batch, Task)> commit;
  };
  explicit Authority(World world) : world_(std::move(world)) {}
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  /// Goes on with every assignment that is not settled.
  void resume();
  /// Goes on with one, unless a request for it is under way.
  void run(const std::string& id);

 private:
  using Step = Assignment::Step;
  using Response = Result<codec::ResponsePrimitive>;
  void issue(Assignment assignment);
  void answered(const std::string& id, Step step, Response response);
  void keep(Assignment assignment);
  void retry(const std::string& id, std::string reason);
  [[nodiscard]] Step after(const Assignment& assignment) const;
  [[nodiscard]] codec::RequestPrimitive request_for(const Assignment& assignment) const;
  void record(AuditEventId id, const Assignment& assignment, std::string reason, int status);

  World world_;
  std::set<std::string> busy_;
  std::map<std::string, unsigned> failures_;
  std::map<std::string, Executor::TimerId> timers_;
  std::shared_ptr<Authority*> self_ = std::make_shared<Authority*>(this);  // late answers find nobody
};

}  // namespace latchkey::das
