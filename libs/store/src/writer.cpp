#include "writer.h"

#include <sqlite3.h>

#include <algorithm>

#include "latchkey/base/log.h"

namespace latchkey::store {

namespace {

/// Batches in one transaction: enough that the flush no longer counts, few enough that the first need not
/// wait long.
constexpr std::size_t kGroupMax = 1024;
/// Readers that never pause would let the WAL grow; above so many checkpoints' worth of pages the writer
/// waits for them.
constexpr int kWalCheckpointsMax = 16;

}  // namespace

RecordWriter::RecordWriter(Statement begin, Statement commit, Statement rollback, Statement put,
                           Statement remove)
    : begin_(std::move(begin)),
      commit_(std::move(commit)),
      rollback_(std::move(rollback)),
      put_(std::move(put)),
      remove_(std::move(remove)) {}

Result<RecordWriter> RecordWriter::prepare(Db& db) {
  auto begin = db.prepare("BEGIN IMMEDIATE");
  auto commit = db.prepare("COMMIT");
  auto rollback = db.prepare("ROLLBACK");
  auto put = db.prepare(
      "INSERT INTO records(space, key, value) VALUES(?1, ?2, ?3) "
      "ON CONFLICT(space, key) DO UPDATE SET value = excluded.value");
  auto remove = db.prepare("DELETE FROM records WHERE space = ?1 AND key = ?2");
  for (const auto* statement : {&begin, &commit, &rollback, &put, &remove}) {
    if (!*statement) return fail(statement->error());
  }
  return RecordWriter(std::move(*begin), std::move(*commit), std::move(*rollback), std::move(*put),
                      std::move(*remove));
}

Status RecordWriter::run(Statement& statement) {
  const StatementUse use(statement);
  if (const auto stepped = statement.step(); !stepped) return fail(stepped.error());
  return {};
}

void RecordWriter::rollback() noexcept { static_cast<void>(run(rollback_)); }

Status RecordWriter::apply(const Batch& batch) {
  for (const auto& change : batch.changes()) {
    Statement& statement = change.removed ? remove_ : put_;
    const StatementUse use(statement);
    statement.bind_text(1, change.space);
    statement.bind_blob(2, change.key);
    if (!change.removed) statement.bind_blob(3, change.value);
    if (const auto stepped = statement.step(); !stepped) return fail(stepped.error());
  }
  return {};
}

Status check_limits(const Batch& batch) {
  for (const auto& change : batch.changes()) {
    if (change.space.empty() || change.space.size() > kSpaceBytesMax ||
        change.space.find('\0') != std::string::npos) {
      return fail(ErrorCode::invalid_argument, "the space of a record must have 1 to " +
                                                   std::to_string(kSpaceBytesMax) + " octets without NUL");
    }
    if (change.key.size() > kKeyBytesMax)
      return fail(ErrorCode::limit, "key of " + std::to_string(change.key.size()) + " octets");
    if (change.value.size() > kValueBytesMax) {
      return fail(ErrorCode::limit, "value of " + std::to_string(change.value.size()) + " octets");
    }
  }
  return {};
}

Writer::Writer(Db db, RecordWriter records, int checkpoint_pages)
    : db_(std::move(db)), records_(std::move(records)), checkpoint_pages_(checkpoint_pages) {
  sqlite3_wal_hook(db_.raw(), &Writer::on_wal_pages, this);
  thread_ = std::thread([this] { run(); });
}

int Writer::on_wal_pages(void* self, sqlite3*, const char*, int pages) {
  static_cast<Writer*>(self)->wal_pages_ = pages;
  return SQLITE_OK;
}

void Writer::commit(Batch batch, Store::Committed done) {
  auto outcome = check_limits(batch);
  depth_.fetch_add(1, std::memory_order_relaxed);
  bool was_empty = false;
  {
    const std::lock_guard hold(mutex_);
    was_empty = queue_.empty();
    queue_.push_back({std::move(batch), std::move(done), std::move(outcome)});
  }
  // A queue that holds something has a writer awake or already woken.
  if (was_empty) wake_.notify_one();
}

void Writer::stop() {
  {
    const std::lock_guard hold(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Writer::run() {
  std::vector<Pending> work;
  for (;;) {
    {
      std::unique_lock hold(mutex_);
      wake_.wait(hold, [this] { return !queue_.empty() || stopping_; });
      if (queue_.empty()) return;
      work.swap(queue_);
    }
    for (std::span<Pending> rest(work); !rest.empty();) {
      const auto group = rest.first(std::min(rest.size(), kGroupMax));
      write_group(group);
      rest = rest.subspan(group.size());
    }
    work.clear();
  }
}

void Writer::write_group(std::span<Pending> group) {
  const bool was_failed = failed_;
  auto written =
      was_failed
          ? Status(fail(ErrorCode::unavailable, "an earlier commit failed: nothing is written any more"))
          : write_transaction(group);
  if (!written && !was_failed) {
    failed_ = true;
    log::error("store", "commit failed, the store takes no more writes: " + written.error().detail);
  }
  for (auto& pending : group) {
    if (pending.outcome && !written) pending.outcome = written;
  }
  answer(group);
  if (failed_) return;
  // After the answers: nobody waits for the copying of pages.
  if (const auto copied = checkpoint_if_due(); !copied) {
    failed_ = true;
    log::error("store", "checkpoint failed, the store takes no more writes: " + copied.error().detail);
  }
}

Status Writer::write_transaction(std::span<Pending> group) {
  const bool nothing =
      std::all_of(group.begin(), group.end(), [](const Pending& p) { return !p.outcome || p.batch.empty(); });
  if (nothing) return {};
  if (auto begun = records_.begin(); !begun) return begun;
  for (const auto& pending : group) {
    if (!pending.outcome) continue;  // out of bounds: refused alone, before anything of it is written
    if (auto applied = records_.apply(pending.batch); !applied) {
      records_.rollback();
      return applied;
    }
  }
  auto committed = records_.commit();
  if (!committed) records_.rollback();
  return committed;
}

Status Writer::checkpoint_if_due() {
  // Fewer than at the last one: the WAL was restarted from its beginning, which keeps its file from growing.
  if (wal_pages_ < wal_pages_at_checkpoint_) wal_pages_at_checkpoint_ = 0;
  if (wal_pages_ - wal_pages_at_checkpoint_ < checkpoint_pages_) return {};
  wal_pages_at_checkpoint_ = wal_pages_;
  const int mode = wal_pages_ < kWalCheckpointsMax * checkpoint_pages_ ? SQLITE_CHECKPOINT_PASSIVE
                                                                       : SQLITE_CHECKPOINT_RESTART;
  const int rc = sqlite3_wal_checkpoint_v2(db_.raw(), nullptr, mode, nullptr, nullptr);
  // Busy: a reader holds old pages; the next checkpoint copies the rest.
  if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY) return fail(last_error(db_.raw()));
  return {};
}

void Writer::answer(std::span<Pending> group) {
  for (auto& pending : group) {
    depth_.fetch_sub(1, std::memory_order_relaxed);
    if (pending.done) pending.done(std::move(pending.outcome));
  }
}

}  // namespace latchkey::store
