// Handshakes in memory: our endpoint against the bare GnuTLS loop, both ends in one thread, in the same run.
//   PskBare / PskEndpoint                  target: at most 1.5 times
//   CertificateBare / CertificateEndpoint  target: at most 1.3 times; the bare loop checks no chain, ours
//   knows it
#include <benchmark/benchmark.h>
#include <gnutls/gnutls.h>
#include <malloc.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>

#include "latchkey/pki/authority.h"
#include "latchkey/tls/endpoint.h"

namespace {

using namespace latchkey;

constexpr const char* kPskPriority =
    "NONE:+COMP-NULL:+SIGN-ECDSA-SHA256:+GROUP-SECP256R1:+VERS-TLS1.2:+PSK:+AES-128-CBC:+SHA256";
constexpr const char* kCertificatePriority =
    "NONE:+COMP-NULL:+SIGN-ECDSA-SHA256:+GROUP-SECP256R1:+VERS-TLS1.2:+ECDHE-ECDSA:+AES-128-CBC:+SHA256:+"
    "CTYPE-X509";
constexpr std::string_view kIdentity = "AE123456789012-Lock@in.provider.com";

const SpId& home() {
  static const SpId sp = *SpId::parse("//my.m2mprovider.org");
  return sp;
}

/// Certificates of an IN-CSE and an MN-CSE below an issuing CA.
struct Pki {
  static const Pki& instance() {
    static const Pki pki;
    return pki;
  }
  Pki() {
    std::string folder = std::filesystem::temp_directory_path() / "latchkey-bench-XXXXXX";
    if (mkdtemp(folder.data()) == nullptr) std::abort();
    const pki::NameConstraints names{{"my.m2mprovider.org"}, {}, {}};
    auto root = *pki::Authority::create_root(folder + "/root", "Root", names, std::chrono::days(100));
    auto issuing = *pki::Authority::create_intermediate(folder + "/issuing", root, "Issuing", names,
                                                        std::chrono::days(90));
    server = issue(issuing, "in-cse.my.m2mprovider.org");
    client = issue(issuing, "mn-cse.in-cse.my.m2mprovider.org");
    trust = *pki::TrustStore::make({{root.certificate(), {}}}, {});
    std::filesystem::remove_all(folder);
  }
  static std::shared_ptr<const tls::OwnCertificate> issue(pki::Authority& issuing, const char* name) {
    auto key = *pki::PrivateKey::generate();
    pki::SubjectRequest subject;
    subject.flavour = pki::Flavour::cse_id;
    subject.common_name = name;
    subject.domain_name = *Fqdn::parse(name);
    const auto issued = *issuing.issue(subject, key.public_spki(), std::chrono::days(30));
    return std::make_shared<const tls::OwnCertificate>(
        tls::OwnCertificate{*pki::Certificate::chain_from_pem(issued.chain_pem), std::move(key)});
  }
  std::shared_ptr<const tls::OwnCertificate> server;
  std::shared_ptr<const tls::OwnCertificate> client;
  std::shared_ptr<const pki::TrustStore> trust;
};

// --- the bare loop ---

struct Pipe {
  std::string* in;
  std::string* out;
  static ssize_t push(gnutls_transport_ptr_t self, const void* data, std::size_t size) {
    static_cast<Pipe*>(self)->out->append(static_cast<const char*>(data), size);
    return static_cast<ssize_t>(size);
  }
  static ssize_t pull(gnutls_transport_ptr_t self, void* to, std::size_t size) {
    std::string& in = *static_cast<Pipe*>(self)->in;
    size = std::min(size, in.size());
    if (size == 0) {
      errno = EAGAIN;
      return -1;
    }
    std::memcpy(to, in.data(), size);
    in.erase(0, size);
    return static_cast<ssize_t>(size);
  }
};

struct BareCredentials {
  gnutls_priority_t priority = nullptr;
  gnutls_psk_client_credentials_t psk_client = nullptr;
  gnutls_psk_server_credentials_t psk_server = nullptr;
  gnutls_certificate_credentials_t client = nullptr;
  gnutls_certificate_credentials_t server = nullptr;

  explicit BareCredentials(const char* text) { gnutls_priority_init(&priority, text, nullptr); }
  static gnutls_certificate_credentials_t certificate(const tls::OwnCertificate& own) {
    gnutls_certificate_credentials_t made = nullptr;
    gnutls_certificate_allocate_credentials(&made);
    std::string chain;
    for (const auto& certificate : own.chain) chain += certificate.to_pem();
    const SecretBytes key = own.key.to_pem();
    std::string key_text(as_text(key.reveal()));
    gnutls_datum_t chain_datum{reinterpret_cast<unsigned char*>(chain.data()),
                               static_cast<unsigned>(chain.size())};
    gnutls_datum_t key_datum{reinterpret_cast<unsigned char*>(key_text.data()),
                             static_cast<unsigned>(key_text.size())};
    if (gnutls_certificate_set_x509_key_mem(made, &chain_datum, &key_datum, GNUTLS_X509_FMT_PEM) < 0)
      std::abort();
    return made;
  }
};

void bare_handshake(const BareCredentials& credentials) {
  std::string to_server;
  std::string to_client;
  Pipe at_client{&to_client, &to_server};
  Pipe at_server{&to_server, &to_client};
  gnutls_session_t client = nullptr;
  gnutls_session_t server = nullptr;
  gnutls_init(&client, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_TICKETS);
  gnutls_init(&server, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_TICKETS);
  for (const auto& [session, pipe] : {std::pair(client, &at_client), std::pair(server, &at_server)}) {
    gnutls_priority_set(session, credentials.priority);
    gnutls_transport_set_ptr(session, pipe);
    gnutls_transport_set_push_function(session, Pipe::push);
    gnutls_transport_set_pull_function(session, Pipe::pull);
  }
  if (credentials.psk_client != nullptr) {
    gnutls_credentials_set(client, GNUTLS_CRD_PSK, credentials.psk_client);
    gnutls_credentials_set(server, GNUTLS_CRD_PSK, credentials.psk_server);
  } else {
    gnutls_credentials_set(client, GNUTLS_CRD_CERTIFICATE, credentials.client);
    gnutls_credentials_set(server, GNUTLS_CRD_CERTIFICATE, credentials.server);
    gnutls_certificate_server_set_request(server, GNUTLS_CERT_REQUIRE);
  }
  int client_result = GNUTLS_E_AGAIN;
  int server_result = GNUTLS_E_AGAIN;
  while (client_result == GNUTLS_E_AGAIN || server_result == GNUTLS_E_AGAIN) {
    if (client_result == GNUTLS_E_AGAIN) client_result = gnutls_handshake(client);
    if (server_result == GNUTLS_E_AGAIN) server_result = gnutls_handshake(server);
  }
  if (client_result != 0 || server_result != 0) std::abort();
  gnutls_deinit(client);
  gnutls_deinit(server);
}

void PskBare(benchmark::State& state) {
  BareCredentials credentials(kPskPriority);
  std::array<unsigned char, 32> key{1};
  gnutls_datum_t datum{key.data(), 32};
  gnutls_psk_allocate_client_credentials(&credentials.psk_client);
  gnutls_psk_set_client_credentials(credentials.psk_client, kIdentity.data(), &datum, GNUTLS_PSK_KEY_RAW);
  gnutls_psk_allocate_server_credentials(&credentials.psk_server);
  gnutls_psk_set_server_credentials_function(credentials.psk_server,
                                             [](gnutls_session_t, const char*, gnutls_datum_t* to) {
                                               to->data = static_cast<unsigned char*>(gnutls_calloc(1, 32));
                                               to->data[0] = 1;
                                               to->size = 32;
                                               return 0;
                                             });
  for (auto _ : state) bare_handshake(credentials);
}
BENCHMARK(PskBare);

void CertificateBare(benchmark::State& state) {
  BareCredentials credentials(kCertificatePriority);
  credentials.client = BareCredentials::certificate(*Pki::instance().client);
  credentials.server = BareCredentials::certificate(*Pki::instance().server);
  for (auto _ : state) bare_handshake(credentials);
}

// --- our endpoint ---

class NoAudit final : public AuditSink {
 public:
  void record(AuditEvent) override {}
};
class OneKey final : public tls::PskSource {
 public:
  void find(std::string_view, std::string_view, Answer answer) override {
    SecretBytes key(32);
    key.reveal_writable()[0] = 1;
    answer(tls::PskCredential{std::move(key), {}});
  }
};
class AnyOne final : public tls::CertificateMapper {
 public:
  Result<tls::SecurityContext> map(const pki::TrustStore::Verified&) override {
    return tls::SecurityContext{};
  }
};

struct Ends {
  NoAudit audit;
  OneKey keys;
  AnyOne mapper;
  explicit Ends(tls::ServerOptions server_options = {}) : options(std::move(server_options)) {}
  tls::ServerOptions options;
  std::unique_ptr<tls::ServerEndpoint> endpoint = *tls::ServerEndpoint::make(
      options, Pki::instance().server, Pki::instance().trust, home(), &mapper, &keys, audit, system_clock());

  std::unique_ptr<tls::Session> handshake(tls::ClientOptions client_options) {
    auto client = *tls::connect(std::move(client_options), audit, system_clock());
    auto server = endpoint->accept("192.0.2.1:50000");
    client->start();
    while (client->state() == tls::Session::State::handshaking ||
           server->state() == tls::Session::State::handshaking) {
      server->receive(client->take_output());
      client->receive(server->take_output());
    }
    if (client->state() != tls::Session::State::established ||
        server->state() != tls::Session::State::established) {
      std::abort();
    }
    return server;
  }
};

tls::ClientOptions psk_options() {
  SecretBytes key(32);
  key.reveal_writable()[0] = 1;
  tls::ClientOptions options{.home = home()};
  options.credential = tls::ClientPsk{std::string(kIdentity), std::move(key)};
  return options;
}
tls::ClientOptions certificate_options() {
  tls::ClientOptions options{.home = home()};
  options.credential = Pki::instance().client;
  options.trust = Pki::instance().trust;
  options.check_server = [](const pki::TrustStore::Verified&) -> Result<tls::SecurityContext> {
    return tls::SecurityContext{};
  };
  return options;
}

/// Heap octets for each idle established server session.
double octets_per_session(Ends& ends, tls::ClientOptions (*options)()) {
  std::vector<std::unique_ptr<tls::Session>> sessions;
  constexpr std::size_t kSessions = 500;
  sessions.reserve(kSessions);
  const std::size_t before = mallinfo2().uordblks;
  while (sessions.size() < kSessions) sessions.push_back(ends.handshake(options()));
  return static_cast<double>(mallinfo2().uordblks - before) / kSessions;
}

void PskEndpoint(benchmark::State& state) {
  Ends ends;
  for (auto _ : state) ends.handshake(psk_options());
  state.counters["octets_per_session"] = octets_per_session(ends, psk_options);
}
BENCHMARK(PskEndpoint);

BENCHMARK(CertificateBare);
void CertificateEndpoint(benchmark::State& state) {
  Ends ends;
  for (auto _ : state) ends.handshake(certificate_options());
  state.counters["octets_per_session"] = octets_per_session(ends, certificate_options);
}
BENCHMARK(CertificateEndpoint);

/// A chain that no cache knows: path validation at the server as well.
void CertificateEndpointUnknownChain(benchmark::State& state) {
  Ends ends({.chain_cache_entries = 0});
  for (auto _ : state) ends.handshake(certificate_options());
}
BENCHMARK(CertificateEndpointUnknownChain);

}  // namespace

BENCHMARK_MAIN();
