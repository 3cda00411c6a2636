#include "latchkey/base/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <memory>
#include <string>

#include "json_text.h"
#include "latchkey/base/time.h"

namespace latchkey::log {
namespace {

std::atomic<bool> json_lines{false};

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
  return spdlog::level::err;
}

std::string_view name_of(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warning:
      return "warning";
    case Level::error:
      return "error";
  }
  return "error";
}

/// Never destroyed, so that destructors of static objects can still log.
spdlog::logger& logger() {
  static spdlog::logger* const instance = [] {
    auto made =
        std::make_unique<spdlog::logger>("latchkey", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_formatter(std::make_unique<spdlog::pattern_formatter>("%v"));
    made->set_level(spdlog::level::info);
    made->flush_on(spdlog::level::debug);
    return made.release();
  }();
  return *instance;
}

/// Text of a peer may be part of a message: a control character must not begin a forged line or steer a
/// terminal.
std::string one_line(std::string_view text) {
  std::string quoted;
  append_json_string(quoted, text);
  return quoted.substr(1, quoted.size() - 2);
}

std::string text_line(Level level, std::string_view component, std::string_view message) {
  std::string line = format_log_time(system_clock().now());
  line.append(" ").append(name_of(level)).append(" ");
  return line.append(one_line(component)).append(": ").append(one_line(message));
}

std::string json_line(Level level, std::string_view component, std::string_view message) {
  std::string line = "{\"time\":\"" + format_log_time(system_clock().now()) + "\",\"level\":\"";
  line.append(name_of(level)).append("\",\"component\":");
  append_json_string(line, component);
  line += ",\"message\":";
  append_json_string(line, message);
  return line += '}';
}

}  // namespace

void configure(Level level, bool json) {
  json_lines = json;
  logger().set_level(native(level));
}

// spdlog's logger swallows its own exceptions: a caller goes on without its line if standard error is gone.
void write(Level level, std::string_view component, std::string_view message) {
  spdlog::logger& out = logger();
  if (!out.should_log(native(level))) return;
  const std::string line =
      json_lines ? json_line(level, component, message) : text_line(level, component, message);
  out.log(native(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace latchkey::log
