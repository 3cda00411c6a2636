#pragma once
/// Durable records under (space, key). A commit is acknowledged only when it would survive power loss.
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/base/bytes.h"
#include "latchkey/base/error.h"
#include "latchkey/base/unique_function.h"

namespace latchkey::store {

/// Bounds of a record; a batch out of them is refused alone (`invalid_argument`, `limit`) and the store goes
/// on.
inline constexpr std::size_t kSpaceBytesMax = 64;
inline constexpr std::size_t kKeyBytesMax = 4096;
inline constexpr std::size_t kValueBytesMax = 64U << 20U;

/// Changes that become durable together or not at all. `space` is a short constant such as "res".
class Batch {
 public:
  void put(std::string_view space, std::string_view key, std::string value) {
    changes_.push_back({std::string(space), std::string(key), std::move(value), false});
  }
  void remove(std::string_view space, std::string_view key) {
    changes_.push_back({std::string(space), std::string(key), {}, true});
  }
  /// Takes over the changes of `later`, behind those that are here.
  void append(Batch&& later) {
    if (changes_.empty()) {
      changes_ = std::move(later.changes_);
    } else {
      changes_.insert(changes_.end(), std::make_move_iterator(later.changes_.begin()),
                      std::make_move_iterator(later.changes_.end()));
    }
    later.changes_.clear();
  }
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
  /// Queues the batch; batches become durable in the order of this call, several to one flush (group commit).
  /// Returns at once. Thread-safe. After a failed commit (`io`; the batch may or may not be found after the
  /// next start) every later one fails too (`unavailable`): the owner must stop serving. An empty batch is
  /// answered in its turn. `done` may call the store, except commit_and_wait; it does not throw. The
  /// destructor makes durable and answers what is queued.
  virtual void commit(Batch batch, Committed done) = 0;
  /// Waits for the batch. Thread-safe; `internal` on the writer thread (in a Committed), where it could never
  /// return.
  [[nodiscard]] virtual Status commit_and_wait(Batch batch) = 0;

  /// Durable state only; not_found if there is none. Thread-safe.
  [[nodiscard]] virtual Result<std::string> get(std::string_view space, std::string_view key) const = 0;
  /// Every record of a space in key order, durable state only; `visit` returns false to stop. Thread-safe.
  [[nodiscard]] virtual Status scan(
      std::string_view space,
      const std::function<bool(std::string_view key, std::string_view value)>& visit) const = 0;

  /// Batches queued and not yet durable: the owner sheds load above its limit.
  [[nodiscard]] virtual std::size_t queue_depth() const noexcept = 0;
};

/// One step of the schema: `apply` turns version `from` into from + 1: it reads the old records from the
/// store and puts the changes into the batch, which becomes durable together with the new version number, or
/// not at all. It commits nothing itself (`conflict`).
struct Migration {
  int from = 0;
  std::function<Status(Store&, Batch&)> apply;
};

struct SqliteOptions {
  std::string
      folder;  ///< state_dir, 0700; holds latchkey.db and lock; locked against a second process (conflict)
  std::string application;  ///< "cse", "maf": a database of another application is refused
  int schema_version = 1;   ///< newer in the file: unsupported; older: migrations run
  std::vector<Migration> migrations;
  std::string vfs;  ///< SQLite VFS by name; tests only
};

/// A consistent copy of the database in `folder`, 0600, verified. A daemon may be using it and writing: no
/// lock is taken. `conflict`: `file` exists, or the database is another application's. `vfs` as in
/// SqliteOptions.
[[nodiscard]] Status backup_sqlite(const std::string& folder, const std::string& application,
                                   const std::string& file, const std::string& vfs = {});

/// WAL, synchronous=FULL, one writer thread with group commit; quick_check at start (integrity failure:
/// `io`). The folder is created if its parent exists; `denied` if it is open to others. A database of another
/// application is `conflict`. A newer schema is `unsupported`, as is an older one without the migrations up
/// to `schema_version`.
[[nodiscard]] Result<std::unique_ptr<Store>> open_sqlite(const SqliteOptions& options);

}  // namespace latchkey::store
