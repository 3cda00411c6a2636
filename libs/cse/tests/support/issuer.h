#pragma once
/// An issuer of tokens, with a key that a CSE can trust.
#include <memory>
#include <string>

#include "latchkey/authz/token_issuer.h"
#include "world.h"

namespace latchkey::cse::test {

inline Fqdn domain(std::string_view text) { return Fqdn::parse(text).value(); }

/// An issuer with a key that the CSE knows.
class Issuer {
 public:
  explicit Issuer(std::string name)
      : name_(std::move(name)),
        authority_{EntityId(domain(name_)), {domain(name_)}},
        secret_(std::make_shared<const SecretBytes>(
            SecretBytes::copy_of(as_bytes(name_ + "-0123456789-0123456789-0123456789")))),
        issuer_(authority_,
                authz::SignatureOnly{name_, jose::SigningKey(secret_, jose::SignatureAlg::hs256)}) {}

  [[nodiscard]] authz::TrustedIssuer trusted() const {
    return {.authority = authority_,
            .classes = {authz::TokenClass::signature_only},
            .verification_keys = {{name_, jose::VerificationKey(secret_, {jose::SignatureAlg::hs256})}},
            .shared_keys = {}};
  }
  [[nodiscard]] authz::TokenClaimSet claims(const std::string& id, const EntityId& holder,
                                            TimePoint now) const {
    return {.token_id = id + "@" + name_,
            .holder = holder,
            .issuer = authority_.id,
            .not_before = now - std::chrono::hours(1),
            .not_after = now + std::chrono::hours(1),
            .token_name = {},
            .audience = {"//sp.example/in-cse"},
            .permissions = {},
            .extension = {}};
  }
  [[nodiscard]] std::string sign(const authz::TokenClaimSet& claims) const {
    return issuer_.issue(claims).value();
  }

 private:
  std::string name_;
  authz::Authority authority_;
  std::shared_ptr<const SecretBytes> secret_;
  authz::TokenIssuer issuer_;
};

}  // namespace latchkey::cse::test
