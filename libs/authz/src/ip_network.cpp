#include "ip_network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

namespace latchkey::authz {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::size_t kOctetsMax = 64;

bool is_v4(const IpAddress& address) noexcept {
  return std::equal(kMapped.begin(), kMapped.end(), address.begin());
}

struct Parts {
  std::string address;
  unsigned prefix;
};

std::optional<Parts> split(std::string_view text, unsigned bits) {
  if (text.size() > kOctetsMax) return std::nullopt;
  const auto slash = text.find('/');
  Parts parts{std::string(text.substr(0, slash)), bits};
  // inet_pton reads up to a NUL; what stands behind one must not be dropped.
  if (parts.address.find('\0') != std::string::npos) return std::nullopt;
  if (slash == std::string_view::npos) return parts;
  const auto suffix = text.substr(slash + 1);
  const bool leading_zero = suffix.size() > 1 && suffix.front() == '0';
  const auto [end, error] = std::from_chars(suffix.data(), suffix.data() + suffix.size(), parts.prefix);
  if (suffix.empty() || suffix.size() > 3 || leading_zero || error != std::errc{} ||
      end != suffix.data() + suffix.size() || parts.prefix > bits)
    return std::nullopt;
  return parts;
}

}  // namespace

Result<IpNetwork> IpNetwork::parse_v4(std::string_view text) {
  const auto parts = split(text, 32);
  IpAddress base{};
  std::ranges::copy(kMapped, base.begin());
  if (!parts || inet_pton(AF_INET, parts->address.c_str(), base.data() + kMapped.size()) != 1)
    return fail(ErrorCode::invalid_argument,
                "is no IPv4 address in dotted decimal with a suffix from /0 to /32");
  return IpNetwork(base, 96 + parts->prefix);
}

Result<IpNetwork> IpNetwork::parse_v6(std::string_view text) {
  const auto parts = split(text, 128);
  IpAddress base{};
  if (!parts || inet_pton(AF_INET6, parts->address.c_str(), base.data()) != 1)
    return fail(ErrorCode::invalid_argument, "is no IPv6 address with a suffix from /0 to /128");
  return IpNetwork(base, parts->prefix);
}

bool IpNetwork::contains(const IpAddress& address) const noexcept {
  if (prefix_ < 96 && is_v4(address)) return false;
  const auto whole = static_cast<std::ptrdiff_t>(prefix_ / 8);
  if (!std::equal(base_.begin(), base_.begin() + whole, address.begin())) return false;
  const unsigned rest = prefix_ % 8;
  if (rest == 0) return true;
  const auto at = static_cast<std::size_t>(whole);
  return ((base_[at] ^ address[at]) >> (8 - rest)) == 0;
}

}  // namespace latchkey::authz
