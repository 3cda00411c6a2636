#pragma once
/// A GnuTLS peer without any of our policy: it can do what a well-behaved peer never does.
#include <gnutls/gnutls.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "latchkey/base/bytes.h"
#include "latchkey/tls/endpoint.h"

namespace latchkey::tls::test {

inline constexpr const char* kBarePsk =
    "NONE:+COMP-NULL:+SIGN-ECDSA-SHA256:+GROUP-SECP256R1:+VERS-TLS1.2:+PSK:+AES-128-CBC:+SHA256";
inline constexpr const char* kBareCertificate =
    "NONE:+COMP-NULL:+SIGN-ECDSA-SHA256:+GROUP-SECP256R1:+VERS-TLS1.2:+ECDHE-ECDSA:+AES-128-CBC:+SHA256:+"
    "CTYPE-X509";

class BarePeer {
 public:
  explicit BarePeer(unsigned role, const char* priority, unsigned flags = 0) {
    gnutls_init(&session_, role | GNUTLS_NONBLOCK | flags);
    if (gnutls_priority_set_direct(session_, priority, nullptr) != 0) std::abort();
    gnutls_transport_set_ptr(session_, this);
    gnutls_transport_set_push_function(session_, push);
    gnutls_transport_set_pull_function(session_, pull);
    gnutls_psk_allocate_client_credentials(&psk_);
    gnutls_psk_allocate_server_credentials(&psk_server_);
    gnutls_certificate_allocate_credentials(&certificate_);
    if ((role & GNUTLS_CLIENT) != 0) {
      gnutls_credentials_set(session_, GNUTLS_CRD_PSK, psk_);
    } else {
      gnutls_psk_set_server_credentials_function(psk_server_, server_key);
      gnutls_credentials_set(session_, GNUTLS_CRD_PSK, psk_server_);
    }
    gnutls_credentials_set(session_, GNUTLS_CRD_CERTIFICATE, certificate_);
    gnutls_session_set_ptr(session_, this);
  }
  ~BarePeer() {
    gnutls_deinit(session_);
    gnutls_psk_free_client_credentials(psk_);
    gnutls_psk_free_server_credentials(psk_server_);
    gnutls_certificate_free_credentials(certificate_);
  }
  BarePeer(const BarePeer&) = delete;
  BarePeer& operator=(const BarePeer&) = delete;

  void use_psk(std::string identity, Bytes key) {
    key_ = std::move(key);
    gnutls_datum_t name{reinterpret_cast<unsigned char*>(identity.data()),
                        static_cast<unsigned>(identity.size())};
    gnutls_datum_t secret{key_.data(), static_cast<unsigned>(key_.size())};
    gnutls_psk_set_client_credentials2(psk_, &name, &secret, GNUTLS_PSK_KEY_RAW);
  }
  void use_certificate(const std::string& chain_file, const std::string& key_file) {
    gnutls_certificate_set_x509_key_file(certificate_, chain_file.c_str(), key_file.c_str(),
                                         GNUTLS_X509_FMT_PEM);
  }
  /// One step of the handshake (or of a renegotiation); the last result is kept.
  int handshake() { return result_ = gnutls_handshake(session_); }
  /// Exchanges octets with one of our sessions until both fall silent.
  void run(Session& ours) {
    for (bool moved = true; moved;) {
      moved = false;
      if (result_ == GNUTLS_E_AGAIN || result_ == GNUTLS_E_WARNING_ALERT_RECEIVED || !started_) {
        started_ = true;
        handshake();
      }
      if (!out_.empty()) {
        ours.receive(std::exchange(out_, {}));
        moved = true;
      }
      const Bytes reply = ours.take_output();
      in_.insert(in_.end(), reply.begin(), reply.end());
      moved = moved || !reply.empty();
    }
  }
  Bytes take_output() { return std::exchange(out_, {}); }
  void receive(ByteView octets) { in_.insert(in_.end(), octets.begin(), octets.end()); }
  [[nodiscard]] int result() const { return result_; }
  [[nodiscard]] int alert() const {
    return result_ == GNUTLS_E_FATAL_ALERT_RECEIVED ? gnutls_alert_get(session_) : -1;
  }
  [[nodiscard]] gnutls_session_t session() const { return session_; }

 private:
  static ssize_t push(gnutls_transport_ptr_t self, const void* data, std::size_t size) {
    auto& out = static_cast<BarePeer*>(self)->out_;
    const auto* octets = static_cast<const std::uint8_t*>(data);
    out.insert(out.end(), octets, octets + size);
    return static_cast<ssize_t>(size);
  }
  static ssize_t pull(gnutls_transport_ptr_t self, void* to, std::size_t size) {
    auto& peer = *static_cast<BarePeer*>(self);
    size = std::min(size, peer.in_.size());
    if (size == 0) {
      gnutls_transport_set_errno(peer.session_, EAGAIN);
      return -1;
    }
    std::memcpy(to, peer.in_.data(), size);
    peer.in_.erase(peer.in_.begin(), peer.in_.begin() + static_cast<std::ptrdiff_t>(size));
    return static_cast<ssize_t>(size);
  }
  static int server_key(gnutls_session_t session, const char*, gnutls_datum_t* key) {
    const auto& peer = *static_cast<BarePeer*>(gnutls_session_get_ptr(session));
    key->data = static_cast<unsigned char*>(gnutls_malloc(peer.key_.size()));
    key->size = static_cast<unsigned>(peer.key_.size());
    std::memcpy(key->data, peer.key_.data(), peer.key_.size());
    return 0;
  }

  gnutls_session_t session_ = nullptr;
  gnutls_psk_client_credentials_t psk_ = nullptr;
  gnutls_psk_server_credentials_t psk_server_ = nullptr;
  gnutls_certificate_credentials_t certificate_ = nullptr;
  Bytes key_;
  Bytes in_;
  Bytes out_;
  int result_ = GNUTLS_E_AGAIN;
  bool started_ = false;
};

}  // namespace latchkey::tls::test
