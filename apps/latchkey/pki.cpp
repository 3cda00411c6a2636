/// latchkey pki: certificate authority, keys, inspection (TS-0003 10.1, TR-0038 Annex B).
#include "cli.h"
#include "latchkey/crypto/keys.h"
#include "latchkey/pki/authority.h"
#include "latchkey/pki/public_key_id.h"

namespace latchkey::cli {

namespace {

namespace json = codec::json;

const std::map<std::string, pki::Flavour> kFlavours{{"cse-id", pki::Flavour::cse_id},
                                                    {"ae-id", pki::Flavour::ae_id},
                                                    {"fqdn", pki::Flavour::fqdn},
                                                    {"node-id", pki::Flavour::node_id},
                                                    {"device", pki::Flavour::device}};

struct SubjectOptions {
  std::string flavour = "cse-id", name, sp = "//my.m2mprovider.org", in_cse;

  void add_to(CLI::App& app) {
    app.add_option("--type", flavour, "cse-id, ae-id, fqdn, node-id or device")
        ->check(CLI::IsMember(kFlavours))
        ->required();
    app.add_option("--name", name, "CSE-ID, AE-ID, FQDN, Node-ID or M2M-Device-ID")->required();
    app.add_option("--sp", sp, "M2M-SP-ID of the home domain");
    app.add_option("--in-cse", in_cse, "IN-CSE of the domain, for the public domain name of an MN-CSE");
  }

  [[nodiscard]] Result<pki::SubjectRequest> subject() const {
    auto home = SpId::parse(sp);
    if (!home) return fail("--sp", home.error());
    pki::SubjectRequest out{.flavour = kFlavours.at(flavour), .common_name = name};
    switch (out.flavour) {
      case pki::Flavour::cse_id: {
        auto id = CseId::parse(name, *home);
        if (!id) return fail("--name", id.error());
        std::optional<CseId> in;
        if (!in_cse.empty()) {
          auto parsed = CseId::parse(in_cse, *home);
          if (!parsed) return fail("--in-cse", parsed.error());
          in = std::move(*parsed);
        }
        auto domain = id->public_domain_name(in);
        if (!domain) return fail("--name", domain.error());
        out.domain_name = std::move(*domain);
        return out;
      }
      case pki::Flavour::ae_id: {
        auto id = AeId::parse(name, *home);
        if (!id) return fail("--name", id.error());
        out.ae_id = std::move(*id);
        return out;
      }
      case pki::Flavour::fqdn: {
        auto fqdn = Fqdn::parse(name);
        if (!fqdn) return fail("--name", fqdn.error());
        out.domain_name = std::move(*fqdn);
        return out;
      }
      default: {
        auto id = M2mDeviceId::parse(name);
        if (id)
          out.device_id = std::move(*id);
        else if (out.flavour == pki::Flavour::node_id)
          out.node_id = name;
        else
          return fail("--name", id.error());
        return out;
      }
    }
  }
};

Result<pki::PrivateKey> load_key(const std::string& file) {
  const auto pem = read_secret(file);
  if (!pem) return fail(pem.error());
  return pki::PrivateKey::from_pem(*pem);
}

int issued(const pki::Authority::Issued& issued, const std::string& out) {
  if (auto written = write_new(out, issued.chain_pem, 0644); !written) return failed(written.error());
  print(json::object{{"serial", issued.certificate.serial_hex()},
                     {"subject", issued.certificate.subject()},
                     {"file", out}},
        "issued " + issued.certificate.subject() + ", serial " + issued.certificate.serial_hex() + ", to " +
            out);
  return 0;
}

void add_authorities(CLI::App& pki, int& status) {
  struct Options {
    std::string folder, parent, name = "Latchkey root CA";
    pki::NameConstraints constraints;
    unsigned days = 3650;
  };
  for (const bool root : {true, false}) {
    auto* command = pki.add_subcommand(root ? "root" : "intermediate",
                                       root ? "make a root CA in a folder" : "make a CA below another one");
    auto options = std::make_shared<Options>();
    command->add_option("folder", options->folder, "folder of the new CA")->required();
    if (!root) command->add_option("--parent", options->parent, "folder of the CA that signs it")->required();
    command->add_option("--name", options->name, "common name");
    command->add_option("--permit-dns", options->constraints.dns, "name constraint: domain of dNSNames");
    command->add_option("--permit-uri", options->constraints.uri_hosts,
                        "name constraint: host of AE-ID URIs");
    command->add_option("--permit-device", options->constraints.device_arcs,
                        "name constraint: arcs of device ids");
    command->add_option("--days", options->days, "lifetime");
    command->callback([options, root, &status] {
      const std::chrono::days days(options->days);
      auto made = [&]() -> Result<pki::Authority> {
        if (root)
          return pki::Authority::create_root(options->folder, options->name, options->constraints, days);
        auto parent = pki::Authority::open(options->parent);
        if (!parent) return fail(parent.error());
        return pki::Authority::create_intermediate(options->folder, *parent, options->name,
                                                   options->constraints, days);
      }();
      if (!made) {
        status = failed(made.error());
        return;
      }
      print(json::object{{"subject", made->certificate().subject()}, {"folder", options->folder}},
            "made " + made->certificate().subject() + " in " + options->folder);
    });
  }
}

void add_issue(CLI::App& pki, int& status) {
  struct Options {
    std::string ca, key, out, csr;
    SubjectOptions subject;
    unsigned days = 365;
  };
  auto* issue = pki.add_subcommand("issue", "issue a certificate for a key");
  auto options = std::make_shared<Options>();
  issue->add_option("--ca", options->ca, "folder of the CA")->required();
  issue->add_option("--key", options->key, "private key of the subject, PEM; made if it does not exist")
      ->required();
  issue->add_option("--out", options->out, "file for the certificate chain")->required();
  issue->add_option("--days", options->days, "lifetime");
  options->subject.add_to(*issue);
  issue->callback([options, &status] {
    status = [&] {
      if (!CLI::ExistingFile(options->key).empty()) {
        auto key = pki::PrivateKey::generate();
        if (!key) return failed(key.error());
        const auto pem = key->to_pem();
        if (auto written = write_new(options->key, as_text(pem.reveal()), 0600); !written)
          return failed(written.error());
      }
      auto key = load_key(options->key);
      if (!key) return failed(key.error());
      auto subject = options->subject.subject();
      if (!subject) return failed(subject.error());
      auto ca = pki::Authority::open(options->ca);
      if (!ca) return failed(ca.error());
      auto result = ca->issue(*subject, key->public_spki(), std::chrono::days(options->days));
      return result ? issued(*result, options->out) : failed(result.error());
    }();
  });

  auto* request = pki.add_subcommand("request", "make a certificate signing request (10.1.4)");
  auto ask = std::make_shared<Options>();
  request->add_option("--key", ask->key, "private key, PEM")->required();
  request->add_option("--out", ask->out, "file for the request")->required();
  ask->subject.add_to(*request);
  request->callback([ask, &status] {
    status = [&] {
      auto key = load_key(ask->key);
      if (!key) return failed(key.error());
      auto subject = ask->subject.subject();
      if (!subject) return failed(subject.error());
      auto pem = pki::make_request(*key, *subject);
      return pem ? result(write_new(ask->out, *pem, 0644)) : failed(pem.error());
    }();
  });

  auto* sign = pki.add_subcommand("sign", "sign a certificate signing request");
  auto signing = std::make_shared<Options>();
  sign->add_option("--ca", signing->ca, "folder of the CA")->required();
  sign->add_option("--csr", signing->csr, "request, PEM; - is standard input")->required();
  sign->add_option("--type", signing->subject.flavour, "the only flavour that is signed")
      ->check(CLI::IsMember(kFlavours))
      ->required();
  sign->add_option("--out", signing->out, "file for the certificate chain")->required();
  sign->add_option("--days", signing->days, "lifetime");
  sign->callback([signing, &status] {
    status = [&] {
      const auto csr = read_text(signing->csr);
      if (!csr) return failed(csr.error());
      auto ca = pki::Authority::open(signing->ca);
      if (!ca) return failed(ca.error());
      auto result =
          ca->sign_request(*csr, kFlavours.at(signing->subject.flavour), std::chrono::days(signing->days));
      return result ? issued(*result, signing->out) : failed(result.error());
    }();
  });
}

void add_revocation(CLI::App& pki, int& status) {
  struct Options {
    std::string ca, serial, reason = "unspecified";
    unsigned days = 7;
  };
  auto* revoke = pki.add_subcommand("revoke", "revoke a certificate by its serial number");
  auto options = std::make_shared<Options>();
  revoke->add_option("--ca", options->ca, "folder of the CA")->required();
  revoke->add_option("serial", options->serial, "serial number in hex")->required();
  revoke->add_option("--reason", options->reason, "reason code of RFC 5280");
  revoke->callback([options, &status] {
    auto ca = pki::Authority::open(options->ca);
    status = ca ? result(ca->revoke(options->serial, options->reason)) : failed(ca.error());
  });
  auto* crl = pki.add_subcommand("crl", "write the CRL");
  auto writing = std::make_shared<Options>();
  crl->add_option("--ca", writing->ca, "folder of the CA")->required();
  crl->add_option("--days", writing->days, "until the next update");
  crl->callback([writing, &status] {
    auto ca = pki::Authority::open(writing->ca);
    const auto pem =
        ca ? ca->write_crl(std::chrono::days(writing->days)) : Result<std::string>(fail(ca.error()));
    if (!pem)
      status = failed(pem.error());
    else
      std::printf("%s", pem->c_str());
  });
}

void add_inspect(CLI::App& pki, int& status) {
  auto* inspect =
      pki.add_subcommand("inspect", "say which flavour a certificate is, and every rule that it breaks");
  auto file = std::make_shared<std::string>();
  inspect->add_option("file", *file, "certificate or chain, PEM; - is standard input")->required();
  inspect->callback([file, &status] {
    const auto pem = read_text(*file);
    auto chain = pem ? pki::Certificate::chain_from_pem(*pem)
                     : Result<std::vector<pki::Certificate>>(fail(pem.error()));
    if (!chain) {
      status = failed(chain.error());
      return;
    }
    std::printf("%s", pki::inspect(*chain, json_output).c_str());
    status = chain->front().profile_violations().empty() ? 0 : 1;
  });
}

/// Of a certificate its key.
Result<Bytes> spki_of(const std::string& file) {
  const auto pem = read_text(file);
  if (!pem) return fail(pem.error());
  if (const auto chain = pki::Certificate::chain_from_pem(*pem)) return chain->front().spki();
  const auto key = crypto::PublicKey::from_pem(*pem);
  if (!key) return fail(file, key.error());
  return key->spki();
}

void add_keys(CLI::App& pki, int& status) {
  auto* key_id = pki.add_subcommand("key-id", "print the public key identifier of a key (10.1.2)");
  auto key_file = std::make_shared<std::string>();
  key_id->add_option("file", *key_file, "certificate or public key, PEM")->required();
  key_id->callback([key_file, &status] {
    const auto spki = spki_of(*key_file);
    if (!spki) {
      status = failed(spki.error());
      return;
    }
    const auto text = pki::PublicKeyId::of(*spki).text();
    print(codec::json::object{{"keyId", text}}, text);
  });
  auto* kek = pki.add_subcommand("kek", "make a key-encryption key file for a daemon, 0600");
  auto path = std::make_shared<std::string>();
  kek->add_option("file", *path, "outside of the daemon's state directory")->required();
  kek->callback([path, &status] { status = result(secure_env::create_kek_file(*path)); });

  struct Options {
    secure_env::SoftwareOptions environment;
    std::string handle, key;
    bool replace = false;
  };
  auto* store = pki.add_subcommand("store-key", "put a private key into a daemon's Secure Environment");
  auto options = std::make_shared<Options>();
  store->add_option("--state-dir", options->environment.folder, "state directory of the daemon")->required();
  add_environment(*store, options->environment);
  store
      ->add_option("--handle", options->handle,
                   "name of the key, as the configuration gives it in private_key")
      ->required();
  store->add_option("--key", options->key, "private key, PEM, owner-only; - is standard input")->required();
  store->add_flag("--replace", options->replace,
                  "put it in the place of the key of that name; SIGHUP makes a running daemon use it");
  store->callback([options, &status] {
    status = [&] {
      auto pem = read_secret(options->key);
      if (!pem) return failed(pem.error());
      if (auto sound = pki::PrivateKey::from_pem(*pem); !sound) return failed(sound.error());
      auto environment = secure_env::open_software(options->environment);
      if (!environment) return failed(environment.error());
      const secure_env::KeyHandle handle{options->handle};
      return result(options->replace ? (*environment)->replace(handle, {}, std::move(*pem))
                                     : (*environment)->store(handle, {}, std::move(*pem)));
    }();
  });
}

}  // namespace

void add_pki(CLI::App& app, int& status) {
  auto* pki = app.add_subcommand("pki", "certificate authority, certificates, private keys");
  pki->require_subcommand(1);
  add_authorities(*pki, status);
  add_issue(*pki, status);
  add_revocation(*pki, status);
  add_inspect(*pki, status);
  add_keys(*pki, status);
}

}  // namespace latchkey::cli
