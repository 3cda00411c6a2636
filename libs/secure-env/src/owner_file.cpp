#include "owner_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

namespace latchkey::secure_env {

namespace {

Error system_failure(const std::string& what) {
  const int code = errno;
  return {code == ENOENT ? ErrorCode::not_found : ErrorCode::io,
          what + ": " + std::generic_category().message(code)};
}

class Fd {
 public:
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

std::string octal(unsigned mode) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "%04o", mode);
  return text.data();
}

unsigned forbidden_bits(Access access) {
  switch (access) {
    case Access::owner_only:
      return 0077;
    case Access::group_may_read:
      return 0037;
    case Access::all_may_read:
      return 0022;
  }
  return 0077;
}

Status check_owner_and_mode(const struct stat& info, const std::string& path, Access access) {
  if (info.st_uid != ::geteuid() && info.st_uid != 0) {
    return fail(ErrorCode::denied, path + " belongs neither to this user nor to root");
  }
  if ((info.st_mode & forbidden_bits(access)) != 0) {
    const char* rule = access == Access::all_may_read ? " must not be writable by others, it has mode "
                                                      : " must be for its owner only, it has mode ";
    return fail(ErrorCode::denied, path + rule + octal(info.st_mode & 07777U));
  }
  return {};
}

Status write_all(int fd, ByteView content, const std::string& path) {
  while (!content.empty()) {
    const auto written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return fail(system_failure("cannot write " + path));
    content = content.subspan(static_cast<std::size_t>(written));
  }
  if (::fsync(fd) != 0) return fail(system_failure("cannot flush " + path));
  return {};
}

Status sync_parent(const std::string& path) {
  auto folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty()) folder = ".";
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return fail(system_failure("cannot open " + folder));
  if (::fsync(fd.get()) != 0) return fail(system_failure("cannot flush " + folder));
  return {};
}

Status write_new(const std::string& path, ByteView content) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (fd.get() < 0) {
    if (errno == EEXIST) return fail(ErrorCode::conflict, path + " exists");
    return fail(system_failure("cannot create " + path));
  }
  auto written = write_all(fd.get(), content, path);
  if (!written) ::unlink(path.c_str());
  return written;
}

}  // namespace

Result<SecretBytes> read_owned_file(const std::string& path, Access access, std::size_t bytes_max) {
  // Not blocking: a FIFO in the place of the file is refused, not waited for.
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) return fail(system_failure("cannot open " + path));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail(system_failure("cannot read " + path));
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::invalid_argument, path + " is not a regular file");
  if (auto allowed = check_owner_and_mode(info, path, access); !allowed) return fail(allowed.error());
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size > bytes_max) {
    return fail(ErrorCode::limit, path + " is longer than " + std::to_string(bytes_max) + " octets");
  }
  SecretBytes content(size);
  auto rest = content.reveal_writable();
  while (!rest.empty()) {
    const auto got = ::read(fd.get(), rest.data(), rest.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(system_failure("cannot read " + path));
    if (got == 0) return fail(ErrorCode::io, path + " became shorter while it was read");
    rest = rest.subspan(static_cast<std::size_t>(got));
  }
  return content;
}

Status replace_file(const std::string& path, ByteView content) {
  const std::string temporary = path + ".new";
  ::unlink(temporary.c_str());  // left by a crash
  if (auto written = write_new(temporary, content); !written) return written;
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    auto failure = system_failure("cannot replace " + path);
    ::unlink(temporary.c_str());
    return fail(std::move(failure));
  }
  return sync_parent(path);
}

Status create_file(const std::string& path, ByteView content) {
  if (auto written = write_new(path, content); !written) return written;
  return sync_parent(path);
}

Status prepare_owner_folder(const std::string& folder) {
  if (folder.empty()) return fail(ErrorCode::invalid_argument, "no folder given");
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return fail(system_failure("cannot create " + folder));
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0) return fail(system_failure("cannot read " + folder));
  if (!S_ISDIR(info.st_mode)) return fail(ErrorCode::invalid_argument, folder + " is not a folder");
  return check_owner_and_mode(info, folder, Access::owner_only);
}

Result<FileLock> FileLock::take(const std::string& path) {
  const std::string file = path + ".lock";
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return fail(system_failure("cannot open " + file));
  FileLock lock(fd);
  while (::flock(fd, LOCK_EX) != 0) {
    if (errno != EINTR) return fail(system_failure("cannot lock " + file));
  }
  return lock;
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace latchkey::secure_env
