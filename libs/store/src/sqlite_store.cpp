#include "sqlite_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <future>
#include <limits>
#include <system_error>

#include "backup.h"
#include "readers.h"
#include "sqlite_db.h"
#include "state_folder.h"
#include "writer.h"

namespace latchkey::store {

namespace {

constexpr const char* kDatabaseFile = "/latchkey.db";

class SqliteStore final : public Store {
 public:
  SqliteStore(FolderLock lock, std::string file, std::string vfs)
      : lock_(std::move(lock)), readers_(std::move(file), std::move(vfs)) {}
  ~SqliteStore() override {
    // The last answers may still read.
    if (writer_) writer_->stop();
  }

  void start_writing(Db db, RecordWriter records, const Tuning& tuning) {
    writer_ = std::make_unique<Writer>(std::move(db), std::move(records), tuning.checkpoint_pages);
  }

  void commit(Batch batch, Committed done) override {
    if (!writer_) {
      if (done) done(fail(ErrorCode::conflict, "the store is being migrated"));
      return;
    }
    writer_->commit(std::move(batch), std::move(done));
  }

  Status commit_and_wait(Batch batch) override {
    if (!writer_) return fail(ErrorCode::conflict, "the store is being migrated");
    if (writer_->on_writer_thread()) return fail(ErrorCode::internal, "commit_and_wait on the writer thread");
    std::promise<Status> promise;
    auto answer = promise.get_future();
    // The promise goes along: it may not end while set_value still runs on the writer thread.
    writer_->commit(std::move(batch), [promise = std::move(promise)](Status status) mutable {
      promise.set_value(std::move(status));
    });
    return answer.get();
  }

  Result<std::string> get(std::string_view space, std::string_view key) const override {
    const auto reader = readers_.borrow();
    if (!reader) return fail(reader.error());
    auto& statement = (*reader)->get;
    const StatementUse use(statement);
    statement.bind_text(1, space);
    statement.bind_blob(2, key);
    const auto row = statement.step();
    if (!row) return fail(row.error());
    if (!*row) return fail(ErrorCode::not_found, "no such record");
    return std::string(statement.blob(0));
  }

  Status scan(std::string_view space,
              const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    const auto reader = readers_.borrow();
    if (!reader) return fail(reader.error());
    auto& statement = (*reader)->scan;
    const StatementUse use(statement);
    statement.bind_text(1, space);
    for (;;) {
      const auto row = statement.step();
      if (!row) return fail(row.error());
      if (!*row || !visit(statement.blob(0), statement.blob(1))) return {};
    }
  }

  std::size_t queue_depth() const noexcept override { return writer_ ? writer_->depth() : 0; }

 private:
  FolderLock lock_;
  // The writing connection closes last (members go in reverse), which empties the WAL into the database file.
  std::unique_ptr<Writer> writer_;
  mutable ReaderPool readers_;
};

/// SQLite would create the file by the umask; its WAL takes the mode of the file.
Status create_owner_only(const std::string& file) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd >= 0) {
    ::close(fd);
  } else if (errno != EEXIST) {
    return fail(ErrorCode::io, "cannot create " + file + ": " + std::generic_category().message(errno));
  }
  return {};
}

const Migration* migration_from(const std::vector<Migration>& migrations, int version) {
  for (const auto& migration : migrations) {
    if (migration.from == version && migration.apply) return &migration;
  }
  return nullptr;
}

Status migrate_once(Db& db, RecordWriter& records, Store& store, const Migration& migration) {
  Batch changes;
  if (auto begun = records.begin(); !begun) return begun;
  auto done = migration.apply(store, changes);
  if (done) done = check_limits(changes);
  if (done) done = records.apply(changes);
  if (done) done = db.execute("PRAGMA user_version=" + std::to_string(migration.from + 1));
  if (done) done = records.commit();
  if (!done) {
    records.rollback();
    return fail("migration from schema version " + std::to_string(migration.from), done.error());
  }
  return {};
}

Status migrate(Db& db, RecordWriter& records, Store& store, const SqliteOptions& options, int found) {
  for (int version = found; version < options.schema_version; ++version) {
    const auto* migration = migration_from(options.migrations, version);
    if (migration == nullptr) {
      return fail(ErrorCode::unsupported, "no migration from schema version " + std::to_string(version));
    }
    if (auto done = migrate_once(db, records, store, *migration); !done) return done;
  }
  return {};
}

Status check_options(const SqliteOptions& options) {
  if (options.application.empty())
    return fail(ErrorCode::invalid_argument, "the store needs the name of its application");
  if (options.schema_version < 1) return fail(ErrorCode::invalid_argument, "schema versions count from 1");
  return {};
}

/// Brings the file to the state in which it is written: whole, ours, of our version.
Result<Db> open_database(const std::string& file, const SqliteOptions& options, const Tuning& tuning,
                         int& found) {
  auto db = Db::open(file, Db::Access::read_write, options.vfs);
  if (!db) return db;
  const auto version = inspect(*db, options.application, options.schema_version);
  if (!version) return fail(version.error());
  found = *version;
  if (auto whole = check_integrity(*db); !whole) return fail(whole.error());
  if (auto set = configure_writer(*db, tuning); !set) return fail(set.error());
  if (found == 0) {
    if (auto made = create_schema(*db, options.application, options.schema_version); !made)
      return fail(made.error());
    found = options.schema_version;
  }
  return db;
}

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite_tuned(const SqliteOptions& options, const Tuning& tuning) {
  if (auto valid = check_options(options); !valid) return fail(valid.error());
  if (auto ready = prepare_state_folder(options.folder); !ready) return fail(ready.error());
  auto lock = FolderLock::take(options.folder);
  if (!lock) return fail(lock.error());
  const std::string file = options.folder + kDatabaseFile;
  if (auto created = create_owner_only(file); !created) return fail(created.error());

  int found = 0;
  auto db = open_database(file, options, tuning, found);
  if (!db) return fail(file, db.error());
  if (auto flushed = sync_folder(options.folder); !flushed) return fail(flushed.error());
  auto records = RecordWriter::prepare(*db);
  if (!records) return fail(file, records.error());

  auto store = std::make_unique<SqliteStore>(std::move(*lock), file, options.vfs);
  if (auto migrated = migrate(*db, *records, *store, options, found); !migrated)
    return fail(file, migrated.error());
  store->start_writing(std::move(*db), std::move(*records), tuning);
  return std::unique_ptr<Store>(std::move(store));
}

Result<std::unique_ptr<Store>> open_sqlite(const SqliteOptions& options) {
  return open_sqlite_tuned(options, Tuning{});
}

Status backup_sqlite(const std::string& folder, const std::string& application, const std::string& file,
                     const std::string& vfs) {
  const std::string database = folder + kDatabaseFile;
  auto source = Db::open(database, Db::Access::read_write, vfs);
  if (!source) return fail(source.error());
  const auto version = inspect(*source, application, std::numeric_limits<int>::max());
  if (!version) return fail(database, version.error());
  if (*version == 0) return fail(ErrorCode::not_found, database + " is empty");
  return copy_database(*source, file, vfs);
}

}  // namespace latchkey::store
