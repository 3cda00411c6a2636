#pragma once
/// A certificate authority in a folder: what `latchkey pki` does, as functions (TS-0003 10.1).
#include <chrono>
#include <string>
#include <vector>

#include "latchkey/pki/certificate.h"

namespace latchkey::pki {

/// Names an issued certificate shall carry; which one is set decides the flavour.
struct SubjectRequest {
  Flavour flavour = Flavour::unknown;
  std::string common_name;               ///< informative only
  std::optional<Fqdn> domain_name;       ///< cse_id: public domain name; fqdn: the FQDN
  std::optional<AeId> ae_id;             ///< ae_id: written as URI m2m://<SP-ID>/<CSE>/<AE>
  std::optional<M2mDeviceId> device_id;  ///< device, node_id
  std::string node_id;                   ///< node_id that is no OID: URI
};

/// Permitted subtrees written into a CA certificate, always critical (8.1.2.2, 10.1.1.5).
struct NameConstraints {
  std::vector<std::string> dns;          ///< "my.m2mprovider.org"
  std::vector<std::string> uri_hosts;    ///< "my.m2mprovider.org"
  std::vector<std::string> device_arcs;  ///< "0.2.481.1.100": the four arcs of type-id, then any number
};

/// Folder layout: ca.pem, ca.key (0600), chain.pem (from this CA up, without the root), index.jsonl (every
/// issued and every revoked certificate), crl.pem, crlnumber, lock. Serial numbers are random, so that none
/// is counted. Each change is written to a new file, flushed and renamed; two processes are kept apart by a
/// lock file. One object belongs to one thread.
class Authority {
 public:
  /// A self-signed root. conflict if the folder holds one already.
  [[nodiscard]] static Result<Authority> create_root(const std::string& folder,
                                                     const std::string& common_name,
                                                     const NameConstraints& constraints,
                                                     std::chrono::days lifetime);
  /// A CA below `parent`, path length 0.
  [[nodiscard]] static Result<Authority> create_intermediate(const std::string& folder, Authority& parent,
                                                             const std::string& common_name,
                                                             const NameConstraints& constraints,
                                                             std::chrono::days lifetime);
  [[nodiscard]] static Result<Authority> open(const std::string& folder);

  struct Issued {
    Certificate certificate;
    std::string chain_pem;  ///< leaf and intermediates, as a TLS end sends them
  };
  /// Refuses names outside its own constraints, wildcards, and lifetimes past its own (invalid_argument).
  [[nodiscard]] Result<Issued> issue(const SubjectRequest& subject, const Bytes& spki,
                                     std::chrono::days lifetime);
  /// 10.1.4: verifies the request's signature and takes key and subjectAltName from it; `allowed` restricts
  /// the flavour.
  [[nodiscard]] Result<Issued> sign_request(std::string_view csr_pem, Flavour allowed,
                                            std::chrono::days lifetime);
  /// `reason` as RFC 5280 5.3.1 names it ("keyCompromise"). not_found, conflict (revoked already),
  /// invalid_argument.
  [[nodiscard]] Status revoke(const std::string& serial_hex, const std::string& reason);
  [[nodiscard]] Result<std::string> write_crl(std::chrono::days next_update);  ///< PEM; also crl.pem
  [[nodiscard]] const Certificate& certificate() const noexcept;

  Authority(Authority&&) noexcept;
  Authority& operator=(Authority&&) noexcept;
  ~Authority();

 private:
  struct Impl;
  explicit Authority(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// 10.1.4: PKCS#10 with subjectAltName, PEM.
[[nodiscard]] Result<std::string> make_request(const PrivateKey& key, const SubjectRequest& subject);

/// Text (or JSON) report for `latchkey pki inspect`: flavour, names, validity, chain constraints, every
/// broken rule.
[[nodiscard]] std::string inspect(const std::vector<Certificate>& chain, bool json);

}  // namespace latchkey::pki
