/// latchkey maf: the MAF client's procedures (TS-0003 8.8.2), one a command.
#include "maf.h"

namespace latchkey::cli {

void MafOptions::add_to(CLI::App& app) {
  connection.add_to(app);
  app.add_option("--maf", fqdn, "MAF-FQDN")->required();
  app.add_option("--client", client, "MAF Client ID: device id, AE-ID or CSE-ID")->required();
}

namespace {

/// 8.8.2.2: the client keeps Km, of which end-to-end credentials are made (8.6.2).
Result<client::MasterCredential> master_of(const ConnectionOptions& connection) {
  auto id = KeyId::parse(connection.psk_identity);
  if (!id) return fail("--psk-identity", id.error());
  auto secret = read_hex_secret(connection.psk_file);
  if (!secret) return fail("--psk-file", secret.error());
  return client::MasterCredential{std::move(*id), Km(std::move(*secret))};
}

Status set_credential(const ConnectionOptions& connection, client::MafClientOptions& options) {
  const auto kind = connection.scheme();
  if (!kind) return fail(kind.error());
  if (*kind != Scheme::https)
    return fail(ErrorCode::invalid_argument, "--url: a MAF is reached over https only");
  if (!connection.psk_identity.empty()) {
    auto master = master_of(connection);
    if (!master) return fail(master.error());
    options.master = std::move(*master);
    return {};
  }
  auto credential = connection.credential();
  if (!credential) return fail(credential.error());
  options.peer.credentials = [credential = *credential] { return credential->options(); };
  return {};
}

}  // namespace

Status MafSession::open(MafOptions& options) {
  auto sp = options.connection.home();
  if (!sp) return fail(sp.error());
  home = *sp;
  auto fqdn = Fqdn::parse(options.fqdn);
  if (!fqdn) return fail("--maf", fqdn.error());
  auto id = parse_entity_id(options.client, *sp);
  if (!id) return fail("--client", id.error());
  if (options.connection.server.empty()) options.connection.server = options.fqdn;
  auto peer = options.connection.peer();
  if (!peer) return fail(peer.error());
  peer->host = options.fqdn;
  client::MafClientOptions given{.maf = *fqdn,
                                 .home = *sp,
                                 .client_id = std::move(*id),
                                 .peer = std::move(*peer),
                                 .timeout = options.limit()};
  if (auto set = set_credential(options.connection, given); !set) return set;
  maf = std::make_unique<client::MafClient>(reactor, std::move(given), audit, system_clock());
  return {};
}

namespace {

namespace json = codec::json;
using Options = MafOptions;
using Session = MafSession;

template <class T, class Start>
Result<T> ask(Session& session, Options& options, Start start) {
  if (auto ready = session.open(options); !ready) return fail(ready.error());
  return session.ask<T>(options, std::move(start));
}

int show(const Result<client::MafRegistration>& registration) {
  if (!registration) return failed(registration.error());
  print(json::object{{"id", registration->id},
                     {"expires", format_timestamp(registration->expires)},
                     {"admin", registration->admin_fqdn},
                     {"client", registration->client_id}},
        registration->id + " until " + format_timestamp(registration->expires) + " for " +
            registration->admin_fqdn);
  return 0;
}

/// Until when something is kept now, if the MAF says so.
int show(const std::string& id, const std::optional<TimePoint>& expires) {
  json::object out{{"id", id}};
  if (expires) out["expires"] = format_timestamp(*expires);
  print(std::move(out), id + (expires ? " until " + format_timestamp(*expires) : " updated"));
  return 0;
}

/// A key goes into a file of its own, never to the terminal.
int keep(const KeyId& id, const Kc& key, TimePoint expires, Suid suid, const std::string& file) {
  std::string hex = to_hex(key.bytes().reveal());
  const auto written = write_new(file, hex, 0600);
  wipe(hex.data(), hex.size());
  if (!written) return failed(written.error());
  print(json::object{{"identity", id.text()},
                     {"expires", format_timestamp(expires)},
                     {"suid", suid.value()},
                     {"file", file}},
        id.text() + " until " + format_timestamp(expires) + ", key in " + file);
  return 0;
}

int register_key(Options& options) {
  Session session;
  auto suid = Suid::from(options.suid);
  if (!suid) return failed(suid.error());
  auto home = options.connection.home();
  if (!home) return failed(home.error());
  std::vector<EntityId> targets;
  for (const auto& text : options.targets) {
    auto id = parse_entity_id(text, *home);
    if (!id) return failed(id.error());
    targets.push_back(std::move(*id));
  }
  auto key = ask<client::RegisteredKey>(session, options, [&](auto done) {
    session.maf->register_key({.registration_id = options.registration,
                               .admin_fqdn = options.admin,
                               .expires = options.expires(),
                               .suid = *suid,
                               .targets = std::move(targets),
                               .labels = options.labels},
                              std::move(done));
  });
  return key ? keep(key->id, key->key, key->expires, key->suid, options.key_out) : failed(key.error());
}

int retrieve_key(Options& options) {
  Session session;
  auto key = ask<client::RetrievedKey>(
      session, options, [&](auto done) { session.maf->retrieve_key(options.key_id, std::move(done)); });
  if (!key) return failed(key.error());
  auto id = KeyId::parse(options.key_id + "@" + options.fqdn);
  return id ? keep(*id, key->key, key->expires, key->suid, options.key_out) : failed(id.error());
}

CLI::App* verb(CLI::App& maf, const char* name, const char* help, const std::shared_ptr<Options>& options) {
  auto* command = maf.add_subcommand(name, help);
  options->add_to(*command);
  return command;
}

void add_registrations(CLI::App& maf, int& status) {
  auto options = std::make_shared<Options>();
  auto* add = verb(maf, "register", "register this client (8.8.2.3)", options);
  add->add_option("--admin", options->admin, "FQDN of the administrating stakeholder")->required();
  add->add_option("--seconds", options->seconds, "lifetime");
  add->add_option("--label", options->labels, "labels");
  add->callback([options, &status] {
    Session session;
    status = show(ask<client::MafRegistration>(session, *options, [&](auto done) {
      session.maf->register_client(options->admin, options->expires(), options->labels, std::move(done));
    }));
  });
  auto changed = std::make_shared<Options>();
  auto* update = verb(maf, "update", "extend a registration (8.8.2.5)", changed);
  update->add_option("registration", changed->registration, "mafClientRegID")->required();
  update->add_option("--seconds", changed->seconds, "new lifetime from now");
  update->callback([changed, &status] {
    Session session;
    const auto change = ask<client::MafRegistrationChange>(session, *changed, [&](auto done) {
      session.maf->update_registration(changed->registration, changed->expires(), {}, std::move(done));
    });
    status = change ? show(changed->registration, change->expires) : failed(change.error());
  });
  auto configured = std::make_shared<Options>();
  auto* configuration = verb(maf, "configuration", "retrieve the client configuration (8.8.2.4)", configured);
  configuration->add_option("registration", configured->registration, "mafClientRegID")->required();
  configuration->callback([configured, &status] {
    Session session;
    const auto text = ask<std::string>(session, *configured, [&](auto done) {
      session.maf->client_configuration(configured->registration, std::move(done));
    });
    if (text) std::printf("%s\n", text->c_str());
    status = text ? 0 : failed(text.error());
  });
  auto gone = std::make_shared<Options>();
  auto* remove = verb(maf, "deregister", "end a registration and its keys (8.8.2.6)", gone);
  remove->add_option("registration", gone->registration, "mafClientRegID")->required();
  remove->callback([gone, &status] {
    Session session;
    const auto done_status = ask<void>(session, *gone, [&](auto done) {
      session.maf->deregister_client(gone->registration, std::move(done));
    });
    status = done_status ? 0 : failed(done_status.error());
  });
}

void add_maf_keys(CLI::App& maf, int& status) {
  auto options = std::make_shared<Options>();
  auto* add = verb(maf, "register-key", "register a key exported from the session (8.8.2.7)", options);
  add->add_option("--registration", options->registration, "mafClientRegID")->required();
  add->add_option("--admin", options->admin, "FQDN of the administrating stakeholder")->required();
  add->add_option("--suid", options->suid, "Security Usage Identifier");
  add->add_option("--target", options->targets, "absolute CSE-ID or AE-ID; left out: the MAF supplies it");
  add->add_option("--seconds", options->seconds, "lifetime");
  add->add_option("--key-out", options->key_out, "file for the key, made 0600")->required();
  add->callback([options, &status] { status = register_key(*options); });
  auto wanted = std::make_shared<Options>();
  auto* retrieve = verb(maf, "retrieve-key", "retrieve a key as its target (8.8.2.8)", wanted);
  retrieve->add_option("key", wanted->key_id, "RelativeKeyID, 32 hex digits")->required();
  retrieve->add_option("--key-out", wanted->key_out, "file for the key, made 0600")->required();
  retrieve->callback([wanted, &status] { status = retrieve_key(*wanted); });
  auto changed = std::make_shared<Options>();
  auto* update = verb(maf, "update-key", "extend a key registration (8.8.2.9)", changed);
  update->add_option("key", changed->key_id, "RelativeKeyID")->required();
  update->add_option("--seconds", changed->seconds, "new lifetime from now");
  update->callback([changed, &status] {
    Session session;
    const auto change = ask<client::KeyChange>(session, *changed, [&](auto done) {
      session.maf->update_key(changed->key_id, changed->expires(), {}, {}, std::move(done));
    });
    status = change ? show(changed->key_id, change->expires) : failed(change.error());
  });
  auto gone = std::make_shared<Options>();
  auto* remove = verb(maf, "deregister-key", "end a key registration (8.8.2.10)", gone);
  remove->add_option("key", gone->key_id, "RelativeKeyID")->required();
  remove->callback([gone, &status] {
    Session session;
    const auto outcome = ask<void>(
        session, *gone, [&](auto done) { session.maf->deregister_key(gone->key_id, std::move(done)); });
    status = outcome ? 0 : failed(outcome.error());
  });
}

}  // namespace

void add_maf(CLI::App& app, int& status) {
  auto* maf = app.add_subcommand("maf", "procedures of a MAF client");
  maf->require_subcommand(1);
  add_registrations(*maf, status);
  add_maf_keys(*maf, status);
  add_maf_end_to_end(*maf, status);
}

}  // namespace latchkey::cli
