#pragma once
/// Who sends a request: From against what authentication yielded (TS-0003 7.2.1, 6.1.2.2.1, 7.1.2;
/// TS-0004 7.3.2.1).
#include "core.h"

namespace latchkey::cse {

/// Fills originator, rq_authn, administrator, associated and trusted of the request, or refuses: 4106 when
/// From is not the identity of the security association or names nobody who is registered here, 4107 when an
/// association is missing. An AE registration may leave the AE-ID open; the originator is then the associated
/// AE-ID, or unknown.
[[nodiscard]] Outcome<void> identify(const Core& core, Request& request);

/// The AE-ID that From means to this CSE: stem, SP-relative or absolute form.
[[nodiscard]] std::optional<AeId> ae_id_of(std::string_view from, const CseId& own);

/// CREATE of an <AE>.
[[nodiscard]] bool is_ae_registration(const RequestPrimitive& primitive) noexcept;
/// CREATE of an <AE> or <remoteCSE>: it answers to its association and not to a policy (TS-0004 7.3.3.1).
[[nodiscard]] bool is_registration(const RequestPrimitive& primitive) noexcept;
/// From of an AE registration that leaves the AE-ID to the CSE: empty, "C" or "S".
[[nodiscard]] bool is_open(std::string_view from) noexcept;

/// Whether a trusted listener lists an AE-ID, in any of its forms.
enum class Listed : std::uint8_t { no, by_pattern, exactly };
[[nodiscard]] Listed listed(const CseOptions::TrustedListener& listener, const AeId& ae, const CseId& own);

/// True if this AE-ID is proved by a credential, so that nobody may use it without.
[[nodiscard]] bool is_bound(const Core& core, const AeId& ae);

}  // namespace latchkey::cse
