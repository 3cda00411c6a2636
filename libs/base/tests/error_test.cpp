#include "latchkey/base/error.h"

#include <gtest/gtest.h>

#include <set>

namespace latchkey {
namespace {

TEST(Error, EveryCodeHasANameOfItsOwn) {
  std::set<std::string> names;
  for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code)
    names.insert(to_string(static_cast<ErrorCode>(code)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(ErrorCode::internal) + 1);
  EXPECT_FALSE(names.contains("unknown"));
}

TEST(Error, ContextIsAddedOnTheWayUp) {
  const auto inner = []() -> Result<int> { return fail(ErrorCode::not_found, "no such key"); };
  const auto outer = [&]() -> Status {
    auto value = inner();
    if (!value) return fail("retrieval", std::move(value.error()));
    return {};
  };
  const Status status = outer();
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code, ErrorCode::not_found);
  EXPECT_EQ(status.error().detail, "retrieval: no such key");
}

TEST(ErrorDeathTest, BrokenInvariantLogsAndAborts) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(broken_invariant("two and two are five"), "invariant: two and two are five");
}

}  // namespace
}  // namespace latchkey
