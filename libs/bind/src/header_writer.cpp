#include "header_writer.h"

#include <algorithm>
#include <array>

#include "http_text.h"
#include "latchkey/codec/formats.h"

namespace latchkey::bind {
namespace {

struct Reason {
  int status;
  std::string_view text;
};
constexpr std::array kReasons = {
    Reason{200, "OK"},
    Reason{201, "Created"},
    Reason{202, "Accepted"},
    Reason{204, "No Content"},
    Reason{400, "Bad Request"},
    Reason{403, "Forbidden"},
    Reason{404, "Not Found"},
    Reason{405, "Method Not Allowed"},
    Reason{406, "Not Acceptable"},
    Reason{408, "Request Timeout"},
    Reason{409, "Conflict"},
    Reason{413, "Content Too Large"},
    Reason{415, "Unsupported Media Type"},
    Reason{417, "Expectation Failed"},
    Reason{431, "Request Header Fields Too Large"},
    Reason{500, "Internal Server Error"},
    Reason{501, "Not Implemented"},
    Reason{503, "Service Unavailable"},
    Reason{504, "Gateway Timeout"},
};

}  // namespace

void HeaderWriter::status_line(int status) {
  const auto* const known = std::ranges::find(kReasons, status, &Reason::status);
  ((out_ += "HTTP/1.1 ") += std::to_string(status)) += ' ';
  if (known != kReasons.end()) out_ += known->text;
  out_ += "\r\n";
}

void HeaderWriter::field(Field name, std::string_view value) {
  // RFC 9110 5.5: CR, LF or NUL in a value would begin another field or message.
  if (!is_field_text(value) && !broken_) broken_ = name;
  (((out_ += to_string(name)) += ": ") += value) += "\r\n";
}

void HeaderWriter::number(Field name, std::uint64_t value) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  field(name, {digits.data(), static_cast<std::size_t>(end - digits.data())});
}

void HeaderWriter::optional_time(Field name, const std::optional<TimePoint>& value) {
  if (value) field(name, codec::timestamp_text(*value));
}

Status HeaderWriter::finish(bool sized, std::string_view body) {
  if (broken_) {
    out_.resize(begin_);
    return fail(ErrorCode::invalid_argument, std::string(to_string(*broken_)) + ": not printable ASCII");
  }
  if (sized) {
    std::array<char, 20> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), body.size()).ptr;
    out_ += "Content-Length: ";
    out_.append(digits.data(), end);
    out_ += "\r\n";
  }
  (out_ += "\r\n") += body;
  return {};
}

}  // namespace latchkey::bind
