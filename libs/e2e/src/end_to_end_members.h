#pragma once
/// Reads the members of a profile or of end-to-end parameters; the first thing that is wrong is kept.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/codec/mmaf.h"
#include "latchkey/e2e/security_profile.h"

namespace latchkey::e2e {

[[nodiscard]] std::optional<ProtectionClass> protection_class(std::string_view name) noexcept;
[[nodiscard]] std::optional<ProtectionProtocol> protection_protocol(std::string_view name) noexcept;

[[nodiscard]] inline std::optional<crypto::EndToEndKey> end_to_end_key(std::string_view name) noexcept {
  const auto& names = codec::mmaf::kEndToEndKeyNames;
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return {};
  return static_cast<crypto::EndToEndKey>(found - names.begin());
}
/// At most kScopeOctetsMax, none of them a control character.
[[nodiscard]] inline bool is_scope(std::string_view text) noexcept {
  return text.size() <= kScopeOctetsMax &&
         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
}

class MemberReader {
 public:
  explicit MemberReader(const json::object& members) : members_(members) {}

  [[nodiscard]] bool has(std::string_view name) const { return members_.contains(name); }
  [[nodiscard]] std::optional<std::string> text(std::string_view name) {
    const auto* value = take(name);
    if (value == nullptr) return {};
    if (!value->is_string()) return refuse(name, "no text"), std::nullopt;
    return std::string(value->get_string());
  }
  [[nodiscard]] const json::object* object(std::string_view name) {
    const auto* value = take(name);
    if (value != nullptr && !value->is_object()) refuse(name, "no object");
    return value != nullptr ? value->if_object() : nullptr;
  }
  [[nodiscard]] std::chrono::seconds nonce_lifetime() {
    const auto* value = take(codec::mmaf::kNonceLifetime);
    const auto number = value != nullptr && value->is_int64() ? value->get_int64() : 0;
    if (number < 1 || number > kNonceLifetimeMax.count())
      refuse(codec::mmaf::kNonceLifetime, "from 1 to 86400 seconds");
    return std::chrono::seconds(number);
  }
  [[nodiscard]] std::string scope(std::string text) {
    if (!is_scope(text)) refuse(codec::mmaf::kScope, "more than 256 octets, or control characters");
    return text;
  }
  void refuse(std::string_view name, std::string_view why) {
    if (!error_) error_ = Error{ErrorCode::invalid_argument, std::string(name) + ": " + std::string(why)};
  }
  /// Also refuses members that nobody asked for.
  [[nodiscard]] Status finish() {
    for (const auto& [name, value] : members_)
      if (std::ranges::find(known_, std::string_view(name)) == known_.end())
        refuse("a member of the end-to-end parameters", "unknown");
    return error_ ? Status(fail(*error_)) : Status();
  }

 private:
  const json::value* take(std::string_view name) {
    known_.push_back(name);
    return members_.if_contains(name);
  }
  const json::object& members_;
  std::vector<std::string_view> known_;
  std::optional<Error> error_;
};

}  // namespace latchkey::e2e
