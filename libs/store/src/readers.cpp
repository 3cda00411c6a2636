#include "readers.h"

namespace latchkey::store {

namespace {
constexpr std::size_t kFreeMax = 16;
}  // namespace

Result<ReaderPool::Loan> ReaderPool::borrow() {
  {
    const std::lock_guard hold(mutex_);
    if (!free_.empty()) {
      auto reader = std::move(free_.back());
      free_.pop_back();
      return Loan(*this, std::move(reader));
    }
  }
  auto opened = open_reader();
  if (!opened) return fail(opened.error());
  return Loan(*this, std::move(*opened));
}

void ReaderPool::give_back(std::unique_ptr<Reader> reader) {
  const std::lock_guard hold(mutex_);
  if (free_.size() < kFreeMax) free_.push_back(std::move(reader));
}

Result<std::unique_ptr<Reader>> ReaderPool::open_reader() const {
  auto db = Db::open(file_, Db::Access::read_only, vfs_);
  if (!db) return fail(db.error());
  auto get = db->prepare("SELECT value FROM records WHERE space = ?1 AND key = ?2");
  if (!get) return fail(get.error());
  auto scan = db->prepare("SELECT key, value FROM records WHERE space = ?1 ORDER BY key");
  if (!scan) return fail(scan.error());
  return std::make_unique<Reader>(Reader{std::move(*db), std::move(*get), std::move(*scan)});
}

}  // namespace latchkey::store
