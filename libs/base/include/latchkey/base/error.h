#pragma once
/// Errors are values (house rule): every fallible call returns Result<T>; no exception crosses a library
/// border.
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace latchkey {

/// Coarse cause of a failure. The wire forms (Response Status Code, HTTP status, TLS alert) are made at the
/// edge.
enum class ErrorCode {
  invalid_argument,  ///< malformed or unacceptable input from outside
  not_found,         ///< the named thing does not exist
  conflict,          ///< exists already, or is in a state that forbids the call
  denied,            ///< authenticated or not, the caller may not
  authentication,    ///< a credential, signature or MAC did not verify
  expired,           ///< the thing existed and its time has passed
  limit,             ///< a configured limit of size, count or time was reached
  unavailable,       ///< a peer or resource cannot be reached now; a later try may succeed
  unsupported,       ///< valid, but not offered here
  io,                ///< the operating system or a library failed
  internal,          ///< cannot happen on valid state; always logged
};

[[nodiscard]] const char* to_string(ErrorCode code) noexcept;

/// `detail` is for people and never holds a secret.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string detail;
};

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

using Status = Result<void>;

/// `return fail(ErrorCode::not_found, "no such key");` from any function that returns Result<T>.
[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string detail) {
  return tl::unexpected<Error>(Error{code, std::move(detail)});
}
[[nodiscard]] inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

/// Adds context on the way up: "<context>: <detail>".
[[nodiscard]] tl::unexpected<Error> fail(std::string_view context, Error error);

/// For a broken invariant, never for outside input: logs and aborts.
[[noreturn]] void broken_invariant(const char* what) noexcept;

}  // namespace latchkey
