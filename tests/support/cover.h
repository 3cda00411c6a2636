#pragma once
/// Records which statements of TS-0003 and TR-0038 a test covers: once per test, since the last record of a
/// name wins.
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>

namespace latchkey::test {

inline void cover(std::initializer_list<std::string_view> ids) {
  std::string joined;
  for (const auto id : ids) joined += (joined.empty() ? "" : " ") + std::string(id);
  ::testing::Test::RecordProperty("covers", joined);
}

}  // namespace latchkey::test
