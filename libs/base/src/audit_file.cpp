#include "audit_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "latchkey/base/log.h"

namespace latchkey {
namespace {

/// By way of find, which takes many octets at a time.
std::size_t count_lines(std::string_view text) {
  std::size_t lines = 0;
  for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n', end + 1)) ++lines;
  return lines;
}

}  // namespace

Result<std::unique_ptr<AuditFile>> AuditFile::open(std::string path) {
  std::unique_ptr<AuditFile> file(new AuditFile(std::move(path)));
  if (auto opened = file->open(); !opened) return fail(file->path_, opened.error());
  return file;
}

void AuditFile::reopen() {
  close();
  if (auto opened = open(); !opened) complain("cannot open " + path_ + ": " + opened.error().detail);
}

std::size_t AuditFile::write(std::string_view lines) {
  if (fd_ < 0 || lines.empty()) return 0;
  std::string_view left = lines;
  bool complete = true;
  if (torn_) {  // what comes next must not become the tail of a line that no reader understands
    std::string_view line_break("\n");
    complete = write_octets(line_break);
    if (complete) torn_ = false;
  }
  if (complete) complete = write_octets(left);
  const auto written = lines.substr(0, lines.size() - left.size());
  if (!written.empty()) torn_ = written.back() != '\n';
  if (complete) complained_ = false;
  return count_lines(written);
}

/// Takes what was written off the front of `octets`; false if that was not all.
bool AuditFile::write_octets(std::string_view& octets) {
  while (!octets.empty()) {
    const ssize_t size = ::write(fd_, octets.data(), octets.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) {
      complain("cannot write " + path_ + ": " + std::strerror(errno));
      return false;
    }
    octets.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

Status AuditFile::open() {
  fd_ = ::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
  if (fd_ < 0) return fail(ErrorCode::io, std::strerror(errno));
  auto checked = check();
  if (!checked) close();
  return checked;
}

Status AuditFile::check() {
  struct stat info {};
  if (::fstat(fd_, &info) != 0) return fail(ErrorCode::io, std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::invalid_argument, "no regular file");
  if ((info.st_mode & 077U) != 0)
    return fail(ErrorCode::denied, "others may read or write it; chmod 600 it first");
  char last = '\n';
  if (info.st_size > 0 && ::pread(fd_, &last, 1, info.st_size - 1) != 1)
    return fail(ErrorCode::io, "its end cannot be read");
  torn_ = last != '\n';
  return {};
}

void AuditFile::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  complained_ = false;
}

/// Once per failure, not once per event.
void AuditFile::complain(const std::string& what) {
  if (!complained_) log::error("audit", what);
  complained_ = true;
}

}  // namespace latchkey
