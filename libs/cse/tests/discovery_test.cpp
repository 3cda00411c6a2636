/// Discovery and filter criteria (procedures 9.4, TS-0004 7.3.3.14, 7.3.3.17).
#include "pattern.h"
#include "support/world.h"

namespace latchkey::cse::test {
namespace {

using Fc = codec::FilterCriteria;
template <class Edit>
Fc fc(Edit edit) {
  Fc criteria;
  edit(criteria);
  return criteria;
}

class Discovery : public testing::Test {
 protected:
  void SetUp() override {
    world.register_ae("C1", "one");
    world.register_ae("C2", "two");
    create("C1", Ty::cnt, R"({"m2m:cnt":{"rn":"a","lbl":["room:1","red"],"mni":10}})");
    world.clock.advance(std::chrono::seconds(10));
    create("C1", Ty::cnt, R"({"m2m:cnt":{"rn":"b","lbl":["room:2"],"et":"20240701T000000"}})");
    create("-/one/a", Ty::cin, R"({"m2m:cin":{"rn":"i","con":"12345","cnf":"text/plain:0"}})");
    create("-/one/a", Ty::cnt, R"({"m2m:cnt":{"rn":"deep","lbl":["red"]}})");
    create("-/one/a/deep", Ty::cnt, R"({"m2m:cnt":{"rn":"deeper"}})");
  }
  void create(std::string_view to, Ty ty, std::string_view content, std::string_view from = "C1") {
    const auto made = world.create(from, to, ty, content);
    ASSERT_EQ(made.rsc, Rsc::created) << World::debug(made);
  }
  ResponsePrimitive ask(const codec::FilterCriteria& criteria, std::string_view to = "C1") {
    auto request = world.make(Operation::retrieve, "C1", to);
    request.fc = criteria;
    request.fc->usage = codec::FilterUsage::discovery;
    return world.send(world.session("C1"), request);
  }
  /// Names of what is found below "cse/one".
  std::string names(const codec::FilterCriteria& criteria) {
    std::string all;
    for (const auto& uri : World::uris(ask(criteria)))
      all += (all.empty() ? "" : " ") + uri.substr(std::string_view("cse/one/").size());
    return all;
  }
  /// What each page of three shows of C2, in order; every page but the last says where the next begins.
  std::vector<std::string> pages_of_three(codec::ResultContent rcn, std::uint32_t count) {
    std::vector<std::string> pages;
    for (std::uint32_t offset = 0; offset < count; offset += 3) {
      auto request = world.make(Operation::retrieve, "C2", "C2");
      request.rcn = rcn;
      request.fc = fc([&](Fc& c) {
        c.limit = 3;
        c.offset = offset;
      });
      const auto response = world.send(world.session("C2"), request);
      EXPECT_EQ(response.rsc, Rsc::ok) << World::debug(response);
      const bool last = offset + 3 >= count;
      EXPECT_EQ(response.cnst, last ? 2U : 1U);
      EXPECT_EQ(response.cnot, last ? std::nullopt : std::optional(offset + 3));
      pages.push_back(names_in(World::attributes(response)));
    }
    return pages;
  }
  /// Containers, each before its instances.
  static std::string names_in(const json::object& top) {
    std::string page;
    const auto* const containers = top.if_contains("m2m:cnt");
    if (containers == nullptr) return page;
    for (const auto& container : containers->as_array()) {
      page += std::string(container.at("rn").as_string()) + " ";
      if (const auto* instances = container.as_object().if_contains("m2m:cin"))
        for (const auto& instance : instances->as_array())
          page += std::string(instance.at("rn").as_string()) + " ";
    }
    return page;
  }
  World world;
};

TimePoint at(std::string_view text) { return *parse_timestamp(text); }

TEST_F(Discovery, finds_descendants_and_not_the_target) {
  EXPECT_EQ(names({}), "a a/deep a/deep/deeper a/i b");
  EXPECT_TRUE(World::uris(ask({}, "-/one/b")).empty());
  EXPECT_EQ(ask({}, "-/one/b").rsc, Rsc::ok) << "no match is an empty list";
  EXPECT_EQ(ask({}, "-/none").rsc, Rsc::not_found);
}

TEST_F(Discovery, each_condition) {
  EXPECT_EQ(names(fc([](Fc& c) { c.types = {4}; })), "a/i");
  EXPECT_EQ(names(fc([](Fc& c) { c.types = {4, 3}; })), "a a/deep a/deep/deeper a/i b");
  EXPECT_EQ(names(fc([](Fc& c) { c.labels = {"red"}; })), "a a/deep");
  EXPECT_EQ(names(fc([](Fc& c) { c.labels = {"room:*"}; })), "a b");
  EXPECT_EQ(names(fc([](Fc& c) {
              c.labels = {"room:2", "red"};
            })),
            "a a/deep b")
      << "values of one condition are alternatives";
  EXPECT_EQ(names(fc([](Fc& c) { c.created_before = at("20240601T120010"); })), "a");
  EXPECT_EQ(names(fc([](Fc& c) { c.created_after = at("20240601T120000"); })), "a/deep a/deep/deeper a/i b");
  EXPECT_EQ(names(fc([](Fc& c) { c.created_after = at("20240601T120010"); })), "");
  EXPECT_EQ(names(fc([](Fc& c) { c.modified_since = at("20240601T120005"); })),
            "a a/deep a/deep/deeper a/i b")
      << "a counted its instance";
  EXPECT_EQ(names(fc([](Fc& c) { c.unmodified_since = at("20240601T120005"); })), "");
  EXPECT_EQ(names(fc([](Fc& c) { c.expire_before = at("20240701T000001"); })), "b");
  EXPECT_EQ(names(fc([](Fc& c) { c.expire_after = at("20240701T000000"); })), "a a/deep a/deep/deeper a/i");
  EXPECT_EQ(names(fc([](Fc& c) { c.state_tag_bigger = 0; })), "a a/i");
  EXPECT_EQ(names(fc([](Fc& c) { c.state_tag_smaller = 1; })), "a/deep a/deep/deeper b");
  EXPECT_EQ(names(fc([](Fc& c) { c.size_above = 5; })), "a/i");
  EXPECT_EQ(names(fc([](Fc& c) { c.size_above = 6; })), "");
  EXPECT_EQ(names(fc([](Fc& c) { c.size_below = 5; })), "");
  EXPECT_EQ(names(fc([](Fc& c) { c.size_below = 6; })), "a/i");
  EXPECT_EQ(names(fc([](Fc& c) { c.content_types = {"text/plain"}; })), "a/i");
  EXPECT_EQ(names(fc([](Fc& c) { c.content_types = {"text/plain:1"}; })), "");
  EXPECT_EQ(names(fc([](Fc& c) { c.attributes = {{"rn", "de*"}}; })), "a/deep a/deep/deeper");
  EXPECT_EQ(names(fc([](Fc& c) { c.attributes = {{"mni", "10"}}; })), "a");
  EXPECT_EQ(names(fc([](Fc& c) { c.attributes = {{"rn", "a"}, {"rn", "b"}}; })), "a b");
}

TEST_F(Discovery, conditions_combine_by_and_or_or) {
  const auto both = [](bool any) {
    return fc([&](Fc& c) {
      c.labels = {"red"};
      c.attributes = {{"mni", "10"}};
      c.any = any;
    });
  };
  EXPECT_EQ(names(both(false)), "a");
  EXPECT_EQ(names(both(true)), "a a/deep");
}

TEST_F(Discovery, limits_cut_the_result_and_say_so) {
  const auto level = fc([](Fc& c) { c.level = 1; });
  EXPECT_EQ(names(level), "a b");
  EXPECT_EQ(names(fc([](Fc& c) { c.level = 2; })), "a a/deep a/i b");
  const auto first = ask(fc([](Fc& c) { c.limit = 2; }));
  EXPECT_EQ(World::uris(first), (std::vector<std::string>{"cse/one/a", "cse/one/a/deep"}));
  EXPECT_EQ(first.cnst, 1U);
  EXPECT_EQ(first.cnot, 2U);
  const auto rest = ask(fc([&](Fc& c) { c.offset = *first.cnot; }));
  EXPECT_EQ(World::uris(rest),
            (std::vector<std::string>{"cse/one/a/deep/deeper", "cse/one/a/i", "cse/one/b"}));
  EXPECT_EQ(rest.cnst, 2U);
  EXPECT_EQ(ask(fc([](Fc& c) { c.limit = 5; })).cnst, 2U) << "exactly all";
}

/// TS-0004 7.3.3.17: lim and ofst walk over nested children too, each of which is shown exactly once beside
/// the ancestors that lead to it.
TEST_F(Discovery, pages_of_nested_children_leave_nothing_out) {
  create("C2", Ty::cnt, R"({"m2m:cnt":{"rn":"A"}})", "C2");
  for (const auto* name : {"i1", "i2", "i3", "i4", "i5"})
    create("-/two/A", Ty::cin, R"({"m2m:cin":{"rn":")" + std::string(name) + R"(","con":"x"}})", "C2");
  for (const auto* name : {"B", "C", "D"})
    create("C2", Ty::cnt, R"({"m2m:cnt":{"rn":")" + std::string(name) + R"("}})", "C2");
  const std::vector<std::string> all{"A i1 i2 ", "A i3 i4 i5 ", "B C D "};
  EXPECT_EQ(pages_of_three(codec::ResultContent::attributes_and_children, 9), all);
  EXPECT_EQ(pages_of_three(codec::ResultContent::children, 9), all);
}

TEST_F(Discovery, nested_children_alone_come_without_their_parent) {
  create("C2", Ty::cnt, R"({"m2m:cnt":{"rn":"A"}})", "C2");
  auto request = world.make(Operation::retrieve, "C2", "C2");
  request.rcn = codec::ResultContent::children;
  const auto alone = World::attributes(world.send(world.session("C2"), request));
  EXPECT_TRUE(alone.contains("m2m:cnt"));
  EXPECT_FALSE(alone.contains("ri"));
  request.rcn = codec::ResultContent::attributes_and_children;
  EXPECT_TRUE(World::attributes(world.send(world.session("C2"), request)).contains("ri"));
}

TEST_F(Discovery, the_cse_limits_what_nobody_limits) {
  auto options = World::in_options();
  options.results_max = 3;
  World small(options);
  small.register_ae("C1", "one");
  for (int i = 0; i < 4; ++i) small.create("C1", "C1", Ty::cnt, R"({"m2m:cnt":{}})");
  auto request = small.make(Operation::retrieve, "C1", "C1");
  request.fc.emplace().usage = codec::FilterUsage::discovery;
  const auto response = small.send(small.session("C1"), request);
  EXPECT_EQ(World::uris(response).size(), 3U);
  EXPECT_EQ(response.cnst, 1U);
  request.fc.reset();
  request.rcn = codec::ResultContent::attributes_and_children;
  const auto nested = small.send(small.session("C1"), request);
  EXPECT_EQ(World::attributes(nested).at("m2m:cnt").as_array().size(), 3U);
  EXPECT_EQ(nested.cnst, 1U);
}

TEST_F(Discovery, the_form_of_the_addresses) {
  auto request = world.make(Operation::retrieve, "C1", "/in-cse/-/one");
  request.fc.emplace().usage = codec::FilterUsage::discovery;
  request.fc->attributes = {{"rn", "b"}};
  EXPECT_EQ(World::uris(world.send(world.session("C1"), request)),
            std::vector<std::string>{"/in-cse/cse/one/b"});
  request.to = "//sp.example/in-cse/-/one";
  EXPECT_EQ(World::uris(world.send(world.session("C1"), request)),
            std::vector<std::string>{"//sp.example/in-cse/cse/one/b"});
  request.drt = 2;
  request.to = "-/one";
  const auto ri = World::text(world.retrieve("C1", "-/one/b"), "ri");
  EXPECT_EQ(World::uris(world.send(world.session("C1"), request)), std::vector<std::string>{ri});
  request.rcn = codec::ResultContent::child_references;
  const auto refs = world.send(world.session("C1"), request).pc.at("m2m:rrl").at("rrf").as_array();
  ASSERT_EQ(refs.size(), 1U);
  EXPECT_EQ(refs[0].at("val"), json::string(ri));
  request.rcn = codec::ResultContent::attributes;
  EXPECT_EQ(world.send(world.session("C1"), request).rsc, Rsc::bad_request);
}

TEST_F(Discovery, lists_only_what_the_originator_may_discover) {
  auto request = world.make(Operation::retrieve, "C2", "-");
  request.fc.emplace().usage = codec::FilterUsage::discovery;
  EXPECT_EQ(World::uris(world.send(world.session("C2"), request)), std::vector<std::string>{"cse/two"});
}

TEST(Pattern, a_star_ends_at_a_slash_unless_told_otherwise) {
  EXPECT_TRUE(matches_pattern("C*", "C"));
  EXPECT_TRUE(matches_pattern("C*k", "Clock"));
  EXPECT_TRUE(matches_pattern("*o*k", "Clock"));
  EXPECT_FALSE(matches_pattern("C*", "S1"));
  EXPECT_FALSE(matches_pattern("C*k", "Clocks"));
  EXPECT_FALSE(matches_pattern("/mn*", "/mn-a/C1"));
  EXPECT_TRUE(matches_pattern("/mn*/C*", "/mn-a/C1"));
  EXPECT_TRUE(matches_pattern("/mn*", "/mn-a/C1", Reach::whole));
  EXPECT_TRUE(matches_pattern("", ""));
  EXPECT_FALSE(matches_pattern("", "x"));
  EXPECT_TRUE(matches_pattern("*", ""));
}

}  // namespace
}  // namespace latchkey::cse::test
