#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "latchkey/base/error.h"

namespace latchkey {

/// Writes the octets of hex `text`, either case, to `out` of half its length. The detail never repeats the
/// text, since it may be a key.
[[nodiscard]] Status decode_hex(std::string_view text, std::span<std::uint8_t> out);

}  // namespace latchkey
