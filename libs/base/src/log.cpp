#include "latchkey/base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>

namespace latchkey::log {

namespace {

spdlog::level::level_enum native(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

spdlog::logger& logger() {
  static const auto instance =
      std::make_shared<spdlog::logger>("latchkey", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  return *instance;
}

bool as_json = false;

// Outside text can reach a message: control characters must not forge lines or terminal sequences.
std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out += '?';
    else if (as_json && (c == '"' || c == '\\'))
      (out += '\\') += c;
    else
      out += c;
  }
  return out;
}

}  // namespace

void configure(Level level, bool json) {
  as_json = json;
  logger().set_level(native(level));
  logger().set_pattern(
      json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})" : "%Y-%m-%dT%H:%M:%S.%eZ %-7l %v",
      spdlog::pattern_time_type::utc);
  logger().flush_on(spdlog::level::info);
}

void write(Level level, std::string_view component, std::string_view message) {
  if (!logger().should_log(native(level))) return;
  if (as_json)
    logger().log(native(level), "\"component\":\"{}\",\"message\":\"{}\"", printable(component),
                 printable(message));
  else
    logger().log(native(level), "{}: {}", printable(component), printable(message));
}

}  // namespace latchkey::log
