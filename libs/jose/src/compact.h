#pragma once
#include <array>
#include <string>
#include <string_view>

#include "latchkey/base/bytes.h"
#include "latchkey/base/error.h"
#include "latchkey/jose/header.h"

namespace latchkey::jose {

/// The parts between the dots; limit if `text` is too long, invalid_argument unless there are exactly N.
template <std::size_t N>
[[nodiscard]] Result<std::array<std::string_view, N>> split(std::string_view text, const Limits& limits) {
  if (text.size() > limits.octets) return fail(ErrorCode::limit, "JOSE text of excessive length");
  std::array<std::string_view, N> parts;
  for (std::size_t i = 0; i + 1 < N; ++i) {
    const std::size_t dot = text.find('.');
    if (dot == std::string_view::npos) return fail(ErrorCode::invalid_argument, "too few parts");
    parts.at(i) = text.substr(0, dot);
    text.remove_prefix(dot + 1);
  }
  if (text.find('.') != std::string_view::npos) return fail(ErrorCode::invalid_argument, "too many parts");
  parts.at(N - 1) = text;
  return parts;
}

/// The members of an encoded header; nothing is asked of them but that they are an object.
[[nodiscard]] Result<boost::json::object> header_members(std::string_view encoded, const Limits& limits);

/// The header as the first part of a serialization: alg first, then enc, then the members given.
/// An empty alg is left out.
[[nodiscard]] std::string encode_header(std::string_view alg, std::string_view enc,
                                        boost::json::object&& members);

/// What stands behind the header of a compact JWE, each part after its dot. `sealed`: ciphertext, then tag.
void append_parts(std::string& text, ByteView encrypted_key, ByteView iv, ByteView sealed);

}  // namespace latchkey::jose
