// Requests at a real latchkey-cse over TLS: what a RETRIEVE costs its processor beside a bare epoll and
// GnuTLS server of the same suite and the same answer, how many durable creates a second it takes beside
// SQLite alone, and what 100,000 stored resources change.
#include <cstdio>

#include "bare_tls.h"
#include "cse_daemon.h"
#include "measure.h"
#include "sqlite_reference.h"

namespace {

using namespace latchkey::bench;

constexpr std::size_t kConnections = 64;
constexpr int kRounds = 11;
constexpr std::size_t kRetrieves = 6'400;
constexpr std::size_t kCreates = 12'800;
constexpr int kReferenceBatch = 32;
constexpr std::size_t kLargeContainers = 1'000, kSmallContainers = 10;
constexpr std::size_t kLargeInstances = 99, kSmallInstances = 9;

/// Processor seconds of the server for one of `count` requests.
double cpu_of(Load& load, const CpuClock& server, std::size_t count,
              const std::function<std::string(std::size_t)>& request_of) {
  const double before = server.seconds();
  load.run(count, 200, request_of);
  return (server.seconds() - before) / static_cast<double>(count);
}

void measure_retrieve(Load& load, const CseDaemon& cse, const PskEnds& ends) {
  const std::string answer = load.exchange(retrieve_container(0));
  const auto bare = BareServer::answering(ends, answer);
  Load bare_load(bare->port(), ends, kConnections);
  const auto request = [](std::size_t) { return retrieve_container(0); };
  cpu_of(load, cse.cpu(), kRetrieves, request);
  cpu_of(bare_load, bare->cpu(), kRetrieves, request);
  const auto pair = take_turns(
      kRounds, [&] { return cpu_of(load, cse.cpu(), kRetrieves, request); },
      [&] { return cpu_of(bare_load, bare->cpu(), kRetrieves, request); });
  print_row("RETRIEVE container, HTTPS, 64 connections: server CPU", in_microseconds(pair.ours),
            in_microseconds(pair.reference) + " bare epoll+GnuTLS", number(pair.ratio(), 2), "at most 2.5",
            pair.ratio() <= 2.5);
}

void measure_create(Load& load, const CseDaemon& cse, const std::string& folder) {
  double cpu = 0;
  int files = 0;
  const auto creates = [&] {
    const auto clock = cse.cpu();
    const double before = clock.seconds();
    const double wall = load.run(kCreates, 201, [](std::size_t) { return create_instance(0); });
    cpu = (clock.seconds() - before) / static_cast<double>(kCreates);
    return static_cast<double>(kCreates) / wall;
  };
  const auto pair = take_turns(kRounds, creates, [&] {
    return sqlite_creates(folder + "/reference-" + std::to_string(files++) + ".db", kCreates,
                          kReferenceBatch);
  });
  print_row("CREATE contentInstance of 100 B, durable, 64 connections: a second",
            number(pair.ours.median(), 0) + " (" + number(pair.ours.least(), 0) + " to " +
                number(pair.ours.most(), 0) + "; " + in_microseconds(cpu) + " CPU)",
            number(pair.reference.median(), 0) + " (" + number(pair.reference.least(), 0) + " to " +
                number(pair.reference.most(), 0) + ") SQLite, 32 a transaction",
            number(pair.ratio(), 2), "at least 0.5", pair.ratio() >= 0.5);
}

void measure_size(CseDaemon& large, CseDaemon& small, const PskEnds& ends) {
  {
    Load fill_large(large.secure_port(), ends, kConnections),
        fill_small(small.secure_port(), ends, kConnections);
    populate(fill_large, kLargeContainers, kLargeInstances);
    populate(fill_small, kSmallContainers, kSmallInstances);
  }
  Series wall, cpu;
  for (int round = 0; round < 5; ++round) {
    large.stop();
    const auto start = large.start();
    wall.values.push_back(start.wall);
    cpu.values.push_back(start.cpu);
  }
  print_row("start with 100,000 stored resources",
            number(wall.median(), 2) + " s (" + number(wall.least(), 2) + " to " + number(wall.most(), 2) +
                "; " + number(cpu.median(), 2) + " s CPU)",
            "-", "-", "under 2 s", wall.median() < 2);
  Load at_large(large.secure_port(), ends, kConnections), at_small(small.secure_port(), ends, kConnections);
  // A stride that is prime to the number of containers, so that each request meets another one.
  const auto retrieve = [](Load& load, const CseDaemon& cse, std::size_t containers) {
    return cpu_of(load, cse.cpu(), kRetrieves,
                  [containers](std::size_t i) { return retrieve_container(i * 7919 % containers); });
  };
  retrieve(at_large, large, kLargeContainers);
  retrieve(at_small, small, kSmallContainers);
  const auto pair = take_turns(
      kRounds, [&] { return retrieve(at_large, large, kLargeContainers); },
      [&] { return retrieve(at_small, small, kSmallContainers); });
  print_row("RETRIEVE among 100,000 resources: server CPU", in_microseconds(pair.ours),
            in_microseconds(pair.reference) + " among 100", number(pair.ratio(), 2), "at most 1.1",
            pair.ratio() <= 1.1);
}

}  // namespace

int main() {
  const ScratchFolder folder;
  const PskEnds ends(bench_psk());
  {
    CseDaemon cse(folder.path() + "/cse");
    Load load(cse.secure_port(), ends, kConnections);
    populate(load, 1, 0);
    measure_retrieve(load, cse, ends);
    measure_create(load, cse, folder.path());
  }
  CseDaemon large(folder.path() + "/large"), small(folder.path() + "/small");
  measure_size(large, small, ends);
  return 0;
}
