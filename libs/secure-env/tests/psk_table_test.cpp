// The psk-lookup-table of TR-0038 7.1.2: what it finds, what it refuses.
#include "latchkey/secure_env/psk_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "cover.h"
#include "temp_folder.h"

namespace latchkey::secure_env {
namespace {

using namespace test;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const SpId kHome = SpId::parse("//in.provider.com").value();

Result<std::shared_ptr<const PskTable>> parse(std::string_view text) {
  return PskTable::parse(text, "psk.tsv", kHome);
}

std::string line(std::string_view entity, std::string_view identity, std::string_view handle,
                 std::string_view suid, std::string_view expiry = {}) {
  std::string text;
  for (const auto field : {entity, identity, handle, suid})
    text += (text.empty() ? "" : "\t") + std::string(field);
  if (!expiry.empty()) text += "\t" + std::string(expiry);
  return text + "\n";
}

TEST(PskTable, finds_an_entry_by_its_identity) {
  const auto table =
      parse("# the locks\n\n" +
            line("/mn-cse-123456/Clock-AE1", "AE1@in.provider.com", "h1", "12", "20300102T030405") +
            line("-", "AE2@in.provider.com", "h2", "22") +
            line("//in.provider.com/mn-cse", "Km1@maf.example", "h3", "11"));
  ASSERT_TRUE(table) << table.error().detail;
  const auto* first = (*table)->find("AE1@in.provider.com");
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(to_string(first->entity.value()), "//in.provider.com/mn-cse-123456/Clock-AE1");
  EXPECT_EQ(first->key.name, "h1");
  EXPECT_EQ(first->suid.value(), 12);
  EXPECT_EQ(first->expires_unix, 1893553445);
  const auto* second = (*table)->find("AE2@in.provider.com");
  ASSERT_NE(second, nullptr);
  EXPECT_FALSE(second->entity) << "found by Credential-ID later (8.2.1)";
  EXPECT_FALSE(second->expires_unix);
  EXPECT_EQ((*table)->find("AE3@in.provider.com"), nullptr);
  EXPECT_EQ((*table)->entries().size(), 3U);
}

TEST(PskTable, finds_nothing_for_octets_that_are_no_identity) {
  const auto table = parse(line("-", "AE1@in.provider.com", "h1", "12")).value();
  for (const std::string& sent :
       {std::string(), std::string("@"), std::string("AE1"), std::string("AE1@"),
        std::string("@in.provider.com"), std::string("AE1@in.provider.com\0", 20),
        std::string("AE1@in.provider.com."), std::string(255, 'a'), std::string(256, '@'),
        std::string(70000, 'a'), std::string("\xff\xfe@\x80")}) {
    EXPECT_EQ(table->find(sent), nullptr) << sent.substr(0, 40);
  }
}

// 10.5: KpsaID, letters, digits, '.', '_' and '-'; 10.6: KmID likewise, its relative part in any case.
TEST(PskTable, takes_the_case_of_a_kpsa_id_as_it_is) {
  latchkey::test::cover({"10.5-02", "10.5-T01"});
  const auto table = parse(line("-", "Ab.c_d-1@In.Provider.com", "h1", "12") +
                           line("-", "AB.C_D-1@in.provider.com", "h2", "22"));
  ASSERT_TRUE(table) << table.error().detail;
  EXPECT_EQ((*table)->find("Ab.c_d-1@in.provider.COM")->key.name, "h1") << "an FQDN has no case";
  EXPECT_EQ((*table)->find("AB.C_D-1@in.provider.com")->key.name, "h2");
  EXPECT_EQ((*table)->find("ab.c_d-1@in.provider.com"), nullptr);
  for (const char* bad :
       {"a b@x.example", "a/b@x.example", "a@b@x.example", "\xc3\xa4@x.example", "a+b@x.example"}) {
    const auto refused = parse(line("-", bad, "h1", "12"));
    ASSERT_FALSE(refused) << bad;
    EXPECT_THAT(refused.error().detail, HasSubstr("psk-identity"));
  }
  EXPECT_FALSE(parse(line("-", "Ab@x.example", "h1", "12") + line("-", "Ab@X.example", "h2", "22")))
      << "one issuer, one relative part, two keys";
  EXPECT_TRUE(parse(line("-", "Ab@x.example", "h1", "12") + line("-", "Ab@y.example", "h2", "12")))
      << "two issuers";
}

TEST(PskTable, takes_a_km_id_in_any_case) {
  latchkey::test::cover({"10.6-02", "10.6-T01"});
  const auto table =
      parse(line("-", "Ab.c_d-1@Maf.example", "h1", "11") + line("-", "x@maf.example", "h2", "21"));
  ASSERT_TRUE(table) << table.error().detail;
  for (const char* sent : {"Ab.c_d-1@maf.example", "AB.C_D-1@MAF.EXAMPLE", "ab.c_d-1@maf.example"}) {
    ASSERT_NE((*table)->find(sent), nullptr) << sent;
    EXPECT_EQ((*table)->find(sent)->key.name, "h1");
  }
  EXPECT_EQ((*table)->find("X@maf.example")->key.name, "h2");
  EXPECT_FALSE(parse(line("-", "ab@maf.example", "h1", "11") + line("-", "AB@maf.example", "h2", "21")));
  EXPECT_FALSE(parse(line("-", "a+b@maf.example", "h1", "11")));
}

TEST(PskTable, refuses_an_identity_that_could_be_taken_for_another_in_either_order) {
  const auto km = line("-", "ab@f.example", "h1", "11");
  const auto kpsa = line("-", "AB@f.example", "h2", "12");
  for (const auto& text : {km + kpsa, kpsa + km}) {
    const auto refused = parse(text);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
    EXPECT_THAT(refused.error().detail, AllOf(HasSubstr("psk.tsv:2:"), HasSubstr("is there already")));
  }
}

struct BadLine {
  const char* name;
  std::string text;
  const char* reason;
};
class BadTableLine : public ::testing::TestWithParam<BadLine> {};
TEST_P(BadTableLine, refuses_the_file_and_is_named) {
  const auto refused = parse("# comment\n" + line("-", "good@x.example", "good", "12") + GetParam().text +
                             line("-", "good2@x.example", "good2", "12"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(refused.error().detail, AllOf(HasSubstr("psk.tsv:3: "), HasSubstr(GetParam().reason)));
}
INSTANTIATE_TEST_SUITE_P(
    Defects, BadTableLine,
    ::testing::Values(
        BadLine{"three_fields", "-\ta@x.example\th\n", "has 3 fields"},
        BadLine{"six_fields", "-\ta@x.example\th\t12\t20300101T000000\tx\n", "has 6 fields"},
        BadLine{"spaces_for_tabs", "- a@x.example h 12\n", "has 1 fields"},
        BadLine{"empty_entity", line("", "a@x.example", "h", "12").insert(0, "\t"), "entity"},
        BadLine{"bare_name_as_entity", line("Clock-AE1", "a@x.example", "h", "12"), "neither a CSE-ID"},
        BadLine{"fqdn_as_entity", line("host.example", "a@x.example", "h", "12"), "not a CSE-ID"},
        BadLine{"entity_with_space", line("/a b", "a@x.example", "h", "12"), "entity"},
        BadLine{"identity_without_issuer", line("-", "a", "h", "12"), "psk-identity"},
        BadLine{"identity_too_long", line("-", std::string(128, 'a') + "@x.example", "h", "12"),
                "psk-identity"},
        BadLine{"empty_handle", "-\ta@x.example\t\t12\n", "key-handle"},
        BadLine{"handle_with_slash", line("-", "a@x.example", "a/b", "12"), "key-handle"},
        BadLine{"handle_too_long", line("-", "a@x.example", std::string(256, 'h'), "12"), "key-handle"},
        BadLine{"handle_used_twice", line("-", "a@x.example", "good", "12"), "is that of line 2"},
        BadLine{"identity_twice", line("-", "good@x.example", "h", "12"), "is there already"},
        BadLine{"suid_of_esprim", line("-", "a@x.example", "h", "13"), "suid"},
        BadLine{"suid_of_a_maf_key", line("-", "a@x.example", "h", "32"), "suid"},
        BadLine{"suid_of_a_certificate", line("-", "a@x.example", "h", "42"), "suid"},
        BadLine{"suid_not_a_number", line("-", "a@x.example", "h", "1x"), "suid"},
        BadLine{"suid_with_sign", line("-", "a@x.example", "h", "+12"), "suid"},
        BadLine{"suid_of_three_digits", line("-", "a@x.example", "h", "012"), "suid"},
        BadLine{"expiry_empty", "-\ta@x.example\th\t12\t\n", "expiry"},
        BadLine{"expiry_malformed", line("-", "a@x.example", "h", "12", "2030-01-01"), "expiry"},
        BadLine{"expiry_impossible", line("-", "a@x.example", "h", "12", "20300230T000000"), "expiry"},
        BadLine{"nul", std::string("-\ta@x.example\th\0\t12\n", 20), "key-handle"},
        BadLine{"line_too_long", line("-", "a@x.example", std::string(2100, 'h'), "12"), "longer than 2048"}),
    [](const auto& test) { return test.param.name; });

TEST(PskTable, names_every_bad_line) {
  const auto refused = parse("bad\n" + line("-", "a@x.example", "h", "12") + "also bad\nand\tthis\n");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().detail,
            "psk.tsv:1: has 1 fields between tabs, not 4 or 5\n"
            "psk.tsv:3: has 1 fields between tabs, not 4 or 5\n"
            "psk.tsv:4: has 2 fields between tabs, not 4 or 5");
}

TEST(PskTable, names_a_thousand_bad_lines_and_counts_the_rest) {
  std::string text;
  for (int i = 0; i < 1003; ++i) text += "bad\n";
  const auto detail = parse(text).error().detail;
  EXPECT_THAT(detail, AllOf(HasSubstr("psk.tsv:1000: "), Not(HasSubstr("psk.tsv:1001: ")),
                            HasSubstr("and 3 more bad lines")));
}

TEST(PskTable, takes_a_last_line_without_newline_and_windows_newlines) {
  auto text = line("-", "a@x.example", "h", "12");
  text.pop_back();
  EXPECT_TRUE(parse(text));
  EXPECT_EQ(parse(text + "\r\n").value()->find("a@x.example")->suid.value(), 12);
}

TEST(PskTable, longest_identity_and_line_are_taken) {
  const auto label = [](char c) { return std::string(40, c); };
  const std::string identity =
      std::string(127, 'i') + "@" + label('a') + "." + label('b') + "." + label('c') + ".de";
  EXPECT_TRUE(parse(line("-", identity, std::string(255, 'h'), "12"))) << identity.size();
}

TEST(PskTable, of_a_missing_file_is_empty) {
  const auto table = PskTable::load("/no/such/file", kHome);
  ASSERT_TRUE(table);
  EXPECT_TRUE((*table)->entries().empty());
  EXPECT_EQ((*table)->find("a@x.example"), nullptr);
}

TEST(PskTable, that_others_may_write_is_denied) {
  const TempFolder folder;
  const auto file = folder.path() + "/psk.tsv";
  for (const unsigned mode : {0602U, 0620U, 0666U}) {
    write_file(file, line("-", "a@x.example", "h", "12"), mode);
    EXPECT_EQ(PskTable::load(file, kHome).error().code, ErrorCode::denied) << mode;
  }
  write_file(file, line("-", "a@x.example", "h", "12"), 0644);
  EXPECT_TRUE(PskTable::load(file, kHome)) << "it holds no secret";
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(file.c_str(), 12345, 12345), 0);
    EXPECT_EQ(PskTable::load(file, kHome).error().code, ErrorCode::denied);
  }
}

TEST(PskTable, has_a_limit_of_64_mib) {
  const TempFolder folder;
  const auto file = folder.path() + "/psk.tsv";
  write_file(file, "#\n");
  fs::resize_file(file, kPskFileBytesMax + 1);
  EXPECT_EQ(PskTable::load(file, kHome).error().code, ErrorCode::limit);
  write_file(file, std::string(kPskFileBytesMax, '\n'));
  EXPECT_TRUE(PskTable::load(file, kHome));
}

TEST(PskTable, counts_its_generations) {
  const auto first = parse("").value();
  const auto second = parse("").value();
  EXPECT_LT(first->generation(), second->generation());
}

TEST(PskTable, finds_among_a_hundred_thousand_as_among_a_thousand) {
  const auto time_per_find = [](int entries) {
    std::string text;
    for (int i = 0; i < entries; ++i)
      text += line("-", "AE" + std::to_string(i) + "@x.example", "h" + std::to_string(i), "12");
    const auto table = parse(text).value();
    std::vector<std::string> sent;
    for (int i = 0; i < 1000; ++i) sent.push_back("AE" + std::to_string(i * 7919 % entries) + "@x.example");
    auto best = std::chrono::nanoseconds::max();
    for (int round = 0; round < 20; ++round) {
      const auto start = std::chrono::steady_clock::now();
      for (const auto& identity : sent) EXPECT_NE(table->find(identity), nullptr);
      best = std::min(best, std::chrono::duration_cast<std::chrono::nanoseconds>(
                                std::chrono::steady_clock::now() - start));
    }
    return static_cast<double>(best.count());
  };
  const double small = time_per_find(1000), large = time_per_find(100000);
  RecordProperty("ns_per_1000_finds_in_100000", static_cast<int>(large));
  EXPECT_LT(large, 12 * small)
      << "caches make a difference, the count must not (it is a hundred times larger)";
}

}  // namespace
}  // namespace latchkey::secure_env
