#pragma once
#include <string>
#include <string_view>

namespace latchkey {

/// Appends `text` as a JSON string with quotes. The result is always one line of valid UTF-8: control
/// characters are escaped, and octets that are no UTF-8 become U+FFFD, since text of a peer ends up in log
/// files.
void append_json_string(std::string& out, std::string_view text);

}  // namespace latchkey
