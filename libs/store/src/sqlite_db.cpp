#include "sqlite_db.h"

#include <sqlite3.h>

namespace latchkey::store {

namespace {

/// A reader that meets the recovery of another process waits for it; writers never wait in practice (one
/// writer).
constexpr int kBusyTimeoutMs = 5000;

int flags_of(Db::Access access) {
  // One thread at a time uses a connection, so SQLite's own mutex per connection is left out.
  const int base = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  switch (access) {
    case Db::Access::read_only:
      return base | SQLITE_OPEN_READONLY;
    case Db::Access::read_write:
      return base | SQLITE_OPEN_READWRITE;
    case Db::Access::create:
      return base | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  }
  return base | SQLITE_OPEN_READONLY;
}

}  // namespace

void CloseDb::operator()(sqlite3* db) const noexcept { sqlite3_close_v2(db); }
void FinalizeStatement::operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }

Error last_error(sqlite3* db) {
  if (db == nullptr) return {ErrorCode::io, "SQLite: out of memory"};
  return {ErrorCode::io, std::string("SQLite: ") + sqlite3_errmsg(db) + " (" +
                             std::to_string(sqlite3_extended_errcode(db)) + ")"};
}

void Statement::bind_text(int index, std::string_view text) noexcept {
  sqlite3_bind_text64(raw_.get(), index, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void Statement::bind_blob(int index, std::string_view octets) noexcept {
  // A null pointer would bind NULL, which is not the empty string.
  sqlite3_bind_blob64(raw_.get(), index, octets.data() == nullptr ? "" : octets.data(), octets.size(),
                      SQLITE_STATIC);
}

void Statement::bind_int(int index, std::int64_t value) noexcept {
  sqlite3_bind_int64(raw_.get(), index, value);
}

Result<bool> Statement::step() {
  switch (sqlite3_step(raw_.get())) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      return fail(last_error(sqlite3_db_handle(raw_.get())));
  }
}

std::string_view Statement::blob(int column) const noexcept {
  const void* data = sqlite3_column_blob(raw_.get(), column);
  const int size = sqlite3_column_bytes(raw_.get(), column);
  if (data == nullptr || size <= 0) return {};
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

std::int64_t Statement::integer(int column) const noexcept {
  return sqlite3_column_int64(raw_.get(), column);
}

void Statement::reset() noexcept {
  sqlite3_reset(raw_.get());
  sqlite3_clear_bindings(raw_.get());
}

Result<Db> Db::open(const std::string& file, Access access, const std::string& vfs) {
  sqlite3* raw = nullptr;
  const int rc = sqlite3_open_v2(file.c_str(), &raw, flags_of(access), vfs.empty() ? nullptr : vfs.c_str());
  Db db(raw);
  if (rc != SQLITE_OK) return fail("cannot open " + file, last_error(raw));
  sqlite3_busy_timeout(raw, kBusyTimeoutMs);
  return db;
}

Status Db::execute(const std::string& sql) {
  if (sqlite3_exec(raw(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    return fail(last_error(raw()));
  return {};
}

Result<Statement> Db::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int rc = sqlite3_prepare_v3(raw(), sql.data(), static_cast<int>(sql.size()),
                                    SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (rc != SQLITE_OK) return fail(last_error(raw()));
  return Statement(statement);
}

Result<std::string> Db::query_text(const std::string& sql) {
  auto statement = prepare(sql);
  if (!statement) return fail(statement.error());
  const auto row = statement->step();
  if (!row) return fail(row.error());
  if (!*row) return fail(ErrorCode::not_found, "no row");
  return std::string(statement->blob(0));
}

Result<std::int64_t> Db::query_integer(const std::string& sql) {
  auto statement = prepare(sql);
  if (!statement) return fail(statement.error());
  const auto row = statement->step();
  if (!row) return fail(row.error());
  if (!*row) return fail(ErrorCode::not_found, "no row");
  return statement->integer(0);
}

}  // namespace latchkey::store
