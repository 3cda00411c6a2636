/// What `latchkey das` is answered.
#include "latchkey/das/admin.h"

#include <gmock/gmock.h>

#include "latchkey/codec/dynamic_authorization.h"
#include "support/world.h"

namespace latchkey::das {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kPolicy = R"(
[[grant]]
name = "door"
originators = ["all"]
targets = ["/in-cse/base/door"]
operations = ["retrieve"]
lifetime = "1h"
gives = "token"
granted_operations = ["retrieve"]

[[role]]
id = "guest@das.sp.example"
holders = ["/in-cse/C*"]
lifetime = "7d"
)";

class Admin : public test::World {
 protected:
  Admin() { open(kPolicy); }
  static bind::AdminRequest request(std::map<std::string, std::string> query) {
    return {.method = "POST", .path = "/", .query = std::move(query)};
  }
  bind::AdminResponse assigned(std::map<std::string, std::string> query) {
    return assign(*das, test::home(), request(std::move(query)));
  }
};

TEST_F(Admin, a_listing_names_everything_but_the_token) {
  codec::DasRequest asked{.originator = test::entity("/in-cse/Cphone")};
  asked.target = "/in-cse/base/door";
  notify(test::entity("/in-cse"), codec::to_security_info(asked));
  const auto all = list_issued(*das, request({}));
  EXPECT_EQ(all.status, 200);
  EXPECT_THAT(all.body, HasSubstr(R"("kind":"token","grant":"door","holder":"//sp.example/in-cse/Cphone")"));
  EXPECT_THAT(all.body, Not(HasSubstr(das->issued().front()->jwt)));
  EXPECT_EQ(list_issued(*das, request({{"holder", "//sp.example/in-cse/Cphone"}})).body, all.body);
  EXPECT_EQ(list_issued(*das, request({{"holder", "//sp.example/in-cse/Cother"}})).body, "");
}

TEST_F(Admin, an_assignment_is_answered_with_its_id) {
  const auto answer = assigned(
      {{"role", "guest@das.sp.example"}, {"holder", "/in-cse/Cphone"}, {"seconds", "60"}, {"token", "1"}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  const auto id = answer.body.substr(0, answer.body.find('\n'));
  ASSERT_NE(das->assignment(id), nullptr);
  EXPECT_EQ(das->assignment(id)->not_after, clock.now() + std::chrono::seconds(60));
  EXPECT_TRUE(das->assignment(id)->with_token);
  EXPECT_THAT(list_assignments(*das, request({{"id", id}})).body,
              HasSubstr(R"("step":"create_role","settled":false)"));
  EXPECT_EQ(list_assignments(*das, request({})).body, list_assignments(*das, request({{"id", id}})).body);
  EXPECT_EQ(list_assignments(*das, request({{"id", "role-x"}})).status, 404);
  EXPECT_EQ(revoke(*das, request({{"id", id}})).status, 200);
}

TEST_F(Admin, wishes_that_cannot_be_are_refused_by_name) {
  const auto refused = [&](std::map<std::string, std::string> query, int status, const char* part) {
    const auto answer = assigned(std::move(query));
    EXPECT_EQ(answer.status, status);
    EXPECT_THAT(answer.body, HasSubstr(part));
  };
  refused({{"role", "guest@das.sp.example"}}, 400, "holder");
  refused({{"role", "guest@das.sp.example"}, {"holder", "sp.example"}}, 400, "holder");
  refused({{"holder", "/in-cse/Cphone"}}, 400, "role");
  refused({{"role", "guest@das.sp.example"}, {"holder", "/in-cse/Cphone"}, {"seconds", "0"}}, 400, "seconds");
  refused({{"role", "guest@das.sp.example"}, {"holder", "/in-cse/Cphone"}, {"seconds", "1h"}}, 400,
          "seconds");
  refused({{"role", "guest@das.sp.example"}, {"holder", "/in-cse/Cphone"}, {"name", std::string(257, 'a')}},
          400, "name");
  refused({{"role", "guest@das.sp.example"}, {"holder", "/mn-cse/Cphone"}}, 403, "may not be assigned");
  refused({{"role", "owner@das.sp.example"}, {"holder", "/in-cse/Cphone"}}, 403, "no [[role]]");
  EXPECT_EQ(revoke(*das, request({})).status, 400);
  EXPECT_EQ(revoke(*das, request({{"id", "x@das.sp.example"}})).status, 404);
  EXPECT_TRUE(das->assignments().empty());
}

}  // namespace
}  // namespace latchkey::das
