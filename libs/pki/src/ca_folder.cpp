#include "ca_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace latchkey::pki {
namespace {

constexpr std::size_t kFileOctetsMax = 64U << 20U;
constexpr std::size_t kSecretOctetsMax = 64U << 10U;

std::string cause() { return std::generic_category().message(errno); }

/// A descriptor that closes itself.
class File {
 public:
  File(const std::string& path, int flags, mode_t mode = 0)
      : descriptor_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  [[nodiscard]] bool is_open() const noexcept { return descriptor_ >= 0; }
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  [[nodiscard]] int release() noexcept { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

Status write_all(int descriptor, ByteView content) {
  while (!content.empty()) {
    const ssize_t done = ::write(descriptor, content.data(), content.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return fail(ErrorCode::io, "cannot write: " + cause());
    content = content.subspan(static_cast<std::size_t>(done));
  }
  return {};
}

/// Reads until the end, or fails with `limit` past `out.size()`; the count of octets.
Result<std::size_t> read_all(int descriptor, std::span<std::uint8_t> out) {
  std::size_t size = 0;
  for (;;) {
    std::array<std::uint8_t, 1> probe{};
    const bool full = size == out.size();
    const ssize_t done =
        full ? ::read(descriptor, probe.data(), 1) : ::read(descriptor, &out[size], out.size() - size);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return fail(ErrorCode::io, "cannot read: " + cause());
    if (done == 0) return size;
    if (full) return fail(ErrorCode::limit, "file too large");
    size += static_cast<std::size_t>(done);
  }
}

Status open_failed(const std::string& path) {
  return fail(errno == ENOENT ? ErrorCode::not_found : ErrorCode::io, path + ": " + cause());
}

Status flush_folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const File directory(folder, O_RDONLY | O_DIRECTORY);
  if (!directory.is_open() || ::fsync(directory.descriptor()) != 0) {
    return fail(ErrorCode::io, "cannot flush folder " + folder + ": " + cause());
  }
  return {};
}

}  // namespace

Status make_folder(const std::string& folder) {
  if (::mkdir(folder.c_str(), S_IRWXU) == 0) return {};
  struct stat info {};
  if (errno == EEXIST && ::stat(folder.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return {};
  return fail(ErrorCode::io, "cannot make folder " + folder + ": " + cause());
}

Result<FolderLock> FolderLock::take(const std::string& folder) {
  File file(folder + "/lock", O_RDWR | O_CREAT, S_IRUSR | S_IWUSR);
  if (!file.is_open()) return fail(open_failed(folder + "/lock").error());
  while (::flock(file.descriptor(), LOCK_EX) != 0) {
    if (errno != EINTR) return fail(ErrorCode::io, "cannot lock " + folder + ": " + cause());
  }
  return FolderLock(file.release());
}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<std::string> read_file(const std::string& path) {
  const File file(path, O_RDONLY);
  if (!file.is_open()) return fail(open_failed(path).error());
  struct stat info {};
  if (::fstat(file.descriptor(), &info) != 0) return fail(ErrorCode::io, path + ": " + cause());
  if (info.st_size < 0 || static_cast<std::size_t>(info.st_size) > kFileOctetsMax) {
    return fail(ErrorCode::limit, path + ": file too large");
  }
  std::string content(static_cast<std::size_t>(info.st_size), '\0');
  const auto size =
      read_all(file.descriptor(), {reinterpret_cast<std::uint8_t*>(content.data()), content.size()});
  if (!size) return fail(path, size.error());
  content.resize(*size);
  return content;
}

Result<SecretBytes> read_secret_file(const std::string& path) {
  const File file(path, O_RDONLY);
  if (!file.is_open()) return fail(open_failed(path).error());
  struct stat info {};
  if (::fstat(file.descriptor(), &info) != 0) return fail(ErrorCode::io, path + ": " + cause());
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return fail(ErrorCode::denied,
                path + ": others than its owner may access this key file (expected mode 0600)");
  }
  SecretBytes buffer(kSecretOctetsMax);
  const auto size = read_all(file.descriptor(), buffer.reveal_writable());
  if (!size) return fail(path, size.error());
  return buffer.first(*size);
}

Status write_atomically(const std::string& path, ByteView content, mode_t mode) {
  const std::string beside = path + ".new";
  {
    // A leftover of a crashed writer is replaced, so that its mode cannot linger.
    ::unlink(beside.c_str());
    const File file(beside, O_WRONLY | O_CREAT | O_EXCL, mode);
    if (!file.is_open()) return open_failed(beside);
    if (auto status = write_all(file.descriptor(), content); !status) return fail(beside, status.error());
    if (::fsync(file.descriptor()) != 0) return fail(ErrorCode::io, beside + ": cannot flush: " + cause());
  }
  if (::rename(beside.c_str(), path.c_str()) != 0)
    return fail(ErrorCode::io, path + ": cannot rename: " + cause());
  return flush_folder_of(path);
}

}  // namespace latchkey::pki
