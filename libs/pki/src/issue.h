#pragma once
/// Building and signing of certificates, requests and CRLs (TS-0003 10.1.1, 10.1.4). Private to this library.
#include <chrono>
#include <map>
#include <string>

#include "ca_index.h"
#include "certificate_impl.h"
#include "latchkey/pki/authority.h"
#include "ossl.h"

namespace latchkey::pki {

/// subjectAltName for a request of names; invalid_argument when a name is missing, is of another flavour, or
/// is not what its flavour allows.
Result<NamesPtr> subject_names(const SubjectRequest& subject);
/// Reads back what a PKCS#10 asks for; the names of exactly one entity, of the flavour `allowed`.
Result<SubjectRequest> requested_subject(const GENERAL_NAMES* names, Flavour allowed);

/// The extension, with at least one subtree.
Result<ConstraintsPtr> name_constraints(const NameConstraints& constraints);
/// Every subtree of `inner` lies within `outer`, so that a CA below another can issue what it says.
Status check_within(const NameConstraints& inner, const ConstraintSet& outer);

/// Whose certificate is signed, by what.
struct Signer {
  const Certificate* certificate;  ///< null: self-signed
  const PrivateKey* key;
};

struct CaTemplate {
  std::string common_name;
  const NameConstraints* constraints;
  int path_length;
};
Result<Certificate> build_ca(const CaTemplate& ca, const Bytes& spki, const Signer& signer, TimePoint now,
                             std::chrono::days lifetime);
Result<Certificate> build_leaf(const SubjectRequest& subject, const Bytes& spki, const Signer& signer,
                               TimePoint now, std::chrono::days lifetime);

/// RFC 5280 5.3.1 by name; nullopt if there is no such reason for a certificate that stays revoked.
std::optional<int> revocation_reason(std::string_view name);
/// PEM.
Result<std::string> build_crl(const Signer& signer, std::uint64_t number,
                              const std::map<std::string, Revocation>& revoked, TimePoint now,
                              std::chrono::days next_update);

}  // namespace latchkey::pki
