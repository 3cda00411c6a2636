#pragma once
/// Files that only their owner may use: checks before reading, replacing so that a crash leaves the old or
/// the new content.
#include <cstddef>
#include <string>

#include "latchkey/base/bytes.h"
#include "latchkey/base/error.h"
#include "latchkey/base/secret.h"

namespace latchkey::secure_env {

/// What others than the owner may do with a file. In each case it must belong to us or to root.
enum class Access : std::uint8_t {
  owner_only,      ///< secrets: nothing for group and others
  group_may_read,  ///< systemd credentials: access lists show up as group bits
  all_may_read,    ///< integrity only: nobody else may write
};

/// The whole content of a regular file, through a buffer that is wiped. `not_found`, `denied` (owner or
/// mode), `limit` (longer than `bytes_max`), `io`.
[[nodiscard]] Result<SecretBytes> read_owned_file(const std::string& path, Access access,
                                                  std::size_t bytes_max);

/// Writes a temporary file (0600) beside `path`, flushes it, renames it over `path`, flushes the folder. The
/// caller holds a FileLock of the path, so that the temporary file is its own.
[[nodiscard]] Status replace_file(const std::string& path, ByteView content);

/// Creates a file of mode 0600 that does not exist yet (`conflict`), durably.
[[nodiscard]] Status create_file(const std::string& path, ByteView content);

/// Creates a missing folder (not its parents) with 0700; `denied` if it is not ours or open to others.
[[nodiscard]] Status prepare_owner_folder(const std::string& folder);

/// Changes of `path` by threads and processes, one at a time: an flock on `path`.lock. Readers need none.
class FileLock {
 public:
  /// Waits for another holder.
  [[nodiscard]] static Result<FileLock> take(const std::string& path);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int fd) noexcept : fd_(fd) {}
  int fd_;
};

}  // namespace latchkey::secure_env
