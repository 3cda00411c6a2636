#include "latchkey/codec/content.h"

#include <limits>

#include "latchkey/base/error.h"
#include "latchkey/codec/primitive.h"

namespace latchkey::codec {

Content Content::kept(Text text) {
  if (text == nullptr) broken_invariant("content without text");
  Content content;
  content.text_ = std::move(text);
  return content;
}

const json::value& Content::value() const {
  if (text_ == nullptr || !value_.is_null()) return value_;
  // Our own text, so the limits for that of others do not hold.
  constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max() / 2;
  auto read = parse_json(*text_, {.octets = kUnlimited, .depth = kUnlimited, .members = kUnlimited});
  if (!read) broken_invariant("content that cannot be read");
  value_ = *std::move(read);
  return value_;
}

json::value& Content::value() {
  static_cast<void>(std::as_const(*this).value());
  text_.reset();
  return value_;
}

void wipe(Content& content) noexcept {
  if (content.text() == nullptr) wipe(content.value());
}

}  // namespace latchkey::codec
