#include "latchkey/base/process.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cstdlib>

namespace latchkey {
namespace {

[[noreturn]] void hide_and_look() {
  hide_memory();
  rlimit core{};
  const bool limited = ::getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0;
  std::_Exit(limited && ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 7 : 1);
}

TEST(HideMemory, LeavesNothingForACoreDumpOrAnotherProcess) {
  EXPECT_EXIT(hide_and_look(), testing::ExitedWithCode(7), "");  // in a child: the limit cannot be undone
}

}  // namespace
}  // namespace latchkey
