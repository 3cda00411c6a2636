/// From a credential to an identity (TS-0003 8.2.1, 8.2.2.1, 8.2.2.3): table, app rules, keys of MAFs.
#include "latchkey/cse/association.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "cover.h"
#include "state_folder.h"

namespace latchkey::cse {
namespace {

using latchkey::test::cover;

const SpId kHome = *SpId::parse("//my.m2mprovider.org");

class KeySourceTest : public testing::Test {
 protected:
  KeySourceTest() {
    keys_ = std::make_unique<KeySource>(MafKeyOptions{.self = *CseId::parse("/mn-cse-123456", kHome)},
                                        *environment_, clock_, audit_);
  }

  void add(const char* identity, const char* entity, int suid = 12,
           std::optional<std::int64_t> expires = {}) {
    std::optional<EntityId> id;
    if (entity != nullptr) id = *parse_entity_id(entity, kHome);
    const auto added =
        secure_env::psk_add(*environment_, folder_.table_file(), kHome, id, *KeyId::parse(identity),
                            *Suid::from(suid), expires, *secret_from_hex("1a2b3c4d5e6f7a8b"), 64);
    ASSERT_TRUE(added) << added.error().detail;
    keys_->set_table(*secure_env::PskTable::load(folder_.table_file(), kHome));
  }
  Result<tls::PskCredential> find(std::string_view identity) {
    std::optional<Result<tls::PskCredential>> out;
    keys_->find(identity, "192.0.2.1",
                [&](Result<tls::PskCredential> answer) { out.emplace(std::move(answer)); });
    EXPECT_TRUE(out.has_value());
    return out ? std::move(*out) : Result<tls::PskCredential>(fail(ErrorCode::internal, "no answer"));
  }
  static std::string reason(const Result<tls::PskCredential>& result) {
    return result ? "found" : result.error().detail;
  }

  latchkey::test::StateFolder folder_;
  ManualClock clock_{*parse_timestamp("20261124T120000")};
  AuditRecorder audit_;
  std::unique_ptr<secure_env::SecureEnvironment> environment_ = folder_.open_environment();
  std::unique_ptr<KeySource> keys_;
};

TEST_F(KeySourceTest, table_row_gives_key_and_identity) {
  cover({"TR-7.1.2-08", "8.2.2.1-09"});
  add("AE123456789012-Lock@in.provider.com", "/mn-cse-123456/Clock-AE1");
  const auto found = find("AE123456789012-Lock@in.provider.com");
  ASSERT_TRUE(found) << reason(found);
  EXPECT_EQ(to_string(*found->context.identity), "//my.m2mprovider.org/mn-cse-123456/Clock-AE1");
  EXPECT_EQ(found->context.framework, tls::Framework::provisioned_symmetric_key);
  EXPECT_EQ(found->context.credential_id->text(), "12-AE123456789012-Lock@in.provider.com");
  EXPECT_EQ(found->key, *secret_from_hex("1a2b3c4d5e6f7a8b"));
  EXPECT_TRUE(keys_->binds(*AeId::parse("/mn-cse-123456/Clock-AE1", kHome)));
  EXPECT_FALSE(keys_->binds(*AeId::parse("/mn-cse-123456/Cother", kHome)));
}

TEST_F(KeySourceTest, without_an_identity_the_app_rules_decide) {
  cover({"8.2.2.1-10"});
  add("lock@in.provider.com", nullptr);
  EXPECT_NE(reason(find("lock@in.provider.com")).find("serviceSubscribedAppRule"), std::string::npos)
      << "no rule refuses the handshake";
  keys_->set_app_rules([](const CredentialId& credential) {
    return credential.text() == "12-lock@in.provider.com"
               ? std::vector<AeId>{*AeId::parse("/mn-cse-123456/Cruled", kHome)}
               : std::vector<AeId>{};
  });
  const auto found = find("lock@in.provider.com");
  ASSERT_TRUE(found) << reason(found);
  EXPECT_FALSE(found->context.identity);
  ASSERT_EQ(found->context.allowed_ae_ids.size(), 1U);
}

TEST_F(KeySourceTest, key_for_another_use_and_ended_key_are_refused) {
  add("km@in.provider.com", "/mn-cse-123456/Ckm", 11);
  EXPECT_FALSE(find("km@in.provider.com"));
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(clock_.now().time_since_epoch()).count();
  add("old@in.provider.com", "/mn-cse-123456/Cold", 12, now);
  EXPECT_FALSE(find("old@in.provider.com"));
  add("young@in.provider.com", "/mn-cse-123456/Cyoung", 12, now + 1);
  EXPECT_TRUE(find("young@in.provider.com"));
}

TEST_F(KeySourceTest, nobody_but_configured_mafs_is_asked) {
  EXPECT_NE(reason(find("FF15D84E3E38D6974B0EB3E5606C85FE@myMAF.provider.org")).find("no configured MAF"),
            std::string::npos);
  EXPECT_NE(reason(find("no identity at all")).find("unknown"), std::string::npos);
  EXPECT_TRUE(audit_.events().empty()) << "no fetch was begun";
}

TEST_F(KeySourceTest, removed_key_ends_its_sessions) {
  add("a@in.provider.com", "/mn-cse-123456/Ca");
  auto context = find("a@in.provider.com")->context;
  EXPECT_TRUE(keys_->still_valid(context));
  ASSERT_TRUE(
      secure_env::psk_remove(*environment_, folder_.table_file(), kHome, *KeyId::parse("a@in.provider.com")));
  keys_->set_table(*secure_env::PskTable::load(folder_.table_file(), kHome));
  EXPECT_FALSE(keys_->still_valid(context));
  EXPECT_FALSE(find("a@in.provider.com"));
}

TEST_F(KeySourceTest, a_key_imported_anew_or_for_somebody_else_ends_the_sessions_of_the_one_before) {
  for (const auto* successor : {"/mn-cse-123456/Cb", "/mn-cse-123456/Ca"}) {
    add("a@in.provider.com", "/mn-cse-123456/Ca");
    const auto context = find("a@in.provider.com")->context;
    EXPECT_TRUE(keys_->still_valid(context));
    ASSERT_TRUE(secure_env::psk_remove(*environment_, folder_.table_file(), kHome,
                                       *KeyId::parse("a@in.provider.com")));
    add("a@in.provider.com", successor);
    const auto valid = keys_->still_valid(context);
    ASSERT_FALSE(valid) << successor;
    EXPECT_NE(valid.error().detail.find("replaced"), std::string::npos);
    EXPECT_TRUE(keys_->still_valid(find("a@in.provider.com")->context));
    ASSERT_TRUE(secure_env::psk_remove(*environment_, folder_.table_file(), kHome,
                                       *KeyId::parse("a@in.provider.com")));
  }
}

/// A MAF that answers when the test says so.
struct ScriptedMaf {
  struct Fetch {
    std::string relative;
    UniqueFunction<void(Result<client::RetrievedKey>)> done;
  };
  std::vector<Fetch> fetches;  ///< all that were begun, in order
  FetchKey as_fetch() {
    return [this](const std::string& relative, auto done) { fetches.push_back({relative, std::move(done)}); };
  }
  void answer(std::size_t index, Result<client::RetrievedKey> key) { fetches.at(index).done(std::move(key)); }
};

constexpr const char* kRelative = "FF15D84E3E38D6974B0EB3E5606C85FE";
constexpr const char* kKcId = "FF15D84E3E38D6974B0EB3E5606C85FE@myMAF.provider.org";
constexpr const char* kKcHex = "37F61D5A7FEA1E9CFD8DB76D2F8B6230130EF8A84F9F9F967DA385867984EED0";

class KeysOfMaf : public KeySourceTest {
 protected:
  using Answers = std::vector<Result<tls::PskCredential>>;

  KeysOfMaf() { start(limits()); }
  static MafKeyOptions limits() { return {.self = *CseId::parse("/mn-cse-123456", kHome)}; }
  /// A KeySource with other limits, and the MAF again.
  void start(MafKeyOptions options) {
    options_ = std::move(options);
    keys_ = std::make_unique<KeySource>(options_, *environment_, clock_, audit_);
    keys_->maf_keys().add(*Fqdn::parse("myMAF.provider.org"), maf_.as_fetch());
  }
  client::RetrievedKey key(int suid = 32) const {
    return {.key = Kc(*secret_from_hex(kKcHex)),
            .expires = clock_.now() + std::chrono::hours(1),
            .suid = *Suid::from(suid),
            .source = "//my.m2mprovider.org/in-cse/Cphone",
            .source_entity = {},
            .source_km_id = {},
            .targets = {*parse_entity_id("/mn-cse-123456", kHome)},
            .admin_fqdn = "admin.org"};
  }
  /// Begins to find; the answer arrives in the returned list.
  std::shared_ptr<Answers> begin(const std::string& identity, const std::string& source = "192.0.2.1") {
    auto answers = std::make_shared<Answers>();
    keys_->find(identity, source,
                [answers](Result<tls::PskCredential> answer) { answers->push_back(std::move(answer)); });
    return answers;
  }
  /// One fetch from start to end.
  Result<tls::PskCredential> fetch(client::RetrievedKey given, const std::string& identity = kKcId) {
    const auto answers = begin(identity);
    if (answers->empty()) maf_.answer(maf_.fetches.size() - 1, std::move(given));
    if (answers->size() != 1) return fail(ErrorCode::internal, "not exactly one answer");
    return std::move(answers->front());
  }
  static std::string id(int number) {
    const auto digits = std::to_string(number);
    return std::string(32 - digits.size(), '0') + digits + "@myMAF.provider.org";
  }
  static bool refused_for(const Result<tls::PskCredential>& result, std::string_view part) {
    return !result && result.error().detail.find(part) != std::string::npos;
  }
  std::size_t events(AuditEventId wanted) const {
    const auto all = audit_.events();
    return static_cast<std::size_t>(
        std::ranges::count_if(all, [&](const AuditEvent& event) { return event.id == wanted; }));
  }

  ScriptedMaf maf_;
  MafKeyOptions options_ = limits();
};

TEST_F(KeysOfMaf, key_lifetime_and_identity_come_from_the_maf) {
  cover({"8.2.2.3-10", "8.2.2.3-12", "8.2.2.3-16", "8.2.1-T07"});
  const auto expires = clock_.now() + std::chrono::hours(1);
  auto given = key();
  given.source_entity = *parse_entity_id("/in-cse/Cphone", kHome);
  given.source = "0.2.481.1.100.3030.10011";
  const auto found = fetch(std::move(given));
  ASSERT_TRUE(found) << reason(found);
  EXPECT_EQ(maf_.fetches.at(0).relative, kRelative);
  EXPECT_EQ(found->key, *secret_from_hex(kKcHex));
  EXPECT_EQ(found->context.framework, tls::Framework::maf);
  EXPECT_EQ(to_string(*found->context.identity), "//my.m2mprovider.org/in-cse/Cphone");
  EXPECT_EQ(found->context.valid_until, expires);
  EXPECT_EQ(found->context.psk_identity, kKcId);
  EXPECT_EQ(events(AuditEventId::key_fetch_ok), 1U);
}

TEST_F(KeysOfMaf, one_fetch_serves_all_handshakes_that_wait_for_the_key) {
  std::vector<std::shared_ptr<Answers>> waiting;
  for (int i = 0; i < 200; ++i) waiting.push_back(begin(kKcId, "192.0.2." + std::to_string(i)));
  // Names differ in letter case only: it is the same key.
  waiting.push_back(begin("ff15d84e3e38d6974b0eb3e5606c85fe@MYmaf.provider.ORG"));
  ASSERT_EQ(maf_.fetches.size(), 1U);
  EXPECT_TRUE(waiting.front()->empty()) << "nobody is answered before the MAF";
  maf_.answer(0, key());
  for (const auto& answers : waiting) {
    ASSERT_EQ(answers->size(), 1U);
    EXPECT_TRUE(answers->front()) << reason(answers->front());
  }
  EXPECT_TRUE(begin(kKcId)->at(0)) << "and those that come later";
  EXPECT_EQ(maf_.fetches.size(), 1U);
}

TEST_F(KeysOfMaf, key_for_another_use_is_refused) {
  cover({"8.2.2.3-12"});
  EXPECT_TRUE(refused_for(fetch(key(33)), "another use (SUID 33)")) << "ESPrim";
  EXPECT_TRUE(refused_for(fetch(key(34), id(1)), "another use (SUID 34)")) << "ESData";
  EXPECT_TRUE(refused_for(fetch(key(12), id(2)), "another use (SUID 12)")) << "SAEF, but of no MAF";
  EXPECT_TRUE(refused_for(fetch(key(11), id(3)), "another use (SUID 11)"))
      << "as TR-0038, without its switch";
  EXPECT_EQ(events(AuditEventId::key_fetch_failed), 4U);
}

TEST_F(KeysOfMaf, suid_of_tr_0038_passes_under_its_switch_only) {
  auto options = limits();
  options.accept_suid_11_as_32 = true;
  start(options);
  EXPECT_TRUE(fetch(key(11)));
  EXPECT_TRUE(fetch(key(32), id(1)));
  EXPECT_TRUE(refused_for(fetch(key(21), id(2)), "another use (SUID 21)")) << "no further value";
}

TEST_F(KeysOfMaf, key_for_another_cse_is_refused) {
  cover({"8.2.2.3-T01"});
  auto other = key();
  other.targets = {*parse_entity_id("/in-cse", kHome), *parse_entity_id("/mn-cse-123456/Cae", kHome)};
  EXPECT_TRUE(refused_for(fetch(std::move(other)), "not among the targets"));
  auto none = key();
  none.targets.clear();
  EXPECT_TRUE(refused_for(fetch(std::move(none), id(1)), "not among the targets"));
  auto several = key();
  several.targets.push_back(*parse_entity_id("/in-cse", kHome));
  EXPECT_TRUE(fetch(std::move(several), id(2)));
}

TEST_F(KeysOfMaf, key_that_ended_is_refused_at_its_end) {
  cover({"8.2.2.3-18"});
  auto late = key();
  late.expires = clock_.now();
  EXPECT_TRUE(refused_for(fetch(std::move(late)), "lifetime"));
  EXPECT_EQ(events(AuditEventId::key_fetch_failed), 1U);
  auto brief = key();
  brief.expires = clock_.now() + std::chrono::seconds(1);
  EXPECT_TRUE(fetch(std::move(brief), id(1)));
}

TEST_F(KeysOfMaf, key_that_ends_in_the_cache_is_asked_for_again) {
  cover({"8.2.2.3-18"});
  ASSERT_TRUE(fetch(key()));
  clock_.advance(std::chrono::hours(1) - std::chrono::seconds(1));
  EXPECT_TRUE(begin(kKcId)->at(0));
  EXPECT_EQ(maf_.fetches.size(), 1U);
  clock_.advance(std::chrono::seconds(1));
  const auto answers = begin(kKcId);
  ASSERT_EQ(maf_.fetches.size(), 2U) << "the MAF may have prolonged it";
  maf_.answer(1, fail(ErrorCode::expired, "et: has passed already"));
  EXPECT_TRUE(refused_for(answers->at(0), "has passed"));
}

TEST_F(KeysOfMaf, refused_key_is_not_asked_for_again_so_soon) {
  const auto first = begin(kKcId);
  maf_.answer(0, fail(ErrorCode::not_found, "MAF answered 4004"));
  EXPECT_TRUE(refused_for(first->at(0), "MAF myMAF.provider.org: MAF answered 4004")) << reason(first->at(0));
  clock_.advance(options_.negative_cache - std::chrono::seconds(1));
  EXPECT_TRUE(refused_for(begin(kKcId)->at(0), "MAF answered 4004"));
  EXPECT_EQ(maf_.fetches.size(), 1U);
  EXPECT_TRUE(begin(id(1))->empty()) << "another key is";
  clock_.advance(std::chrono::seconds(1));
  EXPECT_TRUE(begin(kKcId)->empty());
  ASSERT_EQ(maf_.fetches.size(), 3U);
  EXPECT_EQ(maf_.fetches.at(2).relative, kRelative);
}

TEST_F(KeysOfMaf, one_source_cannot_take_all_fetches) {
  auto options = limits();
  options.fetches_per_source = 2;
  start(options);
  begin(id(1));
  begin(id(1));  // waits with the first, and counts
  const auto third = begin(id(2));
  ASSERT_EQ(third->size(), 1U);
  EXPECT_TRUE(refused_for(third->front(), "for this source"));
  EXPECT_EQ(third->front().error().code, ErrorCode::limit);
  EXPECT_TRUE(begin(id(2), "192.0.2.2")->empty()) << "another source is served";
  EXPECT_TRUE(begin(id(3), "2001:db8::1")->empty());
  EXPECT_TRUE(begin(id(4), "2001:db8::1")->empty());
  EXPECT_TRUE(refused_for(begin(id(5), "2001:db8::1")->at(0), "for this source"));
  EXPECT_TRUE(begin(id(5), "2001:db8::2")->empty()) << "addresses that differ in their last part";
  maf_.answer(0, key());
  EXPECT_TRUE(begin(id(6))->empty()) << "room again after the answer";
}

TEST_F(KeysOfMaf, fetches_are_limited_in_all) {
  auto options = limits();
  options.fetches = 2;
  start(options);
  begin(id(1), "192.0.2.1");
  begin(id(2), "192.0.2.2");
  const auto third = begin(id(3), "192.0.2.3");
  ASSERT_EQ(third->size(), 1U);
  EXPECT_TRUE(refused_for(third->front(), "too many keys are being fetched"));
  EXPECT_TRUE(begin(id(2), "192.0.2.3")->empty()) << "one that is under way may be waited for";
  EXPECT_EQ(maf_.fetches.size(), 2U);
}

TEST_F(KeysOfMaf, full_cache_gives_up_the_ended_key_first) {
  auto options = limits();
  options.cached_keys = 2;
  start(options);
  auto brief = key();
  brief.expires = clock_.now() + std::chrono::seconds(1);
  ASSERT_TRUE(fetch(std::move(brief), id(1)));
  ASSERT_TRUE(fetch(key(), id(2)));
  clock_.advance(std::chrono::seconds(2));
  ASSERT_TRUE(fetch(key(), id(3)));
  EXPECT_EQ(begin(id(2))->size(), 1U);
  EXPECT_EQ(begin(id(3))->size(), 1U);
  EXPECT_EQ(maf_.fetches.size(), 3U);
  ASSERT_TRUE(fetch(key(), id(4)));
  EXPECT_EQ(begin(id(2))->size() + begin(id(3))->size(), 1U) << "else any one";
}

TEST_F(KeysOfMaf, only_32_hex_digits_at_a_configured_maf_are_asked_for) {
  cover({"8.2.2.3-10"});
  for (const char* relative : {"FF15D84E3E38D6974B0EB3E5606C85F", "FF15D84E3E38D6974B0EB3E5606C85FE0",
                               "FF15D84E3E38D6974B0EB3E5606C85FG", "macr000001"}) {
    const auto answers = begin(std::string(relative) + "@myMAF.provider.org");
    ASSERT_EQ(answers->size(), 1U) << relative;
    EXPECT_TRUE(refused_for(answers->front(), "32 hex digits")) << relative;
  }
  for (const char* issuer : {"other.provider.org", "provider.org", "evil.myMAF.provider.org"}) {
    const auto answers = begin(std::string(kRelative) + "@" + issuer);
    ASSERT_EQ(answers->size(), 1U) << issuer;
    EXPECT_TRUE(refused_for(answers->front(), "no configured MAF")) << issuer;
  }
  EXPECT_TRUE(maf_.fetches.empty());
  EXPECT_EQ(events(AuditEventId::key_fetch_started), 0U);
}

TEST_F(KeysOfMaf, table_goes_before_any_maf) {
  add(kKcId, "/mn-cse-123456/Ctable");
  EXPECT_EQ(begin(kKcId)->size(), 1U);
  EXPECT_TRUE(maf_.fetches.empty());
}

TEST_F(KeysOfMaf, without_an_identity_the_credential_of_km_decides) {
  cover({"8.2.1-T05", "8.2.2.3-17"});
  auto given = [this] {
    auto out = key();
    out.source = "0.2.481.1.100.3030.10011";
    out.source_km_id = *KeyId::parse("0011223344556677@in.provider.com");
    return out;
  };
  EXPECT_TRUE(refused_for(fetch(given()), "serviceSubscribedAppRule")) << "no rule, no session";
  keys_->set_app_rules([](const CredentialId& credential) {
    return credential.text() == "11-0011223344556677@in.provider.com"
               ? std::vector<AeId>{*AeId::parse("/mn-cse-123456/Cruled", kHome)}
               : std::vector<AeId>{};
  });
  const auto found = begin(kKcId);
  ASSERT_EQ(found->size(), 1U);
  ASSERT_TRUE(found->front()) << reason(found->front());
  EXPECT_EQ(maf_.fetches.size(), 1U) << "the key itself was good: rules are looked up each time";
  EXPECT_FALSE(found->front()->context.identity);
  ASSERT_EQ(found->front()->context.allowed_ae_ids.size(), 1U);
  EXPECT_EQ(to_string(found->front()->context.allowed_ae_ids.front()),
            "//my.m2mprovider.org/mn-cse-123456/Cruled");
}

TEST_F(KeysOfMaf, device_without_km_is_known_by_its_certificate) {
  std::string asked;
  keys_->set_app_rules([&](const CredentialId& credential) {
    asked = credential.text();
    return std::vector<AeId>{*AeId::parse("/mn-cse-123456/Cruled", kHome)};
  });
  auto given = key();
  given.source = "0.2.481.1.100.3030.10011";
  EXPECT_TRUE(fetch(std::move(given)));
  EXPECT_EQ(asked, "31-0.2.481.1.100.3030.10011");
}

TEST_F(KeysOfMaf, source_that_authenticated_as_an_entity_is_that_entity) {
  const auto found = fetch(key());
  ASSERT_TRUE(found) << reason(found);
  EXPECT_EQ(to_string(*found->context.identity), "//my.m2mprovider.org/in-cse/Cphone");
}

TEST_F(KeysOfMaf, identity_that_is_no_cse_and_no_ae_is_refused) {
  cover({"8.2.2.3-15"});
  auto given = key();
  given.source_entity = EntityId(*Fqdn::parse("host.my.m2mprovider.org"));
  EXPECT_TRUE(refused_for(fetch(std::move(given)), "neither a CSE-ID nor an AE-ID"));
  auto unknown = key();
  unknown.source = "host.my.m2mprovider.org";
  EXPECT_TRUE(refused_for(fetch(std::move(unknown), id(1)), "no identity is configured"));
}

TEST_F(KeysOfMaf, answer_that_comes_after_the_source_is_gone_harms_nobody) {
  const auto answers = begin(kKcId);
  keys_.reset();
  maf_.answer(0, key());
  EXPECT_EQ(answers->size(), 1U) << "the handshake is told all the same";
}

pki::TrustStore::Verified verified(pki::CertifiedIdentity identity) {
  // The leaf itself is not looked at by the mapper: names and validity were read by the trust store.
  return {.leaf = pki::Certificate(nullptr),
          .identity = std::move(identity),
          .valid_until = *parse_timestamp("20270101T000000"),
          .warnings = {}};
}

TEST(ClientCertificatesTest, identity_by_flavour) {
  cover({"8.2.2.2-11", "8.2.2.2-12", "8.2.2.2-13"});
  const auto in_cse = *CseId::parse("/in-cse", kHome);
  ClientCertificates mapper(kHome, in_cse, false);
  pki::CertifiedIdentity cse{.flavour = pki::Flavour::cse_id,
                             .dns_names = {"mn-cse-123456.in-cse.my.m2mprovider.org"}};
  auto mapped = mapper.map(verified(cse));
  ASSERT_TRUE(mapped) << mapped.error().detail;
  EXPECT_EQ(to_string(*mapped->identity), "//my.m2mprovider.org/mn-cse-123456");

  pki::CertifiedIdentity ae{.flavour = pki::Flavour::ae_id, .ae_id = *AeId::parse("/in-cse/Capp", kHome)};
  EXPECT_EQ(to_string(*mapper.map(verified(ae))->identity), "//my.m2mprovider.org/in-cse/Capp");

  pki::CertifiedIdentity device{.flavour = pki::Flavour::device,
                                .device_id = *M2mDeviceId::parse("0.2.481.1.100.3030.10011")};
  EXPECT_FALSE(mapper.map(verified(device))) << "no rule, no session";
  mapper.set_app_rules([](const CredentialId& credential) {
    EXPECT_EQ(credential.text(), "31-0.2.481.1.100.3030.10011");
    return std::vector<AeId>{*AeId::parse("/in-cse/Cphone", kHome)};
  });
  mapped = mapper.map(verified(device));
  ASSERT_TRUE(mapped);
  EXPECT_EQ(mapped->allowed_ae_ids.size(), 1U);

  pki::CertifiedIdentity fqdn{.flavour = pki::Flavour::fqdn, .dns_names = {"host.my.m2mprovider.org"}};
  EXPECT_FALSE(mapper.map(verified(fqdn))) << "an FQDN certificate is no client of a CSE";
}

}  // namespace
}  // namespace latchkey::cse
