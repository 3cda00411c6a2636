#include <algorithm>
#include <array>
#include <boost/container/small_vector.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_stack.hpp>
#include <charconv>
#include <forward_list>
#include <functional>
#include <utility>

#include "latchkey/base/secret.h"
#include "latchkey/codec/primitive.h"
#include "text.h"

namespace latchkey::codec {
namespace {

using ErrorCodeOut = json::error_code;
using Text = json::string_view;

/// Builds the value while the text is read and stops at the first breach of a limit. Boost.JSON keeps the
/// last of equal members without a word; two readers of one primitive could then see two different requests,
/// so a repeated name is refused here.
class Builder {
 public:
  static constexpr std::size_t max_object_size = json::object::max_size();
  static constexpr std::size_t max_array_size = json::array::max_size();
  static constexpr std::size_t max_key_size = json::string::max_size();
  static constexpr std::size_t max_string_size = json::string::max_size();

  /// `text` is what will be read, all of it at once.
  Builder(std::string_view text, const PrimitiveLimits& limits, unsigned char* scratch, std::size_t size)
      : text_(text), limits_(limits), stack_(json::storage_ptr(), scratch, size) {
    stack_.reset();
  }

  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }
  [[nodiscard]] json::value release() { return stack_.release(); }

  bool on_document_begin(ErrorCodeOut&) { return true; }
  bool on_document_end(ErrorCodeOut&) { return true; }

  bool on_object_begin(ErrorCodeOut& ec) {
    object_starts_.push_back(keys_.size());
    return count(ec);
  }
  bool on_object_end(std::size_t n, ErrorCodeOut& ec) {
    const std::size_t start = object_starts_.back();
    if (const auto* const twice = repeated(start)) {
      return stop(ec, "member '" + shown(*twice) + "' stands twice in one object");
    }
    keys_.resize(start);
    object_starts_.pop_back();
    stack_.push_object(n);
    return true;
  }
  bool on_array_begin(ErrorCodeOut& ec) { return count(ec); }
  bool on_array_end(std::size_t n, ErrorCodeOut&) {
    stack_.push_array(n);
    return true;
  }

  bool on_key_part(Text part, std::size_t, ErrorCodeOut&) {
    key_part_.append(part.data(), part.size());
    stack_.push_chars(part);
    return true;
  }
  bool on_key(Text part, std::size_t, ErrorCodeOut&) {
    keys_.push_back(whole_key(part));
    stack_.push_key(part);
    return true;
  }
  bool on_string_part(Text part, std::size_t, ErrorCodeOut&) {
    stack_.push_chars(part);
    return true;
  }
  bool on_string(Text part, std::size_t, ErrorCodeOut& ec) {
    stack_.push_string(part);
    return count(ec);
  }
  bool on_number_part(Text part, ErrorCodeOut&) {
    number_text_.append(part.data(), part.size());
    return true;
  }
  bool on_int64(std::int64_t number, Text, ErrorCodeOut& ec) {
    number_text_.clear();
    stack_.push_int64(number);
    return count(ec);
  }
  bool on_uint64(std::uint64_t number, Text, ErrorCodeOut& ec) {
    number_text_.clear();
    stack_.push_uint64(number);
    return count(ec);
  }
  /// The parser's own number may be one unit in the last place away from what is written; a stored number
  /// would then come back as another one.
  bool on_double(double, Text part, ErrorCodeOut& ec) {
    number_text_.append(part.data(), part.size());
    double number = 0;
    const auto* const end = number_text_.data() + number_text_.size();
    const auto [stopped, error] = std::from_chars(number_text_.data(), end, number);
    if (error != std::errc() || stopped != end) return stop(ec, "a number is out of range");
    number_text_.clear();
    stack_.push_double(number);
    return count(ec);
  }
  bool on_bool(bool value, ErrorCodeOut& ec) {
    stack_.push_bool(value);
    return count(ec);
  }
  bool on_null(ErrorCodeOut& ec) {
    stack_.push_null();
    return count(ec);
  }
  bool on_comment_part(Text, ErrorCodeOut&) { return true; }
  bool on_comment(Text, ErrorCodeOut&) { return true; }

 private:
  bool stop(ErrorCodeOut& ec, std::string reason) {
    reason_ = std::move(reason);
    ec = json::make_error_code(json::error::exception);
    return false;
  }

  /// Every value but the outermost is a member of an object or an element of an array.
  bool count(ErrorCodeOut& ec) {
    if (++values_ <= limits_.members + 1) return true;
    return stop(ec, "more than " + std::to_string(limits_.members) + " members and elements");
  }

  /// A key that stands in the text as it is needs no copy; one that came in parts or with escapes does.
  std::string_view whole_key(Text part) {
    const std::less_equal<const char*> before;
    const bool in_text =
        before(text_.data(), part.data()) && before(part.data() + part.size(), text_.data() + text_.size());
    if (key_part_.empty() && in_text) return {part.data(), part.size()};
    key_part_.append(part.data(), part.size());
    return decoded_keys_.emplace_front(std::exchange(key_part_, {}));
  }

  /// A key of the innermost object that occurs twice. Few keys are compared pair by pair; many are sorted
  /// first, so that a hostile text costs n log n.
  const std::string_view* repeated(std::size_t start) {
    constexpr std::ptrdiff_t kFew = 24;
    const auto first = keys_.begin() + static_cast<std::ptrdiff_t>(start);
    if (keys_.end() - first > kFew) {
      std::sort(first, keys_.end());
      const auto twice = std::adjacent_find(first, keys_.end());
      return twice != keys_.end() ? &*twice : nullptr;
    }
    for (auto at = first; at != keys_.end(); ++at) {
      if (std::find(first, at, *at) != at) return &*at;
    }
    return nullptr;
  }

  std::string_view text_;
  const PrimitiveLimits& limits_;
  json::value_stack stack_;
  boost::container::small_vector<std::string_view, 32> keys_;  ///< of all open objects, one after the other
  boost::container::small_vector<std::size_t, 16>
      object_starts_;  ///< per open object: the index of its first key
  std::string key_part_;
  std::forward_list<std::string> decoded_keys_;  ///< what keys_ refers to where the text cannot serve
  std::string number_text_;
  std::size_t values_ = 0;
  std::string reason_;
};

std::string explain(ErrorCodeOut ec, std::size_t at, const PrimitiveLimits& limits) {
  if (ec == json::error::too_deep) return "nested deeper than " + std::to_string(limits.depth);
  return "not well-formed: " + ec.message() + " near octet " + std::to_string(at);
}

}  // namespace

Outcome<json::value> parse_json(std::string_view text, const PrimitiveLimits& limits) {
  if (text.size() > limits.octets) {
    return refuse(Rsc::bad_request, "JSON: more than " + std::to_string(limits.octets) + " octets");
  }
  alignas(std::max_align_t) std::array<unsigned char, 4096> scratch;
  json::parse_options options;
  options.max_depth = limits.depth;
  json::basic_parser<Builder> parser(options, text, limits, scratch.data(), scratch.size());
  json::error_code ec;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), ec);
  if (!parser.handler().reason().empty())
    return refuse(Rsc::bad_request, "JSON: " + parser.handler().reason());
  if (ec) return refuse(Rsc::bad_request, "JSON: " + explain(ec, used, limits));
  if (used < text.size()) {
    return refuse(Rsc::bad_request,
                  "JSON: text after the end of the value near octet " + std::to_string(used));
  }
  return parser.handler().release();
}

void wipe(json::value& value) noexcept {
  if (auto* text = value.if_string()) {
    latchkey::wipe(text->data(), text->size());
  } else if (auto* array = value.if_array()) {
    for (auto& entry : *array) wipe(entry);
  } else if (auto* object = value.if_object()) {
    for (auto& member : *object) wipe(member.value());
  }
}

}  // namespace latchkey::codec
