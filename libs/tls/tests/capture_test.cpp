/// The octets of both handshakes, message by message as TR-0038 Annexes A.2 to A.4 list them, with its slips
/// corrected (A.3: suite 0xc023, Certificate 0x0b, ClientKeyExchange with an ECDH point).
#include "support/capture.h"

#include "client_key_exchange.h"

namespace latchkey::tls::test {
namespace {

class Capture : public World {
 protected:
  void run(ClientOptions options) {
    endpoint_ = endpoint();
    server_ = endpoint_->accept("p:1");
    client_ = client(std::move(options));
    flights_ = pump(*client_, *server_);
    ASSERT_EQ(server_->state(), Session::State::established) << server_->failure();
    records_ = records_of(flights_);
    messages_ = messages_of(records_);
  }
  /// Types of the clear messages of one side.
  std::vector<int> types(bool from_client) const {
    std::vector<int> all;
    for (const auto& message : messages_) {
      if (message.from_client == from_client) all.push_back(message.type);
    }
    return all;
  }
  const CapturedMessage& message(std::uint8_t type, bool from_client) const {
    for (const auto& candidate : messages_) {
      if (candidate.type == type && candidate.from_client == from_client) return candidate;
    }
    throw std::runtime_error("no such message");
  }
  ByteView server_random() const { return ByteView(message(2, false).body).subspan(2, 32); }

  void expect_client_hello(std::uint16_t suite) const {
    const CapturedRecord& first = records_.front();
    EXPECT_TRUE(first.from_client);
    EXPECT_EQ(first.type, 0x16);
    EXPECT_EQ(first.version, 0x0301);
    const CapturedMessage& hello = message(1, true);
    EXPECT_EQ(hello.whole.size(), first.body.size());
    EXPECT_EQ(hello.body[0] << 8U | hello.body[1], 0x0303);
    EXPECT_EQ(parse_client_hello(hello.body)->suites, std::vector<std::uint16_t>{suite});
    const KeyLog log = KeyLog::parse(client_->key_log_line());
    EXPECT_TRUE(std::equal(log.client_random.begin(), log.client_random.end(), hello.body.begin() + 2));
  }
  /// Version, suite and null compression of a ServerHello whose session_id may have any length.
  void expect_server_hello(std::uint16_t suite) const {
    const Bytes& body = message(2, false).body;
    EXPECT_EQ(body[0] << 8U | body[1], 0x0303);
    const std::size_t after_id = 35U + body[34];
    EXPECT_EQ(body[after_id] << 8U | body[after_id + 1], suite);
    EXPECT_EQ(body[after_id + 2], 0);
    for (const auto& record : records_) {
      if (!record.from_client) {
        EXPECT_EQ(record.version, 0x0303);
      }
    }
  }
  /// ChangeCipherSpec of one octet, then a Finished whose verify data covers all messages so far.
  void expect_change_and_finished(bool from_client) {
    std::size_t at = 0;
    while (records_.at(at).type != 20 || records_.at(at).from_client != from_client) ++at;
    EXPECT_EQ(records_[at].body, Bytes{1});
    EXPECT_EQ(records_[at].version, 0x0303);
    const CapturedRecord& encrypted = records_.at(at + 1);
    EXPECT_EQ(encrypted.type, 22);
    const KeyLog log = KeyLog::parse(client_->key_log_line());
    const Bytes finished = log.open(server_random(), from_client, encrypted.body);
    ASSERT_EQ(finished.size(), 16U);
    EXPECT_EQ(Bytes(finished.begin(), finished.begin() + 4), (Bytes{0x14, 0, 0, 0x0c}));
    Bytes transcript;
    for (const auto& each : messages_)
      transcript.insert(transcript.end(), each.whole.begin(), each.whole.end());
    if (!from_client) transcript.insert(transcript.end(), client_finished_.begin(), client_finished_.end());
    const auto hash = crypto::sha256(transcript);
    EXPECT_EQ(Bytes(finished.begin() + 4, finished.end()),
              tls_prf(log.master, from_client ? "client finished" : "server finished", hash, 12));
    if (from_client) client_finished_ = finished;
  }
  void expect_encrypted_data() {
    const KeyLog log = KeyLog::parse(server_->key_log_line());
    EXPECT_EQ(client_->key_log_line(), server_->key_log_line());
    ASSERT_TRUE(client_->write(as_bytes("LOCKED")));
    const auto data = records_of({{true, client_->take_output()}});
    ASSERT_EQ(data.size(), 1U);
    EXPECT_EQ(data[0].type, 23);
    EXPECT_EQ(as_text(data[0].body).find("LOCKED"), std::string_view::npos);
    EXPECT_EQ(as_text(log.open(server_random(), true, data[0].body)), "LOCKED");
  }
  static std::size_t length24(const Bytes& octets, std::size_t at) {
    return static_cast<std::size_t>(octets.at(at)) << 16U |
           static_cast<std::size_t>(octets.at(at + 1)) << 8U | octets.at(at + 2);
  }
  /// The DER list of a Certificate message.
  static std::vector<Bytes> certificates(const Bytes& body) {
    std::vector<Bytes> list;
    EXPECT_EQ(length24(body, 0), body.size() - 3);
    for (std::size_t at = 3; at < body.size();) {
      const std::size_t size = length24(body, at);
      const auto begin = body.begin() + static_cast<std::ptrdiff_t>(at + 3);
      list.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(size));
      at += 3 + size;
    }
    return list;
  }

  std::unique_ptr<ServerEndpoint> endpoint_;
  std::unique_ptr<Session> server_;
  std::unique_ptr<Session> client_;
  std::vector<Flight> flights_;
  std::vector<CapturedRecord> records_;
  std::vector<CapturedMessage> messages_;
  Bytes client_finished_;
};

TEST_F(Capture, PskHandshakeOfTr0038A2) {
  // TR-A.2-02 but for the empty session ID: GnuTLS always makes one, and no session is ever found by it.
  cover({"TR-A.2-01", "TR-A.2-03", "TR-A.2-05", "TR-A.2-07", "TR-A.2-09"});
  run(psk_options());
  expect_client_hello(0x00ae);
  expect_server_hello(0x00ae);
  EXPECT_EQ(types(false), (std::vector<int>{0x02, 0x0e}));
  EXPECT_TRUE(message(0x0e, false).body.empty());
  EXPECT_EQ(types(true), (std::vector<int>{0x01, 0x10}));
  const Bytes& exchange = message(0x10, true).body;
  EXPECT_EQ(exchange[0] << 8U | exchange[1], 35);
  EXPECT_EQ(*parse_psk_identity(exchange), kLockId);
  expect_change_and_finished(true);
  expect_change_and_finished(false);
  expect_encrypted_data();
}

TEST_F(Capture, CertificateHandshakeOfTr0038A3) {
  cover({"TR-A.3-01", "TR-A.3-02", "TR-A.3-03", "TR-A.3-04", "TR-A.3-05", "TR-A.3-06", "TR-A.3-07",
         "TR-A.3-08", "TR-A.3-09", "TR-A.3-11"});
  run(certificate_options());
  expect_client_hello(0xc023);
  const auto extensions = extension_types(message(1, true).body);
  for (const int wanted : {10, 11, 13}) {  // supported_groups, ec_point_formats, signature_algorithms
    EXPECT_NE(std::find(extensions.begin(), extensions.end(), wanted), extensions.end()) << wanted;
  }
  expect_server_hello(0xc023);
  EXPECT_EQ(types(false), (std::vector<int>{0x02, 0x0b, 0x0c, 0x0d, 0x0e}));
  EXPECT_EQ(types(true), (std::vector<int>{0x01, 0x0b, 0x10, 0x0f}));

  const auto server_chain = certificates(message(0x0b, false).body);
  const auto& own = in_cse_identity().own->chain;
  ASSERT_EQ(server_chain.size(), own.size());
  for (std::size_t i = 0; i < own.size(); ++i) EXPECT_EQ(server_chain[i], own[i].der());
  EXPECT_EQ(own[0].issuer(), own[1].subject());

  const Bytes& key_exchange = message(0x0c, false).body;
  // named_curve secp256r1 and an uncompressed point of 65 octets
  EXPECT_EQ(Bytes(key_exchange.begin(), key_exchange.begin() + 5), (Bytes{3, 0, 23, 65, 4}));

  const Bytes& request = message(0x0d, false).body;
  EXPECT_EQ(std::count(request.begin() + 1, request.begin() + 1 + request[0], 64), 1);  // ecdsa_sign
  const std::size_t algorithms = 1U + request[0];
  EXPECT_EQ(Bytes(request.begin() + static_cast<std::ptrdiff_t>(algorithms),
                  request.begin() + static_cast<std::ptrdiff_t>(algorithms) + 4),
            (Bytes{0, 2, 4, 3}));
  EXPECT_NE(as_text(request).find("Root"), std::string_view::npos);  // the trusted issuer's name
  EXPECT_TRUE(message(0x0e, false).body.empty());

  EXPECT_EQ(certificates(message(0x0b, true).body).front(), mn_cse_identity().own->chain.front().der());
  const Bytes& point = message(0x10, true).body;
  ASSERT_EQ(point.size(), 66U);
  EXPECT_EQ(point[0], 65);
  EXPECT_EQ(point[1], 4);
  const Bytes& verify = message(0x0f, true).body;
  EXPECT_EQ(Bytes(verify.begin(), verify.begin() + 2), (Bytes{4, 3}));  // ecdsa with SHA-256
  EXPECT_EQ(static_cast<std::size_t>(verify[2] << 8U | verify[3]), verify.size() - 4);

  expect_change_and_finished(true);
  expect_change_and_finished(false);
  expect_encrypted_data();
}

TEST_F(Capture, ExportOfTr0038A4) {
  cover({"TR-A.4-01", "TR-7.1.4-01"});
  run(certificate_options());
  const auto at_client = client_->export_key("EXPORTER-oneM2M-Connection", 48);
  const auto at_server = server_->export_key("EXPORTER-oneM2M-Connection", 48);
  ASSERT_TRUE(at_client && at_server);
  EXPECT_EQ(*at_client, *at_server);
  // RFC 5705 without context: PRF(master, label, client random, server random).
  const KeyLog log = KeyLog::parse(client_->key_log_line());
  Bytes seed = log.client_random;
  seed.insert(seed.end(), server_random().begin(), server_random().end());
  EXPECT_EQ(*at_server, SecretBytes::take(tls_prf(log.master, "EXPORTER-oneM2M-Connection", seed, 48)));
  EXPECT_NE(*at_server, *server_->export_key("EXPORTER-oneM2M-Bootstrap", 48));
}

TEST_F(Capture, ExportHasLimits) {
  run(psk_options());
  EXPECT_TRUE(server_->export_key("EXPORTER-oneM2M-Connection", 1024));
  EXPECT_EQ(server_->export_key("EXPORTER-oneM2M-Connection", 1025).error().code,
            ErrorCode::invalid_argument);
  EXPECT_EQ(server_->export_key("EXPORTER-oneM2M-Connection", 0).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(server_->export_key("", 48).error().code, ErrorCode::invalid_argument);
  const auto idle = endpoint_->accept("p:1");
  EXPECT_EQ(idle->export_key("EXPORTER-oneM2M-Connection", 48).error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace latchkey::tls::test
