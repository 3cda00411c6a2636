#pragma once
/// The one thread that writes: what was queued while the last flush ran becomes the next transaction (group
/// commit).
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "latchkey/store/store.h"
#include "sqlite_db.h"

namespace latchkey::store {

/// Prepared statements of the writing connection.
class RecordWriter {
 public:
  [[nodiscard]] static Result<RecordWriter> prepare(Db& db);
  [[nodiscard]] Status begin() { return run(begin_); }
  [[nodiscard]] Status apply(const Batch& batch);
  /// Returns when the transaction is on the disk.
  [[nodiscard]] Status commit() { return run(commit_); }
  /// After a failure, which is the one to report; SQLite has often rolled back by itself.
  void rollback() noexcept;

 private:
  RecordWriter(Statement begin, Statement commit, Statement rollback, Statement put, Statement remove);
  [[nodiscard]] static Status run(Statement& statement);
  Statement begin_, commit_, rollback_, put_, remove_;
};

/// `limit` or `invalid_argument` if a change has a space, key or value out of bounds (store.h, kSpaceBytesMax
/// and so on).
[[nodiscard]] Status check_limits(const Batch& batch);

class Writer {
 public:
  /// Owns the connection; starts the thread.
  Writer(Db db, RecordWriter records, int checkpoint_pages);
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() { stop(); }

  /// Thread-safe. See Store::commit.
  void commit(Batch batch, Store::Committed done);
  [[nodiscard]] std::size_t depth() const noexcept { return depth_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool on_writer_thread() const noexcept {
    return std::this_thread::get_id() == thread_.get_id();
  }
  /// Makes durable what is queued and ends the thread. Not from a callback.
  void stop();

 private:
  struct Pending {
    Batch batch;
    Store::Committed done;
    Status outcome;
  };

  void run();
  void write_group(std::span<Pending> group);
  [[nodiscard]] Status write_transaction(std::span<Pending> group);
  [[nodiscard]] Status checkpoint_if_due();
  void answer(std::span<Pending> group);
  static int on_wal_pages(void* self, sqlite3* db, const char* name, int pages);

  Db db_;
  RecordWriter records_;
  const int checkpoint_pages_;
  int wal_pages_ = 0;  ///< writer thread only, as the two below
  int wal_pages_at_checkpoint_ = 0;
  bool failed_ = false;  ///< fail-stop
  std::atomic<std::size_t> depth_{0};

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Pending> queue_;  ///< guarded by mutex_
  bool stopping_ = false;       ///< guarded by mutex_
  std::thread thread_;
};

}  // namespace latchkey::store
