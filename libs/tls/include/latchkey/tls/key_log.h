#pragma once
/// Test-only: the key log of TR-0038 Annex A.2, with which Wireshark opens a capture.
#include <string>

#include "latchkey/base/error.h"

namespace latchkey::tls {

/// From now on every TLS session that this process establishes appends a line
/// "CLIENT_RANDOM <64 hex digits> <96 hex digits>" to `file` (made 0600). Whoever has the line reads the
/// session: for example programs and tests, behind an option that says so; no daemon calls this. Without a
/// call nothing is written, whatever the environment says: GnuTLS's own SSLKEYLOGFILE is off in every
/// session. Call it once, before the first session and from the only thread. Errors: io.
[[nodiscard]] Status open_key_log(const std::string& file);

}  // namespace latchkey::tls
