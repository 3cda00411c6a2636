#pragma once
/// HMAC-SHA-256 written from FIPS 180-4 and RFC 2104 for the tests, with nothing of libcrypto.
#include "latchkey/base/bytes.h"

namespace latchkey::test {

[[nodiscard]] Bytes reference_sha256(ByteView data);
[[nodiscard]] Bytes reference_hmac(ByteView key, ByteView data);

}  // namespace latchkey::test
