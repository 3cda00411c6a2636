#pragma once
/// Durable records under (space, key). A commit is acknowledged only when it would survive power loss.
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/base/bytes.h"
#include "latchkey/base/error.h"
#include "latchkey/base/unique_function.h"

namespace latchkey::store {

/// Changes that become durable together or not at all. `space` is a short constant such as "res".
class Batch {
 public:
  void put(std::string_view space, std::string_view key, std::string value) {
    changes_.push_back({std::string(space), std::string(key), std::move(value), false});
  }
  void remove(std::string_view space, std::string_view key) { changes_.push_back({std::string(space), std::string(key), {}, true}); }
  [[nodiscard]] bool empty() const noexcept { return changes_.empty(); }

  struct Change {
    std::string space, key, value;
    bool removed = false;
  };
  [[nodiscard]] const std::vector<Change>& changes() const noexcept { return changes_; }

 private:
  std::vector<Change> changes_;
};

class Store {
 public:
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  virtual ~Store() = default;

  /// Runs on the store's writer thread after the batch is durable, or with the error when it is not.
  using Committed = UniqueFunction<void(Status)>;
  /// Queues the batch; batches become durable in the order of this call, several to one flush (group commit). Returns at
  /// once. Thread-safe. After a failed commit every later one fails too (`unavailable`): the owner must stop serving.
  virtual void commit(Batch batch, Committed done) = 0;
  /// Waits for the batch. Thread-safe.
  [[nodiscard]] virtual Status commit_and_wait(Batch batch) = 0;

  [[nodiscard]] virtual Result<std::string> get(std::string_view space, std::string_view key) const = 0;
  /// Every record of a space in key order, durable state only; `visit` returns false to stop. Thread-safe.
  [[nodiscard]] virtual Status scan(std::string_view space, const std::function<bool(std::string_view key, std::string_view value)>& visit) const = 0;

  /// A consistent copy while writing goes on (`latchkey-<role> --backup`); refuses to overwrite a file.
  [[nodiscard]] virtual Status backup(const std::string& file) const = 0;
  /// Batches queued and not yet durable: the owner sheds load above its limit.
  [[nodiscard]] virtual std::size_t queue_depth() const noexcept = 0;
};

/// One step of the schema: `apply` turns version `from` into from + 1 inside a transaction.
struct Migration {
  int from = 0;
  std::function<Status(Store&, Batch&)> apply;
};

struct SqliteOptions {
  std::string folder;                ///< state_dir, 0700; holds latchkey.db and lock; locked against a second process (conflict)
  std::string application;           ///< "cse", "maf": a database of another application is refused
  int schema_version = 1;            ///< newer in the file: unsupported; older: migrations run
  std::vector<Migration> migrations;
  std::string vfs;                   ///< SQLite VFS by name; tests only
};

/// WAL, synchronous=FULL, one writer thread with group commit; quick_check at start (integrity failure: `io`).
[[nodiscard]] Result<std::unique_ptr<Store>> open_sqlite(SqliteOptions options);

}  // namespace latchkey::store
