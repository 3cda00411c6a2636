/// What is kept from one request to the next never outlives what it was made of: policies (TS-0003 7.1.4),
/// and the text of a resource.
#include "cover.h"
#include "representations.h"
#include "support/world.h"

namespace latchkey::cse::test {
namespace {

using latchkey::test::cover;
using std::chrono::hours;
using std::chrono::seconds;

class Kept : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* stem : {"C1", "C2", "C3"}) world.register_ae(stem, std::string("ae-") + stem);
  }
  /// A policy below `parent` under this name, by which C2 may do what `rights` say and C1 may change it.
  Rsc policy(std::string_view from, std::string_view parent, std::string_view name, int rights = 63,
             std::string_view more = "") {
    return world
        .create(from, parent, Ty::acp,
                R"({"m2m:acp":{"rn":")" + std::string(name) +
                    R"(","pv":{"acr":[{"acor":["/in-cse/C2"],"acop":)" + std::to_string(rights) +
                    R"(}]},"pvs":{"acr":[{"acor":["/in-cse/C1"],"acop":63}]})" + std::string(more) + "}}")
        .rsc;
  }
  void box(std::string_view references) {
    ASSERT_EQ(
        world
            .create("C1", "C1", Ty::cnt, R"({"m2m:cnt":{"rn":"box","acpi":)" + std::string(references) + "}}")
            .rsc,
        Rsc::created);
  }
  /// Twice: what the first answer leaves behind must not change the second.
  bool may_read(std::string_view from = "C2", std::string_view to = "-/ae-C1/box") {
    const auto first = world.retrieve(from, to).rsc;
    EXPECT_EQ(world.retrieve(from, to).rsc, first);
    EXPECT_TRUE(first == Rsc::ok || first == Rsc::originator_has_no_privilege);
    return first == Rsc::ok;
  }
  World world;
};

TEST_F(Kept, policies_end_with_the_answer_that_changes_acpi) {
  ASSERT_EQ(policy("C1", "C1", "yes"), Rsc::created);
  ASSERT_EQ(policy("C1", "C1", "no", 1), Rsc::created);
  box(R"(["-/ae-C1/yes"])");
  ASSERT_EQ(world.create("C2", "-/ae-C1/box", Ty::cin, R"({"m2m:cin":{"con":"x"}})").rsc, Rsc::created);
  EXPECT_TRUE(may_read());
  EXPECT_TRUE(may_read("C2", "-/ae-C1/box/la"));
  EXPECT_EQ(world.update("C1", "-/ae-C1/box", R"({"m2m:cnt":{"acpi":["-/ae-C1/no"]}})").rsc, Rsc::updated);
  EXPECT_FALSE(may_read());
  EXPECT_FALSE(may_read("C2", "-/ae-C1/box/la")) << "an instance follows its container";
  EXPECT_EQ(world.update("C1", "-/ae-C1/box", R"({"m2m:cnt":{"acpi":["-/ae-C1/no","-/ae-C1/yes"]}})").rsc,
            Rsc::updated);
  EXPECT_TRUE(may_read());
  EXPECT_EQ(world.update("C1", "-/ae-C1/box", R"({"m2m:cnt":{"acpi":null}})").rsc, Rsc::updated);
  EXPECT_FALSE(may_read()) << "without a policy: the creator only";
  EXPECT_TRUE(may_read("C1"));
}

TEST_F(Kept, policies_end_with_the_answer_that_changes_one_of_them) {
  ASSERT_EQ(policy("C1", "C1", "one", 1), Rsc::created);
  ASSERT_EQ(policy("C1", "C1", "two"), Rsc::created);
  box(R"(["-/ae-C1/one","-/ae-C1/two"])");
  EXPECT_TRUE(may_read());
  const auto allow = [&](const char* name, int rights) {
    EXPECT_EQ(world
                  .update("C1", std::string("-/ae-C1/") + name,
                          R"({"m2m:acp":{"pv":{"acr":[{"acor":["/in-cse/C2"],"acop":)" +
                              std::to_string(rights) + "}]}}}")
                  .rsc,
              Rsc::updated);
  };
  allow("two", 1);
  EXPECT_FALSE(may_read());
  allow("one", 2);
  EXPECT_TRUE(may_read());
}

TEST_F(Kept, policies_contribute_nothing_from_the_moment_they_expire) {
  cover({"7.1.4-03"});
  // The timer that removes it has not fired: the clock alone decides.
  const auto end = world.clock.now() + hours(1);
  ASSERT_EQ(policy("C1", "C1", "brief", 63, R"(,"et":")" + format_timestamp(end) + R"(")"), Rsc::created);
  ASSERT_EQ(policy("C1", "C1", "lasting", 1), Rsc::created);
  box(R"(["-/ae-C1/lasting","-/ae-C1/brief"])");
  world.clock.set(end - seconds(1));
  EXPECT_TRUE(may_read());
  world.clock.set(end);
  EXPECT_FALSE(may_read());
}

TEST_F(Kept, policies_whose_life_was_prolonged_go_on) {
  const auto end = world.clock.now() + hours(1);
  ASSERT_EQ(policy("C1", "C1", "brief", 63, R"(,"et":")" + format_timestamp(end) + R"(")"), Rsc::created);
  box(R"(["-/ae-C1/brief"])");
  EXPECT_TRUE(may_read());
  EXPECT_EQ(world
                .update("C1", "-/ae-C1/brief",
                        R"({"m2m:acp":{"et":")" + format_timestamp(end + hours(1)) + R"("}})")
                .rsc,
            Rsc::updated);
  world.clock.set(end);
  EXPECT_TRUE(may_read());
  world.clock.set(end + hours(1));
  EXPECT_FALSE(may_read());
}

TEST_F(Kept, policies_whose_life_was_cut_end_earlier) {
  const auto end = world.clock.now() + hours(2);
  ASSERT_EQ(policy("C1", "C1", "brief", 63, R"(,"et":")" + format_timestamp(end) + R"(")"), Rsc::created);
  box(R"(["-/ae-C1/brief"])");
  EXPECT_TRUE(may_read());
  EXPECT_EQ(world
                .update("C1", "-/ae-C1/brief",
                        R"({"m2m:acp":{"et":")" + format_timestamp(end - hours(1)) + R"("}})")
                .rsc,
            Rsc::updated);
  world.clock.set(end - hours(1));
  EXPECT_FALSE(may_read());
}

TEST_F(Kept, a_deleted_policy_ends_and_a_new_one_under_its_name_counts) {
  ASSERT_EQ(policy("C1", "C1", "acp"), Rsc::created);
  box(R"(["-/ae-C1/acp"])");
  EXPECT_TRUE(may_read());
  EXPECT_EQ(world.remove("C1", "-/ae-C1/acp").rsc, Rsc::deleted);
  EXPECT_FALSE(may_read());
  ASSERT_EQ(policy("C1", "C1", "acp", 1), Rsc::created);
  EXPECT_FALSE(may_read()) << "the new one says something else";
  EXPECT_EQ(world.remove("C1", "-/ae-C1/acp").rsc, Rsc::deleted);
  ASSERT_EQ(policy("C1", "C1", "acp"), Rsc::created);
  EXPECT_TRUE(may_read());
}

TEST_F(Kept, one_of_two_policies_may_come_and_go) {
  ASSERT_EQ(policy("C1", "C1", "none", 1), Rsc::created);
  ASSERT_EQ(policy("C1", "C1", "acp"), Rsc::created);
  box(R"(["-/ae-C1/none","-/ae-C1/acp"])");
  EXPECT_TRUE(may_read());
  EXPECT_EQ(world.remove("C1", "-/ae-C1/acp").rsc, Rsc::deleted);
  EXPECT_FALSE(may_read());
  ASSERT_EQ(policy("C1", "C1", "acp"), Rsc::created);
  EXPECT_TRUE(may_read());
}

TEST_F(Kept, a_policy_goes_with_the_resource_above_it) {
  ASSERT_EQ(policy("C3", "C3", "acp"), Rsc::created);
  box(R"(["-/ae-C3/acp"])");
  EXPECT_TRUE(may_read());
  EXPECT_EQ(world.remove("C3", "C3").rsc, Rsc::deleted);
  EXPECT_FALSE(may_read());
}

TEST_F(Kept, a_policy_counts_from_when_its_reference_leads_to_it) {
  // Not an address of this CSE before the AE of that name is here.
  box(R"(["/Slate/acp"])");
  EXPECT_FALSE(may_read());
  world.register_ae("Slate", "late");
  EXPECT_FALSE(may_read());
  ASSERT_EQ(policy("Slate", "Slate", "acp"), Rsc::created);
  EXPECT_TRUE(may_read());
  EXPECT_EQ(world.remove("Slate", "Slate").rsc, Rsc::deleted);
  EXPECT_FALSE(may_read());
}

TEST_F(Kept, policies_are_not_those_of_a_resource_that_took_the_place_of_another) {
  ASSERT_EQ(policy("C1", "C1", "yes"), Rsc::created);
  ASSERT_EQ(policy("C1", "C1", "no", 8), Rsc::created);
  for (const char* name : {"yes", "no", "yes"}) {
    box(R"(["-/ae-C1/)" + std::string(name) + R"("])");
    EXPECT_EQ(may_read(), std::string_view(name) == "yes");
    EXPECT_EQ(world.remove("Sadmin", "-/ae-C1/box").rsc, Rsc::deleted);
  }
}

TEST_F(Kept, a_decision_by_kept_policies_waits_for_what_changed_them) {
  ASSERT_EQ(policy("C1", "C1", "acp", 1), Rsc::created);
  ASSERT_EQ(policy("C1", "C1", "other"), Rsc::created);
  box(R"(["-/ae-C1/acp","-/ae-C1/other"])");
  EXPECT_TRUE(may_read());
  world.store.at_once = false;
  const auto change = world.begin(world.session("C1"),
                                  world.change("C1", "-/ae-C1/other", R"({"m2m:acp":{"lbl":["changed"]}})"));
  std::vector<std::shared_ptr<std::optional<ResponsePrimitive>>> readers;
  for (int i = 0; i < 2; ++i)
    readers.push_back(world.begin(world.session("C2"), world.make(Operation::retrieve, "C2", "-/ae-C1/box")));
  for (const auto& reader : readers) EXPECT_FALSE(reader->has_value());
  world.store.flush();
  world.executor.run_posted();
  EXPECT_TRUE(change->has_value());
  for (const auto& reader : readers) {
    ASSERT_TRUE(reader->has_value());
    EXPECT_EQ((*reader)->rsc, Rsc::ok);
  }
}

// --- texts

class KeptText : public Kept {
 protected:
  void SetUp() override {
    Kept::SetUp();
    ASSERT_EQ(world.create("C1", "C1", Ty::cnt, R"({"m2m:cnt":{"rn":"box","mni":1}})").rsc, Rsc::created);
  }
  /// What the answer carries, twice the same.
  json::object read(std::string_view to = "-/ae-C1/box") {
    const auto first = world.retrieve("C1", to), second = world.retrieve("C1", to);
    EXPECT_EQ(first.rsc, Rsc::ok);
    EXPECT_NE(first.pc.text(), nullptr);
    EXPECT_EQ(first.pc.text(), second.pc.text()) << "made once";
    return World::attributes(first);
  }
};

TEST_F(KeptText, is_what_a_create_was_answered_with) {
  const auto made =
      world.create("C1", "-/ae-C1/box", Ty::cin, R"({"m2m:cin":{"con":"a\"\\\u0001ä","rn":"i"}})");
  const auto got = world.retrieve("C1", "-/ae-C1/box/i");
  EXPECT_EQ(got.pc.text(), made.pc.text());
  EXPECT_EQ(World::text(got, "con"), "a\"\\\x01ä");
  EXPECT_EQ(got.pc.get_object().begin()->key(), "m2m:cin");
}

TEST_F(KeptText, ends_with_every_change) {
  EXPECT_EQ(read().at("cni"), 0);
  ASSERT_EQ(world.create("C1", "-/ae-C1/box", Ty::cin, R"({"m2m:cin":{"con":"one"}})").rsc, Rsc::created);
  EXPECT_EQ(read().at("cni"), 1) << "counters of the container";
  EXPECT_EQ(read("-/ae-C1/box/la").at("con"), "one");
  ASSERT_EQ(world.create("C1", "-/ae-C1/box", Ty::cin, R"({"m2m:cin":{"con":"two"}})").rsc, Rsc::created);
  EXPECT_EQ(read("-/ae-C1/box/la").at("con"), "two") << "the first was driven out";
  ASSERT_EQ(world.update("C1", "-/ae-C1/box", R"({"m2m:cnt":{"lbl":["x"]}})").rsc, Rsc::updated);
  EXPECT_EQ(read().at("lbl"), json::array{"x"});
  ASSERT_EQ(world.update("C1", "-/ae-C1/box", R"({"m2m:cnt":{"lbl":null}})").rsc, Rsc::updated);
  EXPECT_FALSE(read().contains("lbl"));
}

TEST_F(KeptText, is_not_that_of_a_resource_that_took_the_place_of_another) {
  const auto first = read().at("ri");
  ASSERT_EQ(world.remove("C1", "-/ae-C1/box").rsc, Rsc::deleted);
  ASSERT_EQ(world.create("C1", "C1", Ty::cnt, R"({"m2m:cnt":{"rn":"box","mni":1}})").rsc, Rsc::created);
  EXPECT_NE(read().at("ri"), first);
}

TEST_F(KeptText, of_an_answer_outlives_the_resource) {
  const auto answer = world.retrieve("C1", "-/ae-C1/box");
  ASSERT_EQ(world.remove("C1", "-/ae-C1/box").rsc, Rsc::deleted);
  EXPECT_EQ(World::text(answer, "rn"), "box");
}

// --- the cache by itself

Resource with_text(const std::string& name, std::size_t octets) {
  Resource resource;
  resource.ty = static_cast<std::uint32_t>(Ty::cnt);
  resource.ri = name;
  resource.attributes = {{"ri", name}, {"lbl", std::string(octets, 'x')}};
  return resource;
}

TEST(Representations, keep_a_bounded_number_of_octets_and_give_up_what_was_not_asked_for) {
  constexpr std::size_t kOctets = 60'000;
  std::vector<Resource> resources;
  for (std::size_t i = 0; i < Representations::kOctetsMax / kOctets + 10; ++i)
    resources.push_back(with_text("r" + std::to_string(i), kOctets));
  Representations kept;
  const auto favourite = kept.of(resources[0]);
  const auto forgotten = kept.of(resources[1]);
  for (std::size_t i = 2; i < resources.size(); ++i) {
    EXPECT_NE(kept.of(resources[i]), nullptr);
    ASSERT_TRUE(kept.of(resources[0]) == favourite);
    ASSERT_LE(kept.octets(), Representations::kOctetsMax);
  }
  EXPECT_TRUE(kept.of(resources[1]) != forgotten);
  EXPECT_TRUE(*kept.of(resources[1]) == *forgotten);
  EXPECT_GT(kept.octets(), Representations::kOctetsMax - 2 * kOctets);
}

TEST(Representations, do_not_keep_what_would_drive_out_many_others) {
  const auto small = with_text("small", 10), large = with_text("large", Representations::kTextOctetsMax);
  Representations kept;
  const auto text = kept.of(small);
  const auto before = kept.octets();
  EXPECT_TRUE(*kept.of(large) == R"({"m2m:cnt":{"ri":"large","lbl":")" +
                                     std::string(Representations::kTextOctetsMax, 'x') + R"("}})");
  EXPECT_EQ(kept.octets(), before);
  EXPECT_EQ(kept.of(small), text);
}

TEST(Representations, are_made_anew_when_dropped) {
  auto resource = with_text("one", 3);
  Representations kept;
  EXPECT_EQ(*kept.of(resource), R"({"m2m:cnt":{"ri":"one","lbl":"xxx"}})");
  kept.drop(resource);
  EXPECT_EQ(kept.octets(), 0U);
  kept.drop(resource);
  resource.attributes["lbl"] = 1;
  const auto text = kept.of(resource);
  EXPECT_EQ(*text, R"({"m2m:cnt":{"ri":"one","lbl":1}})");
  EXPECT_EQ(Representations::attributes_in(resource, *text), R"({"ri":"one","lbl":1})");
}

}  // namespace
}  // namespace latchkey::cse::test
