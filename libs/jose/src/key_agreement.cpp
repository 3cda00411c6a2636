#include "key_agreement.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "latchkey/base/bytes.h"

namespace latchkey::jose {
namespace {

namespace json = boost::json;
using crypto::KeyKind;

constexpr std::array<std::pair<KeyKind, std::string_view>, 3> kCurves = {
    {{KeyKind::p256, "P-256"}, {KeyKind::p384, "P-384"}, {KeyKind::p521, "P-521"}}};

std::string_view text_member(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

void append_u32(Bytes& out, std::size_t value) {
  for (const unsigned shift : {24U, 16U, 8U, 0U}) out.push_back(static_cast<std::uint8_t>(value >> shift));
}
void append_data(Bytes& out, ByteView data) {
  append_u32(out, data.size());
  out.insert(out.end(), data.begin(), data.end());
}

/// OtherInfo of RFC 7518 4.6.2.
Bytes other_info(KeyAlg alg, ByteView party_u, ByteView party_v) {
  Bytes out;
  append_data(out, as_bytes(to_string(alg)));
  append_data(out, party_u);
  append_data(out, party_v);
  append_u32(out, wrapping_key_bytes(alg) * 8);
  return out;
}

}  // namespace

std::size_t wrapping_key_bytes(KeyAlg alg) noexcept {
  switch (alg) {
    case KeyAlg::a128kw:
    case KeyAlg::ecdh_es_a128kw:
      return 16;
    case KeyAlg::a192kw:
    case KeyAlg::ecdh_es_a192kw:
      return 24;
    case KeyAlg::a256kw:
    case KeyAlg::ecdh_es_a256kw:
      return 32;
    default:
      return 0;
  }
}

bool is_ecdh(KeyAlg alg) noexcept { return alg >= KeyAlg::ecdh_es_a128kw; }

Result<crypto::PublicKey> point_of_jwk(const json::value& jwk) {
  if (!jwk.is_object()) return fail(ErrorCode::invalid_argument, "JWK is no object");
  const json::object& members = jwk.get_object();
  if (text_member(members, "kty") != "EC") return fail(ErrorCode::unsupported, "JWK of another type than EC");
  for (const auto& [kind, name] : kCurves) {
    if (text_member(members, "crv") != name) continue;
    const auto x = from_base64url(text_member(members, "x"));
    const auto y = from_base64url(text_member(members, "y"));
    if (!x || !y) return fail(ErrorCode::invalid_argument, "JWK with a coordinate that is no base64url");
    return crypto::PublicKey::from_point(kind, *x, *y);
  }
  return fail(ErrorCode::unsupported, "JWK on an unknown curve");
}

json::object jwk_of_point(const crypto::PublicKey& key) {
  const Bytes point = key.point();
  const ByteView octets(point);
  json::object out{{"kty", "EC"}};
  for (const auto& [kind, name] : kCurves)
    if (kind == key.kind()) out.emplace("crv", name);
  out.emplace("x", to_base64url(octets.first(octets.size() / 2)));
  out.emplace("y", to_base64url(octets.last(octets.size() / 2)));
  return out;
}

Result<Agreement> agree_as_sender(const crypto::PublicKey& recipient, KeyAlg alg) {
  if (std::ranges::none_of(kCurves, [&](const auto& row) { return row.first == recipient.kind(); }))
    return fail(ErrorCode::unsupported, "ECDH-ES with a key on no JOSE curve");
  const crypto::PrivateKey ephemeral = crypto::PrivateKey::generate(recipient.kind());
  const auto shared = crypto::ecdh(ephemeral, recipient);
  if (!shared) return fail(shared.error());
  return Agreement{
      .wrapping_key = crypto::concat_kdf(*shared, other_info(alg, {}, {}), wrapping_key_bytes(alg)),
      .epk = jwk_of_point(ephemeral.public_key())};
}

Result<SecretBytes> agree_as_recipient(const crypto::PrivateKey& own, KeyAlg alg,
                                       const json::object& header) {
  const json::value* const epk = header.if_contains("epk");
  if (epk == nullptr) return fail(ErrorCode::invalid_argument, "ECDH-ES without epk");
  const auto peer = point_of_jwk(*epk);
  if (!peer) return fail("epk", peer.error());
  const auto party_u = from_base64url(text_member(header, "apu"));
  const auto party_v = from_base64url(text_member(header, "apv"));
  if (!party_u || !party_v) return fail(ErrorCode::invalid_argument, "apu or apv is no base64url");
  const auto shared = crypto::ecdh(own, *peer);
  if (!shared) return fail(shared.error());
  return crypto::concat_kdf(*shared, other_info(alg, *party_u, *party_v), wrapping_key_bytes(alg));
}

}  // namespace latchkey::jose
