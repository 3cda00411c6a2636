#pragma once
/// accessControlIpAddress: IPv4 and IPv6 networks with CIDR suffix (TS-0003 7.1.3, RFC 4632, RFC 5952).
#include <string_view>

#include "latchkey/authz/pdp.h"
#include "latchkey/base/error.h"

namespace latchkey::authz {

/// A network, kept as 128 bits; IPv4 as IPv4-mapped. Immutable value.
class IpNetwork {
 public:
  /// "192.0.2.0/24"; without suffix one address. Bits behind the prefix are ignored. Other text is
  /// invalid_argument.
  [[nodiscard]] static Result<IpNetwork> parse_v4(std::string_view text);
  /// "2001:db8::/32"; without suffix one address.
  [[nodiscard]] static Result<IpNetwork> parse_v6(std::string_view text);
  /// An IPv4 source is never in an IPv6 network that is wider than the IPv4-mapped block: "::/0" means IPv6
  /// only.
  [[nodiscard]] bool contains(const IpAddress& address) const noexcept;

 private:
  IpNetwork(const IpAddress& base, unsigned prefix) noexcept : base_(base), prefix_(prefix) {}
  IpAddress base_;
  unsigned prefix_;  ///< of 128 bits
};

}  // namespace latchkey::authz
