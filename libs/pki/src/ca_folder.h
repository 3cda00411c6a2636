#pragma once
/// Files of an authority's folder: whole files replaced atomically, one writer at a time. Private to this
/// library.
#include <sys/types.h>

#include <string>
#include <string_view>

#include "latchkey/base/bytes.h"
#include "latchkey/base/secret.h"

namespace latchkey::pki {

/// Makes the folder if it is not there, for its owner only.
Status make_folder(const std::string& folder);

/// flock on FOLDER/lock until destroyed; waits for the other holder.
class FolderLock {
 public:
  [[nodiscard]] static Result<FolderLock> take(const std::string& folder);
  FolderLock(FolderLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int descriptor) noexcept : descriptor_(descriptor) {}
  int descriptor_;
};

/// Whole file; not_found, limit (64 MiB), io.
Result<std::string> read_file(const std::string& path);
/// Refused (denied) when anyone but the owner may read or write it.
Result<SecretBytes> read_secret_file(const std::string& path);

/// Replaces the file by one with this content: written beside it, flushed, renamed, folder flushed. After a
/// crash the old or the new content stands, never a part.
Status write_atomically(const std::string& path, ByteView content, mode_t mode);

}  // namespace latchkey::pki
