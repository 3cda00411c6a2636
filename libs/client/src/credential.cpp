#include "latchkey/client/credential.h"

#include <algorithm>
#include <utility>

#include "latchkey/client/configuration.h"
#include "psk_options.h"

namespace latchkey::client {

namespace {

/// The context that a client associates with a server whose certificate names what was configured (8.2.2.2).
Result<tls::SecurityContext> check_server(const pki::TrustStore::Verified& peer,
                                          const CertificateCredentialOptions& options) {
  const auto* cse = std::get_if<CseId>(&options.server);
  const auto* fqdn = std::get_if<Fqdn>(&options.server);
  bool named = false;
  if (cse != nullptr) named = pki::names_cse(peer.identity, *cse, options.server_in_cse, options.annex_b);
  if (fqdn != nullptr) named = pki::names_fqdn(peer.identity, *fqdn);
  // 8.1.2.4: then this identifier, and nothing else, tells the CSE.
  if (options.server_device) named = pki::names_device(peer.identity, *options.server_device);
  if (!named)
    return fail(ErrorCode::authentication,
                "the server's certificate does not name " +
                    (options.server_device ? options.server_device->dotted() : to_string(options.server)));
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
    return psk_options(identity_, key_.bytes(), server_, home_);
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
  ~MafKey() override { finish(fail(ErrorCode::unavailable, "the credential was given up")); }

  void prepare(UniqueFunction<void(Status)> done) override {
    // A key of another use would be used outside its scope; 11 is what TR-0038 writes for 32.
    if (const auto suid = options_.suid.value(); suid != 32 && suid != 11)
      return done(fail(ErrorCode::invalid_argument,
                       "SUID " + std::to_string(suid) + " is not that of a MAF-based association"));
    if (key_ && clock_.now() < renew_at_) return done({});
    waiting_.push_back(std::move(done));
    if (waiting_.size() > 1) return;
    key_.reset();
    if (registration_ && registration_->expires > clock_.now() + options_.key_lifetime) return register_key();
    register_client();
  }

  Result<tls::ClientOptions> options() override {
    if (!key_) return fail(ErrorCode::unavailable, "no key from the MAF yet");
    return psk_options(key_->id, key_->key.bytes(), options_.server, options_.home);
  }

  /// What was refused is of no more use: left at the MAF, such keys would fill what it keeps for a client.
  void refused() override {
    if (!key_) return;
    options_.maf->deregister_key(key_->id.relative(), [](const Result<void>&) {});
    key_.reset();
  }
  std::uint64_t generation() const override { return generation_; }

 private:
  /// Runs `next` with the value of an answer; an error ends the preparation. Nobody is kept alive by waiting.
  template <class T, class Next>
  UniqueFunction<void(Result<T>)> then(Next next) {
    return [weak = weak_from_this(), next = std::move(next)](Result<T> result) mutable {
      const auto self = weak.lock();
      if (!self) return;
      if (!result) return self->finish(fail(result.error()));
      next(*self, std::move(*result));
    };
  }

  void register_client() {
    auto registered = then<MafRegistration>([](MafKey& self, MafRegistration registration) {
      self.registration_ = std::move(registration);
      self.configure();
    });
    options_.maf->register_client(options_.admin_fqdn, clock_.now() + options_.registration_lifetime, {},
                                  [weak = weak_from_this(), registered = std::move(registered)](
                                      Result<MafRegistration> result) mutable {
                                    // Registered by an earlier run of this client: that registration is taken
                                    // over.
                                    const auto self = weak.lock();
                                    if (self && !result && result.error().code == ErrorCode::conflict)
                                      return self->find_registration();
                                    registered(std::move(result));
                                  });
  }

  void find_registration() {
    options_.maf->find_registration(options_.admin_fqdn,
                                    then<MafRegistration>([](MafKey& self, MafRegistration registration) {
                                      self.registration_ = std::move(registration);
                                      self.extend_registration();
                                    }));
  }

  void extend_registration() {
    options_.maf->update_registration(
        registration_->id, clock_.now() + options_.registration_lifetime, {},
        then<MafRegistrationChange>([](MafKey& self, const MafRegistrationChange& change) {
          if (change.expires) self.registration_->expires = *change.expires;
          self.configure();
        }));
  }

  /// 8.8.2.4: what the stakeholder configured at the MAF is applied to the keys that follow.
  void configure() {
    if (!options_.configured_by_maf) return register_key();
    options_.maf->client_configuration(
        registration_->id, [weak = weak_from_this()](const Result<std::string>& text) {
          const auto self = weak.lock();
          if (!self) return;
          if (auto applied = self->apply_configuration(text); !applied)
            return self->finish(fail("configuration by the MAF", applied.error()));
          self->register_key();
        });
  }

  Status apply_configuration(const Result<std::string>& text) {
    configuration_.reset();
    if (!text) return text.error().code == ErrorCode::not_found ? Status() : Status(fail(text.error()));
    const auto admin = Fqdn::parse(options_.admin_fqdn);
    if (!admin) return fail(admin.error());
    auto configuration =
        key_registration_configuration(*text, *admin, options_.suid, options_.home, clock_.now());
    if (!configuration)
      return configuration.error().code == ErrorCode::not_found ? Status()
                                                                : Status(fail(configuration.error()));
    const auto& targets = configuration->targets;
    if (!targets.empty() && std::ranges::find(targets, options_.server) == targets.end())
      return fail(ErrorCode::denied, "no key for " + to_string(options_.server) + " is provided for");
    configuration_ = std::move(*configuration);
    return {};
  }

  void register_key() {
    KeyRegistrationRequest request{.registration_id = registration_->id,
                                   .admin_fqdn = options_.admin_fqdn,
                                   .expires = clock_.now() + options_.key_lifetime,
                                   .suid = options_.suid,
                                   .targets = {options_.server},
                                   .labels = {},
                                   .value = std::nullopt};
    if (configuration_) {
      if (configuration_->expires) request.expires = std::min(request.expires, *configuration_->expires);
      if (!configuration_->targets.empty()) request.targets = configuration_->targets;
      request.labels = configuration_->labels;
    }
    options_.maf->register_key(std::move(request),
                               [weak = weak_from_this()](Result<RegisteredKey> result) mutable {
                                 if (const auto self = weak.lock()) self->registered(std::move(result));
                               });
  }

  void registered(Result<RegisteredKey> result) {
    if (!result) {
      // The MAF no longer knows the registration (it expired or was removed): the next attempt makes a new
      // one.
      if (result.error().code == ErrorCode::not_found) registration_.reset();
      return finish(fail(result.error()));
    }
    key_ = std::move(*result);
    ++generation_;
    // A MAF may grant less than the margin; the key is used for most of its life all the same.
    const auto now = clock_.now();
    renew_at_ = key_->expires - std::min<TimePoint::duration>(options_.margin, (key_->expires - now) / 4);
    if (options_.on_key) options_.on_key(*key_);
    finish({});
  }

  void finish(Status status) {
    auto waiting = std::exchange(waiting_, {});
    for (auto& done : waiting) done(status ? Status() : Status(fail(status.error())));
  }

  MafCredentialOptions options_;
  const Clock& clock_;
  std::optional<MafRegistration> registration_;
  std::optional<MafKeyRegistrationConfiguration> configuration_;
  std::optional<RegisteredKey> key_;
  TimePoint renew_at_{};
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
