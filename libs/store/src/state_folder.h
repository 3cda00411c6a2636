#pragma once
/// The state folder of one daemon: owner-only, used by one process.
#include <string>

#include "latchkey/base/error.h"

namespace latchkey::store {

/// Creates the folder with mode 0700 if it is missing (its parent must exist); `denied` if it exists and
/// group or others may enter it, or if it belongs to another user.
[[nodiscard]] Status prepare_state_folder(const std::string& folder);

/// Makes names created in the folder durable.
[[nodiscard]] Status sync_folder(const std::string& folder);

/// Holds the lock file of a folder for the life of the object; the kernel drops it when the process dies.
class FolderLock {
 public:
  /// `conflict` naming the pid if another holder is there.
  [[nodiscard]] static Result<FolderLock> take(const std::string& folder);
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&& other) = delete;
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int fd) noexcept : fd_(fd) {}
  int fd_;
};

}  // namespace latchkey::store
