#pragma once
/// What the MAF keeps: client registrations and key registrations, and their stored and wire forms.
#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "latchkey/base/bytes.h"
#include "latchkey/base/ids.h"
#include "latchkey/base/time.h"

namespace latchkey::maf {

namespace json = boost::json;

/// <mafClientReg>, 8.8.2.3.
struct ClientRegistration {
  std::string id;       ///< "macr000001"
  std::string name;     ///< resourceName
  std::string client;   ///< canonical identity (to_string of EntityId): whose it is
  std::string creator;  ///< MAF Client ID as the client writes it, for `cr`
  std::string admin_fqdn;
  TimePoint created{}, modified{}, expires{};
  std::vector<std::string> labels;
};

/// <symmKeyReg>, 8.8.2.7. The key value is sealed; it is opened only to answer a target.
struct KeyRegistration {
  std::string id;  ///< RelativeKeyID
  std::string name;
  std::string parent;  ///< registration id
  std::string client, creator, admin_fqdn;
  std::string source_km_id;          ///< KmID of the source's session, empty for certificates
  std::uint8_t suid = 0;             ///< as registered (11 under the TR-0038 switch)
  std::vector<std::string> targets;  ///< absolute ids as given back
  TimePoint created{}, modified{}, expires{};
  std::vector<std::string> labels;
  Bytes sealed_value;
  Bytes sealed_parameters = {};  ///< of an end-to-end credential (8.6); empty: it is none
};

/// Lower case, for comparison: the spelling of an adminFQDN is kept for output only.
[[nodiscard]] std::string folded(const std::string& admin_fqdn);

[[nodiscard]] std::string to_record(const ClientRegistration& registration);
[[nodiscard]] std::string to_record(const KeyRegistration& key);
/// `io` when the stored text is not what to_record wrote.
[[nodiscard]] Result<ClientRegistration> client_from_record(std::string_view text);
[[nodiscard]] Result<KeyRegistration> key_from_record(std::string_view text);

/// Wire form of TR-0038 7.1.4 steps 3 and 5, without the key value.
[[nodiscard]] json::object representation(const ClientRegistration& registration);
[[nodiscard]] json::object representation(const KeyRegistration& key);

}  // namespace latchkey::maf
