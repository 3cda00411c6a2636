#include "latchkey/base/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "temporary_folder.h"

namespace latchkey {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ConfigReader read(std::string_view text) { return ConfigReader::from_text(text, "/etc/latchkey/cse.toml"); }

/// All problems as an operator sees them, without the file name.
std::vector<std::string> problems(ConfigReader& reader) {
  std::vector<std::string> out;
  for (ConfigProblem problem : reader.finish()) {
    EXPECT_EQ(problem.file, "/etc/latchkey/cse.toml");
    problem.file = "f";
    out.push_back(to_string(problem));
  }
  return out;
}

TEST(Config, ReadsEveryKind) {
  auto reader = read(R"(
name = "in-cse"
port = 8443
insecure = false
lifetime = "30s"
roles = ["a", "b"]
state_dir = "state"
[tls]
suite = "psk"
[[listen]]
port = 1
[[listen]]
port = 2
)");
  EXPECT_EQ(reader.text("name", ""), "in-cse");
  EXPECT_EQ(reader.required_text("name"), "in-cse");
  EXPECT_EQ(reader.integer("port", 1, 1, 65535), 8443);
  EXPECT_FALSE(reader.boolean("insecure", true));
  EXPECT_EQ(reader.duration("lifetime", 1s), 30s);
  EXPECT_THAT(reader.texts("roles"), ElementsAre("a", "b"));
  EXPECT_EQ(reader.path("state_dir", ""), "/etc/latchkey/state");
  auto tls = reader.table("tls");
  ASSERT_TRUE(tls.has_value());
  EXPECT_EQ(tls->text("suite", ""), "psk");
  auto listen = reader.tables("listen");
  ASSERT_EQ(listen.size(), 2U);
  EXPECT_EQ(listen[0].integer("port", 0, 0, 10), 1);
  EXPECT_EQ(listen[1].integer("port", 0, 0, 10), 2);
  EXPECT_THAT(problems(reader), IsEmpty());
}

TEST(Config, PathsOfAFileNamedWithoutAFolderAreAbsoluteToo) {
  auto reader = ConfigReader::from_text("dir = \"admin.sock\"", "cse.toml");
  EXPECT_EQ(reader.path("dir", ""), (std::filesystem::current_path() / "admin.sock").string());
}

TEST(Config, AbsentKeysGiveTheFallback) {
  auto reader = read("");
  EXPECT_FALSE(reader.has("name"));
  EXPECT_EQ(reader.text("name", "x"), "x");
  EXPECT_EQ(reader.integer("port", 7, 1, 65535), 7);
  EXPECT_TRUE(reader.boolean("on", true));
  EXPECT_EQ(reader.duration("lifetime", 5min), 5min);
  EXPECT_THAT(reader.texts("roles"), IsEmpty());
  EXPECT_EQ(reader.path("dir", "x"), "/etc/latchkey/x");
  EXPECT_EQ(reader.path("dir", ""), "");
  EXPECT_FALSE(reader.table("tls").has_value());
  EXPECT_THAT(reader.tables("listen"), IsEmpty());
  EXPECT_THAT(problems(reader), IsEmpty());
}

TEST(Config, EveryProblemIsNamedAtOnceWithKeyAndLine) {
  auto reader = read(R"(port = "x"
name = 5
on = "yes"
lifetime = 30
roles = "a"
tls = true
listen = [1]

[store]
size = 11
)");
  (void)reader.integer("port", 1, 1, 65535);
  (void)reader.text("name", "");
  (void)reader.boolean("on", true);
  (void)reader.duration("lifetime", 1s);
  (void)reader.texts("roles");
  (void)reader.table("tls");
  (void)reader.tables("listen");
  (void)reader.required_text("sp");
  auto store = reader.table("store");
  ASSERT_TRUE(store.has_value());
  (void)store->integer("size", 1, 1, 10);
  (void)store->required_text("file");
  EXPECT_THAT(
      problems(reader),
      ElementsAre("f: sp: is missing", "f:1: port: must be an integer, not a text",
                  "f:2: name: must be a text, not an integer", "f:3: on: must be true or false, not a text",
                  HasSubstr("f:4: lifetime: must be a duration such as"),
                  "f:5: roles: must be an array of texts, not a text",
                  "f:6: tls: must be a table, not a boolean",
                  "f:7: listen[0]: must be a table, not an integer", "f:9: store.file: is missing",
                  "f:10: store.size: must be from 1 to 10"));
}

TEST(Config, WrongValuesGiveTheFallback) {
  auto reader = read("a = 1.5\nb = [\"x\", 1]\nc = 99");
  EXPECT_EQ(reader.text("a", "fallback"), "fallback");
  EXPECT_THAT(reader.texts("b"), ElementsAre("x"));
  EXPECT_EQ(reader.integer("c", 5, 1, 10), 5);
  EXPECT_THAT(problems(reader),
              ElementsAre(HasSubstr("a: must be a text, not a floating-point number"),
                          "f:2: b[1]: must be a text, not an integer", HasSubstr("c: must be from 1 to 10")));
}

TEST(Config, UnknownKeysAreErrorsAtEveryDepth) {
  auto reader = read(R"(name = "x"
nmae = "typo"
[tls]
suite = "psk"
suit = "typo"
[[listen]]
port = 1
[[listen]]
prot = 2
[unknown]
inner = 1
)");
  (void)reader.text("name", "");
  auto tls = reader.table("tls");
  (void)tls->text("suite", "");
  for (auto& one : reader.tables("listen")) (void)one.integer("port", 1, 1, 2);
  EXPECT_THAT(problems(reader),
              ElementsAre("f:2: nmae: unknown key", "f:5: tls.suit: unknown key",
                          "f:9: listen[1].prot: unknown key", "f:10: unknown: unknown key"));
  EXPECT_EQ(problems(reader).size(), 4U) << "asking again repeats nothing";
}

TEST(Config, BothSidesOfARange) {
  for (const auto& [text, good] : {std::pair{"p = 0", false},
                                   {"p = 1", true},
                                   {"p = 65535", true},
                                   {"p = 65536", false},
                                   {"p = -1", false}}) {
    auto reader = read(text);
    (void)reader.integer("p", 1, 1, 65535);
    EXPECT_EQ(reader.finish().empty(), good) << text;
  }
}

TEST(Config, RequiredTextMayNotBeEmpty) {
  auto reader = read("name = \"\"");
  EXPECT_EQ(reader.required_text("name"), "");
  EXPECT_THAT(problems(reader), ElementsAre("f:1: name: must not be empty"));
}

TEST(Config, CallersReportTheirOwnFindings) {
  auto reader = read("[tls]\nport = 1\n");
  auto tls = reader.table("tls");
  (void)tls->integer("port", 1, 1, 9);
  tls->problem("port", "is taken");
  tls->problem("ca", "needs a file");
  EXPECT_THAT(problems(reader), ElementsAre("f:1: tls.ca: needs a file", "f:2: tls.port: is taken"));
}

struct DurationCase {
  const char* name;
  const char* text;
  std::chrono::milliseconds value;
};
class Duration : public testing::TestWithParam<DurationCase> {};
INSTANTIATE_TEST_SUITE_P(Units, Duration,
                         testing::Values(DurationCase{"milliseconds", "500ms", 500ms},
                                         DurationCase{"seconds", "30s", 30s},
                                         DurationCase{"minutes", "5m", 5min}, DurationCase{"hours", "2h", 2h},
                                         DurationCase{"days", "7d", 168h}, DurationCase{"zero", "0s", 0s},
                                         DurationCase{"the_longest", "36500d", std::chrono::days(36500)}),
                         [](const auto& one) { return one.param.name; });
TEST_P(Duration, IsRead) {
  auto reader = read("d = \"" + std::string(GetParam().text) + "\"");
  EXPECT_EQ(reader.duration("d", 1ms), GetParam().value);
  EXPECT_THAT(problems(reader), IsEmpty());
}

TEST(DurationDefects, AreReportedAndGiveTheFallback) {
  for (const char* bad :
       {"", "s", "30", "30 s", " 30s", "30s ", "-1s", "+1s", "1.5h", "30S", "30sec", "1w", "1h30m", "36501d",
        "3153600001s", "99999999999999999999s", "18446744073709551615ms"}) {
    auto reader = read("d = \"" + std::string(bad) + "\"");
    EXPECT_EQ(reader.duration("d", 42ms), 42ms) << bad;
    EXPECT_THAT(problems(reader), ElementsAre(HasSubstr("must be a duration"))) << bad;
  }
}

TEST(Config, PathsAreResolvedAgainstTheFolderOfTheFile) {
  auto reader = read("a = \"keys/lock.pem\"\nb = \"/abs/x\"\nc = \"../up\"\nd = \"nul\\u0000octet\"");
  EXPECT_EQ(reader.path("a", ""), "/etc/latchkey/keys/lock.pem");
  EXPECT_EQ(reader.path("b", ""), "/abs/x");
  EXPECT_EQ(reader.path("c", ""), "/etc/up");
  (void)reader.path("d", "");
  EXPECT_THAT(problems(reader), ElementsAre("f:4: d: must not hold a zero octet"));
}

TEST(Config, ListsOfPathsAreResolvedLikeOnePath) {
  auto reader = read("crls = [\"a.crl\", \"/abs/b.crl\"]\nbad = [\"\", \"nul\\u0000octet\"]");
  EXPECT_THAT(reader.paths("crls"), ElementsAre("/etc/latchkey/a.crl", "/abs/b.crl"));
  EXPECT_TRUE(reader.paths("none").empty());
  (void)reader.paths("bad");
  EXPECT_THAT(problems(reader),
              ElementsAre("f:2: bad: must not hold an empty path", "f:2: bad: must not hold a zero octet"));
}

TEST(Config, SyntaxErrorIsOneProblemWithItsLine) {
  auto reader = read("good = 1\nbad = = 2\n");
  (void)reader.required_text("name");
  (void)reader.integer("good", 1, 5, 9);
  reader.problem("other", "follows from the first");
  EXPECT_THAT(problems(reader), ElementsAre(HasSubstr("f:2: syntax error")));
}

struct BadFile {
  const char* name;
  std::string text;
};
class ConfigRefuses : public testing::TestWithParam<BadFile> {};
INSTANTIATE_TEST_SUITE_P(
    Defects, ConfigRefuses,
    testing::Values(BadFile{"duplicate_key", "a = 1\na = 2"}, BadFile{"duplicate_table", "[t]\n[t]"},
                    BadFile{"open_table_with_escape", "[\\_"},
                    BadFile{"letter_outside_a_text", "a = \xC3\xA9"},
                    BadFile{"presentation_form_outside_a_text", "\xEF\xBB\x9F"},
                    BadFile{"open_string", "a = \"x"}, BadFile{"invalid_utf8", "a = \"\xFF\""},
                    BadFile{"zero_octet", std::string("a = 1\0", 6)},
                    BadFile{"integer_overflow", "a = 9223372036854775808"},
                    BadFile{"deep_nesting", "a = " + std::string(10000, '[')},
                    BadFile{"deep_nesting_of_tables", "a = " +
                                                          [] {
                                                            std::string text;
                                                            for (int i = 0; i < 10000; ++i) text += "{a=";
                                                            return text;
                                                          }()}),
    [](const auto& bad) { return bad.param.name; });
TEST_P(ConfigRefuses, WithOneSyntaxError) {
  auto reader = read(GetParam().text);
  EXPECT_THAT(problems(reader), ElementsAre(HasSubstr("syntax error")));
}

TEST(Config, BothSidesOfTheSizeLimit) {
  constexpr std::size_t limit = 1024UL * 1024UL;
  const std::string comment = "#" + std::string(limit - 1, 'x');
  auto fits = read(comment);
  EXPECT_THAT(problems(fits), IsEmpty());
  auto over = read(comment + "x");
  EXPECT_THAT(problems(over), ElementsAre("f: file is larger than 1 MiB"));
}

TEST(Config, FromFile) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("cse.toml");
  test::write_whole(path, "key = \"k.pem\"\nx = 1\n");
  auto reader = ConfigReader::from_file(path);
  EXPECT_EQ(reader.path("key", ""), folder.file("k.pem"));
  const auto found = reader.finish();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(to_string(found.front()), path + ":2: x: unknown key");
}

TEST(Config, FileThatCannotBeReadIsTheOnlyProblem) {
  const test::TemporaryFolder folder;
  test::write_whole(folder.file("large.toml"), "#" + std::string(1024UL * 1024UL, 'x'));
  for (const auto& [path, what] : {std::pair{folder.file("none.toml"), "no such file"},
                                   {folder.file(""), "not a regular file"},
                                   {std::string("/dev/zero"), "not a regular file"},
                                   {folder.file("large.toml"), "larger than 1 MiB"}}) {
    auto reader = ConfigReader::from_file(path);
    (void)reader.required_text("name");
    const auto found = reader.finish();
    ASSERT_EQ(found.size(), 1U) << path;
    EXPECT_THAT(to_string(found.front()), HasSubstr(what));
    EXPECT_EQ(found.front().file, path);
  }
}

}  // namespace
}  // namespace latchkey
