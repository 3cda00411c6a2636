#pragma once
/// GnuTLS without anything around it: the clients of every benchmark and the servers of reference.
#include <gnutls/gnutls.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "latchkey/base/bytes.h"
#include "measure.h"

namespace latchkey::bench {

/// The suites of TS-0003 10.2.2 and 10.2.3, as libs/tls asks GnuTLS for them.
inline constexpr const char* kPskPriority =
    "NONE:+COMP-NULL:+SIGN-ECDSA-SHA256:+GROUP-SECP256R1:+VERS-TLS1.2:+PSK:+AES-128-CBC:+SHA256";
inline constexpr const char* kCertificatePriority =
    "NONE:+COMP-NULL:+SIGN-ECDSA-SHA256:+GROUP-SECP256R1:+VERS-TLS1.2:+ECDHE-ECDSA:+AES-128-CBC:+SHA256:"
    "+CTYPE-X509";

/// Of a benchmark, so no secret.
struct Psk {
  std::string identity;
  std::string key;
};

struct EndSession {
  void operator()(gnutls_session_t session) const noexcept { gnutls_deinit(session); }
};
using SessionPtr = std::unique_ptr<std::remove_pointer_t<gnutls_session_t>, EndSession>;

/// Both ends of one PSK. Outlives its sessions.
class PskEnds {
 public:
  explicit PskEnds(Psk psk);
  ~PskEnds();
  PskEnds(const PskEnds&) = delete;
  PskEnds& operator=(const PskEnds&) = delete;
  /// `role`: GNUTLS_CLIENT or GNUTLS_SERVER, with further flags. No transport is set.
  [[nodiscard]] SessionPtr session(unsigned role) const;

 private:
  const Psk psk_;
  gnutls_priority_t priority_ = nullptr;
  gnutls_psk_client_credentials_t client_ = nullptr;
  gnutls_psk_server_credentials_t server_ = nullptr;
};

/// One end with its certificate, PEM. Asks for the other's and does not look at it.
class CertificateEnd {
 public:
  CertificateEnd(std::string chain_pem, std::string key_pem);
  ~CertificateEnd();
  CertificateEnd(const CertificateEnd&) = delete;
  CertificateEnd& operator=(const CertificateEnd&) = delete;
  [[nodiscard]] SessionPtr session(unsigned role) const;

 private:
  gnutls_priority_t priority_ = nullptr;
  gnutls_certificate_credentials_t credentials_ = nullptr;
};

/// Hands octets from one to the other until both are done.
void handshake_in_memory(gnutls_session_t client, gnutls_session_t server);
/// The same with a server that takes octets and gives its answer.
void handshake_in_memory(gnutls_session_t client, const std::function<Bytes(ByteView)>& server);

/// A client's connection to 127.0.0.1, with TLS or without. One request at a time.
class Connection {
 public:
  /// Handshake done. `ends` null: no TLS.
  Connection(std::uint16_t port, const PskEnds* ends);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void send(std::string_view request);
  /// The whole answer once it is there; nullopt while it is not. Never waits after not_waiting().
  [[nodiscard]] std::optional<std::string> receive();
  /// Sends and waits for the answer.
  [[nodiscard]] std::string exchange(std::string_view request);
  void not_waiting();
  [[nodiscard]] int descriptor() const noexcept { return fd_; }

 private:
  [[nodiscard]] std::ptrdiff_t read(char* to, std::size_t size);
  int fd_ = -1;
  SessionPtr session_;
  std::string answer_;
};

/// The least that a server can do, on a thread of its own.
class BareServer {
 public:
  /// epoll; each request head gets `answer`, on connections that stay.
  [[nodiscard]] static std::unique_ptr<BareServer> answering(const PskEnds& ends, std::string answer);
  /// One connection after the other: accept, handshake, close.
  [[nodiscard]] static std::unique_ptr<BareServer> handshaking(const PskEnds& ends);
  ~BareServer();
  BareServer(const BareServer&) = delete;
  BareServer& operator=(const BareServer&) = delete;
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] CpuClock cpu() { return CpuClock::of_thread(thread_.native_handle()); }

 private:
  explicit BareServer(const PskEnds& ends);
  void answer_all(const std::string& answer);
  void handshake_all();

  const PskEnds& ends_;
  int listener_ = -1;
  int stop_ = -1;  ///< eventfd
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace latchkey::bench
