#pragma once
/// Software plug-in: one encrypted file, its key-encryption key (KEK) kept elsewhere.
#include "latchkey/secure_env/secure_env.h"

namespace latchkey::secure_env {

struct SoftwareOptions {
  std::string folder;  ///< state_dir of the daemon; holds keys.lks (0600)
  /// Exactly one source of the KEK. A KEK inside `folder` is invalid_argument (design section 2).
  std::string kek_file;         ///< 32 octets or 64 hex digits, owner-only (0600/0400)
  std::string passphrase_file;  ///< scrypt'ed with a stored salt; owner-only
  std::string
      credential_name;  ///< file of that name in $CREDENTIALS_DIRECTORY (systemd), content as kek_file
};

/// Opens or creates the key file. Every change rewrites it through a temporary file, fsync and rename, so
/// that a crash leaves the old or the new content. A wrong KEK or a changed file is an authentication error.
/// protection_level low. Two processes may use one folder (a daemon and the CLI): changes take turns by a
/// lock file, and a handle that is not in memory is looked up in the file once more if that has changed.
/// `denied` if the folder or a file is open to others. What the file cannot show is that it was replaced by
/// an older copy of itself.
[[nodiscard]] Result<std::unique_ptr<SecureEnvironment>> open_software(const SoftwareOptions& options);

/// Writes a fresh random KEK file, 0600; conflict if it exists.
[[nodiscard]] Status create_kek_file(const std::string& path);

}  // namespace latchkey::secure_env
