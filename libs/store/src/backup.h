#pragma once
#include <string>

#include "sqlite_db.h"

namespace latchkey::store {

/// Copies the database of `source` into a new file, 0600: one snapshot, flushed and checked. A failed copy
/// leaves no file.
[[nodiscard]] Status copy_database(Db& source, const std::string& file, const std::string& vfs);

}  // namespace latchkey::store
