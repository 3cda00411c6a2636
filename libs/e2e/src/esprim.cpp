#include "latchkey/e2e/esprim.h"

#include <algorithm>
#include <array>

#include "latchkey/e2e/pairwise_key.h"
#include "members.h"

namespace latchkey::e2e {
namespace {

using codec::Rsc;

struct Row {
  std::string_view name;
  Rsc rsc;
};
constexpr std::array<Row, 22> kRows = {{
    {"no ESPrim Object", Rsc::bad_request},
    {"header", Rsc::bad_request},
    {"option", Rsc::esprim_unsupported_option},
    {"key generation algorithm", Rsc::esprim_unsupported_option},
    {"algorithms", Rsc::esprim_unsupported_option},
    {"unknown key", Rsc::esprim_unknown_key_id},
    {"expired key", Rsc::esprim_unknown_key_id},
    {"unknown originator object", Rsc::esprim_unknown_orig_rand_id},
    {"changed originator object", Rsc::esprim_unknown_orig_rand_id},
    {"expired originator object", Rsc::esprim_unknown_orig_rand_id},
    {"originator object outlives the receiver object", Rsc::esprim_unknown_orig_rand_id},
    {"session used up", Rsc::esprim_unknown_orig_rand_id},
    {"unknown receiver object", Rsc::esprim_unknown_recv_rand_id},
    {"receiver object of another key", Rsc::esprim_unknown_recv_rand_id},
    {"too many sessions", Rsc::esprim_unknown_recv_rand_id},
    {"tag", Rsc::esprim_bad_mac},
    {"replayed", Rsc::esprim_decryption_error},
    {"Secure Environment", Rsc::esprim_decryption_error},
    {"format", Rsc::unsupported_media_type},
    {"inner primitive", Rsc::bad_request},
    {"impersonation", Rsc::esprim_impersonation_error},
    {"sealing", Rsc::esprim_encryption_error},
}};

bool is_kid(std::string_view text) noexcept {
  return !text.empty() && text.size() <= kPairwiseIdOctetsMax &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

/// A rand object in the header, or nothing.
template <class Object>
EsPrimResult<std::optional<Object>> read_object(const json::object& members, std::string_view name,
                                                TimePoint now) {
  const json::value* const value = members.if_contains(name);
  if (value == nullptr) return std::optional<Object>();
  auto object = Object::read(*value, now);
  if (!object) return refuse(EsPrimDefect::header, std::string(name) + "." + object.error().detail);
  return std::optional<Object>(std::move(*object));
}

EsPrimResult<std::string> read_id(const json::object& members, std::string_view name) {
  const auto id = text_member(members, name);
  if (!id || id->size() > kRandIdOctetsMax || !is_ncname(*id))
    return refuse(EsPrimDefect::header, std::string(name) + ": missing or no esprimRandID");
  return std::string(*id);
}

}  // namespace

std::string_view to_string(EsPrimDefect defect) noexcept {
  return kRows.at(static_cast<std::size_t>(defect)).name;
}
Rsc rsc_of(EsPrimDefect defect) noexcept { return kRows.at(static_cast<std::size_t>(defect)).rsc; }

EsPrimResult<EsPrimHeader> EsPrimHeader::read(std::string_view encoded, TimePoint now) {
  const auto parsed = jose::Header::parse(encoded, {.header_octets = kEsPrimHeaderOctetsMax});
  if (!parsed) {
    const bool option = parsed.error().code == ErrorCode::unsupported;
    return refuse(option ? EsPrimDefect::option : EsPrimDefect::header, parsed.error().detail);
  }
  if (parsed->alg != jose::to_string(jose::KeyAlg::dir))
    return refuse(EsPrimDefect::option, "alg is not dir");
  if (!parsed->enc) return refuse(EsPrimDefect::header, "enc: missing");
  const auto enc = jose::enc(*parsed->enc);
  if (!enc) return refuse(EsPrimDefect::option, "enc is none of A128GCM, A192GCM, A256GCM");
  if (!parsed->kid || !is_kid(*parsed->kid))
    return refuse(EsPrimDefect::header, "kid: missing or no key identifier");
  auto ori = read_id(parsed->members, "ori");
  if (!ori) return refuse(ori.error().defect, std::move(ori.error().detail));
  auto rri = read_id(parsed->members, "rri");
  if (!rri) return refuse(rri.error().defect, std::move(rri.error().detail));
  auto oro = read_object<OriginatorRandObject>(parsed->members, "oro", now);
  if (!oro) return refuse(oro.error().defect, std::move(oro.error().detail));
  auto rro = read_object<ReceiverRandObject>(parsed->members, "rro", now);
  if (!rro) return refuse(rro.error().defect, std::move(rro.error().detail));
  return EsPrimHeader{.enc = *enc,
                      .kid = *parsed->kid,
                      .cty = parsed->cty,
                      .ori = std::move(*ori),
                      .rri = std::move(*rri),
                      .oro = std::move(*oro),
                      .rro = std::move(*rro)};
}

std::optional<InnerFormat> inner_format(const std::optional<std::string>& cty) {
  if (!cty) return InnerFormat::json;
  std::string type = *cty;
  std::ranges::transform(type, type.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  constexpr std::string_view kApplication = "application/";
  if (type.starts_with(kApplication)) type.erase(0, kApplication.size());
  for (const std::string_view primitive : {"vnd.onem2m-preq+", "vnd.onem2m-prsp+"})
    if (type.starts_with(primitive)) type.erase(0, primitive.size());
  if (type == "json") return InnerFormat::json;
  if (type == "cbor") return InnerFormat::cbor;
  return {};
}

}  // namespace latchkey::e2e
