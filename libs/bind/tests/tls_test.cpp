/// Requests over TLS, end to end: identities, expiry, reload, exporter, floods of handshakes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <map>

#include "cover.h"
#include "latchkey/bind/http_client.h"
#include "latchkey/pki/authority.h"
#include "support/harness.h"

namespace latchkey::bind::test {
namespace {

using codec::RequestPrimitive;
using codec::ResponsePrimitive;
using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::StartsWith;

const SpId& home() {
  static const SpId sp = *SpId::parse("//my.m2mprovider.org");
  return sp;
}
CseId in_cse() { return *CseId::parse("/in-cse", home()); }
AeId lock_ae() { return *AeId::parse("/mn-cse-123456/Clock-AE1", home()); }
constexpr const char* kLockId = "AE123456789012-Lock@in.provider.com";

class Keys final : public tls::PskSource {
 public:
  void find(std::string_view identity, std::string_view, Answer answer) override {
    if (hold) return waiting.push_back(std::move(answer));
    if (identity != kLockId) return answer(fail(ErrorCode::not_found, "unknown psk_identity"));
    answer(credential());
  }
  tls::PskCredential credential() const {
    tls::SecurityContext context;
    context.framework = tls::Framework::provisioned_symmetric_key;
    context.identity = lock_ae();
    context.psk_identity = kLockId;
    context.valid_until = valid_until;
    return {*secret_from_hex("1a2b3c4d5e6f7a8b1a2b3c4d5e6f7a8b"), std::move(context)};
  }
  std::optional<TimePoint> valid_until;
  bool hold = false;
  std::vector<Answer> waiting;
};

class Mapper final : public tls::CertificateMapper {
 public:
  Result<tls::SecurityContext> map(const pki::TrustStore::Verified& peer) override {
    const auto cse = pki::certified_cse_id(peer.identity, home(), in_cse(), false);
    if (!cse) return fail(ErrorCode::denied, "no CSE-ID in the certificate");
    tls::SecurityContext context;
    context.framework = tls::Framework::certificate;
    context.identity = *cse;
    return context;
  }
};

/// A root and certificates of it, as values and as files.
struct TestPki {
  TestPki()
      : root(*pki::Authority::create_root(folder.file("root"), "Root", {{"my.m2mprovider.org"}, {}, {}},
                                          std::chrono::days(100))),
        trust(*pki::TrustStore::make({{root.certificate(), {}}}, {})),
        in(issue("in-cse.my.m2mprovider.org", "in")),
        mn(issue("mn-cse-123456.in-cse.my.m2mprovider.org", "mn")) {}
  static TestPki& instance() {
    static TestPki pki;
    return pki;
  }
  std::shared_ptr<const tls::OwnCertificate> issue(const std::string& name, const std::string& file) {
    pki::SubjectRequest subject;
    subject.flavour = pki::Flavour::cse_id;
    subject.common_name = file;
    subject.domain_name = *Fqdn::parse(name);
    auto key = *pki::PrivateKey::generate();
    const auto issued = root.issue(subject, key.public_spki(), std::chrono::days(50));
    if (!issued) throw std::runtime_error(issued.error().detail);
    folder.write(file + ".pem", issued->chain_pem);
    folder.write(file + ".key", as_text(key.to_pem().reveal()));
    return std::make_shared<const tls::OwnCertificate>(
        tls::OwnCertificate{*pki::Certificate::chain_from_pem(issued->chain_pem), std::move(key)});
  }
  TemporaryFolder folder;
  pki::Authority root;
  std::shared_ptr<const pki::TrustStore> trust;
  std::shared_ptr<const tls::OwnCertificate> in, mn;
};

struct TlsServer {
  explicit TlsServer(HttpLimits limits = {})
      : server(std::make_unique<HttpServer>(reactor, limits, handler, audit, clock)) {
    auto made = tls::ServerEndpoint::make({}, TestPki::instance().in, TestPki::instance().trust, home(),
                                          &mapper, &keys, audit, clock);
    EXPECT_TRUE(made) << made.error().detail;
    endpoint = *std::move(made);
    ListenerOptions options;
    options.name = "secure";
    options.address = "127.0.0.1";
    options.endpoint = endpoint.get();
    port = *server->listen(std::move(options));
  }
  PeerOptions psk_peer(const std::string& identity = kLockId) const {
    return {
        .address = "127.0.0.1",
        .port = port,
        .host = "in-cse.my.m2mprovider.org",
        .credentials = [identity]() -> Result<tls::ClientOptions> {
          tls::ClientOptions options{.home = home()};
          options.credential = tls::ClientPsk{identity, *secret_from_hex("1a2b3c4d5e6f7a8b1a2b3c4d5e6f7a8b")};
          options.expected = in_cse();
          return options;
        },
        .connections = 1};
  }
  PeerOptions certificate_peer(const CseId& expected) const {
    return {.address = "127.0.0.1",
            .port = port,
            .host = "in-cse.my.m2mprovider.org",
            .credentials = [expected]() -> Result<tls::ClientOptions> {
              tls::ClientOptions options{.home = home()};
              options.credential = TestPki::instance().mn;
              options.trust = TestPki::instance().trust;
              options.check_server =
                  [expected](const pki::TrustStore::Verified& peer) -> Result<tls::SecurityContext> {
                if (!pki::names_cse(peer.identity, expected, std::nullopt, false))
                  return fail(ErrorCode::authentication, "another CSE");
                tls::SecurityContext context;
                context.framework = tls::Framework::certificate;
                context.identity = expected;
                return context;
              };
              return options;
            },
            .connections = 1};
  }
  [[nodiscard]] std::vector<std::string> events(AuditEventId id) const {
    std::vector<std::string> reasons;
    for (const auto& event : audit.events()) {
      if (event.id == id) reasons.push_back(event.reason);
    }
    return reasons;
  }

  Reactor reactor;
  AuditRecorder audit;
  TestHandler handler;
  ManualClock clock{system_clock().now() + std::chrono::seconds(5)};
  Keys keys;
  Mapper mapper;
  std::unique_ptr<tls::ServerEndpoint> endpoint;
  std::unique_ptr<HttpServer> server;
  std::uint16_t port = 0;
};

struct TlsClient {
  TlsClient(TlsServer& peer, PeerOptions options)
      : reactor(peer.reactor),
        client(std::make_unique<HttpClient>(peer.reactor, std::move(options), audit, peer.clock)) {}
  std::string ask(int id = 1) {
    RequestPrimitive request;
    request.to = "cse";
    request.from = "Clock-AE1";
    request.rqi = std::to_string(id);
    std::string text;
    client->send(std::move(request), std::chrono::seconds(15), [&text](Result<ResponsePrimitive> answer) {
      text = answer ? std::to_string(static_cast<int>(answer->rsc))
                    : std::string(to_string(answer.error().code)) + ": " + answer.error().detail;
    });
    drive(reactor, [&] { return !text.empty(); });
    return text;
  }
  Reactor& reactor;
  AuditRecorder audit;
  std::unique_ptr<HttpClient> client;
};

TEST(Tls, ARequestUnderAPskCarriesTheIdentityOfTheKey) {
  latchkey::test::cover({"TR-7.1.1-01", "TR-7.1.2-09"});
  TlsServer server;
  TlsClient client(server, server.psk_peer());
  EXPECT_EQ(client.ask(), "2000");
  const IncomingRequest& request = server.handler.requests.at(0);
  EXPECT_EQ(request.listener, ListenerKind::secure);
  EXPECT_EQ(request.security->framework, tls::Framework::provisioned_symmetric_key);
  EXPECT_EQ(request.security->identity, EntityId(lock_ae()));
  EXPECT_EQ(request.security->cipher_suite_id, tls::kPskAes128CbcSha256);
  ASSERT_TRUE(client.client->context());
  EXPECT_EQ(client.client->context()->identity, EntityId(in_cse()));
}

TEST(Tls, ARequestUnderACertificateCarriesItsCseId) {
  latchkey::test::cover({"TR-7.1.1-01", "TR-7.1.3-07"});
  TlsServer server;
  TlsClient client(server, server.certificate_peer(in_cse()));
  EXPECT_EQ(client.ask(), "2000");
  const IncomingRequest& request = server.handler.requests.at(0);
  EXPECT_EQ(request.security->framework, tls::Framework::certificate);
  EXPECT_EQ(request.security->identity, EntityId(*CseId::parse("/mn-cse-123456", home())));
  EXPECT_EQ(request.security->server_name, "in-cse.my.m2mprovider.org");
}

TEST(Tls, BothEndsExportTheSameKey) {
  TlsServer server;
  TlsClient client(server, server.certificate_peer(in_cse()));
  EXPECT_EQ(client.ask(), "2000");
  const auto ours = client.client->export_key("EXPORTER-oneM2M-Connection", 48);
  const auto channel = server.handler.requests.at(0).channel.lock();
  ASSERT_TRUE(ours);
  ASSERT_TRUE(channel);
  const auto theirs = channel->export_key("EXPORTER-oneM2M-Connection", 48);
  ASSERT_TRUE(theirs);
  EXPECT_EQ(*ours, *theirs);
  client.client->disconnect();
  EXPECT_EQ(client.client->export_key("EXPORTER-oneM2M-Connection", 48).error().code, ErrorCode::unavailable);
}

TEST(Tls, ManyRequestsGoOverOneSession) {
  TlsServer server;
  TlsClient client(server, server.psk_peer());
  for (int id = 0; id < 50; ++id) ASSERT_EQ(client.ask(id), "2000");
  EXPECT_EQ(server.server->counters().connections_total, 1U);
}

TEST(Tls, LargeBodiesPassBothWays) {
  TlsServer server;
  server.handler.answer = [](const IncomingRequest& request) {
    ResponsePrimitive response;
    response.rsc = codec::Rsc::ok;
    response.rqi = request.primitive.rqi;
    response.pc = request.primitive.pc;
    return response;
  };
  TlsClient client(server, server.psk_peer());
  RequestPrimitive request;
  request.op = codec::Operation::update;
  request.to = "cse";
  request.rqi = "1";
  request.pc = codec::json::object{{"m2m:cin", std::string(1'000'000, 'x')}};
  const codec::json::value sent = request.pc;
  std::optional<ResponsePrimitive> got;
  client.client->send(std::move(request), std::chrono::seconds(15), [&](Result<ResponsePrimitive> answer) {
    ASSERT_TRUE(answer) << answer.error().detail;
    got = *std::move(answer);
  });
  ASSERT_TRUE(drive(server.reactor, [&] { return got.has_value(); }));
  EXPECT_EQ(got->pc, sent);
}

TEST(Tls, AnUnknownPskFailsTheHandshakeOfTheClient) {
  TlsServer server;
  TlsClient client(server, server.psk_peer("nobody@in.provider.com"));
  EXPECT_THAT(client.ask(), StartsWith("authentication: "));
  EXPECT_TRUE(server.handler.requests.empty());
  ASSERT_TRUE(drive(server.reactor, [&] { return server.server->counters().connections_open == 0; }));
  EXPECT_EQ(server.server->counters().handshakes_failed, 1U);
  EXPECT_EQ(server.events(AuditEventId::handshake_refused).size(), 1U);
}

TEST(Tls, AServerWithAnotherNameIsRefusedByTheClient) {
  TlsServer server;
  TlsClient client(server, server.certificate_peer(*CseId::parse("/other-cse", home())));
  EXPECT_THAT(client.ask(), StartsWith("authentication: "));
  EXPECT_TRUE(server.handler.requests.empty());
}

TEST(Tls, FailingCredentialsAreTheErrorOfTheRequest) {
  TlsServer server;
  PeerOptions options = server.psk_peer();
  options.credentials = []() -> Result<tls::ClientOptions> {
    return fail(ErrorCode::not_found, "no key yet");
  };
  TlsClient client(server, std::move(options));
  EXPECT_EQ(client.ask(), "not_found: credentials: no key yet");
}

TEST(Tls, FreshCredentialsAreUsedForEachConnection) {
  TlsServer server;
  int asked = 0;
  PeerOptions options = server.psk_peer();
  options.credentials = [&asked, inner = options.credentials] {
    ++asked;
    return inner();
  };
  TlsClient client(server, std::move(options));
  client.ask(1);
  client.ask(2);
  EXPECT_EQ(asked, 1);
  client.client->disconnect();
  EXPECT_EQ(client.ask(3), "2000");
  EXPECT_EQ(asked, 2);
}

TEST(Tls, AKeyThatIsFetchedLaterLetsTheHandshakeGoOn) {
  TlsServer server;
  server.keys.hold = true;
  TlsClient client(server, server.psk_peer());
  bool connected = false;
  client.client->connect([&](Status status) { connected = status.has_value(); });
  ASSERT_TRUE(drive(server.reactor, [&] { return !server.keys.waiting.empty(); }));
  drive_for(server.reactor, milliseconds(10));
  EXPECT_FALSE(connected);
  server.keys.waiting[0](server.keys.credential());
  EXPECT_TRUE(drive(server.reactor, [&] { return connected; }));
  EXPECT_EQ(client.ask(), "2000");
}

TEST(Tls, AKeyThatArrivesAfterThePeerHasGoneIsHarmless) {
  TlsServer server;
  server.keys.hold = true;
  TlsClient client(server, server.psk_peer());
  client.client->connect([](const Status&) {});
  ASSERT_TRUE(drive(server.reactor, [&] { return !server.keys.waiting.empty(); }));
  client.client.reset();
  ASSERT_TRUE(drive(server.reactor, [&] { return server.server->counters().connections_open == 0; }));
  server.keys.waiting[0](server.keys.credential());
  drive_for(server.reactor, milliseconds(5));
  EXPECT_EQ(server.server->counters().handshakes_failed, 1U);
}

// --- policy on established sessions

TEST(Session, AnExpiredCredentialGets4107OnceAndTheConnectionEnds) {
  TlsServer server;
  server.keys.valid_until = server.clock.now() + std::chrono::minutes(1);
  TlsClient client(server, server.psk_peer());
  EXPECT_EQ(client.ask(1), "2000");
  server.clock.advance(std::chrono::minutes(1));
  EXPECT_EQ(client.ask(2), "4107");
  EXPECT_EQ(server.handler.requests.size(), 1U);
  EXPECT_TRUE(drive(server.reactor, [&] { return server.server->counters().connections_open == 0; }));
  const auto reasons = server.events(AuditEventId::session_closed_by_policy);
  ASSERT_EQ(reasons.size(), 1U);
  EXPECT_THAT(reasons[0], HasSubstr("expired"));
}

TEST(Session, AfterAReloadEachSessionIsCheckedOnce) {
  TlsServer server;
  TlsClient client(server, server.psk_peer());
  EXPECT_EQ(client.ask(1), "2000");
  int checked = 0;
  server.server->recheck_sessions([&](const tls::SecurityContext& context) -> Status {
    ++checked;
    EXPECT_EQ(context.identity, EntityId(lock_ae()));
    return {};
  });
  EXPECT_EQ(client.ask(2), "2000");
  EXPECT_EQ(client.ask(3), "2000");
  EXPECT_EQ(checked, 1);
  EXPECT_EQ(server.server->counters().connections_total, 1U);
}

TEST(Session, ARemovedKeyGets4107AndTheConnectionEnds) {
  TlsServer server;
  TlsClient client(server, server.psk_peer());
  EXPECT_EQ(client.ask(1), "2000");
  server.server->recheck_sessions([](const tls::SecurityContext&) -> Status {
    return fail(ErrorCode::not_found, "the key was removed");
  });
  EXPECT_EQ(client.ask(2), "4107");
  EXPECT_TRUE(drive(server.reactor, [&] { return server.server->counters().connections_open == 0; }));
  EXPECT_THAT(server.events(AuditEventId::session_closed_by_policy),
              testing::ElementsAre("the key was removed"));
}

TEST(Session, ARemovedTrustAnchorGets4107) {
  TlsServer server;
  TlsClient client(server, server.certificate_peer(in_cse()));
  EXPECT_EQ(client.ask(1), "2000");
  ASSERT_TRUE(server.endpoint->replace(TestPki::instance().in, *pki::TrustStore::make({}, {})));
  server.server->recheck_sessions([](const tls::SecurityContext&) -> Status { return {}; });
  EXPECT_EQ(client.ask(2), "4107");
}

/// Carries octets of one connection both ways until it is cut.
class CuttingRelay {
 public:
  CuttingRelay(Reactor& reactor, std::uint16_t target) : reactor_(reactor), out_(reactor, target) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::listen(listener_, 1);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    turn();
  }
  ~CuttingRelay() {
    cut();
    ::close(listener_);
  }
  CuttingRelay(const CuttingRelay&) = delete;
  CuttingRelay& operator=(const CuttingRelay&) = delete;
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  void cut() {
    if (std::exchange(cut_, true)) return;
    reactor_.cancel(timer_);
    ::close(in_);
    out_.end_sending();
  }

 private:
  void turn() {
    if (in_ < 0) in_ = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    std::array<char, 16384> buffer;  // NOLINT: written by recv before it is read
    if (in_ >= 0) {
      const auto size = ::recv(in_, buffer.data(), buffer.size(), 0);
      if (size > 0) out_.write({buffer.data(), static_cast<std::size_t>(size)});
      out_.poll();
      const auto back = out_.take();
      if (!back.empty()) [[maybe_unused]]
        const auto sent = ::send(in_, back.data(), back.size(), MSG_NOSIGNAL);
    }
    timer_ = reactor_.after(milliseconds(1), [this] { turn(); });
  }

  Reactor& reactor_;
  RawPeer out_;
  int listener_ = -1, in_ = -1;
  std::uint16_t port_ = 0;
  Executor::TimerId timer_{};
  bool cut_ = false;
};

// --- bad peers

TEST(TlsFlood, AThousandHalfOpenHandshakesDoNotKeepAGoodClientOut) {
  TlsServer server;
  std::vector<RawPeer> flood;
  for (int i = 0; i < 1000; ++i) {
    flood.emplace_back(server.reactor, server.port);
    if (i % 2 == 0) flood.back().send(std::string_view("\x16\x03\x01\x00\xff\x01", 6));
    if (i % 50 == 0) drive_for(server.reactor, milliseconds(1));
  }
  TlsClient client(server, server.psk_peer());
  EXPECT_EQ(client.ask(), "2000");
  EXPECT_LE(server.server->counters().connections_open, 201U);
  EXPECT_GE(server.server->counters().handshakes_failed, 800U);
}

TEST(TlsFlood, AHandshakeThatTakesTooLongIsDropped) {
  HttpLimits limits;
  limits.handshake_time = milliseconds(100);
  TlsServer server(limits);
  RawPeer peer(server.reactor, server.port);
  peer.send(std::string_view("\x16\x03\x01\x00\xff\x01", 6));
  peer.until_end();
  EXPECT_TRUE(peer.ended());
  EXPECT_EQ(server.server->counters().handshakes_failed, 1U);
  EXPECT_THAT(server.events(AuditEventId::handshake_refused), testing::ElementsAre(HasSubstr("too long")));
}

TEST(TlsFlood, PlainHttpOnATlsPortIsNoRequest) {
  TlsServer server;
  RawPeer peer(server.reactor, server.port);
  peer.send("GET /cse HTTP/1.1\r\nHost: h\r\nX-M2M-RI: 1\r\n\r\n").until_end();
  EXPECT_TRUE(peer.ended());
  EXPECT_TRUE(server.handler.requests.empty());
}

TEST(TlsVanish, MidHandshakeCostsNothingButItself) {
  TlsServer server;
  for (int i = 0; i < 20; ++i) {
    RawPeer silent(server.reactor, server.port), hello(server.reactor, server.port);
    hello.send(std::string_view("\x16\x03\x01\x00\xff\x01", 6));
    // One that leaves before it is accepted is no handshake.
    ASSERT_TRUE(drive(server.reactor, [&] { return server.server->counters().connections_open == 2; }));
    drive_for(server.reactor, milliseconds(2));
    silent.vanish();
    hello.vanish();
    ASSERT_TRUE(drive(server.reactor, [&] { return server.server->counters().connections_open == 0; }));
  }
  EXPECT_EQ(server.server->counters().handshakes_failed, 40U);
  TlsClient client(server, server.psk_peer());
  EXPECT_EQ(client.ask(), "2000");
}

/// The one channel of a client whose request is held.
std::shared_ptr<Channel> held_channel(TlsServer& server, HttpClient& client) {
  server.handler.hold = true;
  RequestPrimitive request;
  request.to = "cse";
  request.from = "Clock-AE1";
  request.rqi = "1";
  client.send(std::move(request), std::chrono::seconds(15), [](const Result<ResponsePrimitive>&) {});
  drive(server.reactor, [&] { return !server.handler.requests.empty(); });
  return server.handler.requests.at(0).channel.lock();
}

TEST(TlsVanish, ACloseNotifyWhileTheRequestIsHeldIsADepartureInOrder) {
  TlsServer server;
  TlsClient client(server, server.psk_peer());
  const auto channel = held_channel(server, *client.client);
  bool told = false;
  channel->watch([&] { told = true; });
  client.client->disconnect();
  EXPECT_TRUE(drive(server.reactor, [&] { return told; }));
  EXPECT_EQ(channel->departure(), Departure::orderly);
  server.handler.release();
}

TEST(TlsVanish, AnEndWithoutCloseNotifyIsALoss) {
  TlsServer server;
  // Cuts the octets off in between, where neither end can say good-bye.
  CuttingRelay relay(server.reactor, server.port);
  auto options = server.psk_peer();
  options.port = relay.port();
  TlsClient client(server, options);
  const auto channel = held_channel(server, *client.client);
  bool told = false;
  channel->watch([&] { told = true; });
  relay.cut();
  EXPECT_TRUE(drive(server.reactor, [&] { return told; }));
  EXPECT_EQ(channel->departure(), Departure::lost);
  server.handler.release();
}

TEST(TlsDrain, EndsSessionsInOrder) {
  TlsServer server;
  TlsClient client(server, server.psk_peer());
  EXPECT_EQ(client.ask(), "2000");
  bool drained = false;
  server.server->drain(std::chrono::seconds(10), [&] { drained = true; });
  EXPECT_TRUE(drive(server.reactor, [&] { return drained; }));
  EXPECT_THAT(client.ask(2), StartsWith("unavailable: "));
}

// --- cost

TEST(TlsMemory, AnIdleSessionTakesLessThan20KiBAtEachEnd) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the heap is the sanitizer's";
#else
  constexpr std::size_t kSessions = 200;
  TlsServer server;
  std::vector<std::unique_ptr<TlsClient> > clients;
  const auto add = [&] {
    clients.push_back(std::make_unique<TlsClient>(server, server.psk_peer()));
    EXPECT_EQ(clients.back()->ask(), "2000");
  };
  for (int i = 0; i < 10; ++i) add();
  server.handler.requests = {};
  const std::size_t before = ::mallinfo2().uordblks;
  for (std::size_t i = 0; i < kSessions; ++i) add();
  server.handler.requests = {};
  const std::size_t of_a_pair = (::mallinfo2().uordblks - before) / kSessions;
  RecordProperty("octets_of_both_ends", static_cast<int>(of_a_pair));
  EXPECT_LT(of_a_pair, std::size_t{2} * 20 * 1024);
#endif
}

// --- another implementation

TEST(TlsCurl, WithAClientCertificateAndResolve) {
  TlsServer server;
  const auto& folder = TestPki::instance().folder;
  const std::string name = "in-cse.my.m2mprovider.org:" + std::to_string(server.port);
  const auto curl = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"curl",      "-sS",
                                          "-i",        "-m",
                                          "10",        "--tlsv1.2",
                                          "--tls-max", "1.2",
                                          "--resolve", name + ":127.0.0.1",
                                          "-H",        "X-M2M-Origin: /mn-cse-123456",
                                          "-H",        "X-M2M-RI: 1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    arguments.push_back("https://" + name + "/~/in-cse");
    return run_program(server.reactor, arguments);
  };
  const std::string ca = folder.file("root") + "/ca.pem";
  EXPECT_THAT(curl({"--cacert", ca, "--cert", folder.file("mn.pem"), "--key", folder.file("mn.key")}),
              StartsWith("HTTP/1.1 200 OK\r\nX-M2M-RSC: 2000\r\n"));
  ASSERT_EQ(server.handler.requests.size(), 1U);
  EXPECT_EQ(server.handler.requests[0].security->identity, EntityId(*CseId::parse("/mn-cse-123456", home())));
  EXPECT_THAT(curl({"--cacert", ca}), StartsWith("exit ")) << "no client certificate";
  EXPECT_EQ(server.handler.requests.size(), 1U);
}

}  // namespace
}  // namespace latchkey::bind::test
