#pragma once
/// A DAS Server on a real database and a real Secure Environment; time, executor and repository are ours.
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "latchkey/authz/token_verifier.h"
#include "latchkey/das/das.h"
#include "state_folder.h"

namespace latchkey::das::test {

using codec::Rsc;

[[nodiscard]] inline const SpId& home() {
  static const auto sp = *SpId::parse("//sp.example");
  return sp;
}
[[nodiscard]] inline EntityId entity(std::string_view text) { return *parse_entity_id(text, home()); }
[[nodiscard]] inline CseId cse(std::string_view text) { return *CseId::parse(text, home()); }

/// A Hosting CSE's names of its resources: the address below the CSE.
class Names final : public authz::ResourceNames {
 public:
  [[nodiscard]] std::optional<std::string> normalise(const ResourceAddress& address) const override;
};

/// Takes what is sent to the repository; a test answers it.
class FakeRepository final : public bind::RequestSender {
 public:
  struct Sent {
    codec::RequestPrimitive request;
    Done done;
  };
  void send(codec::RequestPrimitive request, std::chrono::milliseconds, Done done) override {
    sent.push_back({std::move(request), std::move(done)});
  }
  /// Answers the oldest request and returns it.
  codec::RequestPrimitive answer(Rsc rsc);
  codec::RequestPrimitive lose();
  std::deque<Sent> sent;
};

/// A real store whose commits a test can hold back, or let fail.
class SwitchStore final : public store::Store {
 public:
  explicit SwitchStore(std::unique_ptr<store::Store> real) : real_(std::move(real)) {}
  void commit(store::Batch batch, Committed done) override {
    if (failing) return done(fail(ErrorCode::io, "disk full"));
    if (holding) return held.emplace_back(std::move(batch), std::move(done)), void();
    real_->commit(std::move(batch), std::move(done));
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
  void release() {
    holding = false;
    for (auto& [batch, done] : held) real_->commit(std::move(batch), std::move(done));
    held.clear();
  }
  bool failing = false, holding = false;
  std::size_t depth = 0;
  std::vector<std::pair<store::Batch, Committed>> held;

 private:
  std::unique_ptr<store::Store> real_;
};

class World : public testing::Test {
 protected:
  World();
  ~World() override;

  /// Opens, or after a crash opens anew, on the same folder.
  void open(const std::string& policy);
  void open(DasOptions options);
  [[nodiscard]] DasOptions options(const std::string& policy) const;
  [[nodiscard]] static std::shared_ptr<const Policy> policy(const std::string& text);

  /// A NOTIFY of `who` over an authenticated session, and its answer.
  codec::ResponsePrimitive notify(const EntityId& who, const codec::json::value& pc);
  codec::ResponsePrimitive send(bind::IncomingRequest request);
  [[nodiscard]] bind::IncomingRequest incoming(const EntityId& who, codec::json::value pc) const;
  /// Lets everything posted and committed happen.
  void settle();

  /// The last decision that was logged.
  [[nodiscard]] AuditEvent last() const;
  [[nodiscard]] std::size_t count(AuditEventId id) const;
  /// By a CSE that trusts the DAS, for `originator`.
  [[nodiscard]] authz::Checked<std::shared_ptr<const authz::Token>> verify(const std::string& jwt,
                                                                           const CseId& at,
                                                                           const EntityId& originator) const;

  latchkey::test::StateFolder folder;
  ManualExecutor executor;
  ManualClock clock{*parse_timestamp("20290101T120000")};
  AuditRecorder audit;
  FakeRepository repository;
  /// As a Hosting CSE secures it for the DAS: signed with cse_key, encrypted for request_key.
  [[nodiscard]] e2e::EsDataSourceConfig securing() const;
  [[nodiscard]] std::shared_ptr<const e2e::SecuredRequestTarget> opening() const;
  [[nodiscard]] codec::json::value secured(const codec::DasRequest& asked, const CseId& by,
                                           const EntityId& das = entity("/Sdas")) const;

  crypto::PrivateKey request_key = crypto::PrivateKey::generate(crypto::KeyKind::p256);
  crypto::PrivateKey key = crypto::PrivateKey::generate(crypto::KeyKind::p256);
  crypto::PrivateKey cse_key = crypto::PrivateKey::generate(crypto::KeyKind::p256);
  std::unique_ptr<secure_env::SecureEnvironment> environment = folder.open_environment();
  std::unique_ptr<SwitchStore> store;
  std::unique_ptr<Das> das;
};

}  // namespace latchkey::das::test
