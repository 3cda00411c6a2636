#include "latchkey/base/audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <set>
#include <thread>

#include "refusal_limit.h"
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

std::unique_ptr<AuditLog> open(AuditLog::Options options) {
  auto log = AuditLog::open(std::move(options));
  EXPECT_TRUE(log) << log.error().detail;
  return std::move(*log);
}
/// Until the background thread has come so far.
template <class Condition>
void wait_until(Condition condition) {
  while (!condition()) std::this_thread::sleep_for(1ms);
}
AuditEvent refusal(std::string peer, std::chrono::seconds after = 0s) {
  auto out = event("");
  out.id = AuditEventId::handshake_refused;
  out.peer = std::move(peer);
  out.time += after;
  return out;
}

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
  const auto log = open({.path = "", .ring_events = 3});
  for (const char* who : {"a", "b", "c", "d"}) log->record(event(who));
  const auto events = log->query(any, 10);
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events.front().originator, "b");
  EXPECT_EQ(events.back().originator, "d") << "newest last";
  EXPECT_EQ(log->dropped(), 0U);
}

TEST(AuditLog, QueryFiltersAndLimitsToTheNewest) {
  const auto log = open({.path = ""});
  for (int i = 0; i < 10; ++i) log->record(event("e", i));
  const auto even = log->query([](const AuditEvent& e) { return e.status % 2 == 0; }, 2);
  ASSERT_EQ(even.size(), 2U);
  EXPECT_EQ(even[0].status, 6);
  EXPECT_EQ(even[1].status, 8);
  EXPECT_TRUE(log->query(any, 0).empty());
}

TEST(AuditLog, WritesALineAnEventAndAllBeforeItEnds) {
  const TemporaryFolder folder;
  const std::string path = folder.file("audit.log");
  {
    const auto log = open({.path = path});
    for (int i = 0; i < 5000; ++i) log->record(event("e" + std::to_string(i)));
    EXPECT_EQ(log->dropped(), 0U);
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
  for (int run = 0; run < 2; ++run) open({.path = path})->record(event("run"));
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
    const auto log = open({.path = path});
    log->record(event("before"));
    std::filesystem::rename(path, old);
    log->reopen();
    log->record(event("after"));
  }
  EXPECT_NE(read_whole(old).find("before"), std::string::npos);
  EXPECT_EQ(read_whole(old).find("after"), std::string::npos);
  EXPECT_NE(read_whole(path).find("after"), std::string::npos);
}

TEST(AuditLog, FileThatCannotBeReopenedCountsDropsAndKeepsTheRing) {
  const TemporaryFolder folder;
  const std::string path = folder.file("there/audit.log");
  std::filesystem::create_directory(folder.file("there"));
  const auto log = open({.path = path});
  std::filesystem::rename(folder.file("there"), folder.file("gone"));
  log->reopen();
  log->record(event("lost"));
  wait_until([&] { return log->dropped() > 0; });
  EXPECT_EQ(log->query(any, 10).size(), 1U);
  std::filesystem::rename(folder.file("gone"), folder.file("there"));
  log->reopen();
  log->record(event("kept"));
  wait_until([&] { return !read_whole(path).empty(); });
  EXPECT_NE(read_whole(path).find("kept"), std::string::npos);
  EXPECT_EQ(log->dropped(), 1U);
}

TEST(AuditLog, DoesNotOpenWhatIsMissingOpenToOthersOrNoFile) {
  const TemporaryFolder folder;
  EXPECT_EQ(AuditLog::open({.path = folder.file("missing/audit.log")}).error().code, ErrorCode::io);
  EXPECT_EQ(AuditLog::open({.path = "/dev/null"}).error().code, ErrorCode::invalid_argument);
  const std::string pipe = folder.file("pipe"), file = folder.file("file");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const auto refused = AuditLog::open({.path = pipe});  // without waiting for a reader
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().detail, pipe + ": no regular file");
  test::write_whole(file, "");
  for (const mode_t mode : {0640U, 0602U}) {
    ASSERT_EQ(::chmod(file.c_str(), mode), 0);
    EXPECT_EQ(AuditLog::open({.path = file}).error().code, ErrorCode::denied) << std::oct << mode;
  }
  ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
  EXPECT_TRUE(AuditLog::open({.path = file}));
}

TEST(AuditLog, NeverWaitsForASlowDisk) {
  const TemporaryFolder folder;
  const std::string path = folder.file("audit.log");
  auto log = open({.path = path, .ring_events = 10, .queue_events = 4});
  std::size_t recorded = 0;
  while (log->dropped() == 0 && recorded < 1'000'000) {
    log->record(event(std::string(2000, 'x')));
    ++recorded;
  }
  EXPECT_GT(log->dropped(), 0U) << "a full queue drops";
  EXPECT_EQ(log->query(any, 100).size(), std::min<std::size_t>(recorded, 10))
      << "the ring does not depend on the file";
  const auto dropped = log->dropped();
  log.reset();
  EXPECT_EQ(lines(read_whole(path)) + dropped, recorded) << "each event is written or counted";
}

/// The disk is full after so many octets more than the file has.
class FullDisk {
 public:
  FullDisk(const std::string& path, std::size_t octets) {
    std::signal(SIGXFSZ, SIG_IGN);
    EXPECT_EQ(::getrlimit(RLIMIT_FSIZE, &before_), 0);
    rlimit small = before_;
    small.rlim_cur = std::filesystem::file_size(path) + octets;
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST(AuditLog, TornLineOfAFullDiskCostsNoOtherEvent) {
  const TemporaryFolder folder;
  const std::string path = folder.file("audit.log");
  const std::string line = to_json(event("e"));
  auto log = open({.path = path});
  log->record(event("e"));
  wait_until([&] { return lines(read_whole(path)) == 1; });
  {
    const FullDisk full(path, 10);
    log->record(event("torn"));
    wait_until([&] { return log->dropped() > 0; });
  }
  log->record(event("e"));
  log.reset();
  const std::string torn = to_json(event("torn")).substr(0, 10);
  EXPECT_EQ(read_whole(path), line + "\n" + torn + "\n" + line + "\n");
}

TEST(AuditLog, OnlyLinesThatAreNotCompleteAreCounted) {
  const TemporaryFolder folder;
  const std::string path = folder.file("audit.log");
  const auto log = open({.path = path});
  const std::size_t line = to_json(event("e")).size() + 1;
  const FullDisk full(path, 3 * line + 5);
  for (int i = 0; i < 5; ++i) log->record(event("e"));
  wait_until([&] { return log->dropped() >= 2; });
  EXPECT_EQ(log->dropped(), 2U);
  EXPECT_EQ(lines(read_whole(path)), 3U);
}

TEST(AuditLog, TornLineOfAnEarlierRunIsEndedFirst) {
  const TemporaryFolder folder;
  const std::string path = folder.file("audit.log");
  test::write_whole(path, "{\"time");
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  open({.path = path})->record(event("e"));
  EXPECT_EQ(read_whole(path), "{\"time\n" + to_json(event("e")) + "\n");
}

TEST(AuditLog, StrangerCannotFillItWithRefusedHandshakes) {
  const TemporaryFolder folder;
  const std::string path = folder.file("audit.log");
  auto log = open({.path = path, .refusals_per_source = 3});
  for (int i = 0; i < 1000; ++i) log->record(refusal("192.0.2.1:" + std::to_string(1000 + i), 30s));
  log->record(refusal("192.0.2.2:1000", 59s));
  EXPECT_EQ(log->query(any, 10'000).size(), 4U) << "another source has its own allowance";
  log->record(event("anything, half a minute later"));
  log->record(refusal("192.0.2.1:7", 90s));
  const auto events = log->query(any, 10'000);
  ASSERT_EQ(events.size(), 7U);
  EXPECT_EQ(events[5].peer, "192.0.2.1");
  EXPECT_THAT(events[5].reason,
              testing::StartsWith("997 more refused in the minute from 2026-11-24T00:00:30"));
  EXPECT_EQ(events[6].peer, "192.0.2.1:7") << "a new minute, a new allowance";
  for (int i = 0; i < 5; ++i) log->record(refusal("192.0.2.1:8", 91s));
  log.reset();
  EXPECT_THAT(read_whole(path), testing::HasSubstr("3 more refused"))
      << "what is not yet told is told at the end";
}

TEST(RefusalLimit, SourceIsAnAddressWithoutItsPortOrASlash64) {
  EXPECT_EQ(source_of("192.0.2.1:5684"), "192.0.2.1");
  EXPECT_EQ(source_of("[2001:db8:1:2:3:4:5:6]:443"), "2001:db8:1:2::/64");
  EXPECT_EQ(source_of("[2001:db8:1:2::9]:443"), source_of("[2001:db8:1:2:3:4:5:6]:80"));
  EXPECT_NE(source_of("[2001:db8:1:3::9]:443"), source_of("[2001:db8:1:2::9]:443"));
  EXPECT_EQ(source_of("unix:uid=1000"), "unix:uid=1000");
  EXPECT_EQ(source_of(""), "");
}

TEST(RefusalLimit, SourcesBeyondTheTableShareOneAllowance) {
  RefusalLimit limit(2, 2);
  std::size_t admitted = 0;
  for (int source = 0; source < 100; ++source)
    if (limit.admit(refusal("198.51.100." + std::to_string(source) + ":1"))) ++admitted;
  EXPECT_EQ(admitted, 4U) << "two with an allowance of their own, two of all others";
  EXPECT_TRUE(limit.admit(refusal("198.51.100.0:2"))) << "a source in the table keeps its own";
  const auto told = limit.ended(event("").time + 60s);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].peer, "other sources");
  EXPECT_THAT(told[0].reason, testing::StartsWith("96 more refused"));
  EXPECT_TRUE(limit.ended(event("").time + 600s).empty()) << "told once";
}

TEST(RefusalLimit, MinuteEndsAfterAMinuteOrWhenTheClockIsSetBack) {
  for (const auto& [after, over] : {std::pair{59s, false}, {60s, true}, {-60s, false}, {-61s, true}}) {
    RefusalLimit limit(1, 10);
    EXPECT_TRUE(limit.admit(refusal("192.0.2.1:1")));
    EXPECT_FALSE(limit.admit(refusal("192.0.2.1:1")));
    EXPECT_EQ(limit.ended(event("").time + after).size(), over ? 1U : 0U) << after.count();
  }
}

TEST(AuditLog, ManyThreadsRecordAtOnce) {
  const TemporaryFolder folder;
  const std::string path = folder.file("audit.log");
  {
    const auto log = open({.path = path, .ring_events = 100});
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&log] {
        for (int i = 0; i < 1000; ++i) log->record(event("e", i));
      });
    }
    for (int i = 0; i < 100; ++i) EXPECT_LE(log->query(any, 50).size(), 50U);
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(log->dropped(), 0U);
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
