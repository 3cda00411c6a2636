#pragma once
/// What stands around a MAF under test: a store that commits at once, and a TLS session.
#include "latchkey/bind/request.h"
#include "latchkey/store/store.h"

namespace latchkey::maf {

/// Commits on the calling thread, so that a test sees one thing after the other; durable all the same.
class SynchronousStore final : public store::Store {
 public:
  explicit SynchronousStore(std::unique_ptr<store::Store> real) : real_(std::move(real)) {}
  void commit(store::Batch batch, Committed done) override {
    done(failing ? Status(fail(ErrorCode::io, "disk full")) : real_->commit_and_wait(std::move(batch)));
  }
  Status commit_and_wait(store::Batch batch) override { return real_->commit_and_wait(std::move(batch)); }
  Result<std::string> get(std::string_view space, std::string_view key) const override {
    return real_->get(space, key);
  }
  Status scan(std::string_view space,
              const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    return real_->scan(space, visit);
  }
  std::size_t queue_depth() const noexcept override { return depth; }
  bool failing = false;
  std::size_t depth = 0;

 private:
  std::unique_ptr<store::Store> real_;
};

/// A TLS session as the MAF sees it: one exporter secret.
class FakeChannel final : public bind::Channel {
 public:
  FakeChannel(std::uint64_t id, Bytes exported) : id_(id), exported_(std::move(exported)) {}
  std::uint64_t id() const noexcept override { return id_; }
  Result<SecretBytes> export_key(std::string_view label, std::size_t size) const override {
    if (label != "EXPORTER-oneM2M-Connection" || size != exported_.size())
      return fail(ErrorCode::denied, "other label");
    return SecretBytes::copy_of(exported_);
  }

 private:
  std::uint64_t id_;
  Bytes exported_;
};

}  // namespace latchkey::maf
