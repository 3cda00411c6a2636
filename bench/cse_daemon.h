#pragma once
/// A real latchkey-cse with certificates and a key made by the latchkey command, in a folder of its own:
/// secure and trusted listener, decision log, durable store, everything as an operator would run it.
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "bare_tls.h"
#include "measure.h"

namespace latchkey::bench {

class CseDaemon {
 public:
  /// Makes credentials and configuration below `folder`, which must not exist, and starts.
  explicit CseDaemon(std::string folder);
  ~CseDaemon();
  CseDaemon(const CseDaemon&) = delete;
  CseDaemon& operator=(const CseDaemon&) = delete;

  /// Seconds of wall clock and of its processor time from its start until it takes connections.
  struct Start {
    double wall = 0, cpu = 0;
  };
  Start start();
  /// SIGTERM; returns when it has drained and ended.
  void stop();

  [[nodiscard]] std::uint16_t secure_port() const noexcept { return secure_port_; }
  [[nodiscard]] std::uint16_t trusted_port() const noexcept { return trusted_port_; }
  [[nodiscard]] CpuClock cpu() const { return CpuClock::of_process(pid_); }
  /// Private memory and its share of what is shared, octets.
  [[nodiscard]] std::size_t memory() const;

 private:
  void make_credentials() const;
  void write_configuration() const;

  const std::string folder_;
  std::uint16_t secure_port_, trusted_port_;
  pid_t pid_ = -1;
};

/// The AE that the daemon's key stands for.
[[nodiscard]] const Psk& bench_psk();

// Requests of that AE (TS-0009). Its tree: in-cse/bench (AE), in-cse/bench/acp with three rules, of which the
// last permits it, and containers in-cse/bench/c<N> below that policy.
[[nodiscard]] std::string retrieve_container(std::size_t container);
[[nodiscard]] std::string create_instance(std::size_t container);

/// Keep-alive connections, each with one request under way.
class Load {
 public:
  Load(std::uint16_t port, const PskEnds& ends, std::size_t connections);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  /// Sends request_of(0) to request_of(count - 1); each must be answered with `status`. Returns seconds of
  /// wall clock.
  double run(std::size_t count, int status, const std::function<std::string(std::size_t)>& request_of);
  /// One exchange on the first connection.
  [[nodiscard]] std::string exchange(const std::string& request) {
    return connections_.front()->exchange(request);
  }

 private:
  std::vector<std::unique_ptr<Connection>> connections_;
  int epoll_ = -1;
};

/// Registers the AE, creates the policy, `containers` containers and `instances` instances in each, by
/// requests.
void populate(Load& load, std::size_t containers, std::size_t instances);

}  // namespace latchkey::bench
