#include "state_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace latchkey::store {

namespace {

Error system_failure(const std::string& what) {
  const int code = errno;
  return {code == ENOENT ? ErrorCode::not_found : ErrorCode::io,
          what + ": " + std::generic_category().message(code)};
}

std::string octal(unsigned mode) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "%04o", mode);
  return text.data();
}

std::string read_pid(int fd) {
  std::array<char, 32> text{};
  const auto size = ::pread(fd, text.data(), text.size() - 1, 0);
  std::string pid(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  while (!pid.empty() && pid.back() == '\n') pid.pop_back();
  return pid;
}

}  // namespace

Status prepare_state_folder(const std::string& folder) {
  if (folder.empty()) return fail(ErrorCode::invalid_argument, "state folder: no path given");
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return fail(system_failure("cannot create " + folder));
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0) return fail(system_failure("cannot read " + folder));
  if (!S_ISDIR(info.st_mode)) return fail(ErrorCode::invalid_argument, folder + " is not a folder");
  if (info.st_uid != ::geteuid()) return fail(ErrorCode::denied, folder + " belongs to another user");
  if ((info.st_mode & 0077U) != 0) {
    return fail(ErrorCode::denied, folder + " must have mode 0700, it has " + octal(info.st_mode & 07777U));
  }
  return {};
}

Status sync_folder(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return fail(system_failure("cannot open " + folder));
  const int rc = ::fsync(fd);
  const auto error = rc == 0 ? Error{} : system_failure("cannot flush " + folder);
  ::close(fd);
  if (rc != 0) return fail(error);
  return {};
}

Result<FolderLock> FolderLock::take(const std::string& folder) {
  const std::string file = folder + "/lock";
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return fail(system_failure("cannot open " + file));
  FolderLock lock(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return fail(system_failure("cannot lock " + file));
    return fail(ErrorCode::conflict, folder + " is in use by process " + read_pid(fd));
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0 ||
      ::pwrite(fd, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return fail(system_failure("cannot write " + file));
  }
  return lock;
}

FolderLock::FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FolderLock::~FolderLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace latchkey::store
