#include "latchkey/tls/security_context.h"

namespace latchkey::tls {

std::string_view to_string(Framework framework) noexcept {
  switch (framework) {
    case Framework::none:
      return "none";
    case Framework::provisioned_symmetric_key:
      return "provisioned_symmetric_key";
    case Framework::certificate:
      return "certificate";
    case Framework::maf:
      return "maf";
    case Framework::trusted_listener:
      return "trusted_listener";
  }
  return "none";
}

}  // namespace latchkey::tls
