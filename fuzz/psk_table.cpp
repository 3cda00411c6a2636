// The PSK table: any octets as a file, and any octets as the identity a peer sends.
#include "latchkey/secure_env/psk_table.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto home = latchkey::SpId::parse("//sp.example").value();
  const auto text = latchkey::as_text({data, size});
  const auto table = latchkey::secure_env::PskTable::parse(text, "psk.tsv", home);
  if (!table) return 0;
  static_cast<void>((*table)->find(text));
  for (const auto& entry : (*table)->entries()) {
    if ((*table)->find(entry.identity.text()) != &entry) std::abort();
  }
  return 0;
}
