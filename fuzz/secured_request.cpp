// The claims of a secured request (TS-0003 7.3.2.3 step 3), as they stand behind the keys, and whatever is
// said to be one.
#include "latchkey/e2e/secured_request.h"

#include <cstdint>
#include <cstdlib>

namespace {

using namespace latchkey;

const e2e::SecuredRequestTarget& target() {
  static const auto cse = CseId::parse("//sp.example/cse", SpId::parse("//sp.example").value()).value();
  static const auto key = std::make_shared<const SecretBytes>(SecretBytes::copy_of(Bytes(16, 7)));
  static const auto made = e2e::SecuredRequestTarget::make(
                               {.self = cse},
                               {.classes = {e2e::EsDataClass::encryption_only},
                                .key_algs = {jose::KeyAlg::a128kw},
                                .encs = {jose::Enc::a128gcm}},
                               {},
                               {{{.kid = "k", .suid = Suid::from(14).value(), .owner = cse},
                                 jose::DecryptionKey(key, {jose::KeyAlg::a128kw}, {jose::Enc::a128gcm})}})
                               .value();
  return *made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto read = e2e::read_secured_request(text)) {
    const auto again = e2e::read_secured_request(e2e::to_text(*read));
    if (!again || *again != *read) std::abort();
  }
  const auto opened = target().open(text, TimePoint(std::chrono::seconds(1'795'867'200)));
  if (!opened && opened.error().detail.empty()) std::abort();
  return 0;
}
