#include "schema.h"

namespace latchkey::store {

namespace {

// Rows in the order of their making, and a unique index of the keys. Resource identifiers scatter: with the
// rows in the tree of their keys (WITHOUT ROWID) every new record wrote a page of its own, and creates ran at
// less than half the rate.
constexpr const char* kCreateRecords =
    "CREATE TABLE records(id INTEGER PRIMARY KEY, space TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT "
    "NULL, "
    "UNIQUE(space, key))";

Status expect_setting(Db& db, const std::string& pragma, const std::string& value,
                      const std::string& effective) {
  const auto set = db.query_text("PRAGMA " + pragma + "=" + value);
  if (!set && set.error().code != ErrorCode::not_found) return fail(set.error());
  const auto now = db.query_text("PRAGMA " + pragma);
  if (!now) return fail(now.error());
  if (*now != effective) return fail(ErrorCode::io, "SQLite refuses " + pragma + "=" + value + " here");
  return {};
}

}  // namespace

std::int32_t application_id_of(std::string_view application) noexcept {
  std::uint32_t hash = 2166136261U;
  for (const char c : application) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return static_cast<std::int32_t>((hash & 0x7fffffffU) | 1U);
}

Result<int> inspect(Db& db, std::string_view application, int schema_version) {
  const auto id = db.query_integer("PRAGMA application_id");
  if (!id) return fail(id.error());
  const auto version = db.query_integer("PRAGMA user_version");
  if (!version) return fail(version.error());
  const auto tables = db.query_integer("SELECT count(*) FROM sqlite_schema");
  if (!tables) return fail(tables.error());
  if (*tables == 0 && *id == 0 && *version == 0) return 0;
  if (*id != application_id_of(application)) {
    return fail(ErrorCode::conflict,
                "the database is not one of application '" + std::string(application) + "'");
  }
  if (*version > schema_version) {
    return fail(ErrorCode::unsupported, "the database has schema version " + std::to_string(*version) +
                                            ", this program knows up to " + std::to_string(schema_version));
  }
  if (*version < 1) return fail(ErrorCode::io, "the database has no valid schema version");
  return static_cast<int>(*version);
}

Status check_integrity(Db& db) {
  const auto verdict = db.query_text("PRAGMA quick_check(1)");
  if (!verdict) return fail("integrity check", verdict.error());
  if (*verdict != "ok") return fail(ErrorCode::io, "integrity check: " + *verdict);
  return {};
}

Status configure_writer(Db& db, const Tuning& tuning) {
  if (auto set = expect_setting(db, "journal_mode", "WAL", "wal"); !set) return set;
  const bool full = tuning.flush_each_commit;
  if (auto set = expect_setting(db, "synchronous", full ? "FULL" : "NORMAL", full ? "2" : "1"); !set)
    return set;
  // The writer checkpoints by itself, after it has answered (writer.cpp). 32 MiB of pages at most.
  return db.execute("PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-32768; PRAGMA trusted_schema=OFF");
}

Status create_schema(Db& db, std::string_view application, int schema_version) {
  const std::string sql = std::string("BEGIN IMMEDIATE; ") + kCreateRecords +
                          "; PRAGMA application_id=" + std::to_string(application_id_of(application)) +
                          "; PRAGMA user_version=" + std::to_string(schema_version) + "; COMMIT";
  return db.execute(sql);
}

}  // namespace latchkey::store
