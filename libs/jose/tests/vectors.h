#pragma once
/// Vectors of RFC 7520, and keys, for the tests of jose.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "latchkey/base/bytes.h"
#include "latchkey/base/secret.h"

namespace latchkey::jose::test {

inline boost::json::value load(const std::string& name) {
  std::ifstream in(std::string(LATCHKEY_TEST_DATA) + "/rfc7520/" + name + ".json");
  EXPECT_TRUE(in.is_open()) << name;
  return boost::json::parse(
      std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>()));
}
inline std::string text(const boost::json::value& object, const char* member) {
  return std::string(object.at(member).as_string());
}
inline Bytes b64(const boost::json::value& object, const char* member) {
  return from_base64url(text(object, member)).value();
}
inline std::shared_ptr<const SecretBytes> shared(SecretBytes&& secret) {
  return std::make_shared<const SecretBytes>(std::move(secret));
}

}  // namespace latchkey::jose::test
