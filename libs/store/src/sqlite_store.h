#pragma once
/// Private entry: open_sqlite with what tests may weaken.
#include <memory>

#include "latchkey/store/store.h"
#include "schema.h"

namespace latchkey::store {

[[nodiscard]] Result<std::unique_ptr<Store>> open_sqlite_tuned(const SqliteOptions& options,
                                                               const Tuning& tuning);

}  // namespace latchkey::store
