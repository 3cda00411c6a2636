#include "client_key_exchange.h"

#include <gtest/gtest.h>

#include <functional>

namespace latchkey::tls {
namespace {

/// Octet by octet: g++ 12 warns of a range insert into a vector whose size it has worked out.
void append(Bytes& to, ByteView octets) {
  for (const std::uint8_t octet : octets) to.push_back(octet);
}
Bytes operator+(Bytes a, const Bytes& b) {
  append(a, b);
  return a;
}
Bytes message(std::uint8_t type, ByteView body) {
  Bytes octets{type, static_cast<std::uint8_t>(body.size() >> 16U),
               static_cast<std::uint8_t>(body.size() >> 8U), static_cast<std::uint8_t>(body.size())};
  append(octets, body);
  return octets;
}
Bytes record(std::uint8_t type, ByteView body) {
  Bytes octets{type, 3, 3, static_cast<std::uint8_t>(body.size() >> 8U),
               static_cast<std::uint8_t>(body.size())};
  append(octets, body);
  return octets;
}
Bytes key_exchange(std::string_view identity) {
  Bytes body{static_cast<std::uint8_t>(identity.size() >> 8U), static_cast<std::uint8_t>(identity.size())};
  append(body, as_bytes(identity));
  return body;
}

/// Feeds everything to a reader; the messages it completes.
std::vector<HandshakeMessage> read_all(Bytes octets, HandshakeReader& reader) {
  std::vector<HandshakeMessage> all;
  ByteView rest = octets;
  for (;;) {
    const auto next = next_record(rest);
    if (!next || !*next) break;
    auto messages = reader.follow(**next);
    if (!messages) break;
    all.insert(all.end(), messages->begin(), messages->end());
    rest = rest.subspan((*next)->size);
  }
  return all;
}

TEST(NextRecord, WaitsUntilTheRecordIsComplete) {
  const Bytes whole = record(kRecordHandshake, Bytes(10, 7));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto next = next_record(ByteView(whole).first(size));
    ASSERT_TRUE(next);
    EXPECT_FALSE(*next) << size;
  }
  const auto next = next_record(whole);
  ASSERT_TRUE(next && *next);
  EXPECT_EQ((*next)->size, whole.size());
  EXPECT_EQ((*next)->body.size(), 10U);
}

TEST(NextRecord, RefusesWhatIsNotTlsAtTheFirstOctet) {
  for (const std::string_view text : {"GET / HTTP/1.1", "\x80\x2e", "\x19", "\x13"}) {
    const auto next = next_record(as_bytes(text));
    ASSERT_FALSE(next) << text;
    EXPECT_NE(next.error().detail.find("not a TLS record"), std::string::npos);
  }
  EXPECT_FALSE(next_record(Bytes{22, 2}));
}

TEST(NextRecord, TakesTheLongestRecordOfRfc5246AndNoLonger) {
  EXPECT_TRUE(next_record(Bytes{22, 3, 3, 0x48, 0x00}));
  const auto next = next_record(Bytes{22, 3, 3, 0x48, 0x01});
  ASSERT_FALSE(next);
  EXPECT_NE(next.error().detail.find("too long"), std::string::npos);
}

TEST(NextRecord, RefusesAnEmptyHandshakeRecord) {
  EXPECT_FALSE(next_record(Bytes{22, 3, 3, 0, 0}));
  EXPECT_TRUE(next_record(Bytes{23, 3, 3, 0, 0}));
}

TEST(HandshakeReader, FindsTwoMessagesInOneRecord) {
  HandshakeReader reader(1000);
  const auto found =
      read_all(record(kRecordHandshake, message(11, Bytes(3, 1)) + message(16, key_exchange("id"))), reader);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].type, 11);
  EXPECT_EQ(found[1].type, 16);
  EXPECT_EQ(*parse_psk_identity(found[1].body), "id");
}

TEST(HandshakeReader, JoinsAMessageSplitAtAnyOctet) {
  const Bytes whole = message(16, key_exchange("AE1@my.m2mprovider.org"));
  for (std::size_t cut = 1; cut < whole.size(); ++cut) {
    HandshakeReader reader(1000);
    const ByteView all(whole);
    const auto found = read_all(
        record(kRecordHandshake, all.first(cut)) + record(kRecordHandshake, all.subspan(cut)), reader);
    ASSERT_EQ(found.size(), 1U) << cut;
    EXPECT_EQ(*parse_psk_identity(found[0].body), "AE1@my.m2mprovider.org");
    EXPECT_FALSE(reader.within_message());
  }
}

TEST(HandshakeReader, JoinsAMessageOfOneOctetRecords) {
  Bytes octets;
  for (const std::uint8_t octet : message(16, key_exchange("k")))
    octets = octets + record(kRecordHandshake, Bytes{octet});
  HandshakeReader reader(1000);
  EXPECT_EQ(read_all(octets, reader).size(), 1U);
}

TEST(HandshakeReader, ReportsAMessageWithoutBody) {
  HandshakeReader reader(1000);
  EXPECT_EQ(read_all(record(kRecordHandshake, message(14, {})), reader).size(), 1U);
}

TEST(HandshakeReader, SeesNothingPastChangeCipherSpec) {
  HandshakeReader reader(1000);
  const auto found = read_all(
      record(kRecordChangeCipherSpec, Bytes{1}) + record(kRecordHandshake, message(16, key_exchange("late"))),
      reader);
  EXPECT_TRUE(reader.encrypted());
  EXPECT_TRUE(found.empty());
}

TEST(HandshakeReader, TakesAMessageOfTheLimitAndNoLonger) {
  HandshakeReader reader(8);
  EXPECT_EQ(read_all(record(kRecordHandshake, message(1, Bytes(8, 0))), reader).size(), 1U);
  const Bytes over = message(1, Bytes(9, 0));
  const auto refused = HandshakeReader(8).follow({kRecordHandshake, 0, over});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::limit);
}

TEST(ParsePskIdentity, RefusesLengthsThatDoNotFit) {
  EXPECT_TRUE(parse_psk_identity(key_exchange("id")));
  EXPECT_FALSE(parse_psk_identity({}));
  EXPECT_FALSE(parse_psk_identity(Bytes{0}));
  EXPECT_FALSE(parse_psk_identity(Bytes{0, 3, 'a', 'b'}));
  EXPECT_FALSE(parse_psk_identity(Bytes{0, 1, 'a', 'b'}));
}

TEST(CheckPskIdentity, TakesPrintableAsciiUpToTheLimit) {
  EXPECT_TRUE(check_psk_identity("AE123456789012-Lock@in.provider.com", 255));
  EXPECT_TRUE(check_psk_identity(std::string(255, 'a'), 255));
  EXPECT_EQ(check_psk_identity(std::string(256, 'a'), 255).error().code, ErrorCode::limit);
  EXPECT_FALSE(check_psk_identity("", 255));
  EXPECT_FALSE(check_psk_identity(std::string_view("a\0b", 3), 255));
  EXPECT_FALSE(check_psk_identity("caf\xc3\xa9@x.org", 255));
  EXPECT_FALSE(check_psk_identity("a\x7f", 255));
  EXPECT_FALSE(check_psk_identity("a\n", 255));
}

TEST(SniHostName, LeavesOutWhatSniMayNotCarry) {
  EXPECT_TRUE(is_sni_host_name("in-cse.my.m2mprovider.org"));
  EXPECT_TRUE(is_sni_host_name("localhost"));
  EXPECT_FALSE(is_sni_host_name("my.example_m2mprovider.org"));
  EXPECT_FALSE(is_sni_host_name("my.m2mprovider.org/in-cse"));
  EXPECT_FALSE(is_sni_host_name("127.0.0.1"));
  EXPECT_FALSE(is_sni_host_name("::1"));
  EXPECT_FALSE(is_sni_host_name(""));
  EXPECT_FALSE(is_sni_host_name(std::string(254, 'a')));
}

// --- ClientHello ---

Bytes extension(std::uint16_t type, ByteView body) {
  Bytes octets{static_cast<std::uint8_t>(type >> 8U), static_cast<std::uint8_t>(type),
               static_cast<std::uint8_t>(body.size() >> 8U), static_cast<std::uint8_t>(body.size())};
  append(octets, body);
  return octets;
}
Bytes hello(const Bytes& extensions, std::uint16_t version = 0x0303) {
  Bytes body{static_cast<std::uint8_t>(version >> 8U), static_cast<std::uint8_t>(version)};
  body.resize(2 + 32, 9);
  body = body + Bytes{0, 0, 4, 0xc0, 0x23, 0x00, 0xae, 1, 0};
  if (extensions.empty()) return body;
  return body +
         Bytes{static_cast<std::uint8_t>(extensions.size() >> 8U),
               static_cast<std::uint8_t>(extensions.size())} +
         extensions;
}
const Bytes kSniExample = {0, 4, 0, 0, 1, 'x'};

TEST(ParseClientHello, ReadsSuitesSniAndVersion) {
  const auto parsed = parse_client_hello(hello(extension(0, kSniExample)));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->suites, (std::vector<std::uint16_t>{0xc023, 0x00ae}));
  EXPECT_EQ(parsed->server_name, "x");
  EXPECT_TRUE(parsed->offers_tls12);
}

TEST(ParseClientHello, WorksWithoutExtensions) {
  const auto parsed = parse_client_hello(hello({}));
  ASSERT_TRUE(parsed);
  EXPECT_FALSE(parsed->server_name);
}

TEST(ParseClientHello, KnowsWhetherTls12IsOffered) {
  EXPECT_FALSE(parse_client_hello(hello({}, 0x0302))->offers_tls12);
  EXPECT_FALSE(parse_client_hello(hello(extension(43, Bytes{2, 3, 4})))->offers_tls12);
  EXPECT_TRUE(parse_client_hello(hello(extension(43, Bytes{4, 3, 4, 3, 3})))->offers_tls12);
}

TEST(ParseClientHello, RefusesEveryTruncationAndATrailingOctet) {
  const Bytes whole = hello(extension(0, kSniExample) + extension(43, Bytes{2, 3, 3}));
  const std::size_t without_extensions = hello({}).size();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    if (size == without_extensions) continue;
    EXPECT_FALSE(parse_client_hello(ByteView(whole).first(size))) << size;
  }
  EXPECT_TRUE(parse_client_hello(whole));
  EXPECT_FALSE(parse_client_hello(whole + Bytes{0}));
}

TEST(ParseClientHello, RefusesLengthsInsideExtensionsThatDoNotFit) {
  EXPECT_FALSE(parse_client_hello(hello(extension(0, Bytes{0, 4, 0, 0, 2, 'x'}))));
  EXPECT_FALSE(parse_client_hello(hello(extension(0, Bytes{0, 3, 0, 0, 1, 'x'}))));
  EXPECT_FALSE(parse_client_hello(hello(extension(0, Bytes{}))));
  EXPECT_FALSE(parse_client_hello(hello(extension(43, Bytes{3, 3, 3, 3}))));
  EXPECT_FALSE(parse_client_hello(hello(extension(43, Bytes{2, 3, 3, 3}))));
}

}  // namespace
}  // namespace latchkey::tls
