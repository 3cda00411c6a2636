#include "latchkey/base/process.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include "latchkey/base/log.h"

namespace latchkey {

void hide_memory() noexcept {
  const rlimit none{0, 0};
  // A core_pattern that pipes ignores the limit, so it is the second that counts.
  const bool limited = ::setrlimit(RLIMIT_CORE, &none) == 0;
  const bool hidden = ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
  if (!limited || !hidden) log::warning("process", "its memory cannot be hidden from core dumps");
}

}  // namespace latchkey
