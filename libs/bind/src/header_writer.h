#pragma once
/// Writes one HTTP message into a buffer, and takes it back if a value would break out of its field.
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "http_head.h"
#include "latchkey/base/error.h"
#include "latchkey/base/time.h"

namespace latchkey::bind {

/// Not thread-safe. `out` outlives it.
class HeaderWriter {
 public:
  explicit HeaderWriter(std::string& out) : out_(out), begin_(out.size()) {}

  /// A start line, or a whole field, that holds no value from outside.
  void line(std::string_view text) { (out_ += text) += "\r\n"; }
  void status_line(int status);
  void field(Field field, std::string_view value);
  void number(Field field, std::uint64_t value);

  void optional(Field name, const std::optional<std::string>& value) {
    if (value) field(name, *value);
  }
  void optional_number(Field name, const std::optional<std::uint32_t>& value) {
    if (value) number(name, *value);
  }
  void optional_time(Field name, const std::optional<TimePoint>& value);

  /// Content-Length if `sized`, the empty line, the body. The first value that could not stand in its field
  /// is the error, and nothing is left in `out`.
  [[nodiscard]] Status finish(bool sized, std::string_view body);

 private:
  std::string& out_;
  std::size_t begin_;
  std::optional<Field> broken_;
};

}  // namespace latchkey::bind
