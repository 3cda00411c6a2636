// TS-0003 Annex F.2.2: the country of the Originator's IP address.
#include "latchkey/cse/country_database.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>

#include "cover.h"
#include "support/mmdb.h"

namespace latchkey::cse::test {
namespace {

authz::IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d};
}
const authz::IpAddress kV6{0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

class Countries : public testing::Test {
 protected:
  Countries() { std::filesystem::create_directories(folder_); }
  ~Countries() override { std::filesystem::remove_all(folder_); }
  void write(std::string_view country) const {
    MmdbWriter().v4(192, 0, 2, 24, country).network(kV6, 32, "FR").v4(198, 51, 100, 24, "eu").write(path());
  }
  [[nodiscard]] std::string path() const { return folder_ / "countries.mmdb"; }
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("latchkey-mmdb-" + std::to_string(::getpid()));
};

TEST_F(Countries, of_ipv4_and_ipv6) {
  latchkey::test::cover({"F.1-T01", "F.2.2-01"});
  write("KR");
  const auto database = CountryDatabase::open(path());
  ASSERT_TRUE(database) << database.error().detail;
  EXPECT_EQ((*database)->country(v4(192, 0, 2, 7)), "KR");
  EXPECT_EQ((*database)->country(kV6), "FR");
  EXPECT_EQ((*database)->country(v4(192, 0, 3, 7)), std::nullopt);
  EXPECT_EQ((*database)->country(v4(198, 51, 100, 1)), std::nullopt) << "no ISO 3166-1 code";
}

TEST_F(Countries, reload_takes_a_good_file_and_keeps_the_old_one_else) {
  write("KR");
  auto database = CountryDatabase::open(path());
  ASSERT_TRUE(database) << database.error().detail;
  write("DE");
  EXPECT_EQ((*database)->country(v4(192, 0, 2, 7)), "KR") << "not before it is told to";
  ASSERT_TRUE((*database)->reload());
  EXPECT_EQ((*database)->country(v4(192, 0, 2, 7)), "DE");
  std::filesystem::resize_file(path(), 40);
  EXPECT_EQ((*database)->country(v4(192, 0, 2, 7)), "DE") << "a truncated file ends nothing";
  const auto bad = (*database)->reload();
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().detail.find(path()), std::string::npos);
  std::filesystem::remove(path());
  EXPECT_FALSE((*database)->reload());
  EXPECT_EQ((*database)->country(v4(192, 0, 2, 7)), "DE");
}

TEST_F(Countries, what_is_no_database_of_countries_is_refused) {
  EXPECT_FALSE(CountryDatabase::open(path())) << "no such file";
  EXPECT_FALSE(CountryDatabase::open(folder_)) << "a folder";
  MmdbWriter().v4(192, 0, 2, 24, "KR").type("Test-ASN").write(path());
  const auto other = CountryDatabase::open(path());
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().detail.find("none of countries"), std::string::npos) << other.error().detail;
}

TEST_F(Countries, are_asked_while_they_are_reloaded) {
  write("KR");
  auto database = CountryDatabase::open(path());
  ASSERT_TRUE(database);
  std::atomic<bool> stop = false;
  std::thread asking([&] {
    while (!stop) EXPECT_EQ((*database)->country(v4(192, 0, 2, 7)), "KR");
  });
  for (int i = 0; i < 20; ++i) EXPECT_TRUE((*database)->reload());
  stop = true;
  asking.join();
}

}  // namespace
}  // namespace latchkey::cse::test
