#pragma once
#include <string>

#include "latchkey/base/secret.h"
#include "latchkey/codec/primitive.h"
#include "latchkey/e2e/rand_object.h"

namespace latchkey::e2e {

/// The text of an inner primitive on its way into an object; overwritten afterwards.
class Plaintext {
 public:
  /// `confidential`: it holds a key, so that `primitive` is overwritten too.
  Plaintext(json::value primitive, bool confidential) : text_(codec::to_text(primitive)) {
    if (confidential) codec::wipe(primitive);
  }
  Plaintext(const Plaintext&) = delete;
  Plaintext& operator=(const Plaintext&) = delete;
  ~Plaintext() { wipe(text_.data(), text_.size()); }
  [[nodiscard]] ByteView octets() const noexcept { return as_bytes(text_); }

 private:
  std::string text_;
};

}  // namespace latchkey::e2e
