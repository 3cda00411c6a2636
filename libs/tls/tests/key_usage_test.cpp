/// TS-0003 10.1.1.1 asks certificates to conform to RFC 5280: an extended key usage (4.2.1.12) limits its
/// holder to the named parts of a handshake, and without the extension there is no limit.
#include "support/world.h"

namespace latchkey::tls::test {
namespace {

constexpr const char* kMnName = "subjectAltName=DNS:mn-cse-123456.in-cse.my.m2mprovider.org\n";
constexpr const char* kInName = "subjectAltName=DNS:in-cse.my.m2mprovider.org\n";
constexpr const char* kKeyUsage = "keyUsage=critical,digitalSignature\n";

Identity certificate(const std::string& name, const std::string& purposes) {
  return TestPki::instance().with_extensions(
      name + kKeyUsage + (purposes.empty() ? std::string() : "extendedKeyUsage=" + purposes + "\n"));
}

class ExtendedKeyUsage : public World {
 protected:
  void run(std::shared_ptr<const OwnCertificate> server, std::shared_ptr<const OwnCertificate> own_client,
           const std::shared_ptr<const pki::TrustStore>& trust = TestPki::instance().trust()) {
    endpoint_ =
        *ServerEndpoint::make({}, std::move(server), trust, home(), &mapper, nullptr, server_audit, clock);
    at_server = endpoint_->accept("192.0.2.9:1");
    ClientOptions options{.home = home()};
    options.credential = std::move(own_client);
    options.trust = trust;
    options.check_server = check_server;
    at_client = client(std::move(options));
    pump(*at_client, *at_server);
  }
  void run_client(const std::string& purposes) {
    run(in_cse_identity().own, certificate(kMnName, purposes).own);
  }
  void run_server(const std::string& purposes) {
    run(certificate(kInName, purposes).own, mn_cse_identity().own);
  }
  [[nodiscard]] bool established() const {
    return at_server->state() == Session::State::established &&
           at_client->state() == Session::State::established;
  }

  std::unique_ptr<ServerEndpoint> endpoint_;
  std::unique_ptr<Session> at_server, at_client;
  std::function<Result<SecurityContext>(const pki::TrustStore::Verified&)> check_server =
      expects_cse(in_cse());
};

TEST_F(ExtendedKeyUsage, AClientMayHaveClientAuthAmongOthersOrNoExtensionAtAll) {
  for (const char* purposes :
       {"clientAuth", "serverAuth,clientAuth", "codeSigning,clientAuth", "anyExtendedKeyUsage", ""}) {
    run_client(purposes);
    EXPECT_TRUE(established()) << purposes << ": " << at_server->failure() << at_client->failure();
  }
}

TEST_F(ExtendedKeyUsage, AClientThatMayOnlyBeAServerIsRefused) {
  cover({"10.1.1.1-02"});
  run_client("serverAuth");
  expect_refused(*at_server, server_audit, "does not permit a TLS client");
  expect_refused(*at_client, client_audit, "alert 43 UNSUPPORTED_CERTIFICATE");
  EXPECT_EQ(mapper.mapped, 0) << "refused before anybody asks for an identity";
}

TEST_F(ExtendedKeyUsage, AServerMayHaveServerAuthAmongOthersOrNoExtensionAtAll) {
  for (const char* purposes : {"serverAuth", "clientAuth,serverAuth", "anyExtendedKeyUsage", ""}) {
    run_server(purposes);
    EXPECT_TRUE(established()) << purposes << ": " << at_client->failure() << at_server->failure();
  }
}

TEST_F(ExtendedKeyUsage, AServerThatMayOnlyBeAClientIsRefused) {
  run_server("clientAuth");
  expect_refused(*at_client, client_audit, "does not permit a TLS server");
  expect_refused(*at_server, server_audit, "alert 43 UNSUPPORTED_CERTIFICATE");
}

TEST_F(ExtendedKeyUsage, AChainThatIsKnownAlreadyIsJudgedForItsPartAsWell) {
  // The cache of verified chains is shared: the same leaf may come as a client here and as a server there.
  const auto server_only = certificate(kInName, "serverAuth").own;
  run(server_only, mn_cse_identity().own);
  ASSERT_TRUE(established()) << at_client->failure();
  for (int again = 0; again < 2; ++again) {
    run(in_cse_identity().own, server_only);
    EXPECT_NE(at_server->failure().find("does not permit a TLS client"), std::string::npos)
        << at_server->failure();
  }
}

TEST_F(ExtendedKeyUsage, CertificatesOfAnnexBHaveNoneAndPassUnderTheirSwitchOnly) {
  const auto in = TestPki::instance().annex_b("my.m2mprovider.org/in-cse");
  const auto mn = TestPki::instance().annex_b("my.m2mprovider.org/mn-cse-123456");
  check_server = [](const pki::TrustStore::Verified& server) -> Result<SecurityContext> {
    if (!pki::names_cse(server.identity, in_cse(), std::nullopt, true))
      return fail(ErrorCode::authentication, "not the configured CSE");
    return SecurityContext{.framework = Framework::certificate, .identity = in_cse()};
  };
  mapper.annex_b = true;
  run(in.own, mn.own, TestPki::instance().annex_b_trust(true));
  ASSERT_TRUE(established()) << at_client->failure() << " / " << at_server->failure();
  EXPECT_EQ(at_server->context()->identity, EntityId(mn_cse()));
  run(in.own, mn.own, TestPki::instance().annex_b_trust(false));
  EXPECT_EQ(at_client->state(), Session::State::failed) << "without the switch they break 10.1.1.1";
}

}  // namespace
}  // namespace latchkey::tls::test
