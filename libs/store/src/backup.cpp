#include "backup.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "schema.h"
#include "state_folder.h"

namespace latchkey::store {

namespace {

Status create_new(const std::string& file) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd >= 0) {
    ::close(fd);
    return {};
  }
  const int code = errno;
  if (code == EEXIST) return fail(ErrorCode::conflict, file + " exists; a backup overwrites nothing");
  return fail(ErrorCode::io, "cannot create " + file + ": " + std::generic_category().message(code));
}

Status copy_pages(Db& source, const std::string& file, const std::string& vfs) {
  auto target = Db::open(file, Db::Access::read_write, vfs);
  if (!target) return fail(target.error());
  sqlite3_backup* copy = sqlite3_backup_init(target->raw(), "main", source.raw(), "main");
  if (copy == nullptr) return fail(last_error(target->raw()));
  // All pages in one step read one snapshot: the WAL lets the writer go on meanwhile.
  sqlite3_backup_step(copy, -1);
  if (sqlite3_backup_finish(copy) != SQLITE_OK) return fail(last_error(target->raw()));
  return check_integrity(*target);
}

}  // namespace

Status copy_database(Db& source, const std::string& file, const std::string& vfs) {
  if (auto created = create_new(file); !created) return created;
  auto copied = copy_pages(source, file, vfs);
  const auto folder = std::filesystem::path(file).parent_path().string();
  if (copied) copied = sync_folder(folder.empty() ? "." : folder);
  if (!copied) {
    for (const char* suffix : {"", "-journal", "-wal", "-shm"}) ::unlink((file + suffix).c_str());
    return fail("backup to " + file, copied.error());
  }
  return {};
}

}  // namespace latchkey::store
