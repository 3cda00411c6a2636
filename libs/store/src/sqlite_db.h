#pragma once
/// Thin owner types over SQLite. A connection and its statements are used by one thread at a time.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "latchkey/base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace latchkey::store {

struct CloseDb {
  void operator()(sqlite3* db) const noexcept;
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const noexcept;
};

/// A prepared statement, reset by its owner after each use.
class Statement {
 public:
  explicit Statement(sqlite3_stmt* raw) : raw_(raw) {}
  /// The bound octets must live until reset().
  void bind_text(int index, std::string_view text) noexcept;
  void bind_blob(int index, std::string_view octets) noexcept;
  void bind_int(int index, std::int64_t value) noexcept;
  /// True: a row is there; false: done.
  [[nodiscard]] Result<bool> step();
  /// Valid until the next step() or reset().
  [[nodiscard]] std::string_view blob(int column) const noexcept;
  [[nodiscard]] std::int64_t integer(int column) const noexcept;
  void reset() noexcept;

 private:
  std::unique_ptr<sqlite3_stmt, FinalizeStatement> raw_;
};

/// Resets a statement when a use of it ends, so that no read transaction stays open behind an early return.
class StatementUse {
 public:
  explicit StatementUse(Statement& statement) noexcept : statement_(statement) {}
  StatementUse(const StatementUse&) = delete;
  StatementUse& operator=(const StatementUse&) = delete;
  ~StatementUse() { statement_.reset(); }

 private:
  Statement& statement_;
};

class Db {
 public:
  enum class Access : std::uint8_t { read_only, read_write, create };
  /// `vfs` by name; empty for the default.
  [[nodiscard]] static Result<Db> open(const std::string& file, Access access, const std::string& vfs);

  /// For statements without rows of interest.
  [[nodiscard]] Status execute(const std::string& sql);
  [[nodiscard]] Result<Statement> prepare(std::string_view sql);
  /// First column of the first row as text; not_found if there is no row.
  [[nodiscard]] Result<std::string> query_text(const std::string& sql);
  [[nodiscard]] Result<std::int64_t> query_integer(const std::string& sql);
  [[nodiscard]] sqlite3* raw() const noexcept { return db_.get(); }

 private:
  explicit Db(sqlite3* db) : db_(db) {}
  std::unique_ptr<sqlite3, CloseDb> db_;
};

/// The last failure of this connection as an error: `io`, with SQLite's words (never a bound value).
[[nodiscard]] Error last_error(sqlite3* db);

}  // namespace latchkey::store
