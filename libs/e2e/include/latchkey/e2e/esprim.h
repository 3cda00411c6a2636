#pragma once
/// What Originator and Receiver of ESPrim share (TS-0003 8.4): defects, the header, the names of formats.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "latchkey/codec/status.h"
#include "latchkey/e2e/rand_object.h"
#include "latchkey/jose/header.h"

namespace latchkey::e2e {

/// Why an ESPrim Object is refused: distinct for the log. The peer sees the Response Status Code alone.
enum class EsPrimDefect : std::uint8_t {
  form,                       ///< no compact JWE, too long, an encrypted key, base64url that is not exact
  header,                     ///< a header member missing, malformed, or of the other role
  option,                     ///< alg, enc, a critical or compressing header
  key_gen_alg,                ///< esk that the receiver object does not list
  algorithms,                 ///< espa of the originator no subset, or enc in neither list
  unknown_key,                ///< kid unknown and not of a MAF that we ask
  expired_key,                ///< pairwiseESPrimKeyLifetime is over
  unknown_originator_object,  ///< ori not known and no oro with that ID
  changed_originator_object,  ///< oro of an ID under which another was sent
  expired_originator_object,  ///<
  late_originator_object,     ///< ends later than the receiver object
  used_up,                    ///< the session has carried as many objects as we remember
  unknown_receiver_object,    ///< rri not ours, expired or given up
  foreign_receiver_object,    ///< an object that is not shared, in the hands of another key
  crowded,                    ///< too many sessions of one key with this receiver object
  tag,                        ///< any changed octet, or another key
  replayed,                   ///< this request was received before
  key_store,                  ///< the Secure Environment failed
  format,                     ///< cty that no codec here reads
  inner,                      ///< no primitive inside
  impersonation,              ///< inner or outer From is not the owner of the key (7.2.2)
  sealing,                    ///< the answer could not be protected
};
[[nodiscard]] std::string_view to_string(EsPrimDefect defect) noexcept;
/// TS-0004 6.6.3: 4111 to 4116, 5210, 5211; 4000 for what is no ESPrim Object, 4015 for its format.
[[nodiscard]] codec::Rsc rsc_of(EsPrimDefect defect) noexcept;

struct EsPrimRefusal {
  EsPrimDefect defect = EsPrimDefect::form;
  std::string detail;  ///< for the log; never of the plaintext, never for the peer
  [[nodiscard]] codec::Rsc rsc() const noexcept { return rsc_of(defect); }
};
template <class T>
class [[nodiscard]] EsPrimResult : public tl::expected<T, EsPrimRefusal> {
 public:
  using tl::expected<T, EsPrimRefusal>::expected;
};
[[nodiscard]] inline tl::unexpected<EsPrimRefusal> refuse(EsPrimDefect defect, std::string detail) {
  return tl::unexpected<EsPrimRefusal>(EsPrimRefusal{defect, std::move(detail)});
}

/// The longest ESPrim Object; a primitive of 1 MiB fits.
inline constexpr std::size_t kEsPrimOctetsMax = 1'500'000;
inline constexpr std::size_t kEsPrimHeaderOctetsMax = 6UL * 1024UL;

/// Protected header (table 8.4.3.2-2), read without any key. Unknown members are ignored.
struct EsPrimHeader {
  jose::Enc enc = jose::Enc::a256gcm;
  std::string kid;
  std::optional<std::string> cty;
  std::string ori, rri;
  std::optional<OriginatorRandObject> oro;
  std::optional<ReceiverRandObject> rro;

  /// From the first part of the JWE. form, header or option.
  [[nodiscard]] static EsPrimResult<EsPrimHeader> read(std::string_view encoded, TimePoint now);
};

/// How the primitive inside is written (TS-0004 8.4, 8.5).
enum class InnerFormat : std::uint8_t { json, cbor };
/// By `cty`, with or without "application/", in any case: vnd.onem2m-preq+json, vnd.onem2m-prsp+json, json,
/// the same with cbor; absent: JSON. nullopt: another, which no codec here reads.
[[nodiscard]] std::optional<InnerFormat> inner_format(const std::optional<std::string>& cty);

}  // namespace latchkey::e2e
