#pragma once
/// The one table of a store, whose database it is, and how it came to its version.
#include <string>

#include "sqlite_db.h"

namespace latchkey::store {

/// What this library asks of durability; a test weakens it to show that the loss is then seen.
struct Tuning {
  bool flush_each_commit =
      true;  ///< synchronous=FULL; false is NORMAL: commits since the last checkpoint can be lost
  int checkpoint_pages = 4000;  ///< WAL pages (of 4 KiB) after which they are copied into the database file
};

/// Who made the database, kept in its header: 31 bits of FNV-1a over the application's name, never 0.
[[nodiscard]] std::int32_t application_id_of(std::string_view application) noexcept;

/// `conflict` if the database belongs to another application, `unsupported` if its schema is newer than
/// `schema_version`. Changes nothing. Returns the schema version found; 0 for an empty file.
[[nodiscard]] Result<int> inspect(Db& db, std::string_view application, int schema_version);

/// `io` unless SQLite finds the structure of the file whole.
[[nodiscard]] Status check_integrity(Db& db);

/// WAL, synchronous, caches. Verified by reading back: a file system or VFS that refuses WAL is an error.
[[nodiscard]] Status configure_writer(Db& db, const Tuning& tuning);

/// Makes the table and stamps application and version, in one transaction.
[[nodiscard]] Status create_schema(Db& db, std::string_view application, int schema_version);

}  // namespace latchkey::store
