#pragma once
/// Reading subjectAltName and telling flavours apart (TS-0003 8.1.2.1, 10.1.1). Private to this library.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/pki/certificate.h"
#include "ossl.h"

namespace latchkey::pki {

/// For messages: anything but printable ASCII becomes '?', so that a name from outside cannot forge a log
/// line.
std::string printable(std::string_view name);

/// Any form of name as the openssl tool shows it.
std::string any_form(const GENERAL_NAME* name);

/// Dotted arcs of an object identifier.
std::string dotted(const ASN1_OBJECT* object);

/// An otherName as OID arcs (decision 0004): type-id, and the value as arcs if it is a UTF8String of dotted
/// or spaced arcs, an OBJECT IDENTIFIER or a RELATIVE-OID. nullopt for any other value.
struct OtherNameArcs {
  std::string type_id;               ///< dotted
  std::vector<std::uint32_t> value;  ///< may be empty in a name constraint: the whole type-id
};
std::optional<OtherNameArcs> other_name_arcs(const OTHERNAME& name);

/// Decimal arcs separated by one '.' or one ' '; empty text gives no arcs; nullopt for anything else.
std::optional<std::vector<std::uint32_t>> parse_arcs(std::string_view text);

/// `names` may be null: no subjectAltName.
SubjectNames read_names(const GENERAL_NAMES* names);

/// "m2m://sp/cse/Cx" or "//sp/cse/Cx", without the scheme; nullopt for a URI of another kind.
std::optional<std::string_view> m2m_identifier(std::string_view uri);
/// The AE-ID that a URI stands for, nullopt if it is none.
std::optional<AeId> ae_id_of(std::string_view uri);

/// "host/cse-id" of TR-0038 Annex B: an FQDN, one '/', a CSE-ID stem.
struct AnnexBName {
  Fqdn host;
  std::string stem;
};
std::optional<AnnexBName> annex_b_name(std::string_view dns);

/// The flavour of a certificate that is no CA. `server_only`: its extended key usage has serverAuth, not
/// clientAuth. `unknown` when there is no name, or when there are names of more than one flavour.
Flavour classify(const SubjectNames& names, bool server_only);

/// The host that a name constraint on URIs is about: of "scheme://host/...", "//host/..." or a bare FQDN.
/// nullopt when there is none, or when it is no domain name.
std::optional<Fqdn> uri_host(std::string_view uri);

}  // namespace latchkey::pki
