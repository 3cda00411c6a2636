#pragma once
/// The JOSE header (RFC 7515 4, RFC 7516 4), read strictly.
#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "latchkey/base/error.h"

namespace latchkey::jose {

/// Sizes are of the text as received, checked before anything is decoded.
struct Limits {
  std::size_t octets = 1024UL * 1024UL;      ///< of the whole serialization
  std::size_t header_octets = 8UL * 1024UL;  ///< of the encoded header
};

/// What a header says. Nothing is trusted for being said here: `alg` and `enc` must be permitted by the key,
/// and `jku`, `x5u`, `jwk` and `x5c` are never followed.
struct Header {
  std::string alg;
  std::optional<std::string> enc, kid, typ, cty;
  boost::json::object members;  ///< all of them, as received

  /// From base64url text. invalid_argument: no JSON object, a member twice, a wrong type, no `alg`.
  /// unsupported: `crit` (no extension is known here) and `zip` (a small text could expand without bound).
  [[nodiscard]] static Result<Header> parse(std::string_view encoded, const Limits& limits);
  /// The same of members that were parsed already: a header of the JSON serializations is put together of
  /// several parts.
  [[nodiscard]] static Result<Header> of(boost::json::object members);
};

}  // namespace latchkey::jose
