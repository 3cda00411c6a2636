#include "credentials.h"

#include <gnutls/x509.h>

#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "session.h"

namespace latchkey::tls {
namespace {

gnutls_datum_t view_datum(ByteView octets) {
  // GnuTLS takes input data by pointers to non-const; it does not write through them.
  return {const_cast<std::uint8_t*>(octets.data()), static_cast<unsigned>(octets.size())};  // NOLINT
}

/// Certificates in GnuTLS's form, freed together.
class ImportedChain {
 public:
  ImportedChain() = default;
  ImportedChain(const ImportedChain&) = delete;
  ImportedChain& operator=(const ImportedChain&) = delete;
  ~ImportedChain() {
    for (gnutls_x509_crt_t certificate : certificates_) gnutls_x509_crt_deinit(certificate);
  }
  [[nodiscard]] Status add(const pki::Certificate& certificate) {
    gnutls_x509_crt_t imported = nullptr;
    int error = gnutls_x509_crt_init(&imported);
    if (error == 0) {
      certificates_.push_back(imported);
      const gnutls_datum_t der = view_datum(certificate.der());
      error = gnutls_x509_crt_import(imported, &der, GNUTLS_X509_FMT_DER);
    }
    if (error != 0)
      return fail(ErrorCode::invalid_argument, std::string("certificate: ") + gnutls_strerror(error));
    return {};
  }
  [[nodiscard]] gnutls_x509_crt_t* data() noexcept { return certificates_.data(); }
  [[nodiscard]] int size() const noexcept { return static_cast<int>(certificates_.size()); }

 private:
  std::vector<gnutls_x509_crt_t> certificates_;
};

struct FreeX509Key {
  void operator()(gnutls_x509_privkey_t key) const noexcept { gnutls_x509_privkey_deinit(key); }
};

Status set_own(gnutls_certificate_credentials_t credentials, const OwnCertificate& own) {
  ImportedChain chain;
  for (const pki::Certificate& certificate : own.chain) {
    if (auto added = chain.add(certificate); !added) return added;
  }
  if (own.chain.empty()) return fail(ErrorCode::invalid_argument, "own certificate chain is empty");
  gnutls_x509_privkey_t made = nullptr;
  int error = gnutls_x509_privkey_init(&made);
  const std::unique_ptr<std::remove_pointer_t<gnutls_x509_privkey_t>, FreeX509Key> key(made);
  const SecretBytes pem = own.key.to_pem();
  const gnutls_datum_t text = view_datum(pem.reveal());
  if (error == 0) error = gnutls_x509_privkey_import(made, &text, GNUTLS_X509_FMT_PEM);
  // Checks that the key belongs to the leaf as well.
  if (error == 0) error = gnutls_certificate_set_x509_key(credentials, chain.data(), chain.size(), made);
  if (error < 0)
    return fail(ErrorCode::invalid_argument, std::string("own certificate: ") + gnutls_strerror(error));
  return {};
}

Status set_ca_names(gnutls_certificate_credentials_t credentials, std::span<const pki::Certificate> names) {
  ImportedChain anchors;
  for (const pki::Certificate& name : names) {
    if (auto added = anchors.add(name); !added) return added;
  }
  if (anchors.size() == 0) return {};
  // Only for the names in CertificateRequest: who is trusted is decided by pki::TrustStore.
  const int added = gnutls_certificate_set_x509_trust(credentials, anchors.data(), anchors.size());
  if (added < 0)
    return fail(ErrorCode::invalid_argument, std::string("trust anchors: ") + gnutls_strerror(added));
  return {};
}

int verify_peer(gnutls_session_t session) { return SessionImpl::of(session).verify_peer(); }

int server_psk(gnutls_session_t session, const gnutls_datum_t* identity, gnutls_datum_t* key) {
  return SessionImpl::of(session).give_psk(as_text({identity->data, identity->size}), *key);
}

int client_psk(gnutls_session_t session, gnutls_datum_t* identity, gnutls_datum_t* key) {
  return SessionImpl::of(session).give_client_psk(*identity, *key);
}

}  // namespace

CertificateCredentials::~CertificateCredentials() { gnutls_certificate_free_credentials(credentials_); }

Result<std::shared_ptr<const CertificateCredentials>> CertificateCredentials::make(
    const OwnCertificate* own, std::span<const pki::Certificate> ca_names) {
  gnutls_certificate_credentials_t made = nullptr;
  if (const int error = gnutls_certificate_allocate_credentials(&made); error != 0) {
    return fail(ErrorCode::io, gnutls_strerror(error));
  }
  const std::shared_ptr<const CertificateCredentials> credentials(new CertificateCredentials(made));
  gnutls_certificate_set_verify_function(made, verify_peer);
  if (own != nullptr) {
    if (auto set = set_own(made, *own); !set) return fail(set.error());
  }
  if (auto set = set_ca_names(made, ca_names); !set) return fail(set.error());
  return credentials;
}

Result<std::shared_ptr<const CertificateCredentials>> CertificateCredentials::for_client(
    const std::shared_ptr<const OwnCertificate>& own) {
  struct Entry {
    std::weak_ptr<const OwnCertificate> own;
    std::shared_ptr<const CertificateCredentials> credentials;
  };
  static std::mutex mutex;
  static std::map<const OwnCertificate*, Entry> cache;
  const std::lock_guard lock(mutex);
  if (const auto found = cache.find(own.get()); found != cache.end()) {
    // The null certificate has no owner that could go away; any other address may have been used again.
    if (!own || found->second.own.lock() == own) return found->second.credentials;
  }
  std::erase_if(cache,
                [](const auto& entry) { return entry.first != nullptr && entry.second.own.expired(); });
  auto made = make(own.get(), {});
  if (made) cache[own.get()] = Entry{own, *made};
  return made;
}

gnutls_psk_server_credentials_t psk_server_credentials() {
  struct Free {
    void operator()(gnutls_psk_server_credentials_t c) const noexcept {
      gnutls_psk_free_server_credentials(c);
    }
  };
  static const std::unique_ptr<std::remove_pointer_t<gnutls_psk_server_credentials_t>, Free> credentials =
      [] {
        gnutls_psk_server_credentials_t made = nullptr;
        if (gnutls_psk_allocate_server_credentials(&made) != 0)
          broken_invariant("no memory for PSK credentials");
        gnutls_psk_set_server_credentials_function2(made, server_psk);
        return std::unique_ptr<std::remove_pointer_t<gnutls_psk_server_credentials_t>, Free>(made);
      }();
  return credentials.get();
}

gnutls_psk_client_credentials_t psk_client_credentials() {
  struct Free {
    void operator()(gnutls_psk_client_credentials_t c) const noexcept {
      gnutls_psk_free_client_credentials(c);
    }
  };
  static const std::unique_ptr<std::remove_pointer_t<gnutls_psk_client_credentials_t>, Free> credentials =
      [] {
        gnutls_psk_client_credentials_t made = nullptr;
        if (gnutls_psk_allocate_client_credentials(&made) != 0)
          broken_invariant("no memory for PSK credentials");
        gnutls_psk_set_client_credentials_function2(made, client_psk);
        return std::unique_ptr<std::remove_pointer_t<gnutls_psk_client_credentials_t>, Free>(made);
      }();
  return credentials.get();
}

bool copy_to_datum(ByteView octets, gnutls_datum_t& datum) noexcept {
  auto* data = static_cast<std::uint8_t*>(gnutls_malloc(octets.size()));
  if (data == nullptr) return false;
  std::memcpy(data, octets.data(), octets.size());
  datum = {data, static_cast<unsigned>(octets.size())};
  return true;
}

}  // namespace latchkey::tls
