// Tokens that were verified once: until when they are kept, and what makes the verifier forget them.
#include "token_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/json/serialize.hpp>
#include <thread>
#include <vector>

#include "cover.h"
#include "token_support.h"

namespace latchkey::authz::test {
namespace {

namespace bj = boost::json;
using latchkey::test::cover;

const jose::Permitted<TokenClass> kSigned{TokenClass::signature_only};

std::string numbered(int i) {
  auto claims = base_claims();
  claims["jti"] = std::to_string(i) + "@das.example";
  return sign(claims);
}
void use(TokenVerifier& verifier, const std::string& jwt) {
  EXPECT_TRUE(verifier.verify(jwt, entity(kPhone), noon()));
}

TEST(TokenCaching, a_hit_is_the_token_that_was_verified) {
  cover({"7.3.2.2-16"});
  Verifier verifier(kSigned);
  const auto jwt = numbered(1);
  const auto first = verifier.verify(jwt, entity(kPhone), noon()).value();
  EXPECT_EQ(verifier.verify(jwt, entity(kPhone), noon()).value().get(), first.get());
  EXPECT_EQ(verifier.cached(), 1U);
}

TEST(TokenCaching, an_expired_token_is_forgotten) {
  cover({"7.3.2.3-10"});
  Verifier verifier(kSigned);
  const auto jwt = numbered(1);
  use(verifier, jwt);
  EXPECT_EQ(rejection(verifier, jwt, kPhone, base_claim_set().not_after).defect, Defect::expired);
  EXPECT_EQ(verifier.cached(), 0U);
}

TEST(TokenCaching, what_did_not_pass_is_not_kept) {
  Verifier verifier(kSigned);
  const auto jwt = numbered(1);
  (void)rejection(verifier, jwt, "//home.example/mn-cse");
  (void)rejection(verifier, jwt, kPhone, base_claim_set().not_after);
  (void)rejection(verifier, jwt + "x");
  EXPECT_EQ(verifier.cached(), 0U);
}

TEST(TokenCaching, the_text_decides_not_the_id) {
  Verifier verifier(kSigned);
  use(verifier, numbered(1));
  auto forged = numbered(1);
  forged.back() = forged.back() == 'A' ? 'Q' : 'A';
  EXPECT_EQ(rejection(verifier, forged).defect, Defect::signature);
}

TEST(TokenCaching, new_trust_forgets_every_token) {
  Verifier verifier(kSigned);
  const auto jwt = numbered(1);
  use(verifier, jwt);
  ASSERT_TRUE(verifier.configure({}));
  EXPECT_EQ(verifier.cached(), 0U);
  EXPECT_EQ(rejection(verifier, jwt).defect, Defect::unknown_key);
}

TEST(TokenCaching, trust_that_is_refused_changes_nothing) {
  Verifier verifier(kSigned);
  const auto jwt = numbered(1);
  use(verifier, jwt);
  auto twice = trust(kSigned);
  twice.issuers.push_back(twice.issuers.front());
  EXPECT_FALSE(verifier.configure(std::move(twice)));
  EXPECT_EQ(verifier.cached(), 1U);
}

TEST(TokenCaching, is_bounded_by_number_and_by_octets_and_the_oldest_go) {
  const auto size = numbered(1).size();
  for (const auto& limits :
       {TokenVerifier::Limits{.cached_tokens = 3}, TokenVerifier::Limits{.cached_octets = 3 * size + 2}}) {
    Verifier verifier(kSigned, limits);
    std::vector<std::shared_ptr<const Token>> tokens;
    std::vector<std::string> texts;
    for (int i = 1; i <= 5; ++i) {
      texts.push_back(numbered(i));
      tokens.push_back(verifier.verify(texts.back(), entity(kPhone), noon()).value());
      EXPECT_LE(verifier.cached(), 3U);
    }
    EXPECT_EQ(verifier.cached(), 3U);
    for (const std::size_t i : {2U, 3U, 4U})
      EXPECT_EQ(verifier.verify(texts[i], entity(kPhone), noon()).value(), tokens[i]);
    EXPECT_NE(verifier.verify(texts[0], entity(kPhone), noon()).value(), tokens[0]);
  }
}

TEST(TokenCaching, none_at_all) {
  Verifier verifier(kSigned, {.cached_tokens = 0});
  use(verifier, numbered(1));
  EXPECT_EQ(verifier.cached(), 0U);
}

TEST(TokenCache, keeps_what_it_is_asked_for) {
  TokenCache cache(10, 100);
  const auto token = std::make_shared<const Token>(Token{.token_id = "1@das.example",
                                                         .holder = entity(kPhone),
                                                         .issuer = entity(kDas),
                                                         .not_before = {},
                                                         .not_after = {},
                                                         .permissions = {}});
  cache.insert("one", token);
  cache.insert("one", token);
  EXPECT_EQ(cache.size(), 1U);
  EXPECT_EQ(cache.find("one"), token);
  EXPECT_EQ(cache.find("two"), nullptr);
  cache.erase("two");
  EXPECT_EQ(cache.size(), 1U);
  cache.insert(std::string(101, 'x'), token);
  EXPECT_EQ(cache.size(), 1U);
  cache.insert(std::string(100, 'x'), token);
  EXPECT_EQ(cache.find("one"), nullptr);
  EXPECT_EQ(cache.size(), 1U);
  cache.erase(std::string(100, 'x'));
  cache.insert("one", token);
  EXPECT_EQ(cache.size(), 1U);
}

/// Readers verify while a writer takes the trust away and gives it back. After configure() has returned
/// without the issuer, no verification that begins may pass.
TEST(TokenCaching, no_reader_passes_by_trust_that_was_taken_away) {
  Verifier verifier(kSigned);
  const std::vector<std::string> texts{numbered(1), numbered(2), numbered(3)};
  const auto phone = entity(kPhone);
  std::atomic<int> epoch = 0;  // odd: the trust is gone
  std::atomic<bool> done = false;
  std::atomic<int> stale = 0, passed = 0;
  std::vector<std::thread> readers;
  for (int r = 0; r < 4; ++r) {
    readers.emplace_back([&, r] {
      for (std::size_t i = static_cast<std::size_t>(r); !done; ++i) {
        const auto before = epoch.load();
        const bool ok = verifier.verify(texts[i % texts.size()], phone, noon()).has_value();
        if (ok) ++passed;
        if (ok && before % 2 == 1 && epoch.load() == before) ++stale;
      }
    });
  }
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(verifier.configure({}));
    ++epoch;
    for (int k = 0; k < 50; ++k) std::this_thread::yield();
    ++epoch;
    EXPECT_TRUE(verifier.configure(trust(kSigned)));
    for (int k = 0; k < 50; ++k) std::this_thread::yield();
  }
  while (passed == 0) std::this_thread::yield();
  done = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(stale, 0);
}

struct BadTrust {
  const char* name;
  void (*spoil)(TokenTrust&);
  const char* reason;
};
class TrustConfiguration : public ::testing::TestWithParam<BadTrust> {};

TEST_P(TrustConfiguration, is_refused_with_its_reason) {
  auto wrong =
      trust({TokenClass::signature_only, TokenClass::encryption_only, TokenClass::sign_then_encrypt});
  GetParam().spoil(wrong);
  TokenVerifier verifier(*host().cse, names());
  const auto status = verifier.configure(std::move(wrong));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(status.error().detail.find(GetParam().reason), std::string::npos) << status.error().detail;
}

INSTANTIATE_TEST_SUITE_P(
    Defects, TrustConfiguration,
    ::testing::Values(
        BadTrust{"issuer_twice", [](TokenTrust& wrong) { wrong.issuers.push_back(wrong.issuers[0]); },
                 "named twice"},
        BadTrust{"issuer_without_domain",
                 [](TokenTrust& wrong) { wrong.issuers[0].authority.domains.clear(); }, "has no domain"},
        BadTrust{
            "device_as_issuer",
            [](TokenTrust& wrong) { wrong.issuers[0].authority.id = entity("0.2.481.1.100.3030.10011"); },
            "neither a CSE"},
        BadTrust{"signing_without_key", [](TokenTrust& wrong) { wrong.issuers[0].verification_keys.clear(); },
                 "no verification key"},
        BadTrust{"encrypting_without_key", [](TokenTrust& wrong) { wrong.issuers[0].shared_keys.clear(); },
                 "no shared key"},
        BadTrust{"nesting_without_key",
                 [](TokenTrust& wrong) {
                   wrong.issuers[0].classes = {TokenClass::sign_then_encrypt};
                   wrong.issuers[0].shared_keys.clear();
                   wrong.own_keys.clear();
                 },
                 "no decryption key"},
        BadTrust{"empty_kid",
                 [](TokenTrust& wrong) {
                   auto& keys = wrong.issuers[0].verification_keys;
                   keys.emplace("", keys.begin()->second);
                 },
                 "without a kid"},
        BadTrust{"long_kid",
                 [](TokenTrust& wrong) {
                   wrong.own_keys.emplace(std::string(257, 'k'), wrong.own_keys.begin()->second);
                 },
                 "no kid of 1 to 256"},
        BadTrust{"shared_key_without_octets",
                 [](TokenTrust& wrong) { wrong.issuers[0].shared_keys.begin()->second.secret = nullptr; },
                 "without octets"},
        BadTrust{
            "kid_of_two_decryption_keys",
            [](TokenTrust& wrong) { wrong.own_keys.emplace("shared-1", wrong.own_keys.begin()->second); },
            "kid another one has"},
        BadTrust{"kid_of_five_issuers",
                 [](TokenTrust& wrong) {
                   for (int i = 0; i < 4; ++i) {
                     auto issuer = das({TokenClass::signature_only}, "//home.example/S" + std::to_string(i));
                     issuer.shared_keys.clear();
                     wrong.issuers.push_back(std::move(issuer));
                   }
                 },
                 "four other issuers"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(TrustConfigurationLimits, four_issuers_may_have_one_kid) {
  auto t = trust(kSigned);
  for (int i = 0; i < 3; ++i) {
    auto issuer = das(kSigned, "//home.example/S" + std::to_string(i));
    issuer.shared_keys.clear();
    t.issuers.push_back(std::move(issuer));
  }
  TokenVerifier verifier(*host().cse, names());
  EXPECT_TRUE(verifier.configure(std::move(t)));
}

TEST(TrustConfigurationLimits, before_it_nobody_is_trusted) {
  TokenVerifier verifier(*host().cse, names());
  EXPECT_EQ(rejection(verifier, numbered(1)).defect, Defect::unknown_key);
  EXPECT_EQ(rejection(verifier, unsecured(base_claims())).defect, Defect::token_class);
}

}  // namespace
}  // namespace latchkey::authz::test
