#pragma once
/// The file behind an AuditLog. Not thread-safe: opened by the owner, then used by the background thread
/// only.
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "latchkey/base/error.h"

namespace latchkey {

class AuditFile {
 public:
  /// Appends to a regular file that nobody but its owner may read or write; made with 0600. Never waits: a
  /// FIFO is refused like everything that is no regular file.
  [[nodiscard]] static Result<std::unique_ptr<AuditFile>> open(std::string path);
  AuditFile(const AuditFile&) = delete;
  AuditFile& operator=(const AuditFile&) = delete;
  ~AuditFile() { close(); }

  /// Log rotation. Where the file cannot be opened that is logged, and nothing is written until the next
  /// reopen().
  void reopen();
  /// Whole lines, each with its line break. Returns how many of them are in the file completely.
  [[nodiscard]] std::size_t write(std::string_view lines);

 private:
  explicit AuditFile(std::string path) : path_(std::move(path)) {}
  [[nodiscard]] Status open();
  [[nodiscard]] Status check();
  [[nodiscard]] bool write_octets(std::string_view& octets);
  void close();
  void complain(const std::string& what);

  std::string path_;
  int fd_ = -1;
  bool torn_ = false;  ///< the last line in the file has no line break
  bool complained_ = false;
};

}  // namespace latchkey
