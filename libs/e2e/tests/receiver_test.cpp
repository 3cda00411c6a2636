// The Receiver against everything that may arrive: each refusal with its code, and what it remembers.
#include <gmock/gmock.h>

#include <atomic>
#include <boost/json/parse.hpp>
#include <thread>

#include "latchkey/codec/cbor.h"
#include "world.h"

namespace latchkey::e2e {
namespace {

using codec::Rsc;
using test::cover;
using test::entity;
using test::Forge;
using test::forge;
using test::kLock;
using test::kPhone;
using test::request;
using test::World;

struct Case {
  const char* name;
  std::function<std::string(World&, Forge)> make;
  EsPrimDefect defect;
  Rsc rsc;
};
class Refused : public ::testing::TestWithParam<Case> {};

/// The object is refused, with this defect and code, and leaves nothing behind.
TEST_P(Refused, WithItsCode) {
  World world;
  const std::string object = GetParam().make(world, forge(world));
  const auto before = world.receiver->counts();
  const auto defect = world.open_defect(object);
  EXPECT_EQ(to_string(defect), to_string(GetParam().defect));
  EXPECT_EQ(static_cast<int>(rsc_of(defect)), static_cast<int>(GetParam().rsc));
  EXPECT_EQ(world.receiver->counts().sessions, before.sessions);
  EXPECT_EQ(world.receiver->counts().requests, before.requests);
}

auto with(std::function<void(json::object&)> change) {
  return [change](World&, Forge made) {
    made.change = change;
    return made.seal();
  };
}
auto without(const char* member) {
  return with([member](json::object& header) { header.erase(member); });
}
auto set(const char* member, json::value value) {
  return with([member, value](json::object& header) { header[member] = value; });
}
auto replaced(std::size_t part, std::string text) {
  return [part, text](World&, const Forge& made) {
    const std::string object = made.seal();
    const auto parts = jose::split_jwe(object).value();
    std::array<std::string, 5> all{std::string(parts.header), std::string(parts.encrypted_key),
                                   std::string(parts.iv), std::string(parts.ciphertext),
                                   std::string(parts.tag)};
    all.at(part) = text == "+" ? all.at(part) + "=" : text;
    return all[0] + "." + all[1] + "." + all[2] + "." + all[3] + "." + all[4];
  };
}
auto header_text(std::string text) {
  return [text](World&, const Forge& made) { return made.seal_under(to_base64url(as_bytes(text))); };
}
auto with_originator(const char* member, json::value value) {
  return [member, value](World& world, Forge made) {
    json::object members = made.originator_object.members();
    members[member] = value;
    made.originator_object = OriginatorRandObject::read(members, world.now).value();
    return made.seal();
  };
}

INSTANTIATE_TEST_SUITE_P(
    Form, Refused,
    ::testing::Values(
        Case{"empty", [](auto&, auto) { return std::string(); }, EsPrimDefect::form, Rsc::bad_request},
        Case{"four_parts",
             [](auto&, const Forge& f) {
               auto object = f.seal();
               return object.substr(0, object.rfind('.'));
             },
             EsPrimDefect::form, Rsc::bad_request},
        Case{"six_parts", [](auto&, const Forge& f) { return f.seal() + "."; }, EsPrimDefect::form,
             Rsc::bad_request},
        Case{"too_long", [](auto&, const Forge& f) { return f.seal() + std::string(kEsPrimOctetsMax, 'A'); },
             EsPrimDefect::form, Rsc::bad_request},
        Case{"encrypted_key", replaced(1, "AAAA"), EsPrimDefect::form, Rsc::bad_request},
        Case{"iv_of_wrong_length", replaced(2, "AAAA"), EsPrimDefect::form, Rsc::bad_request},
        Case{"no_iv", replaced(2, ""), EsPrimDefect::form, Rsc::bad_request},
        Case{"padded_ciphertext", replaced(3, "+"), EsPrimDefect::form, Rsc::bad_request},
        Case{"padded_tag", replaced(4, "+"), EsPrimDefect::form, Rsc::bad_request},
        Case{"blank_in_iv", replaced(2, "AAAA AAAAAAAAAAA"), EsPrimDefect::form, Rsc::bad_request},
        Case{"short_tag", replaced(4, "AAAA"), EsPrimDefect::form, Rsc::bad_request},
        Case{"padded_header", replaced(0, "+"), EsPrimDefect::header, Rsc::bad_request},
        Case{"ciphertext_gone", replaced(3, ""), EsPrimDefect::tag, Rsc::esprim_bad_mac}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Header, Refused,
    ::testing::Values(
        Case{"no_json", header_text("alg=dir"), EsPrimDefect::header, Rsc::bad_request},
        Case{"list", header_text("[]"), EsPrimDefect::header, Rsc::bad_request},
        Case{
            "member_twice",
            header_text(
                R"({"alg":"dir","alg":"dir","enc":"A256GCM","kid":"K1@maf.example.com","ori":"a","rri":"b"})"),
            EsPrimDefect::header, Rsc::bad_request},
        Case{"too_long", set("x", json::value(std::string(8'000, 'x'))), EsPrimDefect::header,
             Rsc::bad_request},
        Case{"no_alg", without("alg"), EsPrimDefect::header, Rsc::bad_request},
        Case{"alg_wraps", set("alg", "A256KW"), EsPrimDefect::option, Rsc::esprim_unsupported_option},
        Case{"alg_none", set("alg", "none"), EsPrimDefect::option, Rsc::esprim_unsupported_option},
        Case{"alg_in_capitals", set("alg", "DIR"), EsPrimDefect::option, Rsc::esprim_unsupported_option},
        Case{"no_enc", without("enc"), EsPrimDefect::header, Rsc::bad_request},
        Case{"enc_with_cbc", set("enc", "A128CBC-HS256"), EsPrimDefect::option,
             Rsc::esprim_unsupported_option},
        Case{"crit", set("crit", json::array{"exp"}), EsPrimDefect::option, Rsc::esprim_unsupported_option},
        Case{"zip", set("zip", "DEF"), EsPrimDefect::option, Rsc::esprim_unsupported_option},
        Case{"no_kid", without("kid"), EsPrimDefect::header, Rsc::bad_request},
        Case{"kid_is_number", set("kid", 1), EsPrimDefect::header, Rsc::bad_request},
        Case{"kid_with_blank", set("kid", "K 1"), EsPrimDefect::header, Rsc::bad_request},
        Case{"no_ori", without("ori"), EsPrimDefect::header, Rsc::bad_request},
        Case{"no_rri", without("rri"), EsPrimDefect::header, Rsc::bad_request},
        Case{"rri_no_name", set("rri", "1"), EsPrimDefect::header, Rsc::bad_request},
        Case{"ori_is_list", set("ori", json::array{"a"}), EsPrimDefect::header, Rsc::bad_request},
        Case{"oro_malformed", set("oro", json::value{{"esri", "a"}}), EsPrimDefect::header, Rsc::bad_request},
        Case{"oro_is_text", set("oro", "a"), EsPrimDefect::header, Rsc::bad_request},
        Case{"rro_of_an_originator",
             [](auto&, Forge f) {
               f.change = [r = f.receiver_object.members()](json::object& h) { h["rro"] = r; };
               return f.seal();
             },
             EsPrimDefect::header, Rsc::bad_request},
        Case{"cty_of_xml", set("cty", "vnd.onem2m-preq+xml"), EsPrimDefect::format,
             Rsc::unsupported_media_type},
        Case{"swapped_ori_and_rri", with([](json::object& h) { std::swap(h["ori"], h["rri"]); }),
             EsPrimDefect::unknown_receiver_object, Rsc::esprim_unknown_recv_rand_id}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Session, Refused,
    ::testing::Values(Case{"unknown_kid", set("kid", "K2@maf.example.com"), EsPrimDefect::unknown_key,
                           Rsc::esprim_unknown_key_id},
                      Case{"unknown_rri", set("rri", "S-other"), EsPrimDefect::unknown_receiver_object,
                           Rsc::esprim_unknown_recv_rand_id},
                      Case{"no_oro_at_first", without("oro"), EsPrimDefect::unknown_originator_object,
                           Rsc::esprim_unknown_orig_rand_id},
                      Case{"oro_of_another_id", set("ori", "U-other"),
                           EsPrimDefect::unknown_originator_object, Rsc::esprim_unknown_orig_rand_id},
                      Case{"expired_oro", with_originator("esrx", "20261128T120000"),
                           EsPrimDefect::expired_originator_object, Rsc::esprim_unknown_orig_rand_id},
                      Case{"oro_outlives", with_originator("esrx", "20261128T130001"),
                           EsPrimDefect::late_originator_object, Rsc::esprim_unknown_orig_rand_id},
                      Case{"unknown_esk", with_originator("esk", 2), EsPrimDefect::key_gen_alg,
                           Rsc::esprim_unsupported_option},
                      Case{"espa_no_subset", with_originator("espa", json::array{12, 13}),
                           EsPrimDefect::algorithms, Rsc::esprim_unsupported_option},
                      Case{"enc_not_in_espa", with_originator("espa", json::array{10}),
                           EsPrimDefect::algorithms, Rsc::esprim_unsupported_option},
                      Case{"another_key",
                           [](auto&, Forge f) {
                             f.key = 1;
                             return f.seal();
                           },
                           EsPrimDefect::tag, Rsc::esprim_bad_mac},
                      Case{"no_primitive_inside",
                           [](auto&, Forge f) {
                             f.plaintext = "open the door";
                             return f.seal();
                           },
                           EsPrimDefect::inner, Rsc::bad_request},
                      Case{"response_inside",
                           [](auto&, Forge f) {
                             f.plaintext = R"({"rsc":2000,"rqi":"r1"})";
                             return f.seal();
                           },
                           EsPrimDefect::inner, Rsc::bad_request},
                      Case{"member_twice_inside",
                           [](auto&, Forge f) {
                             f.plaintext = R"({"op":2,"op":4,"to":"/x","fr":"/in-cse/Cphone","rqi":"1"})";
                             return f.seal();
                           },
                           EsPrimDefect::inner, Rsc::bad_request},
                      Case{"from_of_another",
                           [](auto&, Forge f) {
                             auto r = request();
                             r.from = "/in-cse/Cother";
                             f.plaintext = codec::to_text(codec::to_json(r));
                             return f.seal();
                           },
                           EsPrimDefect::impersonation, Rsc::esprim_impersonation_error},
                      Case{"from_missing",
                           [](auto&, Forge f) {
                             auto r = request();
                             r.from.clear();
                             f.plaintext = codec::to_text(codec::to_json(r));
                             return f.seal();
                           },
                           EsPrimDefect::impersonation, Rsc::esprim_impersonation_error}),
    [](const auto& row) { return row.param.name; });

TEST(Receiver, ChecksComeInTheOrderOfC6) {
  cover({"8.4.2-T07", "8.4.2-42", "8.4.2-43", "8.4.2-52", "8.4.2-55"});
  World world;
  auto made = forge(world);
  made.key = 1;  // and so the tag is wrong too
  made.change = [](json::object& header) {
    header["kid"] = "K2";
    header["rri"] = "S-other";
    header.erase("oro");
  };
  EXPECT_EQ(world.open_defect(made.seal()), EsPrimDefect::unknown_key);
  made.change = [](json::object& header) {
    header["rri"] = "S-other";
    header.erase("oro");
  };
  EXPECT_EQ(world.open_defect(made.seal()), EsPrimDefect::unknown_receiver_object);
  made.change = [](json::object& header) { header.erase("oro"); };
  EXPECT_EQ(world.open_defect(made.seal()), EsPrimDefect::unknown_originator_object);
  made.change = [](auto&) {};
  EXPECT_EQ(world.open_defect(made.seal()), EsPrimDefect::tag);
}

TEST(Receiver, CodesOfTheTable) {
  cover({"8.4.2-53", "8.4.2-54", "8.4.2-56", "8.4.2-57", "8.4.2-59", "8.4.2-60"});
  World world;
  const auto made = forge(world);
  world.receiver->remove_key(test::kKid);
  ASSERT_TRUE(world.receiver->add_key(test::pairwise(kPhone, world.now)));
  EXPECT_EQ(world.open_defect(made.seal()), EsPrimDefect::expired_key);
  EXPECT_EQ(rsc_of(EsPrimDefect::expired_key), Rsc::esprim_unknown_key_id);
  EXPECT_EQ(rsc_of(EsPrimDefect::sealing), Rsc::esprim_encryption_error);
  EXPECT_EQ(rsc_of(EsPrimDefect::key_store), Rsc::esprim_decryption_error);
}

TEST(Receiver, ReceiverObjectExpires) {
  cover({"8.4.2-53"});
  World world;
  const auto made = forge(world);
  world.now = made.receiver_object.end() - std::chrono::seconds(1);
  EXPECT_TRUE(
      std::holds_alternative<EsPrimReceiver::Opened>(world.receiver->open(made.seal(), kPhone, world.now)));
  world.now = made.receiver_object.end();
  EXPECT_EQ(world.open_defect(made.seal()), EsPrimDefect::unknown_receiver_object);
}

TEST(Receiver, ASessionEndsWithItsOriginatorObjectAlsoForKnownHeaders) {
  cover({"8.4.2-54"});
  World world;
  auto made = forge(world);
  made.originator_object = Forge::own(made.receiver_object, world.now + std::chrono::seconds(60));
  ASSERT_TRUE(
      std::holds_alternative<EsPrimReceiver::Opened>(world.receiver->open(made.seal(), kPhone, world.now)));
  made.plaintext = codec::to_text(codec::to_json(request("r2")));
  world.now += std::chrono::seconds(60);
  EXPECT_EQ(world.open_defect(made.seal()), EsPrimDefect::expired_originator_object);
  made.with_object = false;
  EXPECT_EQ(rsc_of(world.open_defect(made.seal())), Rsc::esprim_unknown_orig_rand_id);
}

/// The Secure Environment is asked once a session, not once a request.
class CountingEnvironment final : public secure_env::SecureEnvironment {
 public:
  mutable int derivations = 0;
  [[nodiscard]] secure_env::ProtectionLevel protection_level() const noexcept override { return {}; }
  [[nodiscard]] Status store(const secure_env::KeyHandle&, const secure_env::KeyAttributes&,
                             SecretBytes&&) override {
    return {};
  }
  [[nodiscard]] Status replace(const secure_env::KeyHandle&, const secure_env::KeyAttributes&,
                               SecretBytes&&) override {
    return {};
  }
  [[nodiscard]] Status remove(const secure_env::KeyHandle&) override { return {}; }
  [[nodiscard]] std::vector<secure_env::KeyHandle> list() const override { return {}; }
  [[nodiscard]] Result<SecretBytes> use_as_psk(const secure_env::KeyHandle&, Suid::Use,
                                               std::int64_t) const override {
    return test::secret(32);
  }
  [[nodiscard]] Result<SecretBytes> use_as_private_key(const secure_env::KeyHandle&) const override {
    return fail(ErrorCode::unsupported, "no private keys");
  }
  [[nodiscard]] Result<SecretBytes> hmac(const secure_env::KeyHandle&, ByteView data) const override {
    if (++derivations > 1) return fail(ErrorCode::io, "the environment is gone");
    return crypto::hmac_sha256(test::secret(32), data);
  }
  [[nodiscard]] Result<Bytes> seal(std::string_view, const SecretBytes&) const override { return Bytes(); }
  [[nodiscard]] Result<SecretBytes> unseal(std::string_view, ByteView) const override {
    return SecretBytes();
  }
};

TEST(Receiver, ASessionKeyIsDerivedOnceAndCached) {
  cover({"8.4.2-58", "8.4.2-44"});
  World world;
  const auto environment = std::make_shared<CountingEnvironment>();
  ASSERT_TRUE(
      world.receiver->add_key(PairwiseEsPrimKey::from_environment(
                                  {.id = test::kKid, .peer = entity(kPhone), .suid = Suid::from(13).value()},
                                  environment, {"k"}, world.now)
                                  .value()));
  auto made = forge(world);
  for (const char* rqi : {"r1", "r2", "r3"}) {
    made.plaintext = codec::to_text(codec::to_json(request(rqi)));
    made.with_object = std::string_view(rqi) == "r1";
    EXPECT_TRUE(
        std::holds_alternative<EsPrimReceiver::Opened>(world.receiver->open(made.seal(), kPhone, world.now)));
  }
  EXPECT_EQ(environment->derivations, 1);
  // A second session needs it, and it fails: 5210.
  made.with_object = true;
  made.originator_object = Forge::own(made.receiver_object);
  const auto defect = world.open_defect(made.seal());
  EXPECT_EQ(defect, EsPrimDefect::key_store);
  EXPECT_EQ(rsc_of(defect), Rsc::esprim_decryption_error);
}

TEST(Receiver, TellsWhoTheOriginatorIs) {
  cover({"7.2.2-01", "7.2.2-03", "8.4.3.2-14", "8.4.3.2-15", "8.4.3.2-17", "8.4.3.2-18"});
  World world;
  const auto result = world.receiver->open(forge(world).seal(), kPhone, world.now);
  const auto* opened = std::get_if<EsPrimReceiver::Opened>(&result);
  ASSERT_NE(opened, nullptr);
  EXPECT_EQ(opened->originator, entity(kPhone));
  EXPECT_EQ(opened->request, request());
}

TEST(Receiver, ImpersonationIsAnswered4116) {
  cover({"7.2.2-02"});
  World world;
  auto made = forge(world);
  auto inner = request();
  inner.from = "/in-cse/Cadmin";
  made.plaintext = codec::to_text(codec::to_json(inner));
  codec::RequestPrimitive outer;
  outer.op = codec::Operation::notify;
  outer.rqi = "o1";
  outer.from = kPhone;
  outer.pc = to_security_info(EsPrimObject{made.seal()});
  const auto answer = std::get<EsPrimEndpoint::Answer>(world.endpoint->handle(outer, world.now).value());
  EXPECT_EQ(answer.outer.rsc, Rsc::esprim_impersonation_error);
  EXPECT_EQ(codec::to_text(answer.outer.pc).find("Cadmin"), std::string::npos)
      << "nothing of the inside leaves";
  EXPECT_EQ(world.receiver->counts().requests, 0U);
}

TEST(Receiver, OuterFromMustBeTheSame) {
  World world;
  const auto made = forge(world);
  EXPECT_EQ(world.open_defect(made.seal(), "/in-cse/Cother"), EsPrimDefect::impersonation);
  EXPECT_TRUE(std::holds_alternative<EsPrimReceiver::Opened>(
      world.receiver->open(made.seal(), "/in-cse/Cphone", world.now)));
  auto second = made;
  second.plaintext = codec::to_text(codec::to_json(request("r2")));
  EXPECT_TRUE(std::holds_alternative<EsPrimReceiver::Opened>(
      world.receiver->open(second.seal(), std::nullopt, world.now)));
}

TEST(Receiver, AnyFlippedBitIsRefused) {
  World world;
  const std::string text = forge(world).seal();
  for (std::size_t i = 0; i < text.size(); ++i)
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string changed = text;
      changed[i] = static_cast<char>(static_cast<unsigned char>(changed[i]) ^ (1U << bit));
      const auto result = world.receiver->open(changed, kPhone, world.now);
      ASSERT_TRUE(std::holds_alternative<EsPrimRefusal>(result)) << "bit " << bit << " of octet " << i;
    }
  EXPECT_EQ(world.receiver->counts().sessions, 0U) << "nothing is kept of what does not verify";
  ASSERT_TRUE(std::holds_alternative<EsPrimReceiver::Opened>(world.receiver->open(text, kPhone, world.now)));
  // And in a session whose header is known.
  auto second = forge(world);
  second.originator_object = EsPrimHeader::read(jose::split_jwe(text)->header, world.now)->oro.value();
  second.plaintext = codec::to_text(codec::to_json(request("r2")));
  second.iv = 77;
  const std::string known = second.seal();
  for (std::size_t i = 0; i < known.size(); ++i) {
    std::string changed = known;
    changed[i] = static_cast<char>(static_cast<unsigned char>(changed[i]) ^ 1U);
    ASSERT_TRUE(std::holds_alternative<EsPrimRefusal>(world.receiver->open(changed, kPhone, world.now))) << i;
  }
  EXPECT_TRUE(std::holds_alternative<EsPrimReceiver::Opened>(world.receiver->open(known, kPhone, world.now)));
}

TEST(Receiver, ReplaysAreRefusedUntilExpiry) {
  World world;
  const auto made = forge(world);
  const std::string object = made.seal();
  ASSERT_TRUE(
      std::holds_alternative<EsPrimReceiver::Opened>(world.receiver->open(object, kPhone, world.now)));
  EXPECT_EQ(world.open_defect(object), EsPrimDefect::replayed);
  EXPECT_EQ(rsc_of(EsPrimDefect::replayed), Rsc::esprim_decryption_error);
  world.now = made.receiver_object.end() - std::chrono::seconds(1);
  EXPECT_EQ(world.open_defect(object), EsPrimDefect::replayed);
  world.now = made.receiver_object.end();
  EXPECT_EQ(world.open_defect(object), EsPrimDefect::unknown_receiver_object);
}

TEST(Receiver, TheSameRequestInAnotherSessionIsAReplayToo) {
  World world;
  auto made = forge(world);
  ASSERT_TRUE(
      std::holds_alternative<EsPrimReceiver::Opened>(world.receiver->open(made.seal(), kPhone, world.now)));
  made.originator_object = Forge::own(made.receiver_object);
  EXPECT_EQ(world.open_defect(made.seal()), EsPrimDefect::replayed);
}

TEST(Receiver, RemovingAndAddingAKeyOpensNoWayForReplays) {
  World world;
  auto made = forge(world);
  const std::string object = made.seal();
  ASSERT_TRUE(
      std::holds_alternative<EsPrimReceiver::Opened>(world.receiver->open(object, kPhone, world.now)));
  world.receiver->remove_key(test::kKid);
  EXPECT_EQ(world.open_defect(object), EsPrimDefect::unknown_key);
  ASSERT_TRUE(world.receiver->add_key(test::pairwise(kPhone)));
  EXPECT_EQ(world.open_defect(object), EsPrimDefect::unknown_originator_object);
  made.originator_object = Forge::own(made.receiver_object);
  made.plaintext = codec::to_text(codec::to_json(request("r2")));
  EXPECT_TRUE(
      std::holds_alternative<EsPrimReceiver::Opened>(world.receiver->open(made.seal(), kPhone, world.now)));
}

TEST(Receiver, AnOriginatorObjectUnderAUsedIdIsRefused) {
  World world;
  auto made = forge(world);
  ASSERT_TRUE(
      std::holds_alternative<EsPrimReceiver::Opened>(world.receiver->open(made.seal(), kPhone, world.now)));
  json::object members = made.originator_object.members();
  members["esrv"] = "rAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  made.originator_object = OriginatorRandObject::read(members, world.now).value();
  EXPECT_EQ(world.open_defect(made.seal()), EsPrimDefect::changed_originator_object);
}

TEST(Receiver, AnAnnouncedOriginatorObjectIsKnownOnceTheTagHasProvedIt) {
  cover({"8.4.3.2-06", "8.4.3.2-16", "8.4.2-54"});
  World world;
  auto made = forge(world);
  ASSERT_TRUE(
      std::holds_alternative<EsPrimReceiver::Opened>(world.receiver->open(made.seal(), kPhone, world.now)));
  const auto next = Forge::own(made.receiver_object);
  auto announcing = made;
  announcing.plaintext = codec::to_text(codec::to_json(request("r2")));
  announcing.change = [&](json::object& header) { header["oro"] = next.members(); };
  auto using_it = made;
  using_it.originator_object = next;
  using_it.with_object = false;
  using_it.plaintext = codec::to_text(codec::to_json(request("r3")));
  // Announced by somebody without the key: not recorded.
  auto stranger = announcing;
  stranger.key = 1;
  EXPECT_EQ(world.open_defect(stranger.seal()), EsPrimDefect::tag);
  EXPECT_EQ(world.open_defect(using_it.seal()), EsPrimDefect::unknown_originator_object);
  ASSERT_TRUE(std::holds_alternative<EsPrimReceiver::Opened>(
      world.receiver->open(announcing.seal(), kPhone, world.now)));
  EXPECT_TRUE(std::holds_alternative<EsPrimReceiver::Opened>(
      world.receiver->open(using_it.seal(), kPhone, world.now)));
}

TEST(Receiver, UnknownHeaderNamesAreIgnored) {
  World world;
  auto made = forge(world);
  made.change = [](json::object& header) { header["x-vendor"] = 1; };
  EXPECT_TRUE(
      std::holds_alternative<EsPrimReceiver::Opened>(world.receiver->open(made.seal(), kPhone, world.now)));
}

TEST(Receiver, FormsOfTheMediaType) {
  for (const char* cty :
       {"vnd.onem2m-preq+json", "application/vnd.onem2m-preq+json", "application/json", "JSON"}) {
    World world;
    auto made = forge(world);
    made.change = [&](json::object& header) { header["cty"] = cty; };
    EXPECT_TRUE(
        std::holds_alternative<EsPrimReceiver::Opened>(world.receiver->open(made.seal(), kPhone, world.now)))
        << cty;
  }
  World world;
  auto made = forge(world);
  made.change = [](json::object& header) { header.erase("cty"); };
  EXPECT_TRUE(
      std::holds_alternative<EsPrimReceiver::Opened>(world.receiver->open(made.seal(), kPhone, world.now)));
}

TEST(Receiver, APrimitiveInsideInCbor) {
  const auto text = [](const Forge& made) {
    const auto octets = codec::to_cbor(codec::parse_json(made.plaintext, {}).value());
    return std::string(as_text(octets));
  };
  const auto opened = [&](const char* cty, bool in_cbor) {
    World world;
    auto made = forge(world);
    if (in_cbor) made.plaintext = text(made);
    made.change = [&](json::object& header) { header["cty"] = cty; };
    return world.receiver->open(made.seal(), kPhone, world.now);
  };
  World plain;
  const auto in_json = plain.receiver->open(forge(plain).seal(), kPhone, plain.now);
  ASSERT_TRUE(std::holds_alternative<EsPrimReceiver::Opened>(in_json));
  for (const char* cty : {"vnd.onem2m-preq+cbor", "application/vnd.onem2m-preq+cbor", "application/cbor"}) {
    const auto got = opened(cty, true);
    ASSERT_TRUE(std::holds_alternative<EsPrimReceiver::Opened>(got)) << cty;
    EXPECT_EQ(std::get<EsPrimReceiver::Opened>(got).request,
              std::get<EsPrimReceiver::Opened>(in_json).request);
  }
  // What the header says is what is read.
  for (const auto& [cty, in_cbor] :
       {std::pair{"vnd.onem2m-preq+json", true}, {"vnd.onem2m-preq+cbor", false}}) {
    const auto got = opened(cty, in_cbor);
    ASSERT_TRUE(std::holds_alternative<EsPrimRefusal>(got)) << cty;
    EXPECT_EQ(std::get<EsPrimRefusal>(got).defect, EsPrimDefect::inner);
  }
}

TEST(Receiver, KeysOfAMafAreFetchedOnce) {
  cover({"8.4.2-45", "8.4.2-46", "8.4.2-51", "8.4.2-T03"});
  World world({.self = entity(kLock), .mafs = {Fqdn::parse("maf.example.com").value()}});
  const auto id = KeyId::parse("00112233445566778899AABBCCDDEEFF@maf.example.com").value();
  auto made = forge(world);
  const auto pair = crypto::derive_pairwise_esprim_key(Kc(test::secret(32, 9)));
  const auto seal = [&](const std::string& rqi, std::string kid) {
    auto header = made.header();
    header["kid"] = kid;
    const auto key = crypto::derive_session_esprim_key(pair, made.receiver_object.octets(),
                                                       made.originator_object.octets());
    return jose::seal_direct(to_base64url(as_bytes(codec::to_text(header))), key, test::octets(12),
                             as_bytes(codec::to_text(codec::to_json(request(rqi)))))
        .value();
  };
  const auto asked = world.receiver->open(seal("r1", id.text()), kPhone, world.now);
  ASSERT_TRUE(std::holds_alternative<EsPrimReceiver::FetchKey>(asked));
  EXPECT_EQ(std::get<EsPrimReceiver::FetchKey>(asked).kc_id, id);
  ASSERT_TRUE(world.receiver->add_key(PairwiseEsPrimKey::from_kc(id, Kc(test::secret(32, 9)), entity(kPhone),
                                                                 world.now + std::chrono::hours(1))
                                          .value()));
  for (const char* rqi : {"r1", "r2"})
    EXPECT_TRUE(std::holds_alternative<EsPrimReceiver::Opened>(
        world.receiver->open(seal(rqi, id.text()), kPhone, world.now)));
  // Of another MAF, or no KcID: nobody is asked.
  EXPECT_EQ(world.open_defect(seal("r3", "00112233445566778899AABBCCDDEEFF@maf.other.com")),
            EsPrimDefect::unknown_key);
  EXPECT_EQ(world.open_defect(seal("r3", "K9@maf.example.com")), EsPrimDefect::unknown_key);
}

TEST(Receiver, ALifetimeOfTheKeyEndsItsSessions) {
  cover({"8.4.2-50", "8.4.2-T02"});
  World world;
  const auto made = forge(world);
  ASSERT_TRUE(world.receiver->add_key(test::pairwise(kPhone, world.now + std::chrono::seconds(5))));
  const auto result = world.receiver->open(made.seal(), kPhone, world.now);
  ASSERT_TRUE(std::holds_alternative<EsPrimReceiver::Opened>(result));
  world.now += std::chrono::seconds(5);
  auto again = made;
  again.plaintext = codec::to_text(codec::to_json(request("r2")));
  EXPECT_EQ(world.open_defect(again.seal()), EsPrimDefect::expired_key);
  const auto sealed = world.receiver->seal(std::get<EsPrimReceiver::Opened>(result).context, {}, world.now);
  ASSERT_FALSE(sealed);
  EXPECT_EQ(sealed.error().rsc(), Rsc::esprim_encryption_error);
}

TEST(Receiver, AnAnswerCanBeSealedWhenItsSessionWasGivenUp) {
  World world;
  const auto result = world.receiver->open(forge(world).seal(), kPhone, world.now);
  const auto& context = std::get<EsPrimReceiver::Opened>(result).context;
  world.receiver->remove_key(test::kKid);
  EXPECT_TRUE(world.receiver->seal(context, {}, world.now));
  EXPECT_FALSE(world.receiver->seal(EsPrimContext(), {}, world.now));
}

TEST(Receiver, TheSharedObjectIsRenewedAheadOfItsEnd) {
  cover({"8.4.2-12"});
  World world;
  const auto first = *world.receiver->shared_object(world.now);
  EXPECT_EQ(first.end(), world.now + std::chrono::hours(1));
  EXPECT_EQ(*world.receiver->shared_object(world.now + std::chrono::minutes(49)), first);
  const auto second = *world.receiver->shared_object(world.now + std::chrono::minutes(50));
  EXPECT_NE(second.id(), first.id());
  // Copies of the old one on other CSEs serve until it ends.
  world.now += std::chrono::minutes(55);
  Forge made{.receiver_object = first, .originator_object = Forge::own(first)};
  EXPECT_TRUE(
      std::holds_alternative<EsPrimReceiver::Opened>(world.receiver->open(made.seal(), kPhone, world.now)));
}

TEST(Receiver, AnObjectThatIsNotSharedBelongsToItsFirstUser) {
  World world;
  ASSERT_TRUE(world.receiver->add_key(test::pairwise("/in-cse/Cother", {}, "K2", 50)));
  const auto object = world.receiver->issue(kPhone, world.now);
  Forge made{.receiver_object = object, .originator_object = Forge::own(object)};
  ASSERT_TRUE(
      std::holds_alternative<EsPrimReceiver::Opened>(world.receiver->open(made.seal(), kPhone, world.now)));
  made.key = 50;
  made.change = [](json::object& header) { header["kid"] = "K2"; };
  EXPECT_EQ(world.open_defect(made.seal()), EsPrimDefect::foreign_receiver_object);
}

TEST(Bounds, UnusedObjectsOfOneRequesterMakeWayForItsOwn) {
  World world({.self = entity(kLock), .unused_per_requester = 2});
  const auto other = world.receiver->issue("other", world.now);
  const auto first = world.receiver->issue(kPhone, world.now);
  for (int i = 0; i < 100; ++i) static_cast<void>(world.receiver->issue(kPhone, world.now));
  EXPECT_EQ(world.receiver->counts().receiver_objects, 3U);
  Forge gone{.receiver_object = first, .originator_object = Forge::own(first)};
  EXPECT_EQ(world.open_defect(gone.seal()), EsPrimDefect::unknown_receiver_object);
  Forge there{.receiver_object = other, .originator_object = Forge::own(other)};
  EXPECT_TRUE(
      std::holds_alternative<EsPrimReceiver::Opened>(world.receiver->open(there.seal(), kPhone, world.now)));
}

TEST(Bounds, ReceiverObjectsInAll) {
  World world({.self = entity(kLock), .receiver_objects = 10});
  const auto made = forge(world);
  ASSERT_TRUE(
      std::holds_alternative<EsPrimReceiver::Opened>(world.receiver->open(made.seal(), kPhone, world.now)));
  for (int i = 0; i < 100; ++i)
    static_cast<void>(world.receiver->issue("requester" + std::to_string(i), world.now));
  EXPECT_EQ(world.receiver->counts().receiver_objects, 10U);
  EXPECT_EQ(world.receiver->counts().sessions, 1U) << "objects that nobody uses go first";
}

TEST(Bounds, SessionsOfOneKey) {
  World world({.self = entity(kLock), .sessions_per_key = 3});
  auto made = forge(world);
  for (int i = 0; i < 3; ++i) {
    made.originator_object = Forge::own(made.receiver_object);
    made.plaintext = codec::to_text(codec::to_json(request("r" + std::to_string(i))));
    ASSERT_TRUE(
        std::holds_alternative<EsPrimReceiver::Opened>(world.receiver->open(made.seal(), kPhone, world.now)));
  }
  made.originator_object = Forge::own(made.receiver_object);
  made.plaintext = codec::to_text(codec::to_json(request("r9")));
  EXPECT_EQ(world.open_defect(made.seal()), EsPrimDefect::crowded);
  EXPECT_EQ(rsc_of(EsPrimDefect::crowded), Rsc::esprim_unknown_recv_rand_id)
      << "so that it asks for its own object";
  for (int i = 0; i < 10; ++i) {
    const auto own = world.receiver->issue(kPhone, world.now);
    Forge next{.receiver_object = own, .originator_object = Forge::own(own)};
    next.plaintext = codec::to_text(codec::to_json(request("u" + std::to_string(i))));
    EXPECT_TRUE(
        std::holds_alternative<EsPrimReceiver::Opened>(world.receiver->open(next.seal(), kPhone, world.now)));
  }
  EXPECT_EQ(world.receiver->counts().sessions, 6U);
}

TEST(Bounds, RequestsOfOneSession) {
  World world({.self = entity(kLock), .requests_per_session = 5});
  auto made = forge(world);
  for (int i = 0; i < 5; ++i) {
    made.plaintext = codec::to_text(codec::to_json(request("r" + std::to_string(i))));
    ASSERT_TRUE(
        std::holds_alternative<EsPrimReceiver::Opened>(world.receiver->open(made.seal(), kPhone, world.now)));
  }
  made.plaintext = codec::to_text(codec::to_json(request("r5")));
  EXPECT_EQ(world.open_defect(made.seal()), EsPrimDefect::used_up);
  made.plaintext = codec::to_text(codec::to_json(request("r0")));
  EXPECT_EQ(world.open_defect(made.seal()), EsPrimDefect::replayed);
}

/// Where the memory of requests is full, what was sent under the object that goes can never be replayed.
TEST(Bounds, RequestsInAllGiveUpTheObjectWithMost) {
  World world({.self = entity(kLock), .requests = 20});
  auto made = forge(world);
  std::vector<std::string> sent;
  for (int i = 0; i < 19; ++i) {
    made.plaintext = codec::to_text(codec::to_json(request("r" + std::to_string(i))));
    sent.push_back(made.seal());
    ASSERT_TRUE(
        std::holds_alternative<EsPrimReceiver::Opened>(world.receiver->open(sent.back(), kPhone, world.now)));
  }
  const auto own = world.receiver->issue(kPhone, world.now);
  Forge next{.receiver_object = own, .originator_object = Forge::own(own)};
  for (int i = 0; i < 2; ++i) {
    next.plaintext = codec::to_text(codec::to_json(request("n" + std::to_string(i))));
    ASSERT_TRUE(
        std::holds_alternative<EsPrimReceiver::Opened>(world.receiver->open(next.seal(), kPhone, world.now)));
  }
  EXPECT_EQ(world.receiver->counts().requests, 2U);
  for (const auto& object : sent) EXPECT_EQ(world.open_defect(object), EsPrimDefect::unknown_receiver_object);
  EXPECT_NE(world.receiver->shared_object(world.now)->id(), made.receiver_object.id());
}

TEST(Bounds, SessionsInAll) {
  World world({.self = entity(kLock), .sessions = 4, .sessions_per_key = 100});
  for (int i = 0; i < 40; ++i) {
    auto made = forge(world);
    made.plaintext = codec::to_text(codec::to_json(request("r" + std::to_string(i))));
    const auto result = world.receiver->open(made.seal(), kPhone, world.now);
    if (const auto* refusal = std::get_if<EsPrimRefusal>(&result)) {
      EXPECT_EQ(refusal->rsc(), Rsc::esprim_unknown_recv_rand_id);
    }
    EXPECT_LE(world.receiver->counts().sessions, 4U);
  }
}

TEST(Bounds, EverythingGoesWithTime) {
  World world;
  auto made = forge(world);
  ASSERT_TRUE(
      std::holds_alternative<EsPrimReceiver::Opened>(world.receiver->open(made.seal(), kPhone, world.now)));
  world.now += std::chrono::hours(2);
  static_cast<void>(world.receiver->issue("x", world.now));
  const auto counts = world.receiver->counts();
  EXPECT_EQ(counts.sessions, 0U);
  EXPECT_EQ(counts.requests, 0U);
  EXPECT_EQ(counts.receiver_objects, 1U);
}

TEST(Bounds, Keys) {
  World world({.self = entity(kLock), .keys = 1});
  EXPECT_EQ(world.receiver->add_key(test::pairwise(kPhone, {}, "K2")).error().code, ErrorCode::limit);
  EXPECT_TRUE(world.receiver->add_key(test::pairwise(kPhone))) << "the same id makes way";
}

TEST(Receiver, BadConfiguration) {
  const auto bad = [](EsPrimReceiverConfig config) { return !EsPrimReceiver::make(std::move(config)); };
  EXPECT_TRUE(bad({.self = Fqdn::parse("maf.example").value()}));
  EXPECT_TRUE(bad({.self = entity(kLock), .encs = {}}));
  EXPECT_TRUE(bad({.self = entity(kLock), .refresh_ahead = std::chrono::seconds(3'600)}));
  EXPECT_TRUE(bad({.self = entity(kLock), .unshared_lifetime = std::chrono::seconds(3)}));
  EXPECT_TRUE(bad({.self = entity(kLock), .receiver_objects = 1}));
  EXPECT_TRUE(bad({.self = entity(kLock), .sessions = 0}));
}

TEST(Receiver, ManyThreadsAtOnce) {
  World world;
  auto made = forge(world);
  std::vector<std::string> objects;
  for (int i = 0; i < 200; ++i) {
    made.plaintext = codec::to_text(codec::to_json(request("r" + std::to_string(i))));
    made.iv = static_cast<std::uint8_t>(i);
    objects.push_back(made.seal());
  }
  std::atomic<int> opened = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (const auto& object : objects) {
        const auto result = world.receiver->open(object, kPhone, world.now);
        if (const auto* it = std::get_if<EsPrimReceiver::Opened>(&result)) {
          ++opened;
          EXPECT_TRUE(world.receiver->seal(it->context, {}, world.now));
        }
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(opened, 200) << "each request is opened by exactly one";
}

TEST(Endpoint, OtherNotificationsAreNotItsBusiness) {
  World world;
  codec::RequestPrimitive outer;
  outer.op = codec::Operation::notify;
  outer.rqi = "o1";
  for (const char* pc :
       {R"({"m2m:sgn":{}})", R"({"m2m:seci":{"sit":1,"dreq":{}}})", R"({"m2m:seci":{"sit":99}})"}) {
    outer.pc = json::parse(pc);
    EXPECT_FALSE(world.endpoint->handle(outer, world.now)) << pc;
  }
  outer.pc = nullptr;
  EXPECT_FALSE(world.endpoint->handle(outer, world.now));
  outer.pc = to_security_info(RandObjectRequest{});
  outer.op = codec::Operation::create;
  EXPECT_FALSE(world.endpoint->handle(outer, world.now));
}

TEST(Endpoint, BadMessagesAreAnswered) {
  World world;
  codec::RequestPrimitive outer;
  outer.op = codec::Operation::notify;
  outer.rqi = "o1";
  for (const char* pc : {R"({"m2m:seci":{"sit":5}})", R"({"m2m:seci":{"sit":5,"epo":"x"}})"}) {
    outer.pc = json::parse(pc);
    const auto answer = std::get<EsPrimEndpoint::Answer>(world.endpoint->handle(outer, world.now).value());
    EXPECT_EQ(answer.outer.rsc, Rsc::bad_request) << pc;
    EXPECT_EQ(answer.outer.rqi, "o1");
  }
  outer.pc = to_security_info(*world.receiver->shared_object(world.now));
  EXPECT_EQ(std::get<EsPrimEndpoint::Answer>(world.endpoint->handle(outer, world.now).value()).outer.rsc,
            Rsc::bad_request);
  EXPECT_EQ(EsPrimEndpoint::unknown_key(outer).outer.rsc, Rsc::esprim_unknown_key_id);
}

}  // namespace
}  // namespace latchkey::e2e
