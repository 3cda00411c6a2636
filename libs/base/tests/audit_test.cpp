#include "latchkey/base/audit.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>

#include "temporary_folder.h"

namespace latchkey {
namespace {

using namespace std::chrono_literals;
using test::read_whole;
using test::TemporaryFolder;

AuditEvent event(std::string originator, int status = 0) {
  return {.id = AuditEventId::access_denied,
          .time = TimePoint(std::chrono::sys_days(std::chrono::year(2026) / 11 / 24)),
          .originator = std::move(originator),
          .peer = "",
          .operation = "",
          .target = "",
          .credential_id = "",
          .reason = "",
          .status = status};
}
std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}
bool any(const AuditEvent&) { return true; }

TEST(AuditEvent, EveryIdHasANameOfItsOwn) {
  std::set<std::string_view> names;
  const auto count = static_cast<std::uint16_t>(AuditEventId::store_failure) + 1;
  for (int id = 0; id < count; ++id) names.insert(to_string(static_cast<AuditEventId>(id)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(count));
  EXPECT_FALSE(names.contains("unknown"));
  EXPECT_EQ(to_string(AuditEventId::access_denied), "access_denied") << "the text form is a contract";
}

TEST(AuditEvent, JsonHoldsEveryMember) {
  const AuditEvent full{.id = AuditEventId::access_denied,
                        .time = TimePoint(std::chrono::sys_days(std::chrono::year(2026) / 11 / 24)) + 7us,
                        .originator = "/Slock",
                        .peer = "192.0.2.1:5684",
                        .operation = "CREATE",
                        .target = "cse-in/a",
                        .credential_id = "12-AE1@in.provider.com",
                        .reason = "no rule",
                        .status = 4103};
  EXPECT_EQ(
      to_json(full),
      R"({"time":"2026-11-24T00:00:00.000007Z","event":"access_denied","originator":"/Slock","peer":"192.0.2.1:5684",)"
      R"("operation":"CREATE","target":"cse-in/a","credential_id":"12-AE1@in.provider.com","reason":"no rule","status":4103})");
  EXPECT_EQ(to_json(event("")), R"({"time":"2026-11-24T00:00:00.000000Z","event":"access_denied"})");
}

TEST(AuditEvent, JsonIsOneValidLineWhateverAPeerSends) {
  const auto originator = [](std::string text) {
    const std::string json = to_json(event(std::move(text)));
    const std::string head = R"("originator":")";
    const auto begin = json.find(head) + head.size();
    return json.substr(begin, json.size() - begin - 2);
  };
  EXPECT_EQ(originator("a\"b\\c"), R"(a\"b\\c)");
  EXPECT_EQ(originator("a\nb\r\t\x1B[2J\x7F"), R"(a\u000ab\u000d\u0009\u001b[2J\u007f)");
  EXPECT_EQ(originator(std::string("a\0b", 3)), R"(a\u0000b)");
  EXPECT_EQ(originator("caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x94\x92"),
            "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x94\x92");
  EXPECT_EQ(originator("\xC2\x9B"
                       "31m"),
            R"(\u009b31m)")
      << "a C1 control character";
  EXPECT_EQ(originator("\xC2\xA0"), "\xC2\xA0");
  EXPECT_EQ(originator("x\xFFy"), R"(x\ufffdy)");
  EXPECT_EQ(originator("\xC0\xAF"), R"(\ufffd\ufffd)") << "overlong";
  EXPECT_EQ(originator("\xED\xA0\x80"), R"(\ufffd\ufffd\ufffd)") << "surrogate";
  EXPECT_EQ(originator("\xE0\x80\x80"), R"(\ufffd\ufffd\ufffd)");
  EXPECT_EQ(originator("\xF0\x80\x80\x80"), R"(\ufffd\ufffd\ufffd\ufffd)");
  EXPECT_EQ(originator("\xF4\x90\x80\x80"), R"(\ufffd\ufffd\ufffd\ufffd)") << "beyond Unicode";
  EXPECT_EQ(originator("\xE2\x82"), R"(\ufffd\ufffd)") << "truncated";
}

TEST(AuditLog, InMemoryKeepsTheNewest) {
  AuditLog log({.path = "", .ring_events = 3});
  for (const char* who : {"a", "b", "c", "d"}) log.record(event(who));
  const auto events = log.query(any, 10);
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events.front().originator, "b");
  EXPECT_EQ(events.back().originator, "d") << "newest last";
  EXPECT_EQ(log.dropped(), 0U);
}

TEST(AuditLog, QueryFiltersAndLimitsToTheNewest) {
  AuditLog log({.path = ""});
  for (int i = 0; i < 10; ++i) log.record(event("e", i));
  const auto even = log.query([](const AuditEvent& e) { return e.status % 2 == 0; }, 2);
  ASSERT_EQ(even.size(), 2U);
  EXPECT_EQ(even[0].status, 6);
  EXPECT_EQ(even[1].status, 8);
  EXPECT_TRUE(log.query(any, 0).empty());
}

TEST(AuditLog, WritesALineAnEventAndAllBeforeItEnds) {
  const TemporaryFolder folder;
  const std::string path = folder.file("audit.log");
  {
    AuditLog log({.path = path});
    for (int i = 0; i < 5000; ++i) log.record(event("e" + std::to_string(i)));
    EXPECT_EQ(log.dropped(), 0U);
  }
  const std::string text = read_whole(path);
  EXPECT_EQ(lines(text), 5000U);
  EXPECT_LT(text.find("\"e41\""), text.find("\"e42\"")) << "in order";
  EXPECT_TRUE(text.ends_with("\"originator\":\"e4999\"}\n"));
}

TEST(AuditLog, FileIsForItsOwnerOnlyAndAppendedTo) {
  const TemporaryFolder folder;
  const std::string path = folder.file("audit.log");
  const mode_t before = ::umask(0);
  for (int run = 0; run < 2; ++run) AuditLog({.path = path}).record(event("run"));
  ::umask(before);
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(lines(read_whole(path)), 2U);
}

TEST(AuditLog, ReopenStartsANewFileForWhatComesAfter) {
  const TemporaryFolder folder;
  const std::string path = folder.file("audit.log"), old = folder.file("audit.log.1");
  {
    AuditLog log({.path = path});
    log.record(event("before"));
    std::filesystem::rename(path, old);
    log.reopen();
    log.record(event("after"));
  }
  EXPECT_NE(read_whole(old).find("before"), std::string::npos);
  EXPECT_EQ(read_whole(old).find("after"), std::string::npos);
  EXPECT_NE(read_whole(path).find("after"), std::string::npos);
}

TEST(AuditLog, FileThatCannotBeWrittenCountsDropsAndKeepsTheRing) {
  const TemporaryFolder folder;
  AuditLog log({.path = folder.file("missing/audit.log")});
  log.record(event("lost"));
  for (int i = 0; i < 1000 && log.dropped() == 0; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(log.dropped(), 1U);
  EXPECT_EQ(log.query(any, 10).size(), 1U);
  std::filesystem::create_directory(folder.file("missing"));
  log.reopen();
  log.record(event("kept"));
  for (int i = 0; i < 1000 && read_whole(folder.file("missing/audit.log")).empty(); ++i)
    std::this_thread::sleep_for(10ms);
  EXPECT_NE(read_whole(folder.file("missing/audit.log")).find("kept"), std::string::npos);
  EXPECT_EQ(log.dropped(), 1U);
}

// A pipe that nobody reads stops the background thread: recording must go on without it.
TEST(AuditLog, NeverWaitsForASlowDisk) {
  const TemporaryFolder folder;
  const std::string path = folder.file("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::ifstream reader;
  std::thread opener([&] { reader.open(path); });
  constexpr std::size_t queue = 100;
  auto log =
      std::make_unique<AuditLog>(AuditLog::Options{.path = path, .ring_events = 10, .queue_events = queue});
  opener.join();
  const auto start = std::chrono::steady_clock::now();
  std::size_t recorded = 0;
  while (log->dropped() == 0 && recorded < 1'000'000) {
    log->record(event(std::string(2000, 'x')));
    ++recorded;
  }
  EXPECT_GT(log->dropped(), 0U) << "a full queue drops";
  EXPECT_LT(std::chrono::steady_clock::now() - start, 30s);
  EXPECT_EQ(log->query(any, 100).size(), 10U) << "the ring does not depend on the file";
  const auto dropped = log->dropped();
  std::size_t read = 0;
  std::thread drain([&] {
    for (std::string line; std::getline(reader, line);) ++read;
  });
  log.reset();
  drain.join();
  EXPECT_EQ(read + dropped, recorded) << "each event is written or counted";
}

TEST(AuditLog, ManyThreadsRecordAtOnce) {
  const TemporaryFolder folder;
  const std::string path = folder.file("audit.log");
  {
    AuditLog log({.path = path, .ring_events = 100});
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&log] {
        for (int i = 0; i < 1000; ++i) log.record(event("e", i));
      });
    }
    for (int i = 0; i < 100; ++i) EXPECT_LE(log.query(any, 50).size(), 50U);
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(log.dropped(), 0U);
  }
  EXPECT_EQ(lines(read_whole(path)), 4000U);
}

TEST(AuditRecorder, KeepsEverything) {
  AuditRecorder recorder;
  recorder.record(event("a"));
  recorder.record(event("b"));
  ASSERT_EQ(recorder.events().size(), 2U);
  EXPECT_EQ(recorder.events()[1].originator, "b");
}

}  // namespace
}  // namespace latchkey
