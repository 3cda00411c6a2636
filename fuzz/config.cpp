// Configuration files: whatever the text, reading it ends, and every unread key is a problem.
#include "latchkey/base/config.h"

#include <cstdlib>

#include "latchkey/base/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace latchkey;
  auto reader = ConfigReader::from_text(as_text({data, size}), "fuzz.toml");
  (void)reader.required_text("name");
  (void)reader.integer("port", 1, 1, 65535);
  (void)reader.duration("lifetime", std::chrono::seconds(1));
  (void)reader.texts("roles");
  (void)reader.path("dir", "");
  if (auto tls = reader.table("tls")) (void)tls->boolean("on", false);
  for (auto& one : reader.tables("listen")) (void)one.integer("port", 1, 1, 65535);
  for (const auto& problem : reader.finish()) {
    if (problem.what.empty() || problem.line < 0) std::abort();
  }
  return 0;
}
