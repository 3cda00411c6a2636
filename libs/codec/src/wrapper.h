#pragma once
#include <boost/json/value.hpp>
#include <string_view>

namespace latchkey::codec {

/// The primitive behind one of the wrapper names, or `value` itself where it is not wrapped (TS-0004 8.4:
/// bare; TR-0038 7.1.4: wrapped).
template <class Value>  // json::value or const json::value
[[nodiscard]] Value& unwrapped(Value& value, std::string_view bare, std::string_view prefixed) {
  if (!value.is_object() || value.get_object().size() != 1) return value;
  auto& member = *value.get_object().begin();
  const std::string_view key = member.key();
  return key == bare || key == prefixed ? member.value() : value;
}

}  // namespace latchkey::codec
