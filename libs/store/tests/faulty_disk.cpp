#include "faulty_disk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <new>

namespace latchkey::store::test {

namespace {

constexpr std::size_t kSector = 512;

/// What SQLite holds as an open file; the file of the default VFS follows it in the same memory.
struct OpenFile {
  sqlite3_file base;
  FaultyDisk* disk;
  const char* path;  ///< nullptr: not tracked (shared memory has no durable form)
};

OpenFile* self(sqlite3_file* file) { return reinterpret_cast<OpenFile*>(file); }
sqlite3_file* real(sqlite3_file* file) { return reinterpret_cast<sqlite3_file*>(self(file) + 1); }
sqlite3_vfs* default_vfs() { return sqlite3_vfs_find(nullptr); }

}  // namespace

/// The C entry points of the VFS.
struct FaultyDiskCalls {
  static FaultyDisk& disk_of(sqlite3_vfs* vfs) { return *static_cast<FaultyDisk*>(vfs->pAppData); }

  static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
    auto* opened = self(file);
    opened->base.pMethods = nullptr;
    opened->disk = &disk_of(vfs);
    opened->path = path;
    const int rc = default_vfs()->xOpen(default_vfs(), path, real(file), flags, out_flags);
    if (rc != SQLITE_OK) return rc;
    if (path != nullptr) opened->disk->on_open(path);
    opened->base.pMethods = &kMethods;
    return SQLITE_OK;
  }
  static int remove(sqlite3_vfs* vfs, const char* path, int sync_folder) {
    disk_of(vfs).on_delete(path);
    return default_vfs()->xDelete(default_vfs(), path, sync_folder);
  }

  static int close(sqlite3_file* file) { return real(file)->pMethods->xClose(real(file)); }
  static int read(sqlite3_file* file, void* to, int size, sqlite3_int64 offset) {
    return real(file)->pMethods->xRead(real(file), to, size, offset);
  }
  static int write(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
    if (self(file)->path != nullptr) {
      const int rc = self(file)->disk->on_write(self(file)->path, from, size, offset);
      if (rc != SQLITE_OK) return rc;
    }
    return real(file)->pMethods->xWrite(real(file), from, size, offset);
  }
  static int truncate(sqlite3_file* file, sqlite3_int64 size) {
    if (self(file)->path != nullptr) {
      const int rc = self(file)->disk->on_truncate(self(file)->path, size);
      if (rc != SQLITE_OK) return rc;
    }
    return real(file)->pMethods->xTruncate(real(file), size);
  }
  static int sync(sqlite3_file* file, int) {
    return self(file)->path == nullptr ? SQLITE_OK : self(file)->disk->on_sync(self(file)->path);
  }
  static int size(sqlite3_file* file, sqlite3_int64* to) {
    return real(file)->pMethods->xFileSize(real(file), to);
  }
  static int lock(sqlite3_file* file, int level) { return real(file)->pMethods->xLock(real(file), level); }
  static int unlock(sqlite3_file* file, int level) {
    return real(file)->pMethods->xUnlock(real(file), level);
  }
  static int reserved(sqlite3_file* file, int* to) {
    return real(file)->pMethods->xCheckReservedLock(real(file), to);
  }
  static int control(sqlite3_file* file, int op, void* arg) {
    return real(file)->pMethods->xFileControl(real(file), op, arg);
  }
  static int sector(sqlite3_file* file) { return real(file)->pMethods->xSectorSize(real(file)); }
  static int traits(sqlite3_file* file) { return real(file)->pMethods->xDeviceCharacteristics(real(file)); }
  static int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** to) {
    return real(file)->pMethods->xShmMap(real(file), page, size, extend, to);
  }
  static int shm_lock(sqlite3_file* file, int offset, int n, int flags) {
    return real(file)->pMethods->xShmLock(real(file), offset, n, flags);
  }
  static void shm_barrier(sqlite3_file* file) { real(file)->pMethods->xShmBarrier(real(file)); }
  static int shm_unmap(sqlite3_file* file, int remove) {
    return real(file)->pMethods->xShmUnmap(real(file), remove);
  }

  static const sqlite3_io_methods kMethods;
};

const sqlite3_io_methods FaultyDiskCalls::kMethods = {
    2,       close,  read,   write,   truncate, sync,        size,      lock,    unlock, reserved,
    control, sector, traits, shm_map, shm_lock, shm_barrier, shm_unmap, nullptr, nullptr};

FaultyDisk::FaultyDisk(std::uint32_t seed) : random_(seed) {
  static int count = 0;
  name_ = "faulty-" + std::to_string(++count);
  vfs_ = *default_vfs();
  vfs_.pNext = nullptr;
  vfs_.zName = name_.c_str();
  vfs_.pAppData = this;
  vfs_.szOsFile = static_cast<int>(sizeof(OpenFile)) + default_vfs()->szOsFile;
  vfs_.xOpen = FaultyDiskCalls::open;
  vfs_.xDelete = FaultyDiskCalls::remove;
  EXPECT_EQ(sqlite3_vfs_register(&vfs_, 0), SQLITE_OK);
}

FaultyDisk::~FaultyDisk() { sqlite3_vfs_unregister(&vfs_); }

void FaultyDisk::cut_power_at(std::uint64_t operation) {
  const std::lock_guard hold(mutex_);
  operations_left_ = operation;
}

bool FaultyDisk::power_is_off() const {
  const std::lock_guard hold(mutex_);
  return off_;
}

void FaultyDisk::fail_writes_at(std::uint64_t write, int code) {
  const std::lock_guard hold(mutex_);
  writes_left_ = write;
  write_code_ = code;
}

void FaultyDisk::fail_flushes_at(std::uint64_t flush, int code, std::string ending) {
  const std::lock_guard hold(mutex_);
  flushes_left_ = flush;
  flush_code_ = code;
  flush_ending_ = std::move(ending);
}

void FaultyDisk::heal() {
  const std::lock_guard hold(mutex_);
  writes_left_ = flushes_left_ = kNever;
}

void FaultyDisk::apply(std::string& content, const Write& write) {
  if (write.truncates) {
    content.resize(write.offset);
    return;
  }
  if (content.size() < write.offset + write.octets.size()) content.resize(write.offset + write.octets.size());
  content.replace(write.offset, write.octets.size(), write.octets);
}

bool FaultyDisk::power_fails_now() {
  if (off_) return true;
  if (operations_left_ == kNever || --operations_left_ > 0) return false;
  lose_power();
  return true;
}

void FaultyDisk::lose_power() {
  off_ = true;
  for (auto& [path, state] : files_) {
    for (const auto& write : state.pending) {
      // The disk had written any part of what was not flushed, in any order.
      for (std::size_t at = 0; at < std::max<std::size_t>(write.octets.size(), 1); at += kSector) {
        if (random_() % 2 == 0) continue;
        apply(state.durable,
              {write.offset + at, write.truncates ? std::string() : write.octets.substr(at, kSector),
               write.truncates});
      }
    }
    state.pending.clear();
  }
}

int FaultyDisk::on_write(const std::string& file, const void* data, int size, std::int64_t offset) {
  const std::lock_guard hold(mutex_);
  if (writes_left_ != kNever && (writes_left_ <= 1 || --writes_left_ == 0)) return write_code_;
  files_[file].pending.push_back({static_cast<std::uint64_t>(offset),
                                  std::string(static_cast<const char*>(data), static_cast<std::size_t>(size)),
                                  false});
  return power_fails_now() ? SQLITE_IOERR_WRITE : SQLITE_OK;
}

int FaultyDisk::on_truncate(const std::string& file, std::int64_t size) {
  const std::lock_guard hold(mutex_);
  files_[file].pending.push_back({static_cast<std::uint64_t>(size), {}, true});
  return power_fails_now() ? SQLITE_IOERR_TRUNCATE : SQLITE_OK;
}

int FaultyDisk::on_sync(const std::string& file) {
  const std::lock_guard hold(mutex_);
  if (flushes_left_ != kNever && file.ends_with(flush_ending_) &&
      (flushes_left_ <= 1 || --flushes_left_ == 0))
    return flush_code_;
  if (power_fails_now()) return SQLITE_IOERR_FSYNC;
  auto& state = files_[file];
  for (const auto& write : state.pending) apply(state.durable, write);
  state.pending.clear();
  return SQLITE_OK;
}

void FaultyDisk::on_open(const std::string& file) {
  const std::lock_guard hold(mutex_);
  if (files_.contains(file)) return;
  std::ifstream in(file, std::ios::binary);
  files_[file].durable.assign(std::istreambuf_iterator<char>(in), {});
}

void FaultyDisk::on_delete(const std::string& file) {
  const std::lock_guard hold(mutex_);
  if (!off_) files_.erase(file);
}

void FaultyDisk::restore_into(const std::string& folder) {
  const std::lock_guard hold(mutex_);
  std::filesystem::create_directory(folder);
  std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
  for (const auto& [path, state] : files_) {
    const auto target = std::filesystem::path(folder) / std::filesystem::path(path).filename();
    std::ofstream(target, std::ios::binary)
        .write(state.durable.data(), static_cast<std::streamsize>(state.durable.size()));
  }
}

}  // namespace latchkey::store::test
