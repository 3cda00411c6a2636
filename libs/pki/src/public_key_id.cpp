#include "latchkey/pki/public_key_id.h"

#include <algorithm>
#include <array>

#include "latchkey/crypto/crypto.h"

namespace latchkey::pki {
namespace {

struct Form {
  std::string_view name;
  std::size_t octets;
};
constexpr std::array kForms{Form{"sha-256", 32}, Form{"sha-256-128", 16}, Form{"sha-256-120", 15}};
constexpr std::string_view kScheme = "ni:///";

}  // namespace

Result<PublicKeyId> PublicKeyId::parse(std::string_view text) {
  if (text.starts_with(kScheme)) text.remove_prefix(kScheme.size());
  const auto semicolon = text.find(';');
  const auto form = std::ranges::find(kForms, text.substr(0, semicolon), &Form::name);
  if (semicolon == std::string_view::npos || form == kForms.end())
    return fail(ErrorCode::invalid_argument,
                "public key identifier: not sha-256;..., sha-256-128;... or sha-256-120;...");
  auto digest = from_base64url(text.substr(semicolon + 1));
  if (!digest) return fail("public key identifier", digest.error());
  if (digest->size() != form->octets)
    return fail(ErrorCode::invalid_argument, "public key identifier: a digest of another length");
  return PublicKeyId(std::move(*digest));
}

PublicKeyId PublicKeyId::of(ByteView spki) {
  const auto digest = crypto::sha256(spki);
  return PublicKeyId(Bytes(digest.begin(), digest.end()));
}

bool PublicKeyId::matches(ByteView spki) const {
  const auto digest = crypto::sha256(spki);
  return std::equal(digest_.begin(), digest_.end(), digest.begin());
}

std::string PublicKeyId::text() const {
  const auto form = std::ranges::find(kForms, digest_.size(), &Form::octets);
  return std::string(kScheme) + std::string(form->name) + ";" + to_base64url(digest_);
}

}  // namespace latchkey::pki
