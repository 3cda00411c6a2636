// Durable creates a second: the store with many commits in flight, against SQLite in batches of 32 and
// against a bare log that is appended and flushed, alternating in one run on one disk. Prints medians and
// ratios of medians.
//
//   bench_store [FOLDER]     FOLDER on the disk to measure; a folder in the system's temporary one by default
#include "latchkey/store/store.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace {

namespace fs = std::filesystem;
using latchkey::Status;
using latchkey::store::Batch;
using Seconds = std::chrono::duration<double>;

constexpr int kRounds = 5;
constexpr int kRecords = 20000;
constexpr int kReferenceBatch = 32;
constexpr std::size_t kValueBytes = 280;  // with its key of 16 octets about 300 octets a record

[[noreturn]] void give_up(const std::string& what) {
  std::fprintf(stderr, "bench_store: %s\n", what.c_str());
  std::exit(1);
}

std::string key_of(int number) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx",
                static_cast<unsigned long long>(number) * 0x9e3779b97f4a7c15ULL);
  return text.data();
}

const std::string kValue(kValueBytes, 'v');

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
      batch.put("res", key_of(i), kValue);
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
      batch.put("res", key_of(i), kValue);
      if (!(*store)->commit_and_wait(std::move(batch))) give_up("not durable");
    }
  });
}

/// SQLite by itself as its manual tells: WAL, FULL, a prepared insert, `batch` rows a transaction, one
/// thread.
double sqlite_creates(const std::string& folder, int records, int batch) {
  fs::create_directory(folder);
  sqlite3* db = nullptr;
  const auto run = [&](const char* sql) {
    if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK) give_up(sqlite3_errmsg(db));
  };
  if (sqlite3_open((folder + "/reference.db").c_str(), &db) != SQLITE_OK)
    give_up("cannot open the reference");
  run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE r(key TEXT PRIMARY KEY, value BLOB)");
  sqlite3_stmt* insert = nullptr;
  sqlite3_prepare_v2(db, "INSERT INTO r VALUES(?1, ?2)", -1, &insert, nullptr);
  const double rate = per_second(records, [&] {
    for (int i = 0; i < records; i += batch) {
      run("BEGIN IMMEDIATE");
      for (int n = i; n < std::min(i + batch, records); ++n) {
        const auto key = key_of(n);
        sqlite3_bind_text(insert, 1, key.data(), static_cast<int>(key.size()), nullptr);
        sqlite3_bind_blob(insert, 2, kValue.data(), static_cast<int>(kValue.size()), nullptr);
        if (sqlite3_step(insert) != SQLITE_DONE) give_up(sqlite3_errmsg(db));
        sqlite3_reset(insert);
      }
      run("COMMIT");
    }
  });
  sqlite3_finalize(insert);
  sqlite3_close(db);
  return rate;
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
      for (int n = i; n < std::min(i + batch, records); ++n) octets += key_of(n) + kValue;
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
  std::vector<double> rates;
  [[nodiscard]] double median() const {
    auto sorted = rates;
    std::sort(sorted.begin(), sorted.end());
    return sorted[sorted.size() / 2];
  }
};

}  // namespace

int main(int argc, char** argv) {
  std::string base = (argc > 1 ? fs::path(argv[1]) : fs::temp_directory_path()) / "latchkey-bench-XXXXXX";
  if (::mkdtemp(base.data()) == nullptr) give_up("cannot make a folder in " + base);
  int folders = 0;
  const auto fresh = [&] { return base + "/" + std::to_string(folders++); };

  Measured sqlite32{"SQLite, batches of 32", {}}, log1{"log, append+fdatasync each", {}},
      log32{"log, append+fdatasync of 32", {}};
  Measured one{"store, 1 in flight", {}}, s32{"store, 32 in flight", {}}, s256{"store, 256 in flight", {}},
      s1024{"store, 1024 in flight", {}};
  for (int round = 0; round < kRounds; ++round) {
    sqlite32.rates.push_back(sqlite_creates(fresh(), kRecords, kReferenceBatch));
    s256.rates.push_back(store_creates(fresh(), kRecords, 256));
    log32.rates.push_back(log_creates(fresh(), kRecords, kReferenceBatch));
    s1024.rates.push_back(store_creates(fresh(), kRecords, 1024));
    log1.rates.push_back(log_creates(fresh(), kRecords / 20, 1));
    one.rates.push_back(store_single(fresh(), kRecords / 20));
    s32.rates.push_back(store_creates(fresh(), kRecords, 32));
  }
  fs::remove_all(base);

  std::printf("durable creates of %zu octets, %d a run, median of %d alternating runs\n", kValueBytes + 16,
              kRecords, kRounds);
  for (const auto* m : {&sqlite32, &log1, &log32, &one, &s32, &s256, &s1024}) {
    std::printf("  %-28s %9.0f /s   spread %.0f .. %.0f\n", m->name, m->median(),
                *std::min_element(m->rates.begin(), m->rates.end()),
                *std::max_element(m->rates.begin(), m->rates.end()));
  }
  std::printf("ratios of medians\n");
  const auto ratio = [](const char* name, const Measured& a, const Measured& b) {
    std::printf("  %-58s %.2f\n", name, a.median() / b.median());
  };
  ratio("store, 32 in flight : SQLite in batches of 32", s32, sqlite32);
  ratio("store, 256 in flight : SQLite in batches of 32", s256, sqlite32);
  ratio("store, 1024 in flight : SQLite in batches of 32", s1024, sqlite32);
  ratio("store, 1 in flight : log flushed each", one, log1);
  ratio("store, 256 in flight : log flushed each", s256, log1);
  ratio("store, 256 in flight : log flushed every 32", s256, log32);
  return 0;
}
