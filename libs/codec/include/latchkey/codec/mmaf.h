#pragma once
/// Names and addresses of Mmaf (TS-0032 as read from TR-0038 7.1.4): the one place that knows them, so that a
/// correction of a proposed name is one line (design section 7).
#include <array>
#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "latchkey/base/ids.h"
#include "latchkey/base/secret.h"

namespace latchkey::codec::mmaf {

inline constexpr std::string_view kBase = "sec:mab";        // proposed
inline constexpr std::string_view kClientReg = "sec:macr";  // TR-0038
inline constexpr std::string_view kKeyReg = "sec:mkr";      // TR-0038
inline constexpr std::string_view kBaseId = "mb01";         // TR-0038

inline constexpr std::string_view kAdminFqdn = "adfq", kAssignedKeyId = "aski", kSuid = "suid",
                                  kTargets = "tgis", kKeyValue = "kv";         // TR-0038
inline constexpr std::string_view kFqdn = "fq", kClientConfiguration = "ccf";  // proposed
/// Identity of the source that the MAF was provided with (8.2.1), and the KmID the source authenticated with,
/// as the MAF tells them to a target. TS-0032's names are not known here: proposed.
inline constexpr std::string_view kSourceEntity = "seid", kSourceKmId = "skid";
/// What a TEF gives with an end-to-end credential, and is asked for one (TS-0003 8.6, 9.2.3). TS-0032 as
/// known here has no attribute for it: an extension of ours, one member of <symmKeyReg>
/// (docs/decisions/0034). latchkey::e2e reads and writes what is inside.
inline constexpr std::string_view kEndToEnd = "e2ep";
inline constexpr std::string_view kProfile = "prf", kOrigin = "org", kProtocol = "ptc", kClass = "cls",
                                  kHash = "hash", kSalt = "salt", kKeys = "keys", kAlgorithm = "alg",
                                  kLabel = "lbl", kScope = "scp", kNonceLifetime = "nlt";
/// The four keys of table 10.3.6.2-1 in the order of their expansion.
inline constexpr std::array<std::string_view, 4> kEndToEndKeyNames = {"msgAuth", "msgConf", "attAuth",
                                                                      "attConf"};
/// Algorithms of table 9.2.3.3-1.
inline constexpr std::string_view kHmacSha256 = "HMAC-SHA-256", kHmacSha512 = "HMAC-SHA-512",
                                  kAes192 = "AES-192", kAes256 = "AES-256";
/// Virtual child of a client registration that carries the client configuration (8.8.2.4): proposed.
inline constexpr std::string_view kConfigurationChild = "cfg";

/// Members of sec:clientRegCfg (TS-0003 12.4.2), and the one of a client configuration that holds key
/// registration configurations (8.8.3.3): proposed.
inline constexpr std::string_view kHttpPort = "hpt", kCoapPort = "cpt", kWebsocketPort = "wpt",
                                  kKeyRegistrationConfiguration = "mafKeyRegCfg";

/// "//<fqdn>/-/", "//<fqdn>/-/<resource id>", "//<fqdn>/-/<resource id>/cfg"; the slash behind "-" may be
/// missing.
struct Address {
  std::string id;  ///< empty: the base
  bool configuration = false;
};
/// nullopt: not an address of this MAF. Resource ids: letters, digits, '.', '_', '-'; at most 64 octets.
[[nodiscard]] inline std::optional<Address> parse_address(std::string_view to, const Fqdn& maf) {
  if (!to.starts_with("//")) return std::nullopt;
  to.remove_prefix(2);
  const auto slash = to.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto host = Fqdn::parse(to.substr(0, slash));
  if (!host || *host != maf) return std::nullopt;
  to.remove_prefix(slash);
  if (to == "/-" || to == "/-/") return Address{};
  if (!to.starts_with("/-/")) return std::nullopt;
  to.remove_prefix(3);
  Address address;
  const auto tail = to.find('/');
  if (tail != std::string_view::npos) {
    if (to.substr(tail + 1) != kConfigurationChild) return std::nullopt;
    address.configuration = true;
    to = to.substr(0, tail);
  }
  if (to.empty() || to.size() > 64) return std::nullopt;
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  if (to.find_first_not_of(kAllowed) != std::string_view::npos) return std::nullopt;
  address.id = std::string(to);
  return address;
}
[[nodiscard]] inline std::string format_address(const Fqdn& maf, std::string_view id) {
  return "//" + maf.text() + "/-/" + std::string(id);
}

/// 10.3.1: octets of the key that a MAF distributes.
inline constexpr std::size_t kKeyOctets = 32;
/// Of a Ke2e_master by HMAC-SHA-512; only beside kEndToEnd.
inline constexpr std::size_t kLongKeyOctets = 64;
/// keyValue of TS-0032: 64 hex digits. No other copy of the text stays in memory.
inline void put_key(boost::json::object& attributes, const SecretBytes& key) {
  std::string hex = to_hex(key.reveal());
  attributes[kKeyValue] = hex;
  latchkey::wipe(hex.data(), hex.size());
}
/// Takes the key out of `attributes` and overwrites its text there. not_found when there is none,
/// invalid_argument (without the text) when it is not 64 hex digits, or those of `octets`.
[[nodiscard]] inline Result<SecretBytes> take_key(boost::json::object& attributes,
                                                  std::size_t octets = kKeyOctets) {
  auto* given = attributes.if_contains(kKeyValue);
  if (given == nullptr) return fail(ErrorCode::not_found, "kv: missing");
  if (!given->is_string()) return fail(ErrorCode::invalid_argument, "kv: not text");
  auto& text = given->get_string();
  auto key = secret_from_hex(std::string_view(text.data(), text.size()));
  latchkey::wipe(text.data(), text.size());
  attributes.erase(kKeyValue);
  if (!key || key->size() != octets)
    return fail(ErrorCode::invalid_argument, "kv: must be " + std::to_string(2 * octets) + " hex digits");
  return key;
}

}  // namespace latchkey::codec::mmaf
