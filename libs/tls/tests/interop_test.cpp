/// The other end is OpenSSL's or GnuTLS's own program, over a loopback socket.
#include <algorithm>
#include <cctype>

#include "support/peers.h"
#include "support/world.h"

namespace latchkey::tls::test {
namespace {

constexpr const char* kLabel = "EXPORTER-oneM2M-Connection";

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

class Interop : public World {
 protected:
  /// Our server, `command` with its port as client: "ping" from it, "pong" from us, equal exports.
  void serve(std::vector<std::string> command, const std::string& port_prefix = {}) {
    std::uint16_t port = 0;
    const Fd listener = listen_on_loopback(port);
    command.push_back(port_prefix + std::to_string(port));
    Child child(command);
    const Fd socket = accept_within(listener, 10'000);
    ASSERT_GE(socket.get(), 0) << child.output();
    auto endpoint = this->endpoint();
    server = endpoint->accept("127.0.0.1:1");
    ASSERT_TRUE(pump_socket(socket, *server, [&] { return server->state() != Session::State::handshaking; }));
    ASSERT_EQ(server->state(), Session::State::established) << server->failure() << "\n" << child.output();
    child.type("ping\n");
    std::string received;
    EXPECT_TRUE(pump_socket(socket, *server, [&] { return (received += read_all(*server)) == "ping\n"; }))
        << received;
    ASSERT_TRUE(server->write(as_bytes("pong\n")));
    EXPECT_TRUE(pump_socket(socket, *server, [&] { return child.printed("pong"); })) << child.output();
    expect_same_export(*server, child);
  }
  /// Our client against `command`, which listens on `port` and echoes or is typed to.
  void reach(const std::vector<std::string>& command, std::uint16_t port, ClientOptions options) {
    Child child(command);
    const Fd socket = connect_within(port, std::chrono::seconds(10));
    ASSERT_GE(socket.get(), 0) << child.output();
    auto client = this->client(std::move(options));
    ASSERT_TRUE(pump_socket(socket, *client, [&] { return client->state() != Session::State::handshaking; }));
    ASSERT_EQ(client->state(), Session::State::established) << client->failure() << "\n" << child.output();
    child.type("pong\n");
    ASSERT_TRUE(client->write(as_bytes("ping\n")));
    std::string received;
    EXPECT_TRUE(pump_socket(socket, *client,
                            [&] {
                              received += read_all(*client);
                              return received.find("ng\n") != std::string::npos;
                            }))
        << received << child.output();
    EXPECT_TRUE(pump_socket(socket, *client, [&] { return child.printed("aterial"); })) << child.output();
    expect_same_export(*client, child);
  }
  static void expect_same_export(const Session& ours, Child& child) {
    const auto key = ours.export_key(kLabel, 48);
    ASSERT_TRUE(key);
    EXPECT_NE(lower(child.output()).find(lower(to_hex(key->reveal()))), std::string::npos) << child.output();
  }
  std::unique_ptr<Session> server;
};

TEST_F(Interop, OpensslClientWithPsk) {
  cover({"10.2.2-02", "10.2.2-T02", "TR-A.2-08", "TR-A.4-01"});
  serve({"openssl", "s_client", "-psk_identity", kLockId, "-psk", kLockKeyHex, "-cipher",
         "PSK-AES128-CBC-SHA256", "-keymatexport", kLabel, "-keymatexportlen", "48", "-connect"},
        "127.0.0.1:");
  ASSERT_TRUE(server->context());
  EXPECT_EQ(server->context()->identity, EntityId(lock_ae()));
}

TEST_F(Interop, OpensslClientWithCertificate) {
  cover({"10.2.3-02", "10.2.3-T01", "TR-A.3-12", "TR-A.4-01"});
  const Identity& mn = mn_cse_identity();
  serve({"openssl",
         "s_client",
         "-key",
         mn.key_file,
         "-cert",
         mn.chain_file,
         "-cert_chain",
         mn.chain_file,
         "-cipher",
         "ECDHE-ECDSA-AES128-SHA256",
         "-verify",
         "2",
         "-verify_return_error",
         "-CAfile",
         TestPki::instance().ca_file(),
         "-servername",
         "in-cse.my.m2mprovider.org",
         "-keymatexport",
         kLabel,
         "-keymatexportlen",
         "48",
         "-connect"},
        "127.0.0.1:");
  ASSERT_TRUE(server->context());
  EXPECT_EQ(server->context()->identity, EntityId(mn_cse()));
  EXPECT_EQ(server->context()->server_name, "in-cse.my.m2mprovider.org");
}

TEST_F(Interop, GnutlsClientWithPsk) {
  serve({"gnutls-cli", "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+PSK:+SHA256", "--pskusername",
         kLockId, "--pskkey", kLockKeyHex, "--keymatexport", kLabel, "--keymatexportsize", "48", "127.0.0.1",
         "--port"});
}

TEST_F(Interop, GnutlsClientWithCertificate) {
  const Identity& mn = mn_cse_identity();
  serve({"gnutls-cli", "--insecure", "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.2:+SHA256", "--x509certfile",
         mn.chain_file, "--x509keyfile", mn.key_file, "--keymatexport", kLabel, "--keymatexportsize", "48",
         "127.0.0.1", "--port"});
}

TEST_F(Interop, OpensslServerWithPsk) {
  cover({"TR-A.2-08"});
  const std::uint16_t port = free_port();
  reach({"openssl", "s_server", "-accept", "127.0.0.1:" + std::to_string(port), "-nocert", "-psk",
         kLockKeyHex, "-psk_hint", "any", "-keymatexport", kLabel, "-keymatexportlen", "48", "-naccept", "1"},
        port, psk_options());
}

TEST_F(Interop, OpensslServerWithCertificate) {
  cover({"TR-A.3-12"});
  const Identity& in = in_cse_identity();
  const std::uint16_t port = free_port();
  reach({"openssl",
         "s_server",
         "-accept",
         "127.0.0.1:" + std::to_string(port),
         "-Verify",
         "2",
         "-verify_return_error",
         "-key",
         in.key_file,
         "-cert",
         in.chain_file,
         "-cert_chain",
         in.chain_file,
         "-CAfile",
         TestPki::instance().ca_file(),
         "-keymatexport",
         kLabel,
         "-keymatexportlen",
         "48",
         "-naccept",
         "1"},
        port, certificate_options());
}

TEST_F(Interop, GnutlsServerWithPsk) {
  const std::string file = TestPki::instance().folder() + "/psk";
  std::ofstream(file) << kLockId << ":" << kLockKeyHex << "\n";
  const std::uint16_t port = free_port();
  reach({"gnutls-serv", "--echo", "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+PSK:+SHA256",
         "--pskpasswd", file, "--keymatexport", kLabel, "--keymatexportsize", "48", "--port",
         std::to_string(port)},
        port, psk_options());
}

TEST_F(Interop, GnutlsServerWithCertificate) {
  const Identity& in = in_cse_identity();
  const std::uint16_t port = free_port();
  reach({"gnutls-serv", "--echo", "--require-client-cert", "--priority",
         "NORMAL:-VERS-ALL:+VERS-TLS1.2:+SHA256", "--x509cafile", TestPki::instance().ca_file(),
         "--x509certfile", in.chain_file, "--x509keyfile", in.key_file, "--keymatexport", kLabel,
         "--keymatexportsize", "48", "--port", std::to_string(port)},
        port, certificate_options());
}

TEST_F(Interop, OpensslClientThatOffersTls13OnlyIsRefused) {
  std::uint16_t port = 0;
  const Fd listener = listen_on_loopback(port);
  Child child({"openssl", "s_client", "-tls1_3", "-connect", "127.0.0.1:" + std::to_string(port)});
  const Fd socket = accept_within(listener, 10'000);
  auto endpoint = this->endpoint();
  auto refused = endpoint->accept("127.0.0.1:1");
  ASSERT_TRUE(pump_socket(socket, *refused, [&] { return child.printed("alert protocol version"); }))
      << child.output();
  EXPECT_NE(refused->failure().find("does not offer TLS 1.2"), std::string::npos);
}

TEST_F(Interop, OpensslClientThatAsksForARenegotiationIsRefused) {
  std::uint16_t port = 0;
  const Fd listener = listen_on_loopback(port);
  Child child({"openssl", "s_client", "-psk_identity", kLockId, "-psk", kLockKeyHex, "-cipher",
               "PSK-AES128-CBC-SHA256", "-tls1_2", "-connect", "127.0.0.1:" + std::to_string(port)});
  const Fd socket = accept_within(listener, 10'000);
  auto endpoint = this->endpoint();
  auto refused = endpoint->accept("127.0.0.1:1");
  ASSERT_TRUE(pump_socket(socket, *refused, [&] { return refused->state() == Session::State::established; }));
  child.type("R\n");
  EXPECT_TRUE(pump_socket(socket, *refused, [&] { return refused->state() == Session::State::failed; }));
  EXPECT_NE(refused->failure().find("renegotiation"), std::string::npos) << refused->failure();
}

}  // namespace
}  // namespace latchkey::tls::test
