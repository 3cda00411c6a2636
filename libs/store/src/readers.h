#pragma once
/// Reading connections, one per concurrent reader, kept for the next.
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "sqlite_db.h"

namespace latchkey::store {

struct Reader {
  Db db;
  Statement get, scan;
};

/// Thread-safe. A reader is used by whom it is lent to, until the loan ends.
class ReaderPool {
 public:
  ReaderPool(std::string file, std::string vfs) : file_(std::move(file)), vfs_(std::move(vfs)) {}

  class Loan {
   public:
    Loan(ReaderPool& pool, std::unique_ptr<Reader> reader) noexcept
        : pool_(&pool), reader_(std::move(reader)) {}
    Loan(Loan&&) noexcept = default;
    Loan& operator=(Loan&&) = delete;
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    ~Loan() {
      if (reader_) pool_->give_back(std::move(reader_));
    }
    Reader& operator*() const noexcept { return *reader_; }
    Reader* operator->() const noexcept { return reader_.get(); }

   private:
    ReaderPool* pool_;
    std::unique_ptr<Reader> reader_;
  };

  /// Never waits for another reader, so a visitor of a scan may read too: opens a connection if none is free.
  [[nodiscard]] Result<Loan> borrow();

 private:
  void give_back(std::unique_ptr<Reader> reader);
  [[nodiscard]] Result<std::unique_ptr<Reader>> open_reader() const;

  const std::string file_, vfs_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Reader>> free_;  ///< guarded by mutex_
};

}  // namespace latchkey::store
