// The clear part of a client's handshake: the record and message reader alone, then a whole server session.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "client_key_exchange.h"
#include "latchkey/tls/endpoint.h"

namespace {

using namespace latchkey;

class KeyForAll final : public tls::PskSource {
 public:
  void find(std::string_view identity, std::string_view, Answer answer) override {
    if (!tls::check_psk_identity(identity, 255)) std::abort();
    answer(tls::PskCredential{SecretBytes(16), {}});
  }
};

class NoAudit final : public AuditSink {
 public:
  void record(AuditEvent) override {}
};

void read_messages(ByteView octets) {
  tls::HandshakeReader reader(4096);
  for (;;) {
    const auto record = tls::next_record(octets);
    if (!record || !*record) return;
    const auto messages = reader.follow(**record);
    if (!messages) return;
    for (const auto& message : *messages) {
      if (message.type == tls::kClientHello) (void)tls::parse_client_hello(message.body);
      if (message.type == tls::kClientKeyExchange) (void)tls::parse_psk_identity(message.body);
    }
    octets = octets.subspan((*record)->size);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  read_messages(input);
  (void)tls::parse_client_hello(input);

  static KeyForAll keys;
  static NoAudit audit;
  static const auto endpoint = *tls::ServerEndpoint::make({}, nullptr, nullptr, *SpId::parse("//sp.example"),
                                                          nullptr, &keys, audit, system_clock());
  const auto session = endpoint->accept("192.0.2.1:1");
  for (std::size_t at = 0; at < size; at += 61)
    session->receive(input.subspan(at, std::min<std::size_t>(61, size - at)));
  if (session->state() == tls::Session::State::established) std::abort();  // nobody can guess the key
  return 0;
}
