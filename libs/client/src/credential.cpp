#include "latchkey/client/credential.h"

namespace latchkey::client {

namespace {

/// The context that a client associates with a server whose certificate names `server` (8.2.2.2).
Result<tls::SecurityContext> check_server(const pki::TrustStore::Verified& peer,
                                          const CertificateCredentialOptions& options) {
  const auto* cse = std::get_if<CseId>(&options.server);
  const auto* fqdn = std::get_if<Fqdn>(&options.server);
  bool named = false;
  if (cse != nullptr) named = pki::names_cse(peer.identity, *cse, options.server_in_cse, options.annex_b);
  if (fqdn != nullptr) named = pki::names_fqdn(peer.identity, *fqdn);
  if (!named)
    return fail(ErrorCode::authentication,
                "the server's certificate does not name " + to_string(options.server));
  tls::SecurityContext context;
  context.framework = tls::Framework::certificate;
  context.identity = options.server;
  context.valid_until = peer.valid_until;
  return context;
}

class ProvisionedKey final : public SaeCredential {
 public:
  ProvisionedKey(KeyId identity, Kpsa key, EntityId server, SpId home)
      : identity_(std::move(identity)),
        key_(std::move(key)),
        server_(std::move(server)),
        home_(std::move(home)) {}
  void prepare(UniqueFunction<void(Status)> done) override { done({}); }
  void refused() override {}
  std::uint64_t generation() const override { return 0; }
  Result<tls::ClientOptions> options() override {
    return tls::ClientOptions{.suites = {{tls::kPskAes128CbcSha256}},
                              .limits = {},
                              .server_name = {},
                              .credential = tls::ClientPsk{identity_.text(), key_.bytes().duplicate()},
                              .trust = nullptr,
                              .home = home_,
                              .check_server = {},
                              .expected = server_};
  }

 private:
  KeyId identity_;
  Kpsa key_;
  EntityId server_;
  SpId home_;
};

class CertificateCredential final : public SaeCredential {
 public:
  explicit CertificateCredential(CertificateCredentialOptions options) : options_(std::move(options)) {}
  void prepare(UniqueFunction<void(Status)> done) override { done({}); }
  void refused() override {}
  std::uint64_t generation() const override { return 0; }
  Result<tls::ClientOptions> options() override {
    return tls::ClientOptions{
        .suites = {{tls::kEcdheEcdsaAes128CbcSha256}},
        .limits = {},
        .server_name = {},
        .credential = options_.own,
        .trust = options_.trust,
        .home = options_.home,
        .check_server = [options = options_](
                            const pki::TrustStore::Verified& peer) { return check_server(peer, options); },
        .expected = options_.server};
  }

 private:
  CertificateCredentialOptions options_;
};

/// 8.2.2.3. One key at a time; a request for another while one is being registered waits for that one.
class MafKey final : public SaeCredential, public std::enable_shared_from_this<MafKey> {
 public:
  MafKey(MafCredentialOptions options, const Clock& clock)
      : options_(std::move(options)), clock_(clock), registration_(options_.registration) {}

  void prepare(UniqueFunction<void(Status)> done) override {
    // A key of another use would be used outside its scope; 11 is what TR-0038 writes for 32.
    if (const auto suid = options_.suid.value(); suid != 32 && suid != 11)
      return done(fail(ErrorCode::invalid_argument,
                       "SUID " + std::to_string(suid) + " is not that of a MAF-based association"));
    if (key_ && key_->expires > clock_.now() + options_.margin) return done({});
    waiting_.push_back(std::move(done));
    if (waiting_.size() > 1) return;
    key_.reset();
    if (registration_ && registration_->expires > clock_.now() + options_.key_lifetime) return register_key();
    register_client();
  }

  Result<tls::ClientOptions> options() override {
    if (!key_) return fail(ErrorCode::unavailable, "no key from the MAF yet");
    return tls::ClientOptions{.suites = {{tls::kPskAes128CbcSha256}},
                              .limits = {},
                              .server_name = {},
                              .credential = tls::ClientPsk{key_->id.text(), key_->key.bytes().duplicate()},
                              .trust = nullptr,
                              .home = options_.home,
                              .check_server = {},
                              .expected = options_.server};
  }

  void refused() override { key_.reset(); }
  std::uint64_t generation() const override { return generation_; }

 private:
  void register_client() {
    options_.maf->register_client(options_.admin_fqdn, clock_.now() + options_.registration_lifetime, {},
                                  [self = shared_from_this()](Result<MafRegistration> result) {
                                    // Registered by an earlier run of this client: that registration is taken
                                    // over.
                                    if (!result && result.error().code == ErrorCode::conflict)
                                      return self->find_registration();
                                    if (!result) return self->finish(fail(result.error()));
                                    self->registration_ = std::move(*result);
                                    self->register_key();
                                  });
  }

  void find_registration() {
    options_.maf->find_registration(options_.admin_fqdn,
                                    [self = shared_from_this()](Result<MafRegistration> result) {
                                      if (!result) return self->finish(fail(result.error()));
                                      self->registration_ = std::move(*result);
                                      self->extend_registration();
                                    });
  }

  void extend_registration() {
    options_.maf->update_registration(registration_->id, clock_.now() + options_.registration_lifetime, {},
                                      [self = shared_from_this()](Result<MafRegistration> result) {
                                        if (!result) return self->finish(fail(result.error()));
                                        self->registration_->expires = result->expires;
                                        self->register_key();
                                      });
  }

  void register_key() {
    KeyRegistrationRequest request{.registration_id = registration_->id,
                                   .admin_fqdn = options_.admin_fqdn,
                                   .expires = clock_.now() + options_.key_lifetime,
                                   .suid = options_.suid,
                                   .targets = {options_.server},
                                   .labels = {},
                                   .value = std::nullopt};
    options_.maf->register_key(std::move(request), [self = shared_from_this()](Result<RegisteredKey> result) {
      if (!result) {
        // The MAF no longer knows the registration (it expired or was removed): the next attempt makes a new
        // one.
        if (result.error().code == ErrorCode::not_found) self->registration_.reset();
        return self->finish(fail(result.error()));
      }
      self->key_ = std::move(*result);
      ++self->generation_;
      if (self->options_.on_key) self->options_.on_key(*self->key_);
      self->finish({});
    });
  }

  void finish(Status status) {
    auto waiting = std::move(waiting_);
    waiting_.clear();
    for (auto& done : waiting) done(status ? Status() : Status(fail(status.error())));
  }

  MafCredentialOptions options_;
  const Clock& clock_;
  std::optional<MafRegistration> registration_;
  std::optional<RegisteredKey> key_;
  std::uint64_t generation_ = 0;
  std::vector<UniqueFunction<void(Status)>> waiting_;
};

}  // namespace

std::shared_ptr<SaeCredential> provisioned_key(KeyId identity, Kpsa key, EntityId server, SpId home) {
  return std::make_shared<ProvisionedKey>(std::move(identity), std::move(key), std::move(server),
                                          std::move(home));
}

std::shared_ptr<SaeCredential> certificate(CertificateCredentialOptions options) {
  return std::make_shared<CertificateCredential>(std::move(options));
}

std::shared_ptr<SaeCredential> maf_key(MafCredentialOptions options, const Clock& clock) {
  return std::make_shared<MafKey>(std::move(options), clock);
}

}  // namespace latchkey::client
