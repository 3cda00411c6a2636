// Durable creates a second: the store with many commits in flight, against SQLite in batches of 32 and
// against a bare log that is appended and flushed, alternating in one run on one disk. Prints medians and
// ratios of medians.
// TMPDIR says on which disk.
#include "latchkey/store/store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "measure.h"
#include "sqlite_reference.h"

namespace {

namespace fs = std::filesystem;
using namespace latchkey::bench;
using latchkey::Status;
using latchkey::store::Batch;
using Seconds = std::chrono::duration<double>;

constexpr int kRounds = 5;
constexpr int kRecords = 20000;
constexpr int kReferenceBatch = 32;

const std::string kValue(kRecordValueBytes, 'v');

template <class F>
double per_second(int records, F&& run) {
  const auto start = std::chrono::steady_clock::now();
  run();
  return records / Seconds(std::chrono::steady_clock::now() - start).count();
}

/// `in_flight` creates are queued at any time, one batch each; the time ends when the last is durable.
double store_creates(const std::string& folder, int records, std::size_t in_flight) {
  auto store = latchkey::store::open_sqlite(
      {.folder = folder, .application = "bench", .schema_version = 1, .migrations = {}, .vfs = {}});
  if (!store) give_up(store.error().detail);
  const double rate = per_second(records, [&] {
    for (int i = 0; i < records; ++i) {
      while ((*store)->queue_depth() >= in_flight) std::this_thread::sleep_for(std::chrono::microseconds(20));
      Batch batch;
      batch.put("res", record_key(i), kValue);
      (*store)->commit(std::move(batch), [](Status status) {
        if (!status) give_up(status.error().detail);
      });
    }
    if (!(*store)->commit_and_wait({})) give_up("not durable");
  });
  store->reset();
  return rate;
}

/// One create at a time, each waited for.
double store_single(const std::string& folder, int records) {
  auto store = latchkey::store::open_sqlite(
      {.folder = folder, .application = "bench", .schema_version = 1, .migrations = {}, .vfs = {}});
  if (!store) give_up(store.error().detail);
  return per_second(records, [&] {
    for (int i = 0; i < records; ++i) {
      Batch batch;
      batch.put("res", record_key(i), kValue);
      if (!(*store)->commit_and_wait(std::move(batch))) give_up("not durable");
    }
  });
}

/// What the disk alone allows: append, fdatasync.
double log_creates(const std::string& folder, int records, int batch) {
  fs::create_directory(folder);
  const int fd = ::open((folder + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (fd < 0) give_up("cannot open the log");
  const double rate = per_second(records, [&] {
    std::string octets;
    for (int i = 0; i < records; i += batch) {
      octets.clear();
      for (int n = i; n < std::min(i + batch, records); ++n) octets += record_key(n) + kValue;
      if (::write(fd, octets.data(), octets.size()) != static_cast<ssize_t>(octets.size()) ||
          ::fdatasync(fd) != 0) {
        give_up("cannot append to the log");
      }
    }
  });
  ::close(fd);
  return rate;
}

struct Measured {
  const char* name;
  Series rates;
};

}  // namespace

int main() {
  const ScratchFolder base;
  int folders = 0;
  const auto fresh = [&] { return base.path() + "/" + std::to_string(folders++); };

  Measured sqlite32{"SQLite, batches of 32", {}}, log1{"log, append+fdatasync each", {}},
      log32{"log, append+fdatasync of 32", {}};
  Measured one{"store, 1 in flight", {}}, s32{"store, 32 in flight", {}}, s256{"store, 256 in flight", {}},
      s1024{"store, 1024 in flight", {}};
  for (int round = 0; round < kRounds; ++round) {
    sqlite32.rates.values.push_back(sqlite_creates(fresh() + ".db", kRecords, kReferenceBatch));
    s256.rates.values.push_back(store_creates(fresh(), kRecords, 256));
    log32.rates.values.push_back(log_creates(fresh(), kRecords, kReferenceBatch));
    s1024.rates.values.push_back(store_creates(fresh(), kRecords, 1024));
    log1.rates.values.push_back(log_creates(fresh(), kRecords / 20, 1));
    one.rates.values.push_back(store_single(fresh(), kRecords / 20));
    s32.rates.values.push_back(store_creates(fresh(), kRecords, 32));
  }

  std::printf("durable creates of %zu octets, %d a run, median of %d alternating runs\n",
              kRecordValueBytes + 16, kRecords, kRounds);
  for (const auto* m : {&sqlite32, &log1, &log32, &one, &s32, &s256, &s1024}) {
    std::printf("  %-28s %9.0f /s   spread %.0f .. %.0f\n", m->name, m->rates.median(), m->rates.least(),
                m->rates.most());
  }
  std::printf("ratios of medians\n");
  const auto ratio = [](const char* name, const Measured& a, const Measured& b) {
    std::printf("  %-58s %.2f\n", name, a.rates.median() / b.rates.median());
  };
  ratio("store, 32 in flight : SQLite in batches of 32", s32, sqlite32);
  ratio("store, 256 in flight : SQLite in batches of 32", s256, sqlite32);
  ratio("store, 1024 in flight : SQLite in batches of 32", s1024, sqlite32);
  ratio("store, 1 in flight : log flushed each", one, log1);
  ratio("store, 256 in flight : log flushed each", s256, log1);
  ratio("store, 256 in flight : log flushed every 32", s256, log32);
  return 0;
}
