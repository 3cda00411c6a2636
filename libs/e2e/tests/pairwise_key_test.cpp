// Pairwise keys by their origin, and whom they speak for.
#include <filesystem>

#include "latchkey/secure_env/software.h"
#include "world.h"

namespace latchkey::e2e {
namespace {

using test::at;
using test::cover;
using test::entity;
using test::octets;
using test::secret;

PairwiseAttributes attributes(int suid = 13) {
  return {.id = "K1", .peer = entity("/in-cse/Cphone"), .suid = Suid::from(suid).value()};
}

class InEnvironment : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("e2e-" + to_hex(crypto::random_bytes(8)));
    std::filesystem::create_directories(folder_ / "state");
    std::filesystem::permissions(folder_ / "state", std::filesystem::perms::owner_all);
    const auto kek = (folder_ / "kek").string();
    ASSERT_TRUE(secure_env::create_kek_file(kek));
    auto opened = secure_env::open_software({.folder = (folder_ / "state").string(), .kek_file = kek});
    ASSERT_TRUE(opened) << opened.error().detail;
    environment_ = std::move(*opened);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
  std::shared_ptr<secure_env::SecureEnvironment> environment_;
};

TEST_F(InEnvironment, DerivesTheSameSessionKeyWithoutHandingTheKeyOut) {
  cover({"8.4.2-01", "8.4.2-44", "8.4.2-T01"});
  ASSERT_TRUE(environment_->store({"e1"}, {.suid = Suid::from(23).value(), .expires_unix = {}}, secret(32)));
  const auto inside =
      PairwiseEsPrimKey::from_environment(attributes(23), environment_, {"e1"}, at("20261128T120000"));
  ASSERT_TRUE(inside) << inside.error().detail;
  const auto outside = PairwiseEsPrimKey::from_secret(attributes(13), secret(32));
  ASSERT_TRUE(outside);
  const auto r = octets(50), o = octets(60, 7);
  EXPECT_EQ((*inside)->session_key(r, o).value(), (*outside)->session_key(r, o).value());
}

TEST_F(InEnvironment, AKeyForAnotherUseIsDenied) {
  ASSERT_TRUE(
      environment_->store({"saef"}, {.suid = Suid::from(12).value(), .expires_unix = {}}, secret(32)));
  EXPECT_EQ(PairwiseEsPrimKey::from_environment(attributes(), environment_, {"saef"}, at("20261128T120000"))
                .error()
                .code,
            ErrorCode::denied);
  EXPECT_EQ(PairwiseEsPrimKey::from_environment(attributes(), environment_, {"none"}, at("20261128T120000"))
                .error()
                .code,
            ErrorCode::not_found);
}

TEST(PairwiseKey, AttributesThatCannotBe) {
  const auto code = [](PairwiseAttributes bad, std::size_t size = 32) {
    const auto made = PairwiseEsPrimKey::from_secret(std::move(bad), secret(size));
    return made ? ErrorCode::internal : made.error().code;
  };
  for (const int suid : {12, 14, 15, 11, 44})
    EXPECT_EQ(code(attributes(suid)), ErrorCode::invalid_argument) << suid;
  for (const int suid : {13, 23, 33, 43}) EXPECT_EQ(code(attributes(suid)), ErrorCode::internal) << suid;
  for (const std::string& id :
       {std::string(), std::string("a b"), std::string("a\n"), std::string(256, 'a')}) {
    auto bad = attributes();
    bad.id = id;
    EXPECT_EQ(code(std::move(bad)), ErrorCode::invalid_argument);
  }
  auto device = attributes();
  device.peer = Fqdn::parse("maf.example").value();
  EXPECT_EQ(code(std::move(device)), ErrorCode::invalid_argument);
  EXPECT_EQ(code(attributes(), 15), ErrorCode::invalid_argument);
  EXPECT_EQ(code(attributes(), 16), ErrorCode::internal);
}

TEST(PairwiseKey, OfKcCarriesIdAndLifetimeOfKc) {
  cover({"8.4.2-50", "8.4.2-T02"});
  const auto id = KeyId::parse("00112233445566778899AABBCCDDEEFF@maf.example.com").value();
  const auto end = at("20261128T130000");
  const auto key = PairwiseEsPrimKey::from_kc(id, Kc(secret(32)), entity("/in-cse/Cphone"), end);
  ASSERT_TRUE(key);
  EXPECT_EQ((*key)->id(), id.text());
  EXPECT_EQ((*key)->suid().value(), 33);
  EXPECT_FALSE((*key)->expired(end - std::chrono::seconds(1)));
  EXPECT_TRUE((*key)->expired(end));
  const auto plain = PairwiseEsPrimKey::from_secret(attributes(), secret(32));
  EXPECT_FALSE((*plain)->expired(at("99991231T235959"))) << "without a lifetime it never expires";
  EXPECT_FALSE((*plain)->session_key({}, {}).value() == (*key)->session_key({}, {}).value());
  EXPECT_FALSE(PairwiseEsPrimKey::from_kc(id, Kc(secret(8)), entity("/in-cse/Cphone"), end));
}

TEST(NamesEntity, EveryFormOfTheSameIdAndNoOther) {
  const auto phone = entity("//sp.example/in-cse/Cphone");
  const auto in_cse = entity("//sp.example/in-cse");
  const auto lock = entity("//sp.example/lock-cse");
  const auto abroad = entity("//other.example/in-cse");
  EXPECT_TRUE(names_entity("//sp.example/in-cse/Cphone", phone, lock));
  EXPECT_TRUE(names_entity("/in-cse/Cphone", phone, lock));
  EXPECT_TRUE(names_entity("Cphone", phone, in_cse)) << "its registrar knows it by its stem";
  EXPECT_FALSE(names_entity("Cphone", phone, lock)) << "a stem belongs to another CSE's AE there";
  EXPECT_FALSE(names_entity("/in-cse/Cphone", phone, abroad)) << "SP-relative of another provider";
  EXPECT_FALSE(names_entity("/in-cse/CphoneX", phone, lock));
  EXPECT_FALSE(names_entity("/in-cse", phone, lock));
  EXPECT_FALSE(names_entity("", phone, lock));
  EXPECT_TRUE(names_entity("/in-cse", in_cse, lock));
  EXPECT_FALSE(names_entity("in-cse", in_cse, lock));
  const auto assigned = entity("//sp.example/Sphone");
  EXPECT_TRUE(names_entity("Sphone", assigned, lock));
  EXPECT_TRUE(names_entity("/Sphone", assigned, lock));
  EXPECT_FALSE(names_entity("Sphone", assigned, abroad));
  EXPECT_FALSE(names_entity("Sphone", assigned, phone)) << "nobody registers to an AE";
}

}  // namespace
}  // namespace latchkey::e2e
