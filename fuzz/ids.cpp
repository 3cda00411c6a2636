// Identifiers and addresses: what parses must print to a text that parses to the same.
#include "latchkey/base/ids.h"

#include <cstdlib>

#include "latchkey/base/bytes.h"
#include "latchkey/base/secret.h"
#include "latchkey/base/time.h"

namespace {

template <class Parse, class Print>
void round_trip(std::string_view text, Parse parse, Print print) {
  const auto first = parse(text);
  if (!first) return;
  const auto again = parse(print(*first));
  if (!again || print(*again) != print(*first)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace latchkey;
  static const SpId home = SpId::parse("//m2m.sp.example").value();
  const std::string_view text = as_text({data, size});
  const auto print_text = [](const auto& id) { return id.text(); };
  round_trip(
      text, [](auto t) { return parse_entity_id(t, home); }, [](const auto& id) { return to_string(id); });
  round_trip(text, ResourceAddress::parse, print_text);
  round_trip(text, KeyId::parse, print_text);
  round_trip(text, CredentialId::parse, print_text);
  round_trip(text, Fqdn::parse, print_text);
  (void)parse_abs_rel_timestamp(text, TimePoint());
  (void)from_base64(text);
  (void)secret_from_hex(text);
  return 0;
}
