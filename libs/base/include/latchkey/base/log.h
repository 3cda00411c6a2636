#pragma once
/// Operator's log on standard error (or the journal through it). Never a secret, never a request body.
#include <string_view>

namespace latchkey::log {

enum class Level { debug, info, warning, error };

/// Call once in main, before threads. `json` writes one JSON object a line.
void configure(Level level, bool json);

/// Thread-safe.
void write(Level level, std::string_view component, std::string_view message);
inline void debug(std::string_view component, std::string_view message) {
  write(Level::debug, component, message);
}
inline void info(std::string_view component, std::string_view message) {
  write(Level::info, component, message);
}
inline void warning(std::string_view component, std::string_view message) {
  write(Level::warning, component, message);
}
inline void error(std::string_view component, std::string_view message) {
  write(Level::error, component, message);
}

}  // namespace latchkey::log
