#pragma once
/// A disk for SQLite that loses what was not flushed when its power is cut, and that fails on demand.
#include <sqlite3.h>

#include <cstdint>
#include <limits>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <vector>

namespace latchkey::store::test {

/// Registers a SQLite VFS over the default one. Reads and writes go to real files; beside them it keeps what
/// each file would hold after power loss: its content at the last xSync, plus a random choice of the
/// 512-octet sectors written since. Flushes are not passed on, so that tests are fast. Thread-safe. Outlives
/// every connection made through it.
class FaultyDisk {
 public:
  explicit FaultyDisk(std::uint32_t seed);
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;
  ~FaultyDisk();

  [[nodiscard]] const std::string& vfs() const { return name_; }
  /// The power goes off at the n-th write or flush from now; from then on each of them fails.
  void cut_power_at(std::uint64_t operation);
  [[nodiscard]] bool power_is_off() const;
  /// Writes the surviving files into `folder`.
  void restore_into(const std::string& folder);

  /// The n-th write (flush) from now and all later ones fail with this SQLite code.
  void fail_writes_at(std::uint64_t write, int code);
  /// Flushes of the file with this ending only ("" for any).
  void fail_flushes_at(std::uint64_t flush, int code, std::string ending = {});
  void heal();

 private:
  friend struct FaultyDiskCalls;
  struct Write {
    std::uint64_t offset = 0;
    std::string octets;
    bool truncates = false;  ///< to `offset`
  };
  struct FileState {
    std::string durable;
    std::vector<Write> pending;
  };

  int on_write(const std::string& file, const void* data, int size, std::int64_t offset);
  int on_truncate(const std::string& file, std::int64_t size);
  int on_sync(const std::string& file);
  void on_open(const std::string& file);
  void on_delete(const std::string& file);
  [[nodiscard]] bool power_fails_now();
  void lose_power();
  static void apply(std::string& content, const Write& write);

  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
  std::string name_;
  sqlite3_vfs vfs_{};
  mutable std::mutex mutex_;
  std::mt19937 random_;
  std::map<std::string, FileState> files_;  ///< by path
  std::uint64_t operations_left_ = kNever;
  std::uint64_t writes_left_ = kNever, flushes_left_ = kNever;
  int write_code_ = 0, flush_code_ = 0;
  std::string flush_ending_;
  bool off_ = false;
};

}  // namespace latchkey::store::test
