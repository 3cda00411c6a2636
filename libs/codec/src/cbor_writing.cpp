#include <cbor.h>

#include <array>

#include "latchkey/codec/cbor.h"
#include "text.h"

/// Values are as deep as their reader let them be, so recursion is safe.
namespace latchkey::codec {
namespace {

/// One head of RFC 8949 3 with what it holds; `encode` is one of libcbor's functions.
template <class Encode, class... Value>
void head(Bytes& out, Encode encode, Value... value) {
  std::array<unsigned char, 9> octets{};
  const auto size = encode(value..., octets.data(), octets.size());
  out.insert(out.end(), octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(size));
}

void append(Bytes& out, const json::value& value);

void append(Bytes& out, std::string_view text) {
  head(out, cbor_encode_string_start, text.size());
  const auto octets = as_bytes(text);
  out.insert(out.end(), octets.begin(), octets.end());
}

void append(Bytes& out, const json::array& array) {
  head(out, cbor_encode_array_start, array.size());
  for (const auto& entry : array) append(out, entry);
}

void append(Bytes& out, const json::object& object) {
  head(out, cbor_encode_map_start, object.size());
  for (const auto& member : object) {
    append(out, std::string_view(member.key().data(), member.key().size()));
    append(out, member.value());
  }
}

void append(Bytes& out, std::int64_t number) {
  if (number >= 0) return head(out, cbor_encode_uint, static_cast<std::uint64_t>(number));
  head(out, cbor_encode_negint, static_cast<std::uint64_t>(-1 - number));
}

void append(Bytes& out, double number) {
  const auto narrow = static_cast<float>(number);
  if (static_cast<double>(narrow) == number) return head(out, cbor_encode_single, narrow);
  head(out, cbor_encode_double, number);
}

void append(Bytes& out, const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return head(out, cbor_encode_null);
    case json::kind::bool_:
      return head(out, cbor_encode_bool, value.get_bool());
    case json::kind::int64:
      return append(out, value.get_int64());
    case json::kind::uint64:
      return head(out, cbor_encode_uint, value.get_uint64());
    case json::kind::double_:
      return append(out, value.get_double());
    case json::kind::string:
      return append(out, view(value.get_string()));
    case json::kind::array:
      return append(out, value.get_array());
    case json::kind::object:
      return append(out, value.get_object());
  }
}

}  // namespace

Bytes to_cbor(const json::value& value) {
  Bytes out;
  append(out, value);
  return out;
}

}  // namespace latchkey::codec
