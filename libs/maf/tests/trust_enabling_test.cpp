/// The MAF as Trust Enabling Function (TS-0003 8.6, 9.2.3.2): what it gives, keeps and refuses.
#include <filesystem>
#include <fstream>
#include <sstream>

#include "latchkey/crypto/derivation.h"
#include "latchkey/e2e/end_to_end_credential.h"
#include "support/maf_fixture.h"

namespace latchkey::maf {
namespace {

using e2e::Strength;

constexpr const char* kPhoneAe = "//my.m2mprovider.org/in-cse/Cphone";
constexpr const char* kMnCse = "//my.m2mprovider.org/mn-cse";
constexpr const char* kKmId = "phone-1@myMAF.provider.org";

e2e::SecurityProfile data_profile(Strength integrity, Strength confidentiality) {
  return {.strengths = {Strength::none, Strength::none, integrity, confidentiality}};
}

class TrustEnablingTest : public MafTest {
 protected:
  TrustEnablingTest() { registration_ = register_phone(); }

  /// An order for a credential: nothing but the profile, which is not stronger than that of a party.
  static json::object order(int suid = 34, std::vector<const char*> targets = {kInCse},
                            e2e::SecurityProfile profile = data_profile(Strength::low, Strength::low)) {
    auto out = key();
    out["suid"] = suid;
    json::array ids;
    for (const auto* target : targets) ids.emplace_back(target);
    out["tgis"] = std::move(ids);
    out["e2ep"] = e2e::to_json(profile);
    return out;
  }
  /// A credential of the phone's own making.
  static json::object own(e2e::SecurityProfile profile, int suid, std::vector<const char*> targets) {
    auto out = order(suid, std::move(targets));
    const auto parameters =
        e2e::make_parameters(profile, *Suid::from(suid), e2e::MasterOrigin::source).value();
    out["e2ep"] = e2e::to_json(parameters);
    out["kv"] = std::string(parameters.choice.hash == crypto::Hash::sha512 ? 128 : 64, 'B');
    return out;
  }

  codec::ResponsePrimitive create(json::object attributes, bool by_km = false) {
    return ask(request(Operation::create, registration_, "sec:mkr", std::move(attributes)), kPhone,
               new_session(maf_->counters().keys == 0 ? kExported : nullptr), [&](bind::IncomingRequest& in) {
                 if (by_km) in.security = km_session();
               });
  }
  codec::ResponsePrimitive retrieve(const std::string& id, const char* who) {
    return ask(request(Operation::retrieve, id), who);
  }
  static std::shared_ptr<tls::SecurityContext> km_session() {
    auto context = std::make_shared<tls::SecurityContext>();
    context->framework = tls::Framework::provisioned_symmetric_key;
    context->identity = id(kPhone);
    context->psk_identity = kKmId;
    return context;
  }
  static const json::object& members(const codec::ResponsePrimitive& response) {
    return response.pc.at("sec:mkr").as_object();
  }
  static e2e::EndToEndParameters parameters(const codec::ResponsePrimitive& response) {
    const auto read = e2e::read_end_to_end_parameters(members(response).at("e2ep").as_object());
    EXPECT_TRUE(read) << codec::to_text(response.pc);
    return read.value_or(e2e::EndToEndParameters{});
  }
  /// Everything that is on the disk.
  std::string stored() const {
    std::string out;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.state()))
      if (entry.is_regular_file()) {
        std::ostringstream text;
        text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
        out += text.str();
      }
    return out;
  }
  std::string registration_;
};

TEST_F(TrustEnablingTest, makes_a_master_of_what_the_session_exports) {
  cover({"8.6.1.1-01", "8.6.1.1-T01", "8.6.1.2-02", "8.6.2-01", "8.6.2-04", "8.6.2-05", "8.6.2-07",
         "8.6.2-T01", "8.6.2-T03", "10.3.6.1-02"});
  const auto created = create(order());
  ASSERT_EQ(created.rsc, Rsc::created) << codec::to_text(created.pc);
  EXPECT_FALSE(members(created).contains("kv"));
  EXPECT_EQ(text(created, "sec:mkr", "ri"), kKeyId) << "E2EKeyId is made as the id of any exported key";
  EXPECT_EQ(text(created, "sec:mkr", "seid"), kPhoneAe) << "whom the MAF takes the source for";
  const auto given = parameters(created);
  EXPECT_EQ(given.origin, e2e::MasterOrigin::exported);
  EXPECT_EQ(given.salt.size(), e2e::kSaltOctets);
  const auto retrieved = retrieve(kKeyId, kInCse);
  ASSERT_EQ(retrieved.rsc, Rsc::ok) << codec::to_text(retrieved.pc);
  EXPECT_EQ(parameters(retrieved), given) << "source and target have the same";
  // By the formulas: Kpsa of the exported key and the source, then extraction.
  const Ke exported(*secret_from_hex(std::string_view(kExported).substr(32)));
  const auto kpsa = crypto::derive_kpsa(exported, kPhoneAe).value();
  const auto master = crypto::hmac_sha256(given.salt, kpsa.bytes().reveal());
  EXPECT_EQ(text(retrieved, "sec:mkr", "kv"), to_hex(master.reveal()));
  EXPECT_TRUE(retrieved.confidential);
}

TEST_F(TrustEnablingTest, makes_a_master_of_km_where_the_session_proves_it) {
  cover({"8.6.2-01", "8.6.2-07", "8.6.2-T03"});
  auto with_km = options();
  std::vector<std::string> asked;
  with_km.master_key = [&](std::string_view km_id) -> Result<SecretBytes> {
    asked.emplace_back(km_id);
    if (km_id != kKmId) return fail(ErrorCode::not_found, "none");
    return SecretBytes::copy_of(Bytes(32, 5));
  };
  open(std::move(with_km));
  const auto first = create(order(), true), second = create(order(), true);
  ASSERT_EQ(first.rsc, Rsc::created) << codec::to_text(first.pc);
  ASSERT_EQ(second.rsc, Rsc::created) << "Km serves for any number";
  EXPECT_EQ(asked, (std::vector<std::string>{kKmId, kKmId}));
  EXPECT_NE(text(first, "sec:mkr", "ri"), text(second, "sec:mkr", "ri"));
  EXPECT_EQ(parameters(first).origin, e2e::MasterOrigin::master_credential);
  EXPECT_NE(parameters(first).salt, parameters(second).salt);
  for (const auto& created : {first, second}) {
    const auto retrieved = retrieve(text(created, "sec:mkr", "ri"), kInCse);
    const auto master = crypto::hmac_sha256(parameters(created).salt, ByteView(Bytes(32, 5)));
    EXPECT_EQ(text(retrieved, "sec:mkr", "kv"), to_hex(master.reveal()));
  }
  // By certificate there is no Km, so the session serves.
  EXPECT_EQ(parameters(create(order())).origin, e2e::MasterOrigin::exported);
  // SIGHUP: whom to ask is no policy.
  maf_->replace_policies(options());
  EXPECT_EQ(parameters(create(order(), true)).origin, e2e::MasterOrigin::master_credential);
}

TEST_F(TrustEnablingTest, a_km_that_is_gone_makes_nothing) {
  auto without = options();
  without.master_key = [](std::string_view) -> Result<SecretBytes> {
    return fail(ErrorCode::not_found, "x");
  };
  open(std::move(without));
  expect_refused(create(order(), true), Rsc::internal_server_error, "Master Credential");
  EXPECT_EQ(maf_->counters().keys, 0U);
}

TEST_F(TrustEnablingTest, keeps_what_the_source_made_for_several_targets) {
  cover({"8.6.1.2-03", "8.6.1.2-T02", "8.6.3-01", "8.6.3-04", "8.6.3-T01"});
  const auto attributes = own(data_profile(Strength::high, Strength::high), 34, {kInCse, kMnCse});
  const auto created = create(attributes);
  ASSERT_EQ(created.rsc, Rsc::created) << codec::to_text(created.pc);
  const auto id = text(created, "sec:mkr", "ri");
  const auto check = [&](const char* when) {
    const auto retrieved = retrieve(id, kInCse);
    ASSERT_EQ(retrieved.rsc, Rsc::ok) << when;
    EXPECT_EQ(text(retrieved, "sec:mkr", "kv"), std::string(64, 'B')) << when;
    EXPECT_EQ(members(retrieved).at("e2ep"), attributes.at("e2ep")) << when;
    EXPECT_EQ(members(retrieved).at("tgis"), (json::array{kInCse, kMnCse})) << when;
    EXPECT_EQ(text(retrieved, "sec:mkr", "seid"), kPhoneAe) << when;
  };
  check("at once");
  open();
  check("after a restart");
  // The source has made it: it is told what it said, and not the key.
  const auto source = retrieve(id, kPhone);
  EXPECT_EQ(members(source).at("e2ep"), attributes.at("e2ep"));
  EXPECT_FALSE(members(source).contains("kv"));
  const auto stranger = retrieve(id, "//my.m2mprovider.org/Sother");
  expect_refused(stranger, Rsc::originator_has_no_privilege, "not among the targets");
  EXPECT_EQ(codec::to_text(stranger.pc).find("e2ep"), std::string::npos);
  clock_.advance(std::chrono::hours(24 * 7));
  EXPECT_EQ(retrieve(id, kInCse).rsc, Rsc::not_found) << "expired";
}

TEST_F(TrustEnablingTest, a_master_by_sha_512_is_as_long_as_its_hash) {
  cover({"9.2.3.3-T02"});
  const e2e::SecurityProfile high{.strengths = {Strength::high, Strength::high},
                                  .protection = e2e::ProtectionClass::separate_keys};
  const auto attributes = own(high, 33, {kInCse});
  const auto created = create(attributes);
  ASSERT_EQ(created.rsc, Rsc::created) << codec::to_text(created.pc);
  EXPECT_EQ(text(retrieve(text(created, "sec:mkr", "ri"), kInCse), "sec:mkr", "kv"), std::string(128, 'B'));
  auto shorter = attributes;
  shorter["kv"] = std::string(64, 'B');
  expect_refused(create(shorter), Rsc::bad_request, "128 hex digits");
  auto plain = key();
  plain["kv"] = std::string(128, 'B');
  expect_refused(create(plain), Rsc::bad_request, "64 hex digits");
}

TEST_F(TrustEnablingTest, nothing_of_a_credential_is_on_the_disk_in_clear) {
  auto attributes = own(data_profile(Strength::high, Strength::high), 34, {kInCse});
  attributes["e2ep"].as_object()["scp"] = "scope-of-the-test";
  const auto salt = std::string(attributes["e2ep"].as_object()["salt"].as_string());
  ASSERT_EQ(create(attributes).rsc, Rsc::created);
  const auto disk = stored();
  EXPECT_NE(disk.find("SK00001"), std::string::npos) << "the record is there";
  for (const auto& secret : {std::string("scope-of-the-test"), salt, std::string(64, 'B'),
                             std::string("E2E Attribute"), to_base64(Bytes(32, 0xBB)).substr(0, 40)})
    EXPECT_EQ(disk.find(secret), std::string::npos) << secret;
}

TEST_F(TrustEnablingTest, the_strongest_demand_counts) {
  cover({"8.6.1.2-01", "8.6.2-02", "8.6.2-03", "8.6.2-T01", "9.2.3.2-T01"});
  auto demanding = options();
  demanding.clients[0].profile = data_profile(Strength::none, Strength::low);
  demanding.clients[1].profile = data_profile(Strength::high, Strength::none);
  demanding.clients[1].profile->nonce_lifetime = std::chrono::seconds(20);
  demanding.clients[1].features = {*Suid::from(34)};
  open(demanding);
  // Low of the source, high of the target, nothing said in the request.
  auto nothing = order();
  nothing["e2ep"] = json::object{};
  auto given = parameters(create(nothing));
  EXPECT_EQ(given.choice.attribute_confidentiality, 256U);
  EXPECT_EQ(given.nonce_lifetime, std::chrono::seconds(20));
  // Another target has no profile.
  nothing["tgis"] = json::array{kMnCse};
  EXPECT_EQ(parameters(create(nothing)).choice.attribute_confidentiality, 192U);
  // What the target does not support.
  const auto mic = order(35, {kInCse}, data_profile(Strength::low, Strength::none));
  demanding.clients[0].profile.reset();
  open(demanding);
  expect_refused(create(mic), Rsc::contents_unacceptable, "SUID 35");
  demanding.clients[1].features.push_back(*Suid::from(35));
  open(demanding);
  EXPECT_EQ(create(mic).rsc, Rsc::created);
  // Demands that exclude each other.
  demanding.clients[1].profile->protection = e2e::ProtectionClass::separate_keys;
  open(demanding);
  auto aead = data_profile(Strength::low, Strength::low);
  aead.protection = e2e::ProtectionClass::aead;
  expect_refused(create(order(34, {kInCse}, aead)), Rsc::contents_unacceptable, "classes of algorithms");
}

TEST_F(TrustEnablingTest, what_a_source_makes_is_as_strong_as_is_demanded) {
  cover({"8.6.2-T01", "8.6.3-04"});
  auto demanding = options();
  demanding.clients[1].profile = data_profile(Strength::none, Strength::high);
  demanding.clients[1].features = {*Suid::from(34)};
  open(demanding);
  const auto weak = data_profile(Strength::low, Strength::low),
             strong = data_profile(Strength::low, Strength::high);
  expect_refused(create(own(weak, 34, {kInCse})), Rsc::contents_unacceptable, "longer confidentiality key");
  EXPECT_EQ(create(own(strong, 34, {kInCse})).rsc, Rsc::created);
  expect_refused(create(own(data_profile(Strength::low, Strength::none), 35, {kInCse})),
                 Rsc::contents_unacceptable, "confidential");
  // Nor can it be given to that target later.
  const auto created = create(own(weak, 34, {kMnCse}));
  ASSERT_EQ(created.rsc, Rsc::created);
  const auto id = text(created, "sec:mkr", "ri");
  const auto add = [&](json::array targets) {
    return ask(request(Operation::update, id, "sec:mkr", {{"tgis", std::move(targets)}}), kPhone);
  };
  expect_refused(add({kMnCse, kInCse}), Rsc::contents_unacceptable, "longer confidentiality key");
  EXPECT_EQ(retrieve(id, kInCse).rsc, Rsc::originator_has_no_privilege);
  EXPECT_EQ(add({kMnCse, "//my.m2mprovider.org/Sother"}).rsc, Rsc::updated);
}

TEST_F(TrustEnablingTest, requests_that_cannot_be_met) {
  cover({"8.6.3-T01"});
  const auto changed = [](json::object attributes, const char* name, json::value value) {
    attributes["e2ep"].as_object()[name] = std::move(value);
    return attributes;
  };
  const auto mine = own(data_profile(Strength::low, Strength::low), 34, {kInCse});
  const auto none = order(34, {kInCse}, {});
  expect_refused(create(none), Rsc::contents_unacceptable, "no protection of attributes");
  expect_refused(create(order(32)), Rsc::contents_unacceptable, "not end-to-end");
  expect_refused(create(order(33, {kInCse, kMnCse})), Rsc::bad_request, "exactly one target");
  expect_refused(create(changed(order(), "salt", "00")), Rsc::bad_request, "unknown");
  expect_refused(create(changed(order(), "prf", "high")), Rsc::bad_request, "prf");
  expect_refused(create(changed(mine, "org", "km")), Rsc::bad_request, "org");
  expect_refused(create(changed(mine, "salt", "0")), Rsc::bad_request, "salt");
  expect_refused(create(changed(mine, "prf", json::object{})), Rsc::bad_request, "unknown");
  auto other_use = mine;
  other_use["suid"] = 35;
  expect_refused(create(other_use), Rsc::bad_request, "SUID 35");
  auto no_parameters = mine;
  no_parameters["e2ep"] = json::object{};
  expect_refused(create(no_parameters), Rsc::bad_request, "org");
  EXPECT_EQ(maf_->counters().keys, 0U);
  EXPECT_EQ(create(mine).rsc, Rsc::created);
}

TEST_F(TrustEnablingTest, a_client_without_an_end_point_makes_none) {
  auto nameless = options();
  nameless.clients[0].entity.reset();
  open(nameless);
  expect_refused(create(order()), Rsc::contents_unacceptable, "no AE-ID or CSE-ID");
  EXPECT_EQ(create(key()).rsc, Rsc::created) << "a plain key is another matter";
}

TEST_F(TrustEnablingTest, a_refused_order_leaves_the_exporter_unused) {
  const auto session = new_session(kExported);
  const auto in_one = [&](json::object attributes) {
    return ask(request(Operation::create, registration_, "sec:mkr", std::move(attributes)), kPhone, session);
  };
  EXPECT_EQ(in_one(order(34, {kInCse}, {})).rsc, Rsc::contents_unacceptable);
  EXPECT_EQ(in_one(order()).rsc, Rsc::created);
  EXPECT_EQ(in_one(order()).rsc, Rsc::conflict);
}

}  // namespace
}  // namespace latchkey::maf
