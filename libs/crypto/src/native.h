#pragma once
/// What the files of this library share about libcrypto.
#include <memory>

#include "latchkey/base/error.h"

namespace latchkey::crypto {

/// For calls that fail only if memory runs out or libcrypto is broken.
inline void must(bool done, const char* what) {
  if (!done) broken_invariant(what);
}

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

}  // namespace latchkey::crypto
