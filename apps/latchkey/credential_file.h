#pragma once
/// An end-to-end credential in a file of its own, owner-only: Ke2e_master, and what a TEF gave with it
/// (TS-0003 8.6).
#include <string>

#include "latchkey/base/error.h"
#include "latchkey/e2e/end_to_end_credential.h"

namespace latchkey::cli {

/// Makes a new file, 0600.
[[nodiscard]] Status write_credential(const std::string& path, const e2e::EndToEndCredential& credential);
/// denied for a file that others may read; invalid_argument for what write_credential did not write.
[[nodiscard]] Result<e2e::EndToEndCredential> read_credential(const std::string& path);
/// An absolute AE-ID or CSE-ID.
[[nodiscard]] Result<EntityId> absolute_id(const std::string& text);

}  // namespace latchkey::cli
