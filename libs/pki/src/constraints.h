#pragma once
/// Name constraints as TS-0003 8.1.2.2 and 10.1.1 mean them, judged by our own code over the whole path:
/// libraries let URI constraints pass unseen or know no constraints on otherName. Private to this library.
#include <optional>
#include <string>
#include <vector>

#include "latchkey/base/error.h"
#include "latchkey/pki/certificate.h"
#include "names.h"
#include "ossl.h"

namespace latchkey::pki {

/// The nameConstraints extension of one CA certificate. Immutable.
class ConstraintSet {
 public:
  /// Takes what d2i gave.
  ConstraintSet(ConstraintsPtr parsed, bool critical);

  /// RFC 5280 6.1.3 (b), (c) for one certificate below the CA. Details name the offending name.
  [[nodiscard]] Status check(X509* certificate) const;
  /// The same for names that are in no certificate yet; directory names, addresses and mail names are not
  /// judged here.
  [[nodiscard]] Status check_names(const GENERAL_NAMES* names) const;

  /// Whether permitted subtrees limit the names by which a certificate of this flavour identifies its
  /// subject.
  [[nodiscard]] bool constrains(Flavour flavour, const SubjectNames& names) const noexcept;
  [[nodiscard]] bool critical() const noexcept { return critical_; }
  /// One printable line each, for inspection: "permitted DNS:my.m2mprovider.org".
  [[nodiscard]] const std::vector<std::string>& lines() const noexcept { return lines_; }

 private:
  struct Subtrees {
    std::vector<std::string> dns;
    std::vector<std::string> uri_hosts;
    std::vector<OtherNameArcs> other_names;
    bool any_other_name = false;     ///< an otherName subtree is present, readable or not
    std::vector<int> unknown_forms;  ///< GENERAL_NAME types that nobody here can judge
  };
  void take(STACK_OF(GENERAL_SUBTREE) * from, STACK_OF(GENERAL_SUBTREE) * rest, Subtrees& to,
            const char* word);
  [[nodiscard]] Status check_name(const GENERAL_NAME& name) const;
  [[nodiscard]] Status check_other_name(const OTHERNAME& name) const;

  Subtrees permitted_, excluded_;
  ConstraintsPtr rest_;  ///< directoryName, iPAddress, rfc822Name: judged by libcrypto
  bool critical_;
  std::string unusable_;  ///< why no certificate can pass, empty if one can
  std::vector<std::string> lines_;
};

/// RFC 5280 4.2.1.10 for dNSName: the host part is the constraint or below it; with a path in the constraint,
/// the path is the same too (TR-0038 Annex B names). Exposed for tests.
bool dns_within(std::string_view name, std::string_view constraint);
/// RFC 5280 4.2.1.10 for URI: the host itself, or, when the constraint begins with '.', a host below it.
bool uri_host_within(const Fqdn& host, std::string_view constraint);

}  // namespace latchkey::pki
