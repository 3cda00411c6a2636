#include <cbor.h>

#include <cmath>
#include <limits>
#include <variant>

#include "latchkey/codec/cbor.h"
#include "text.h"

namespace latchkey::codec {
namespace {

/// Builds the value from the events of libcbor's stateless decoder, which allocates nothing and follows no
/// nesting: depth and count are limited here, before anything is made.
class Builder {
 public:
  explicit Builder(const PrimitiveLimits& limits) : limits_(limits) {}

  [[nodiscard]] bool done() const noexcept { return root_.has_value(); }
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }
  [[nodiscard]] json::value release() { return std::move(*root_); }

  void stop(std::string reason) {
    if (reason_.empty()) reason_ = std::move(reason);
  }

  void number(std::uint64_t n) {
    constexpr auto kSigned = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    // As parse_json: unsigned only where it must be.
    if (n <= kSigned) return add(json::value(static_cast<std::int64_t>(n)));
    add(json::value(n));
  }
  /// -1 - n (RFC 8949 3.1).
  void negative(std::uint64_t n) {
    if (n > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return stop("a number is out of range");
    add(json::value(-1 - static_cast<std::int64_t>(n)));
  }
  void floating(double n) {
    if (!std::isfinite(n)) return stop("a number is out of range");
    add(json::value(n));
  }
  void boolean(bool value) { add(json::value(value)); }
  void null() { add(json::value(nullptr)); }

  void text(std::string_view part) {
    if (!is_utf8(part)) return stop("text is not UTF-8");
    if (!open_.empty() && open_.back().kind == Kind::text) {
      open_.back().text.append(part);
      return;
    }
    whole_text(std::string(part));
  }
  void text_begin() { begin({.kind = Kind::text}); }

  /// `size`: nullopt until a break.
  void array(std::optional<std::size_t> size) {
    if (!size || fits(*size)) begin({.kind = Kind::array, .left = size, .value = json::array()});
  }
  void map(std::optional<std::size_t> size) {
    if (!size || fits(*size)) begin({.kind = Kind::map, .left = size, .value = json::object()});
  }
  void end() {
    if (open_.empty() || open_.back().left || open_.back().key) return stop("a break where none may be");
    if (open_.back().kind != Kind::text) return close();
    std::string text = std::move(open_.back().text);
    open_.pop_back();
    whole_text(std::move(text));
  }

 private:
  enum class Kind : std::uint8_t { array, map, text };
  struct Open {
    Kind kind;
    std::optional<std::size_t> left{};  ///< elements or members to come, where that was said
    json::value value{};
    std::optional<std::string> key{};  ///< of the member whose value comes next
    std::string text{};                ///< so far, of Kind::text
  };

  bool fits(std::size_t size) {
    if (size <= limits_.members) return true;
    stop("more than " + std::to_string(limits_.members) + " members and elements");
    return false;
  }
  [[nodiscard]] bool expects_name() const {
    return !open_.empty() && open_.back().kind == Kind::map && !open_.back().key;
  }

  void begin(Open item) {
    if (inside_text()) return;
    if (expects_name() && item.kind != Kind::text) return stop("the name of a member is no text");
    if (open_.size() >= limits_.depth) return stop("nested deeper than " + std::to_string(limits_.depth));
    const bool empty = item.left == 0U;
    open_.push_back(std::move(item));
    if (empty) close();
  }
  bool inside_text() {
    if (open_.empty() || open_.back().kind != Kind::text) return false;
    stop("a text of indefinite length holds other than texts");
    return true;
  }
  void close() {
    json::value value = std::move(open_.back().value);
    open_.pop_back();
    add(std::move(value));
  }
  void whole_text(std::string text) {
    if (!expects_name()) return add(json::value(text));
    auto& map = open_.back();
    if (map.value.get_object().contains(text))
      return stop("member '" + shown(text) + "' stands twice in one object");
    map.key = std::move(text);
  }

  void add(json::value value) {
    if (inside_text()) return;
    if (expects_name()) return stop("the name of a member is no text");
    // Every value but the outermost is a member of an object or an element of an array.
    if (++values_ > limits_.members + 1) {
      fits(values_);
      return;
    }
    if (open_.empty()) {
      root_ = std::move(value);
      return;
    }
    auto& into = open_.back();
    if (into.kind == Kind::array)
      into.value.get_array().push_back(std::move(value));
    else
      into.value.get_object().emplace(*std::exchange(into.key, {}), std::move(value));
    if (into.left && --*into.left == 0) close();
  }

  const PrimitiveLimits& limits_;
  std::vector<Open> open_;  ///< from the outermost
  std::optional<json::value> root_;
  std::size_t values_ = 0;
  std::string reason_;
};

Builder& builder(void* context) { return *static_cast<Builder*>(context); }

template <class Integer>
void number(void* context, Integer n) {
  builder(context).number(n);
}
template <class Integer>
void negative(void* context, Integer n) {
  builder(context).negative(n);
}
template <class Float>
void floating(void* context, Float n) {
  builder(context).floating(n);
}

const cbor_callbacks kEvents{
    .uint8 = number<std::uint8_t>,
    .uint16 = number<std::uint16_t>,
    .uint32 = number<std::uint32_t>,
    .uint64 = number<std::uint64_t>,
    .negint64 = negative<std::uint64_t>,
    .negint32 = negative<std::uint32_t>,
    .negint16 = negative<std::uint16_t>,
    .negint8 = negative<std::uint8_t>,
    .byte_string_start = [](void* b) { builder(b).stop("a byte string"); },
    .byte_string = [](void* b, cbor_data, std::size_t) { builder(b).stop("a byte string"); },
    .string = [](void* b, cbor_data text,
                 std::size_t size) { builder(b).text(as_text(ByteView(text, size))); },
    .string_start = [](void* b) { builder(b).text_begin(); },
    .indef_array_start = [](void* b) { builder(b).array({}); },
    .array_start = [](void* b, std::size_t size) { builder(b).array(size); },
    .indef_map_start = [](void* b) { builder(b).map({}); },
    .map_start = [](void* b, std::size_t size) { builder(b).map(size); },
    .tag = [](void* b, std::uint64_t) { builder(b).stop("a tag"); },
    .float2 = floating<float>,
    .float4 = floating<float>,
    .float8 = floating<double>,
    .undefined = [](void* b) { builder(b).stop("an undefined value"); },
    .null = [](void* b) { builder(b).null(); },
    .boolean = [](void* b, bool value) { builder(b).boolean(value); },
    .indef_break = [](void* b) { builder(b).end(); },
};

tl::unexpected<Refusal> bad(const std::string& what) { return refuse(Rsc::bad_request, "CBOR: " + what); }

}  // namespace

Outcome<json::value> parse_cbor(ByteView octets, const PrimitiveLimits& limits) {
  if (octets.size() > limits.octets) return bad("more than " + std::to_string(limits.octets) + " octets");
  Builder builder(limits);
  std::size_t at = 0;
  while (!builder.done()) {
    const auto rest = octets.subspan(at);
    const auto item = rest.empty()
                          ? cbor_decoder_result{.read = 0, .status = CBOR_DECODER_NEDATA, .required = 1}
                          : cbor_stream_decode(rest.data(), rest.size(), &kEvents, &builder);
    if (!builder.reason().empty()) return bad(builder.reason() + " near octet " + std::to_string(at));
    if (item.status == CBOR_DECODER_NEDATA) return bad("ends in the middle of an item");
    if (item.status != CBOR_DECODER_FINISHED) return bad("not well-formed near octet " + std::to_string(at));
    at += item.read;
  }
  if (at < octets.size()) return bad("octets after the end of the item near octet " + std::to_string(at));
  return builder.release();
}

}  // namespace latchkey::codec
