#pragma once
/// SQLite by itself as its manual tells: WAL, synchronous FULL, a prepared insert, one thread.
#include <string>

namespace latchkey::bench {

/// Octets of each record's value; with its key of 16 about what one contentInstance takes in the store.
inline constexpr std::size_t kRecordValueBytes = 280;

/// Scattered, as resource identifiers are.
[[nodiscard]] std::string record_key(int number);

/// Inserts `records` in transactions of `batch` into the new database `file`; returns records a second.
[[nodiscard]] double sqlite_creates(const std::string& file, int records, int batch);

}  // namespace latchkey::bench
