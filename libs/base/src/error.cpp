#include "latchkey/base/error.h"

#include <cstdlib>

#include "latchkey/base/log.h"

namespace latchkey {

const char* to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "invalid_argument";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::conflict:
      return "conflict";
    case ErrorCode::denied:
      return "denied";
    case ErrorCode::authentication:
      return "authentication";
    case ErrorCode::expired:
      return "expired";
    case ErrorCode::limit:
      return "limit";
    case ErrorCode::unavailable:
      return "unavailable";
    case ErrorCode::unsupported:
      return "unsupported";
    case ErrorCode::io:
      return "io";
    case ErrorCode::internal:
      return "internal";
  }
  return "unknown";
}

tl::unexpected<Error> fail(std::string_view context, Error error) {
  error.detail.insert(0, ": ").insert(0, context);
  return tl::unexpected<Error>(std::move(error));
}

void broken_invariant(const char* what) noexcept {
  log::error("invariant", what);
  std::abort();
}

}  // namespace latchkey
