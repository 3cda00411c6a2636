#pragma once
/// Where sessions put their key log lines: nowhere, unless open_key_log() was called.
#include <string_view>

namespace latchkey::tls {

[[nodiscard]] bool key_log_is_open() noexcept;
/// `line` without its end.
void write_key_log(std::string_view line);

}  // namespace latchkey::tls
