// The issuing side (TS-0003 7.3.2.6.3): what it makes, a verifier accepts; what nobody would accept, it
// refuses to make.
#include "latchkey/authz/token_issuer.h"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "cover.h"
#include "token_support.h"

namespace latchkey::authz::test {
namespace {

using jose::Enc;
using jose::KeyAlg;
using jose::SignatureAlg;
using latchkey::test::cover;

Authority authority() { return {.id = entity(kDas), .domains = {Fqdn::parse(kDomain).value()}}; }
SignatureOnly signature() {
  return {.kid = "das-1", .key = jose::SigningKey(das_key(), SignatureAlg::es256)};
}

TokenClaimSet granting() {
  auto claims = base_claim_set();
  claims.token_name = "front door";
  claims.audience = {"//home.example/in-cse"};
  claims.permissions = {{.resource_ids = {"/in-cse/lock1"},
                         .privileges = json(R"({"acr":[{"acor":["/in-cse/Cphone"],"acop":2}]})"),
                         .role_ids = {"guest@das.example"}}};
  return claims;
}

struct Case {
  const char* name;
  TokenClass token_class;
  TokenProtection protection;
};
std::vector<Case> cases() {
  return {{"unsecured", TokenClass::unsecured, Unsecured{}},
          {"signature", TokenClass::signature_only, signature()},
          {"encryption", TokenClass::encryption_only,
           EncryptionOnly{
               .kid = "shared-1", .secret = shared_secret(), .alg = KeyAlg::a256kw, .enc = Enc::a256gcm}},
          {"nested", TokenClass::sign_then_encrypt,
           SignThenEncrypt{
               .inner = signature(),
               .kid = "cse-1",
               .key = jose::EncryptionKey(cse_key().public_key(), KeyAlg::ecdh_es_a256kw, Enc::a256gcm)}}};
}

TEST(TokenIssuing, every_class_comes_back_as_the_claims_that_went_in) {
  cover({"7.3.2.6.3-02", "7.3.2.6.3-03", "7.3.2.6.3-05", "7.3.2.6.3-06", "7.3.2.6.2-11", "7.3.2.6.2-12",
         "7.3.2.6.2-13", "7.3.2.6.2-14", "7.3.2.6.2-15", "7.3.2.6.2-16", "7.3.2.6.2-17"});
  for (const auto& c : cases()) {
    SCOPED_TRACE(c.name);
    const auto jwt = TokenIssuer(authority(), c.protection).issue(granting());
    ASSERT_TRUE(jwt) << jwt.error().detail;
    const Verifier only(jose::Permitted<TokenClass>{c.token_class});
    const auto claims = only.authenticate(*jwt);
    ASSERT_TRUE(claims) << to_string(claims.error(), "token");
    EXPECT_EQ(*claims, granting());
    for (const auto& other : cases()) {
      if (other.token_class == c.token_class) continue;
      EXPECT_FALSE(Verifier(jose::Permitted<TokenClass>{other.token_class}).authenticate(*jwt)) << other.name;
    }
  }
}

TEST(TokenIssuing, the_claims_of_an_encrypted_token_cannot_be_read) {
  for (const auto& c : cases()) {
    const auto jwt = TokenIssuer(authority(), c.protection).issue(granting()).value();
    std::string seen;
    std::string_view rest = jwt;
    for (std::size_t dot = 0; dot != std::string_view::npos;
         rest.remove_prefix(dot == std::string_view::npos ? 0 : dot + 1)) {
      dot = rest.find('.');
      const auto part = from_base64url(rest.substr(0, dot));
      ASSERT_TRUE(part);
      seen += as_text(*part);
    }
    const bool secret =
        c.token_class == TokenClass::encryption_only || c.token_class == TokenClass::sign_then_encrypt;
    EXPECT_EQ(seen.find("front door") == std::string::npos, secret) << c.name;
  }
}

TEST(TokenIssuing, two_tokens_of_the_same_claims_differ_where_they_are_encrypted) {
  for (const auto& c : cases()) {
    const TokenIssuer issuer(authority(), c.protection);
    const bool random = c.token_class != TokenClass::unsecured;
    EXPECT_EQ(issuer.issue(granting()).value() != issuer.issue(granting()).value(), random) << c.name;
  }
}

struct Wrong {
  const char* name;
  void (*spoil)(TokenClaimSet&);
  const char* reason;
};
class TokenIssuingRefuses : public ::testing::TestWithParam<Wrong> {};

TEST_P(TokenIssuingRefuses, what_nobody_would_accept) {
  cover({"7.3.2.6.3-03"});
  auto claims = granting();
  GetParam().spoil(claims);
  const auto jwt = TokenIssuer(authority(), signature()).issue(claims);
  ASSERT_FALSE(jwt);
  EXPECT_EQ(jwt.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(jwt.error().detail.find(GetParam().reason), std::string::npos) << jwt.error().detail;
}

INSTANTIATE_TEST_SUITE_P(
    Claims, TokenIssuingRefuses,
    ::testing::Values(
        Wrong{"another_issuer", [](TokenClaimSet& c) { c.issuer = entity("//home.example/Sother"); },
              "another issuer"},
        Wrong{"token_id_of_another_domain", [](TokenClaimSet& c) { c.token_id = "1@other.example"; },
              "token id is not of a domain"},
        Wrong{"token_id_of_no_form", [](TokenClaimSet& c) { c.token_id = "1"; },
              "token id is not of a domain"},
        Wrong{"role_of_another_domain",
              [](TokenClaimSet& c) { c.permissions[0].role_ids = {"guest@other.example"}; },
              "role is not of a domain"},
        Wrong{"empty_period",
              [](TokenClaimSet& c) { c.not_after = c.not_before + std::chrono::milliseconds(999); },
              "exp is not later than nbf"},
        Wrong{"holder_device", [](TokenClaimSet& c) { c.holder = entity("0.2.481.1.100.3030.10011"); },
              "azp is no"},
        Wrong{"no_version", [](TokenClaimSet& c) { c.version.clear(); }, "tkvr is empty"},
        Wrong{"before_1970", [](TokenClaimSet& c) { c.not_before = TimePoint(std::chrono::seconds(-1)); },
              "nbf is no"},
        Wrong{"privileges_without_resources", [](TokenClaimSet& c) { c.permissions[0].resource_ids.clear(); },
              "privileges without resourceIDs"},
        Wrong{"rules_that_do_not_compile",
              [](TokenClaimSet& c) { c.permissions[0].privileges = json(R"({"acr":[{"acor":["all"]}]})"); },
              "acr[0].acop is missing"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(TokenIssuing, more_than_a_verifier_reads_is_refused) {
  auto claims = granting();
  claims.extension = std::string(kTokenExtensionOctetsMax, 'x');
  const TokenIssuer issuer(authority(), signature());
  EXPECT_TRUE(issuer.issue(claims));
  claims.permissions[0].resource_ids.assign(kTokenResourceIdsMax, "/in-cse/" + std::string(30, 'r'));
  const auto jwt = issuer.issue(claims);
  ASSERT_FALSE(jwt);
  EXPECT_EQ(jwt.error().code, ErrorCode::limit);
}

TEST(TokenIssuing, a_key_that_does_not_fit_the_algorithm_makes_nothing) {
  const SignatureOnly wrong{.kid = "das-1", .key = jose::SigningKey(das_key(), SignatureAlg::es384)};
  EXPECT_EQ(TokenIssuer(authority(), wrong).issue(granting()).error().code, ErrorCode::unsupported);
}

}  // namespace
}  // namespace latchkey::authz::test
