#include "key_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "latchkey/base/log.h"
#include "latchkey/tls/key_log.h"

namespace latchkey::tls {
namespace {

int& descriptor() {
  static int fd = -1;  // stays open until the process ends
  return fd;
}

}  // namespace

Status open_key_log(const std::string& file) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return fail(ErrorCode::io, "key log " + file + ": " + std::strerror(errno));
  if (descriptor() >= 0) ::close(descriptor());
  descriptor() = fd;
  log::warning("tls", "test only: the keys of every session are written to " + file);
  return {};
}

bool key_log_is_open() noexcept { return descriptor() >= 0; }

void write_key_log(std::string_view line) {
  const std::string whole = std::string(line) + "\n";
  // One write, so that processes that share a file do not mix their lines.
  if (::write(descriptor(), whole.data(), whole.size()) != static_cast<ssize_t>(whole.size()))
    log::error("tls", std::string("key log: ") + std::strerror(errno));
}

}  // namespace latchkey::tls
