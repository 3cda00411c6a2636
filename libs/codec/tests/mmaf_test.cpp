/// Mmaf as the one place that knows its names: addresses, and keys as text.
#include "latchkey/codec/mmaf.h"

#include <gtest/gtest.h>

#include "latchkey/codec/primitive.h"

namespace latchkey::codec::mmaf {
namespace {

const Fqdn kMaf = *Fqdn::parse("myMAF.provider.org");

TEST(MmafAddress, base_registration_and_configuration) {
  for (const auto* base : {"//myMAF.provider.org/-", "//mymaf.provider.ORG/-/"}) {
    const auto address = parse_address(base, kMaf);
    ASSERT_TRUE(address) << base;
    EXPECT_EQ(address->id, "");
    EXPECT_FALSE(address->configuration);
  }
  const auto registration = parse_address("//myMAF.provider.org/-/macr000001", kMaf);
  ASSERT_TRUE(registration);
  EXPECT_EQ(registration->id, "macr000001");
  EXPECT_FALSE(registration->configuration);
  const auto configuration = parse_address("//myMAF.provider.org/-/macr000001/cfg", kMaf);
  ASSERT_TRUE(configuration);
  EXPECT_EQ(configuration->id, "macr000001");
  EXPECT_TRUE(configuration->configuration);
  EXPECT_EQ(format_address(kMaf, "macr000001"), "//myMAF.provider.org/-/macr000001");
}

TEST(MmafAddress, other_addresses_are_none) {
  for (const auto* other :
       {"", "-", "/-/", "//", "//myMAF.provider.org", "//other.provider.org/-/", "//myMAF.provider.org/x/",
        "//myMAF.provider.org/-x", "//myMAF.provider.org/-//", "//myMAF.provider.org/-/a/b",
        "//myMAF.provider.org/-/a/cfg/x", "//myMAF.provider.org/-/a b", "//myMAF.provider.org/-/a%20"})
    EXPECT_FALSE(parse_address(other, kMaf)) << other;
  const std::string base = "//myMAF.provider.org/-/";
  EXPECT_TRUE(parse_address(base + std::string(64, 'a'), kMaf));
  EXPECT_FALSE(parse_address(base + std::string(65, 'a'), kMaf));
}

TEST(MmafKey, is_put_and_taken_as_64_hex_digits) {
  const auto key = *secret_from_hex(std::string(62, 'a') + "0F");
  boost::json::object attributes{{"suid", 32}};
  put_key(attributes, key);
  EXPECT_EQ(attributes.at("kv").as_string(), std::string(62, 'A') + "0F");
  const auto taken = take_key(attributes);
  ASSERT_TRUE(taken);
  EXPECT_EQ(*taken, key);
  EXPECT_EQ(attributes, (boost::json::object{{"suid", 32}})) << "nothing of it stays";
}

TEST(MmafKey, a_long_one_where_it_is_said_to_be) {
  const auto key = *secret_from_hex(std::string(128, '7'));
  boost::json::object attributes;
  put_key(attributes, key);
  auto again = attributes;
  EXPECT_EQ(take_key(again).error().detail, "kv: must be 64 hex digits");
  EXPECT_EQ(take_key(attributes, kLongKeyOctets).value(), key);
}

TEST(MmafKey, other_text_is_refused_without_being_repeated) {
  const auto refused = [](boost::json::value kv) {
    boost::json::object attributes{{"kv", std::move(kv)}};
    const auto taken = take_key(attributes);
    EXPECT_FALSE(taken);
    if (taken) return std::string();
    EXPECT_EQ(taken.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(taken.error().detail.find("5A5A"), std::string::npos);
    return taken.error().detail;
  };
  const std::string not_hex = "5A5A" + std::string(60, 'g');
  EXPECT_NE(refused("5A5A").find("64 hex digits"), std::string::npos);
  EXPECT_NE(refused(boost::json::string(62, '5')).find("64"), std::string::npos);
  EXPECT_NE(refused(boost::json::string(66, '5')).find("64"), std::string::npos);
  EXPECT_NE(refused(boost::json::string(not_hex)).find("64"), std::string::npos);
  EXPECT_NE(refused(64).find("text"), std::string::npos);
  boost::json::object none;
  EXPECT_EQ(take_key(none).error().code, ErrorCode::not_found);
}

TEST(Wipe, overwrites_every_text_of_a_value_in_place) {
  const std::string secret(64, 'S');
  json::value value = json::object{{"a", secret}, {"b", json::array{secret, 5, json::object{{"c", secret}}}}};
  const auto& object = value.get_object();
  codec::wipe(value);
  const std::string zeros(64, '\0');
  EXPECT_EQ(object.at("a").as_string(), zeros);
  const auto& list = object.at("b").as_array();
  EXPECT_EQ(list[0].as_string(), zeros);
  EXPECT_EQ(list[1].as_int64(), 5);
  EXPECT_EQ(list[2].as_object().at("c").as_string(), zeros);
}

}  // namespace
}  // namespace latchkey::codec::mmaf
