#include "latchkey/secure_env/secure_env.h"

namespace latchkey::secure_env {

namespace {
constexpr std::size_t kHandleBytesMax = 255;
constexpr std::string_view kHandleCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-@";
}  // namespace

bool is_valid(const KeyHandle& handle) noexcept {
  return !handle.name.empty() && handle.name.size() <= kHandleBytesMax &&
         handle.name.find_first_not_of(kHandleCharacters) == std::string::npos;
}

Status SecureEnvironment::store_all(std::vector<NewKey>&& keys) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    auto stored = store(keys[i].handle, keys[i].attributes, std::move(keys[i].secret));
    if (stored) continue;
    while (i-- > 0) static_cast<void>(remove(keys[i].handle));  // the failure to store is the one to report
    return stored;
  }
  return {};
}

}  // namespace latchkey::secure_env
