#pragma once
/// Expectations on refusals: the code, and that the detail names the defect.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "latchkey/codec/primitive.h"

namespace latchkey::codec::test {

template <class T>
void expect_refused(const Outcome<T>& outcome, Rsc rsc, const std::string& part) {
  ASSERT_FALSE(outcome.has_value()) << "accepted, though it should name: " << part;
  EXPECT_EQ(to_string(outcome.error().rsc), to_string(rsc)) << outcome.error().detail;
  EXPECT_NE(outcome.error().detail.find(part), std::string::npos)
      << "\"" << outcome.error().detail << "\" should name: " << part;
}

template <class T>
void expect_accepted(const Outcome<T>& outcome) {
  EXPECT_TRUE(outcome.has_value()) << (outcome ? "" : outcome.error().detail);
}

/// Names the rows of a table of cases.
template <class Case>
std::string name_of(const ::testing::TestParamInfo<Case>& row) {
  return row.param.name;
}

/// JSON that a test wrote itself.
inline json::value parsed(const std::string& text) {
  auto value = parse_json(text, {});
  EXPECT_TRUE(value.has_value()) << (value ? "" : value.error().detail) << "\n" << text;
  return value ? std::move(*value) : json::value();
}

inline std::string data_file(const std::string& name) {
  std::ifstream in(std::string(LATCHKEY_TEST_DATA) + "/" + name);
  EXPECT_TRUE(in) << name;
  return {std::istreambuf_iterator<char>(in), {}};
}

/// 2017-11-13 11:00:00 UTC, the day of TR-0038's example.
inline TimePoint tr0038_time() { return TimePoint(std::chrono::seconds(1'510'570'800)); }

}  // namespace latchkey::codec::test
