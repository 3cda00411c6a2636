#include <algorithm>
#include <atomic>
#include <utility>

#include "certificate_impl.h"
#include "profile.h"
#include "revocation.h"

namespace latchkey::pki {
namespace {

constexpr std::size_t kChainMax = 10;

using StorePtr = OsslPtr<X509_STORE, X509_STORE_free>;
using StoreContextPtr = OsslPtr<X509_STORE_CTX, X509_STORE_CTX_free>;

std::string who(const Certificate& certificate) { return "certificate '" + certificate.subject() + "': "; }

tl::unexpected<Error> refuse(const Certificate& certificate, const std::string& rule) {
  return fail(ErrorCode::authentication, who(certificate) + rule);
}

/// Lets pass what our own constraint check, which always runs afterwards, judges better: libcrypto knows no
/// constraints on otherName and stumbles over a URI without scheme and over a path in a dNSName.
int let_constraints_pass(int ok, X509_STORE_CTX* context) {
  if (ok == 1) return 1;
  switch (X509_STORE_CTX_get_error(context)) {
    case X509_V_ERR_PERMITTED_VIOLATION:
    case X509_V_ERR_EXCLUDED_VIOLATION:
    case X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE:
    case X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX:
    case X509_V_ERR_UNSUPPORTED_NAME_SYNTAX:
      return 1;
    default:
      return 0;
  }
}

bool is_time_error(int error) {
  return error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID;
}

/// The path from leaf to anchor.
struct Path {
  std::vector<Certificate> certificates;
  const TrustStore::Anchor* anchor = nullptr;
};

/// 10.1.1 for every certificate of the path, weighed by the options of its anchor.
Status check_profile(const Path& path, std::vector<std::string>& warnings) {
  const TrustOptions& options = path.anchor->options;
  for (const auto& certificate : path.certificates) {
    for (const auto& violation : violations_of(certificate)) {
      switch (violation.weight) {
        case Violation::Weight::refuse:
          return refuse(certificate, violation.text);
        case Violation::Weight::annex_b:
          if (!options.annex_b_certificates) return refuse(certificate, violation.text);
          warnings.push_back(who(certificate) + violation.text + " (admitted by annex_b_certificates)");
          break;
        case Violation::Weight::unconstrained:
          if (!options.require_name_constraints) break;
          if (!options.annex_b_certificates) return refuse(certificate, violation.text);
          warnings.push_back(who(certificate) + violation.text + " (admitted by annex_b_certificates)");
          break;
        case Violation::Weight::advise:
          warnings.push_back(who(certificate) + violation.text);
          break;
      }
    }
  }
  return {};
}

bool self_issued(const Certificate& certificate) {
  return (X509_get_extension_flags(native(certificate)) & EXFLAG_SI) != 0;
}

/// RFC 5280 6.1.3 (b), (c): each CA's constraints, the anchor's too, against every certificate below it,
/// self-issued intermediates excepted.
Status check_constraints(const Path& path) {
  const auto& certificates = path.certificates;
  for (std::size_t ca = 1; ca < certificates.size(); ++ca) {
    const auto& constraints = certificates[ca].impl().constraints;
    if (!constraints) continue;
    for (std::size_t below = 0; below < ca; ++below) {
      if (below != 0 && self_issued(certificates[below])) continue;
      if (auto status = constraints->check(native(certificates[below])); !status) {
        return fail(
            who(certificates[below]) + "8.1.2.2: name constraints of '" + certificates[ca].subject() + "'",
            status.error());
      }
    }
  }
  return {};
}

/// 8.1.2.2: the names by which the leaf identifies its subject are constrained; 10.1.1.5: for an AE-ID by the
/// very certificate that signed it.
Status require_constraints(const Path& path) {
  const TrustOptions& options = path.anchor->options;
  if (!options.require_name_constraints || options.annex_b_certificates) return {};
  const Certificate& leaf = path.certificates.front();
  const auto constrains = [&leaf](const Certificate& ca) {
    const auto& constraints = ca.impl().constraints;
    return constraints && constraints->constrains(leaf.flavour(), leaf.names());
  };
  const auto first_ca = path.certificates.begin() + 1;
  if (leaf.flavour() == Flavour::ae_id && !constrains(*first_ca)) {
    return refuse(*first_ca, "10.1.1.5: name constraints do not cover the host part of AE-IDs");
  }
  if (std::none_of(first_ca, path.certificates.end(), constrains)) {
    return refuse(*first_ca, "8.1.2.2: name constraints do not cover names of a " +
                                 std::string(to_string(leaf.flavour())) + " certificate");
  }
  return {};
}

Status check_status(const Path& path, const std::vector<CrlPtr>& crls, TimePoint now) {
  const auto& certificates = path.certificates;
  for (std::size_t i = 0; i + 1 < certificates.size(); ++i) {
    const auto status = check_revocation(crls, certificates[i], certificates[i + 1], now);
    if (!status) return fail(status.error());
    if (*status == RevocationStatus::no_crl && path.anchor->options.require_crl) {
      return refuse(certificates[i], "8.1.2.2: no CRL of its issuer is held");
    }
  }
  return {};
}

CertifiedIdentity identity_of(const Certificate& leaf) {
  const auto& names = leaf.names();
  CertifiedIdentity identity;
  identity.flavour = leaf.flavour();
  identity.server_auth = leaf.impl().server_auth;
  identity.client_auth = leaf.impl().client_auth;
  identity.dns_names = names.dns;
  switch (leaf.flavour()) {
    case Flavour::ae_id:
      identity.ae_id = ae_id_of(names.uris.front());
      break;
    case Flavour::device:
      identity.device_ids = names.device_ids;
      identity.device_id = names.device_ids.front();
      break;
    case Flavour::node_id:
      identity.node_ids = names.uris;
      break;
    default:
      std::ranges::copy_if(names.uris, std::back_inserter(identity.uri_fqdns),
                           [](const std::string& uri) { return Fqdn::parse(uri).has_value(); });
  }
  return identity;
}

}  // namespace

struct TrustStore::Impl {
  std::vector<Anchor> anchors;
  std::vector<CrlPtr> crls;
  StorePtr store;
  std::uint64_t generation = 0;

  /// Builds and validates the path with libcrypto (RFC 5280 6.1).
  [[nodiscard]] Result<Path> build_path(const std::vector<Certificate>& chain, TimePoint now) const;
  [[nodiscard]] Error explain(X509_STORE_CTX* context) const;
};

Error TrustStore::Impl::explain(X509_STORE_CTX* context) const {
  const int error = X509_STORE_CTX_get_error(context);
  std::string detail = "8.1.2.2: path validation failed";
  if (X509* culprit = X509_STORE_CTX_get_current_cert(context); culprit != nullptr) {
    X509_up_ref(culprit);
    if (const auto certificate = adopt(X509Ptr(culprit))) detail = who(*certificate) + "8.1.2.2";
  }
  ERR_clear_error();
  return {is_time_error(error) ? ErrorCode::expired : ErrorCode::authentication,
          detail + ": " + X509_verify_cert_error_string(error)};
}

Result<Path> TrustStore::Impl::build_path(const std::vector<Certificate>& chain, TimePoint now) const {
  const CertificateList untrusted(sk_X509_new_null());
  for (std::size_t i = 1; i < chain.size(); ++i) sk_X509_push(untrusted.get(), native(chain[i]));
  const StoreContextPtr context(X509_STORE_CTX_new());
  if (!context ||
      X509_STORE_CTX_init(context.get(), store.get(), native(chain.front()), untrusted.get()) != 1) {
    return fail(ErrorCode::internal, "path validation: " + ossl_error());
  }
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  // An anchor need not be self-signed: what the operator configured is trusted. Policies as RFC 5280 6.1 has
  // them.
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_POLICY_CHECK);
  X509_VERIFY_PARAM_set_depth(parameters, static_cast<int>(kChainMax));
  X509_VERIFY_PARAM_set_time(parameters,
                             std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count());
  X509_STORE_CTX_set_verify_cb(context.get(), let_constraints_pass);
  if (X509_verify_cert(context.get()) != 1) return fail(explain(context.get()));

  Path path;
  STACK_OF(X509)* built = X509_STORE_CTX_get0_chain(context.get());
  for (int i = 0; i < sk_X509_num(built); ++i) {
    X509* x509 = sk_X509_value(built, i);
    const auto same = [x509](const Certificate& candidate) { return X509_cmp(native(candidate), x509) == 0; };
    if (i + 1 == sk_X509_num(built)) {
      const auto anchor = std::ranges::find_if(anchors, same, &Anchor::certificate);
      if (anchor == anchors.end()) break;
      path.anchor = &*anchor;
      path.certificates.push_back(anchor->certificate);
    } else if (const auto found = std::ranges::find_if(chain, same); found != chain.end()) {
      path.certificates.push_back(*found);
    } else if (const auto inner = std::ranges::find_if(anchors, same, &Anchor::certificate);
               inner != anchors.end()) {
      path.certificates.push_back(inner->certificate);
    }
  }
  // A leaf that is itself an anchor cannot come here: anchors are CAs and leaves are not.
  if (path.anchor == nullptr || path.certificates.size() < 2 ||
      path.certificates.size() != static_cast<std::size_t>(sk_X509_num(built))) {
    return fail(ErrorCode::authentication, "8.1.2.2: the path does not end in a trust anchor");
  }
  return path;
}

Result<std::shared_ptr<const TrustStore>> TrustStore::make(std::vector<Anchor> anchors,
                                                           std::vector<Bytes> crls) {
  static std::atomic<std::uint64_t> generations{0};
  auto impl = std::make_unique<Impl>();
  impl->store.reset(X509_STORE_new());
  for (const auto& anchor : anchors) {
    if (!anchor.certificate.is_ca()) {
      return fail(ErrorCode::invalid_argument,
                  "trust anchor '" + anchor.certificate.subject() + "' is no CA certificate");
    }
    X509* x509 = native(anchor.certificate);
    if (self_issued(anchor.certificate) && X509_verify(x509, X509_get0_pubkey(x509)) != 1) {
      ERR_clear_error();
      return fail(ErrorCode::invalid_argument,
                  "trust anchor '" + anchor.certificate.subject() + "' has a bad signature");
    }
    if (!impl->store || X509_STORE_add_cert(impl->store.get(), x509) != 1) {
      return fail(ErrorCode::internal, "trust store: " + ossl_error());
    }
  }
  for (std::size_t i = 0; i < crls.size(); ++i) {
    auto parsed = read_crls(crls[i]);
    if (!parsed) return fail("CRL " + std::to_string(i + 1), parsed.error());
    std::ranges::move(*parsed, std::back_inserter(impl->crls));
  }
  impl->anchors = std::move(anchors);
  impl->generation = ++generations;
  return std::make_shared<const TrustStore>(std::move(impl));
}

TrustStore::TrustStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TrustStore::~TrustStore() = default;
std::uint64_t TrustStore::generation() const noexcept { return impl_->generation; }

std::vector<Certificate> TrustStore::anchors() const {
  std::vector<Certificate> certificates;
  for (const auto& anchor : impl_->anchors) certificates.push_back(anchor.certificate);
  return certificates;
}

Result<TrustStore::Verified> TrustStore::verify(const std::vector<Certificate>& chain, TimePoint now,
                                                const SpId& /*home*/) const {
  if (chain.empty()) return fail(ErrorCode::authentication, "8.1.2.5: no certificate");
  if (chain.size() > kChainMax)
    return fail(ErrorCode::authentication, "8.1.2.2: more than 10 certificates in the chain");
  const Certificate& leaf = chain.front();
  // Each flavour authenticates an AE, CSE, device, node or function (8.1.2.1); a CA is none of them.
  if (leaf.is_ca()) return refuse(leaf, "8.1.2.1: a CA certificate identifies no entity");

  auto path = impl_->build_path(chain, now);
  if (!path) return fail(path.error());
  std::vector<std::string> warnings;
  if (auto status = check_profile(*path, warnings); !status) return fail(status.error());
  if (auto status = check_constraints(*path); !status) return fail(status.error());
  if (auto status = require_constraints(*path); !status) return fail(status.error());
  if (auto status = check_status(*path, impl_->crls, now); !status) return fail(status.error());
  Verified verified{leaf, identity_of(leaf), leaf.not_after(), std::move(warnings)};
  for (const auto& certificate : path->certificates) {
    verified.valid_until = std::min(verified.valid_until, certificate.not_after());
  }
  return verified;
}

}  // namespace latchkey::pki
