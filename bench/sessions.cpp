// TLS sessions at a real latchkey-cse: what a PSK handshake over TCP costs its processor beside the least
// GnuTLS server, and what an idle session costs in memory beside an idle connection without TLS.
#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "bare_tls.h"
#include "cse_daemon.h"
#include "measure.h"

namespace {

using namespace latchkey::bench;

constexpr int kRounds = 11;
constexpr std::size_t kClients = 32;
constexpr std::size_t kHandshakesEach = 32;
constexpr std::size_t kWarmUp = 100;
constexpr std::size_t kIdle = 2'000;

/// Processor seconds of the server for one connection: accept, handshake, close.
double handshakes(std::uint16_t port, const CpuClock& server, const PskEnds& ends) {
  const double before = server.seconds();
  std::vector<std::thread> clients;
  for (std::size_t client = 0; client < kClients; ++client)
    clients.emplace_back([port, &ends] {
      for (std::size_t i = 0; i < kHandshakesEach; ++i) Connection(port, &ends);
    });
  for (auto& client : clients) client.join();
  return (server.seconds() - before) / (kClients * kHandshakesEach);
}

void measure_handshakes(const CseDaemon& cse, const PskEnds& ends) {
  const auto bare = BareServer::handshaking(ends);
  const auto ours = [&] { return handshakes(cse.secure_port(), cse.cpu(), ends); };
  const auto reference = [&] { return handshakes(bare->port(), bare->cpu(), ends); };
  ours();
  reference();
  const auto pair = take_turns(kRounds, ours, reference);
  print_row("PSK handshake over TCP: server CPU", in_microseconds(pair.ours),
            in_microseconds(pair.reference) + " bare accept, handshake, close", number(pair.ratio(), 2),
            "at most 1.3", pair.ratio() <= 1.3);
}

/// Octets for each of kIdle connections that have had one request answered.
double idle_octets(const CseDaemon& cse, std::uint16_t port, const PskEnds* ends,
                   std::vector<std::unique_ptr<Connection>>& connections) {
  const auto before = cse.memory();
  for (std::size_t i = 0; i < kIdle; ++i) {
    auto& made = *connections.emplace_back(std::make_unique<Connection>(port, ends));
    if (made.exchange(retrieve_container(0)).empty()) give_up("no answer");
  }
  return (static_cast<double>(cse.memory()) - static_cast<double>(before)) / kIdle;
}

void measure_memory(const CseDaemon& cse, const PskEnds& ends) {
  for (std::size_t i = 0; i < kWarmUp; ++i)
    if (Connection(cse.secure_port(), &ends).exchange(retrieve_container(0)).empty()) give_up("no answer");
  std::vector<std::unique_ptr<Connection>> connections;
  const double plain = idle_octets(cse, cse.trusted_port(), nullptr, connections);
  const double secure = idle_octets(cse, cse.secure_port(), &ends, connections);
  const double more = (secure - plain) / 1024;
  print_row("idle TLS session: memory", number(secure / 1024, 1) + " KiB",
            number(plain / 1024, 1) + " KiB idle plain connection", number(more, 1) + " KiB more",
            "under 20 KiB more", more < 20);
}

}  // namespace

int main() {
  const ScratchFolder folder;
  const PskEnds ends(bench_psk());
  CseDaemon cse(folder.path() + "/cse");
  {
    Load load(cse.secure_port(), ends, 1);
    populate(load, 1, 0);
  }
  measure_memory(cse, ends);
  measure_handshakes(cse, ends);
  return 0;
}
