#include "sqlite_reference.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "measure.h"

namespace latchkey::bench {

std::string record_key(int number) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx",
                static_cast<unsigned long long>(number) * 0x9e3779b97f4a7c15ULL);
  return text.data();
}

double sqlite_creates(const std::string& file, int records, int batch) {
  const std::string value(kRecordValueBytes, 'v');
  sqlite3* db = nullptr;
  const auto run = [&](const char* sql) {
    if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK) give_up(sqlite3_errmsg(db));
  };
  if (sqlite3_open(file.c_str(), &db) != SQLITE_OK) give_up("cannot open the reference");
  run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE r(key TEXT PRIMARY KEY, value BLOB)");
  sqlite3_stmt* insert = nullptr;
  sqlite3_prepare_v2(db, "INSERT INTO r VALUES(?1, ?2)", -1, &insert, nullptr);
  const double begin = wall_seconds();
  for (int i = 0; i < records; i += batch) {
    run("BEGIN IMMEDIATE");
    for (int n = i; n < std::min(i + batch, records); ++n) {
      const auto key = record_key(n);
      sqlite3_bind_text(insert, 1, key.data(), static_cast<int>(key.size()), nullptr);
      sqlite3_bind_blob(insert, 2, value.data(), static_cast<int>(value.size()), nullptr);
      if (sqlite3_step(insert) != SQLITE_DONE) give_up(sqlite3_errmsg(db));
      sqlite3_reset(insert);
    }
    run("COMMIT");
  }
  const double rate = records / (wall_seconds() - begin);
  sqlite3_finalize(insert);
  sqlite3_close(db);
  return rate;
}

}  // namespace latchkey::bench
