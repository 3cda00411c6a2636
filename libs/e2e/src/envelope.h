#pragma once
/// An envelope of any form, read without keys.
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "latchkey/crypto/crypto.h"
#include "latchkey/e2e/esdata.h"

namespace latchkey::e2e {

/// Compact JWS are held like those in JSON of one signature.
struct SignedEnvelope {
  jose::JsonJws jws;
};
struct SealedEnvelope {
  jose::JsonJwe jwe;
};
using Envelope = std::variant<SignedEnvelope, SealedEnvelope>;

/// unsupported: crit, zip, b64; invalid_argument and limit for everything else.
[[nodiscard]] Result<Envelope> read_envelope(EsDataForm form, std::string_view text);

/// The form of a JWS inside, by cty (RFC 7515 4.1.9, RFC 7516 4.1.12); nullopt: the plaintext is the payload.
[[nodiscard]] std::optional<EsDataForm> nested_form(const std::optional<std::string>& cty);
inline constexpr std::string_view kNestedCompact = "JOSE";
inline constexpr std::string_view kNestedJson = "JOSE+JSON";

}  // namespace latchkey::e2e
