// Answers and notifications of a location server (TS-0004 Annex F). Input: one letter for the form (l
// location list, n notification, s subscription), then JSON.
#include "latchkey/codec/terminal_location.h"

#include <cstdint>
#include <cstdlib>

#include "latchkey/base/bytes.h"
#include "latchkey/codec/primitive.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace latchkey;  // NOLINT: ten lines
  if (size == 0) return 0;
  const auto value = codec::parse_json(as_text({data + 1, size - 1}), {});
  if (!value) return 0;
  if (data[0] == 'l') {
    const auto read = codec::read_terminal_location(*value, "tel:+1");
    if (read && read->fix && !(read->fix->latitude >= -90 && read->fix->latitude <= 90)) std::abort();
  } else if (data[0] == 'n') {
    const auto read = codec::read_area_notification(*value);
    if (!read && read.error().detail.empty()) std::abort();
  } else if (data[0] == 's') {
    const auto read = codec::read_subscription_path(*value);
    if (read && read->empty()) std::abort();
  }
  return 0;
}
