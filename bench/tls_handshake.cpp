// Handshakes in memory, both ends in one thread: our endpoints, wired as latchkey-cse wires them
// (psk-lookup-table and key from the Secure Environment, chain cache, identity from the certificate, decision
// log in a file), against the bare GnuTLS loop, which looks nothing up, checks no chain and logs nothing.
// Processor time of the process, so the thread that writes the decision log counts.
#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "bare_tls.h"
#include "latchkey/base/audit.h"
#include "latchkey/cse/association.h"
#include "latchkey/pki/authority.h"
#include "latchkey/secure_env/software.h"
#include "latchkey/tls/endpoint.h"
#include "measure.h"

namespace {

using namespace latchkey;
using bench::give_up;

constexpr int kRounds = 15;
constexpr int kPskHandshakes = 300;
constexpr int kCertificateHandshakes = 100;
constexpr std::string_view kIdentity = "AE123456789012-Lock@in.provider.com";
constexpr std::string_view kKey = "0123456789abcdef0123456789abcdef";

template <class T>
T must(Result<T> result) {
  if (!result) give_up(result.error().detail);
  return std::move(*result);
}
void must(const Status& status) {
  if (!status) give_up(status.error().detail);
}

const SpId& home() {
  static const SpId sp = must(SpId::parse("//my.m2mprovider.org"));
  return sp;
}
CseId in_cse() { return must(CseId::parse("/in-cse", home())); }

SecretBytes the_key() {
  SecretBytes key(kKey.size());
  std::copy(kKey.begin(), kKey.end(), key.reveal_writable().begin());
  return key;
}

/// Certificates of an IN-CSE and an MN-CSE below an issuing CA.
struct Pki {
  explicit Pki(const std::string& folder) {
    const pki::NameConstraints names{{"my.m2mprovider.org"}, {}, {}};
    auto root = must(pki::Authority::create_root(folder + "/root", "Root", names, std::chrono::days(100)));
    auto issuing = must(pki::Authority::create_intermediate(folder + "/issuing", root, "Issuing", names,
                                                            std::chrono::days(90)));
    server = issue(issuing, "in-cse.my.m2mprovider.org");
    client = issue(issuing, "mn-cse.in-cse.my.m2mprovider.org");
    trust = must(pki::TrustStore::make({{root.certificate(), {}}}, {}));
  }
  static std::shared_ptr<const tls::OwnCertificate> issue(pki::Authority& issuing, const char* name) {
    auto key = must(pki::PrivateKey::generate());
    pki::SubjectRequest subject;
    subject.flavour = pki::Flavour::cse_id;
    subject.common_name = name;
    subject.domain_name = must(Fqdn::parse(name));
    const auto issued = must(issuing.issue(subject, key.public_spki(), std::chrono::days(30)));
    return std::make_shared<const tls::OwnCertificate>(
        tls::OwnCertificate{must(pki::Certificate::chain_from_pem(issued.chain_pem)), std::move(key)});
  }
  std::shared_ptr<const tls::OwnCertificate> server, client;
  std::shared_ptr<const pki::TrustStore> trust;
};

bench::CertificateEnd bare_end(const tls::OwnCertificate& own) {
  std::string chain;
  for (const auto& certificate : own.chain) chain += certificate.to_pem();
  const SecretBytes key = own.key.to_pem();
  return {std::move(chain), std::string(as_text(key.reveal()))};
}

/// What latchkey-cse has around its endpoint.
class Endpoints {
 public:
  Endpoints(const std::string& folder, const Pki& pki)
      : pki_(pki), audit_(must(AuditLog::open({.path = folder + "/decisions.jsonl"}))) {
    must(secure_env::create_kek_file(folder + "/kek"));
    std::filesystem::create_directory(folder + "/state");
    std::filesystem::permissions(folder + "/state", std::filesystem::perms::owner_all);
    secure_env::SoftwareOptions options;
    options.folder = folder + "/state";
    options.kek_file = folder + "/kek";
    environment_ = must(secure_env::open_software(options));
    const std::string table = folder + "/state/psk.tsv";
    must(secure_env::psk_add(*environment_, table, home(), must(parse_entity_id("/mn-cse/Clock", home())),
                             must(KeyId::parse(kIdentity)), must(Suid::from(12)), std::nullopt, the_key(),
                             128));
    keys_ = std::make_unique<cse::KeySource>(cse::MafKeyOptions{.self = in_cse()}, *environment_,
                                             system_clock(), *audit_);
    keys_->set_table(must(secure_env::PskTable::load(table, home())));
    endpoint_ = must(tls::ServerEndpoint::make({}, pki.server, pki.trust, home(), &certificates_, keys_.get(),
                                               *audit_, system_clock()));
  }

  void psk_handshake_of(gnutls_session_t client) {
    const auto server = endpoint_->accept("192.0.2.1:50000");
    bench::handshake_in_memory(client, [&server](ByteView octets) {
      server->receive(octets);
      return server->take_output();
    });
    if (server->state() != tls::Session::State::established) give_up("handshake: " + server->failure());
  }
  void psk_handshake() {
    tls::ClientOptions options{.home = home()};
    options.credential = tls::ClientPsk{std::string(kIdentity), the_key()};
    options.expected = EntityId(in_cse());
    handshake(std::move(options));
  }
  void certificate_handshake() {
    tls::ClientOptions options{.home = home()};
    options.credential = pki_.client;
    options.trust = pki_.trust;
    options.check_server = [](const pki::TrustStore::Verified&) -> Result<tls::SecurityContext> {
      return tls::SecurityContext{};
    };
    handshake(std::move(options));
  }

 private:
  void handshake(tls::ClientOptions options) {
    using State = tls::Session::State;
    auto client = must(tls::connect(std::move(options), *audit_, system_clock()));
    auto server = endpoint_->accept("192.0.2.1:50000");
    client->start();
    while (client->state() == State::handshaking || server->state() == State::handshaking) {
      server->receive(client->take_output());
      client->receive(server->take_output());
    }
    if (client->state() != State::established || server->state() != State::established)
      give_up("handshake: " + client->failure() + server->failure());
  }

  const Pki& pki_;
  std::unique_ptr<AuditLog> audit_;
  std::unique_ptr<secure_env::SecureEnvironment> environment_;
  std::unique_ptr<cse::KeySource> keys_;
  cse::ClientCertificates certificates_{home(), in_cse(), false};
  std::unique_ptr<tls::ServerEndpoint> endpoint_;
};

/// Processor seconds of one of `count`.
double cpu_of(int count, const std::function<void()>& work) {
  const auto clock = bench::CpuClock::of_this_process();
  const double before = clock.seconds();
  for (int i = 0; i < count; ++i) work();
  return (clock.seconds() - before) / count;
}

void compare(const char* name, int count, double target, const std::function<void()>& ours,
             const std::function<void()>& reference) {
  cpu_of(count, reference);
  cpu_of(count, ours);
  const auto pair = bench::take_turns(
      kRounds, [&] { return cpu_of(count, ours); }, [&] { return cpu_of(count, reference); });
  bench::print_row(name, bench::in_microseconds(pair.ours),
                   bench::in_microseconds(pair.reference) + " bare loop", bench::number(pair.ratio(), 2),
                   "at most " + bench::number(target, 1), pair.ratio() <= target);
}

}  // namespace

int main() {
  constexpr unsigned kClient = GNUTLS_CLIENT | GNUTLS_NONBLOCK, kServer = GNUTLS_SERVER | GNUTLS_NONBLOCK;
  const bench::ScratchFolder folder;
  const Pki pki(folder.path());
  Endpoints endpoints(folder.path(), pki);
  const bench::PskEnds psk({std::string(kIdentity), std::string(kKey)});
  const auto bare_psk = [&] {
    bench::handshake_in_memory(psk.session(kClient).get(), psk.session(kServer).get());
  };
  compare(
      "PSK handshake in memory through our endpoint, bare client", kPskHandshakes, 1.5,
      [&] { endpoints.psk_handshake_of(psk.session(kClient).get()); }, bare_psk);
  compare(
      "PSK handshake in memory, both ends ours", kPskHandshakes, 1.5, [&] { endpoints.psk_handshake(); },
      bare_psk);
  const auto client = bare_end(*pki.client), server = bare_end(*pki.server);
  compare(
      "certificate handshake in memory, known chain, both ends ours", kCertificateHandshakes, 1.3,
      [&] { endpoints.certificate_handshake(); },
      [&] { bench::handshake_in_memory(client.session(kClient).get(), server.session(kServer).get()); });
  return 0;
}
