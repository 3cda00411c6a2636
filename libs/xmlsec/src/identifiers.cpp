#include "identifiers.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace latchkey::xmlsec {
namespace {

using crypto::Hash;
using crypto::KeyKind;
using jose::Enc;
using jose::KeyAlg;
using jose::SignatureAlg;

template <class Value>
using Row = std::pair<Value, std::string_view>;

// Table 8.5.3.3-1. XML Signature names no curve in the algorithm.
constexpr std::array<Row<SignatureAlg>, 11> kSignatures = {{
    {SignatureAlg::hs256, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"},
    {SignatureAlg::hs384, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha384"},
    {SignatureAlg::hs512, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha512"},
    {SignatureAlg::rs256, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"},
    {SignatureAlg::rs384, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384"},
    {SignatureAlg::rs512, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"},
    {SignatureAlg::es256, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"},
    {SignatureAlg::es384, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"},
    {SignatureAlg::es512, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512"},
    {SignatureAlg::es256_brainpool_p256r1, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"},
    {SignatureAlg::es256_frp256v1, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"},
}};
constexpr std::array<Row<Hash>, 3> kDigests = {{
    {Hash::sha256, "http://www.w3.org/2001/04/xmlenc#sha256"},
    {Hash::sha384, "http://www.w3.org/2001/04/xmldsig-more#sha384"},
    {Hash::sha512, "http://www.w3.org/2001/04/xmlenc#sha512"},
}};
// Table 8.5.3.2-2.
constexpr std::array<Row<Enc>, 3> kContents = {{
    {Enc::a128gcm, "http://www.w3.org/2009/xmlenc11#aes128-gcm"},
    {Enc::a192gcm, "http://www.w3.org/2009/xmlenc11#aes192-gcm"},
    {Enc::a256gcm, "http://www.w3.org/2009/xmlenc11#aes256-gcm"},
}};
// Table 8.5.3.2-1.
constexpr std::array<Row<KeyAlg>, 6> kWraps = {{
    {KeyAlg::a128kw, "http://www.w3.org/2001/04/xmlenc#kw-aes128"},
    {KeyAlg::a192kw, "http://www.w3.org/2001/04/xmlenc#kw-aes192"},
    {KeyAlg::a256kw, "http://www.w3.org/2001/04/xmlenc#kw-aes256"},
    {KeyAlg::ecdh_es_a128kw, "http://www.w3.org/2001/04/xmlenc#kw-aes128"},
    {KeyAlg::ecdh_es_a192kw, "http://www.w3.org/2001/04/xmlenc#kw-aes192"},
    {KeyAlg::ecdh_es_a256kw, "http://www.w3.org/2001/04/xmlenc#kw-aes256"},
}};
constexpr std::array<Row<KeyKind>, 3> kAgreementCurves = {{
    {KeyKind::p256, "urn:oid:1.2.840.10045.3.1.7"},
    {KeyKind::p384, "urn:oid:1.3.132.0.34"},
    {KeyKind::p521, "urn:oid:1.3.132.0.35"},
}};
constexpr std::array<Row<Canonical>, 3> kCanonicals = {{
    {Canonical::inclusive_1_0, "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"},
    {Canonical::inclusive_1_1, "http://www.w3.org/2006/12/xml-c14n11"},
    {Canonical::exclusive, kExclusive},
}};

template <class Rows, class Value>
std::string_view uri_of(const Rows& rows, Value value) noexcept {
  for (const auto& [key, uri] : rows)
    if (key == value) return uri;
  return {};
}
template <class Value, std::size_t N>
std::optional<Value> value_of(const std::array<Row<Value>, N>& rows, std::string_view uri) noexcept {
  for (const auto& [value, name] : rows)
    if (name == uri) return value;
  return {};
}

/// The text of TS-0003: no hyphen behind "04/" or "11".
bool same(std::string_view uri, std::string_view given, bool printed) {
  if (uri == given) return true;
  if (!printed) return false;
  std::string without(uri);
  without.erase(std::remove(without.begin(), without.end(), '-'), without.end());
  return without == given;
}

}  // namespace

std::string_view signature_uri(SignatureAlg alg) noexcept { return uri_of(kSignatures, alg); }
std::string_view digest_uri(Hash hash) noexcept { return uri_of(kDigests, hash); }
std::string_view content_uri(Enc enc) noexcept { return uri_of(kContents, enc); }
std::string_view wrap_uri(KeyAlg alg) noexcept { return uri_of(kWraps, alg); }
std::string_view curve_uri(KeyKind curve) noexcept { return uri_of(kAgreementCurves, curve); }

std::vector<SignatureAlg> signature_algs(std::string_view uri, bool printed) {
  std::vector<SignatureAlg> out;
  for (const auto& [alg, name] : kSignatures)
    if (same(name, uri, printed)) out.push_back(alg);
  return out;
}
std::optional<Hash> digest(std::string_view uri) noexcept { return value_of(kDigests, uri); }
std::optional<Enc> content(std::string_view uri, bool printed) {
  for (const auto& [enc, name] : kContents)
    if (same(name, uri, printed)) return enc;
  return {};
}
std::optional<KeyAlg> wrap(std::string_view uri, bool agreed, bool printed) {
  for (const auto& [alg, name] : kWraps)
    if ((alg >= KeyAlg::ecdh_es_a128kw) == agreed && same(name, uri, printed)) return alg;
  return {};
}
std::optional<KeyKind> curve(std::string_view uri) noexcept { return value_of(kAgreementCurves, uri); }
std::optional<Canonical> canonicalization(std::string_view uri) noexcept {
  return value_of(kCanonicals, uri);
}

}  // namespace latchkey::xmlsec
