#include "latchkey/base/log.h"

#include <gtest/gtest.h>

#include <regex>
#include <string>

namespace latchkey {
namespace {

class Log : public testing::Test {
 protected:
  ~Log() override { log::configure(log::Level::info, false); }
  template <class Action>
  static std::string standard_error(Action action) {
    testing::internal::CaptureStderr();
    action();
    return testing::internal::GetCapturedStderr();
  }
};

TEST_F(Log, TextLineHasTimeLevelAndComponent) {
  log::configure(log::Level::info, false);
  const auto line = standard_error([] { log::warning("tls", "certificate expires in 3 days"); });
  EXPECT_TRUE(std::regex_match(
      line,
      std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z warning tls: certificate expires in 3 days\n)")))
      << line;
}

TEST_F(Log, JsonIsOneObjectALine) {
  log::configure(log::Level::info, true);
  const auto line = standard_error([] { log::error("store", "a \"quote\"\nand {braces} %s"); });
  EXPECT_TRUE(
      std::regex_match(line, std::regex(R"re(\{"time":"[^"]*Z","level":"error","component":"store",)re"
                                        R"re("message":"a \\"quote\\"\\u000aand \{braces\} %s"\}\n)re")))
      << line;
}

TEST_F(Log, LevelsBelowTheConfiguredAreSilent) {
  log::configure(log::Level::warning, false);
  EXPECT_EQ(standard_error([] {
              log::debug("x", "d");
              log::info("x", "i");
            }),
            "");
  EXPECT_NE(standard_error([] { log::warning("x", "w"); }), "");
  log::configure(log::Level::debug, false);
  EXPECT_NE(standard_error([] { log::debug("x", "d"); }), "");
}

TEST_F(Log, TextOfAPeerForgesNoLine) {
  log::configure(log::Level::info, false);
  const auto line = standard_error([] { log::info("http", "from /Sx\n2026-01-01 error forged\x1B[2J"); });
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_EQ(line.find('\x1B'), std::string::npos);
  EXPECT_NE(line.find("/Sx\\u000a2026"), std::string::npos);
}

}  // namespace
}  // namespace latchkey
