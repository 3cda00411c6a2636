#include "suites.h"

#include <gtest/gtest.h>

#include <array>

#include "cover.h"

namespace latchkey::tls {
namespace {

/// The suites that a GnuTLS priority leaves, by IANA number.
std::vector<std::uint16_t> enabled(gnutls_priority_t priority) {
  std::vector<std::uint16_t> ids;
  unsigned index = 0;
  for (unsigned i = 0;; ++i) {
    const int result = gnutls_priority_get_cipher_suite_index(priority, i, &index);
    if (result == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) break;
    if (result != 0) continue;
    std::array<unsigned char, 2> id{};
    gnutls_cipher_suite_info(index, id.data(), nullptr, nullptr, nullptr, nullptr);
    ids.push_back(static_cast<std::uint16_t>(id[0] << 8U | id[1]));
  }
  return ids;
}

TEST(Suites, APriorityHoldsExactlyItsSuitesInOrder) {
  for (const std::vector<std::uint16_t>& ids : {std::vector<std::uint16_t>{0x00ae},
                                                {0xc023},
                                                {0x00a8},
                                                {0xc02b},
                                                {0x00ae, 0x00a8},
                                                {0xc02b, 0xc023}}) {
    std::vector<const Suite*> suites;
    for (const auto id : ids) suites.push_back(find_suite(id));
    const auto priority = priority_for(suites);
    ASSERT_TRUE(priority);
    EXPECT_EQ(enabled(*priority), ids);
  }
}

TEST(Suites, NamesAreThoseOfTheStandard) {
  latchkey::test::cover({"10.2.2-T02", "10.2.3-T01"});
  EXPECT_EQ(suite_name(0x00ae), "TLS_PSK_WITH_AES_128_CBC_SHA256");
  EXPECT_EQ(suite_name(0xc023), "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256");
  EXPECT_EQ(suite_name(0x002f), "unknown");
  EXPECT_EQ(SuitePolicy{}.suites, (std::vector<std::uint16_t>{0xc023, 0x00ae}));
}

TEST(Suites, AnUnknownSuiteIsAConfigurationError) {
  const auto usable = usable_suites({{0x00ae, 0x002f}}, true, true);
  ASSERT_FALSE(usable);
  EXPECT_EQ(usable.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(usable.error().detail.find("unknown cipher suite 47"), std::string::npos);
}

TEST(Suites, ARepeatedSuiteIsAConfigurationError) {
  EXPECT_NE(usable_suites({{0x00ae, 0x00ae}}, true, true).error().detail.find("twice"), std::string::npos);
}

TEST(Suites, CredentialsDecideWhatIsUsable) {
  EXPECT_EQ((*usable_suites({}, true, false)).size(), 1U);
  EXPECT_EQ((*usable_suites({}, true, false)).front()->id, 0x00ae);
  EXPECT_EQ((*usable_suites({}, false, true)).front()->id, 0xc023);
  EXPECT_EQ((*usable_suites({}, true, true)).size(), 2U);
  EXPECT_EQ(usable_suites({}, false, false).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(usable_suites({{}}, true, true).error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace latchkey::tls
