// Project Wycheproof's vectors for AES-GCM and HMAC-SHA-256: data/wycheproof, see data/README.md.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <string>

#include "latchkey/crypto/crypto.h"

namespace latchkey::crypto {
namespace {

boost::json::value load(const std::string& name) {
  std::ifstream in(std::string(LATCHKEY_TEST_DATA) + "/wycheproof/" + name);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  return boost::json::parse(text);
}

Bytes octets(const boost::json::object& test, const char* member) {
  return from_hex(std::string_view(test.at(member).as_string())).value();
}

std::string label(const boost::json::object& test) {
  return "tcId " + std::to_string(test.at("tcId").as_int64()) + " " +
         std::string(test.at("comment").as_string());
}

Bytes joined(Bytes head, const Bytes& tail) {
  head.insert(head.end(), tail.begin(), tail.end());
  return head;
}

TEST(Wycheproof, AesGcmWithNoncesOf96Bits) {
  int valid = 0, invalid = 0;
  const auto file = load("aes_gcm.json");
  for (const auto& group : file.at("testGroups").as_array()) {
    if (group.at("ivSize").as_int64() != 96) continue;
    for (const auto& item : group.at("tests").as_array()) {
      const auto& test = item.as_object();
      SCOPED_TRACE(label(test));
      const auto key = SecretBytes::copy_of(octets(test, "key"));
      const Bytes iv = octets(test, "iv"), aad = octets(test, "aad"), msg = octets(test, "msg");
      const Bytes sealed = joined(octets(test, "ct"), octets(test, "tag"));
      const auto opened = aes_gcm_open(key, iv, aad, sealed);
      if (test.at("result").as_string() == "valid") {
        ++valid;
        EXPECT_EQ(aes_gcm_seal(key, iv, aad, msg).value(), sealed);
        ASSERT_TRUE(opened.has_value());
        EXPECT_EQ(*opened, SecretBytes::copy_of(msg));
      } else {
        ++invalid;
        ASSERT_FALSE(opened.has_value());
        EXPECT_EQ(opened.error().code, ErrorCode::authentication);
      }
    }
  }
  EXPECT_GT(valid, 100);
  EXPECT_GT(invalid, 50);
}

TEST(Wycheproof, AesGcmRefusesNoncesOfOtherSizes) {
  int refused = 0;
  const auto file = load("aes_gcm.json");
  for (const auto& group : file.at("testGroups").as_array()) {
    if (group.at("ivSize").as_int64() == 96) continue;
    for (const auto& item : group.at("tests").as_array()) {
      const auto& test = item.as_object();
      SCOPED_TRACE(label(test));
      const auto key = SecretBytes::copy_of(octets(test, "key"));
      const Bytes iv = octets(test, "iv"), aad = octets(test, "aad");
      const auto sealed = aes_gcm_seal(key, iv, aad, octets(test, "msg"));
      const auto opened = aes_gcm_open(key, iv, aad, joined(octets(test, "ct"), octets(test, "tag")));
      ASSERT_FALSE(sealed.has_value());
      ASSERT_FALSE(opened.has_value());
      EXPECT_EQ(sealed.error().code, ErrorCode::invalid_argument);
      EXPECT_EQ(opened.error().code, ErrorCode::invalid_argument);
      ++refused;
    }
  }
  EXPECT_GT(refused, 50);
}

TEST(Wycheproof, HmacSha256) {
  int valid = 0, invalid = 0;
  const auto file = load("hmac_sha256.json");
  for (const auto& group : file.at("testGroups").as_array()) {
    const auto tag_size = static_cast<std::size_t>(group.at("tagSize").as_int64()) / 8;
    for (const auto& item : group.at("tests").as_array()) {
      const auto& test = item.as_object();
      SCOPED_TRACE(label(test));
      const auto mac = hmac_sha256(octets(test, "key"), octets(test, "msg")).first(tag_size);
      const bool equal = mac == SecretBytes::copy_of(octets(test, "tag"));
      const bool is_valid = test.at("result").as_string() == "valid";
      EXPECT_EQ(equal, is_valid);
      ++(is_valid ? valid : invalid);
    }
  }
  EXPECT_GT(valid, 50);
  EXPECT_GT(invalid, 50);
}

}  // namespace
}  // namespace latchkey::crypto
