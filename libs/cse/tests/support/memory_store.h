#pragma once
/// A store without a disk: commits at once, or when told to, or fails.
#include <deque>
#include <map>

#include "latchkey/store/store.h"

namespace latchkey::cse::test {

class MemoryStore final : public store::Store {
 public:
  /// False: batches wait for flush().
  bool at_once = true;
  bool failing = false;

  void commit(store::Batch batch, Committed done) override {
    queue_.push_back({std::move(batch), std::move(done)});
    if (at_once) flush();
  }
  Status commit_and_wait(store::Batch batch) override {
    apply(batch);
    return {};
  }
  void flush() {
    while (!queue_.empty()) {
      auto [batch, done] = std::move(queue_.front());
      queue_.pop_front();
      if (failing) {
        done(fail(ErrorCode::io, "disk full"));
      } else {
        apply(batch);
        done({});
      }
    }
  }
  [[nodiscard]] Result<std::string> get(std::string_view space, std::string_view key) const override {
    const auto at = records.find({std::string(space), std::string(key)});
    if (at == records.end()) return fail(ErrorCode::not_found, "no record");
    return at->second;
  }
  [[nodiscard]] Status scan(
      std::string_view space,
      const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    for (const auto& [name, value] : records) {
      if (name.first == space && !visit(name.second, value)) break;
    }
    return {};
  }
  [[nodiscard]] std::size_t queue_depth() const noexcept override { return queue_.size(); }

  std::map<std::pair<std::string, std::string>, std::string> records;

 private:
  void apply(const store::Batch& batch) {
    for (const auto& change : batch.changes()) {
      if (change.removed) {
        records.erase({change.space, change.key});
      } else {
        records[{change.space, change.key}] = change.value;
      }
    }
  }
  struct Queued {
    store::Batch batch;
    Committed done;
  };
  std::deque<Queued> queue_;
};

}  // namespace latchkey::cse::test
