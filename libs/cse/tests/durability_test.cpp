/// What was answered is on the disk; what is not on the disk is answered to nobody. Expiration and start.
#include <ctime>
#include <filesystem>
#include <thread>

#include "records.h"
#include "support/world.h"
#include "tree.h"

namespace latchkey::cse::test {
namespace {

class Durability : public testing::Test {
 protected:
  void SetUp() override {
    world.register_ae("C1", "one");
    world.store.at_once = false;
  }
  auto begin(RequestPrimitive request) {
    const auto session = world.session(request.from);
    return world.begin(session, std::move(request));
  }
  void flush() {
    world.store.flush();
    world.executor.run_posted();
  }
  World world;
};

TEST_F(Durability, a_write_is_answered_when_it_is_durable) {
  const auto answer = begin(world.creation("C1", "C1", Ty::cnt, R"({"m2m:cnt":{"rn":"box"}})"));
  EXPECT_FALSE(answer->has_value());
  EXPECT_GT(world.store.queue_depth(), 0U);
  flush();
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((*answer)->rsc, Rsc::created);
}

TEST_F(Durability, who_saw_a_change_waits_for_it_and_nobody_else) {
  ASSERT_EQ(world.retrieve("C1", "C1").rsc, Rsc::ok);
  const auto write = begin(world.creation("C1", "C1", Ty::cnt, R"({"m2m:cnt":{"rn":"box"}})"));
  const auto reader = begin(world.make(Operation::retrieve, "C1", "-/one/box"));
  const auto missing = begin(world.make(Operation::retrieve, "C1", "-/one/other"));
  const auto elsewhere = begin(world.make(Operation::retrieve, "Sadmin", "-/cseBasePolicy"));
  EXPECT_FALSE(write->has_value());
  EXPECT_FALSE(reader->has_value());
  EXPECT_FALSE(missing->has_value()) << "that something is missing is a sight of the same parent";
  EXPECT_TRUE(elsewhere->has_value());
  flush();
  EXPECT_TRUE(write->has_value() && reader->has_value() && missing->has_value());
  EXPECT_EQ((*reader)->rsc, Rsc::ok);
  EXPECT_EQ((*missing)->rsc, Rsc::not_found);
}

TEST_F(Durability, a_decision_waits_for_the_policy_that_it_was_made_by) {
  world.store.at_once = true;
  const auto policy = world.create(
      "Sadmin", "-", Ty::acp,
      R"({"m2m:acp":{"rn":"acp","pv":{"acr":[{"acor":["all"],"acop":2}]},"pvs":{"acr":[{"acor":["/in-cse/C1"],"acop":63}]}}})");
  ASSERT_EQ(world.create("C1", "C1", Ty::cnt, R"({"m2m:cnt":{"rn":"box","acpi":["-/acp"]}})").rsc,
            Rsc::created);
  world.store.at_once = false;
  const auto change = begin(world.change("C1", "-/acp", R"({"m2m:acp":{"pv":{"acr":[]}}})"));
  const auto reader = begin(world.make(Operation::retrieve, "C1", "-/one/box"));
  EXPECT_FALSE(reader->has_value());
  flush();
  ASSERT_TRUE(reader->has_value());
  EXPECT_EQ((*reader)->rsc, Rsc::originator_has_no_privilege);
}

TEST_F(Durability, what_one_turn_changes_is_written_together_and_counters_once) {
  world.store.at_once = true;
  ASSERT_EQ(world.create("C1", "C1", Ty::cnt, R"({"m2m:cnt":{"rn":"box","mni":2}})").rsc, Rsc::created);
  world.store.at_once = false;
  std::vector<World::Answer> answers;
  for (int i = 0; i < 3; ++i)
    answers.push_back(world.hand_over(
        world.session("C1"), world.creation("C1", "-/one/box", Ty::cin, R"({"m2m:cin":{"con":"x"}})")));
  EXPECT_EQ(world.store.queue_depth(), 0U);
  world.executor.run_posted();
  EXPECT_EQ(world.store.queue_depth(), 1U);
  for (const auto& answer : answers) EXPECT_FALSE(answer->has_value());
  const auto records = world.store.records.size();
  flush();
  for (const auto& answer : answers) ASSERT_TRUE(answer->has_value() && (*answer)->rsc == Rsc::created);
  EXPECT_EQ(world.store.records.size(), records + 2) << "the first instance was driven out in the same turn";
  world.start();
  const auto box = begin(world.make(Operation::retrieve, "C1", "-/one/box"));
  EXPECT_EQ(World::number(**box, "cni"), 2);
  EXPECT_EQ(World::number(**box, "cbs"), 2);
  EXPECT_EQ(World::number(**box, "st"), 3);
}

TEST_F(Durability, a_container_that_was_counted_and_removed_in_one_turn_does_not_come_back) {
  world.store.at_once = true;
  ASSERT_EQ(world.create("C1", "C1", Ty::cnt, R"({"m2m:cnt":{"rn":"box"}})").rsc, Rsc::created);
  world.hand_over(world.session("C1"),
                  world.creation("C1", "-/one/box", Ty::cin, R"({"m2m:cin":{"con":"x"}})"));
  world.hand_over(world.session("C1"), world.make(Operation::del, "C1", "-/one/box"));
  world.executor.run_posted();
  world.start();
  EXPECT_EQ(world.retrieve("C1", "-/one/box").rsc, Rsc::not_found);
}

TEST_F(Durability, what_the_last_turn_changed_is_written_at_the_end) {
  world.hand_over(world.session("C1"), world.creation("C1", "C1", Ty::cnt, R"({"m2m:cnt":{"rn":"box"}})"));
  world.cse.reset();
  flush();
  world.start();
  world.store.at_once = true;
  EXPECT_EQ(world.retrieve("C1", "-/one/box").rsc, Rsc::ok);
}

TEST_F(Durability, a_failed_store_stops_every_write_and_what_depends_on_it) {
  int told = 0;
  world.options().store_failed = [&](const Error& error) {
    ++told;
    EXPECT_EQ(error.code, ErrorCode::io);
  };
  world.store.at_once = true;
  world.start();
  world.store.at_once = false;
  world.store.failing = true;
  const auto write = begin(world.creation("C1", "C1", Ty::cnt, R"({"m2m:cnt":{"rn":"box"}})"));
  const auto reader = begin(world.make(Operation::retrieve, "C1", "-/one/box"));
  flush();
  ASSERT_TRUE(write->has_value() && reader->has_value());
  EXPECT_EQ((*write)->rsc, Rsc::internal_server_error);
  EXPECT_EQ((*reader)->rsc, Rsc::internal_server_error);
  EXPECT_TRUE(World::attributes(**reader).empty());
  EXPECT_EQ(told, 1);
  const auto later = begin(world.creation("C1", "C1", Ty::cnt, R"({"m2m:cnt":{}})"));
  ASSERT_TRUE(later->has_value());
  EXPECT_EQ((*later)->rsc, Rsc::internal_server_error);
  bool audited = false;
  for (const auto& event : world.audit.events()) audited = audited || event.id == AuditEventId::store_failure;
  EXPECT_TRUE(audited);
}

TEST_F(Durability, creates_are_shed_before_anything_is_done_when_the_store_lags) {
  world.options().store_queue_limit = 5;
  world.start();
  const auto create = [&] { return begin(world.creation("C1", "C1", Ty::cnt, R"({"m2m:cnt":{}})")); };
  std::vector<std::shared_ptr<std::optional<ResponsePrimitive>>> waiting;
  for (int i = 0; i < 6; ++i) waiting.push_back(create());
  const auto before = world.cse->counters().resources;
  const auto refused = create();
  ASSERT_TRUE(refused->has_value());
  EXPECT_EQ((*refused)->rsc, Rsc::internal_server_error);
  EXPECT_EQ(world.cse->counters().resources, before);
  EXPECT_EQ(world.retrieve("Sadmin", "-/cseBasePolicy").rsc, Rsc::ok);
  for (const auto& answer : waiting) EXPECT_FALSE(answer->has_value());
  flush();
  for (const auto& answer : waiting) EXPECT_TRUE(answer->has_value());
  const auto later = create();
  flush();
  EXPECT_TRUE(later->has_value() && (*later)->rsc == Rsc::created);
}

TEST_F(Durability, the_number_of_resources_is_limited) {
  world.store.at_once = true;
  world.options().resources_max = world.cse->counters().resources + 1;
  world.start();
  EXPECT_EQ(world.create("C1", "C1", Ty::cnt, R"({"m2m:cnt":{}})").rsc, Rsc::created);
  EXPECT_EQ(world.create("C1", "C1", Ty::cnt, R"({"m2m:cnt":{}})").rsc, Rsc::internal_server_error);
}

TEST_F(Durability, late_commits_find_nobody_after_the_end) {
  const auto answer = begin(world.creation("C1", "C1", Ty::cnt, R"({"m2m:cnt":{}})"));
  world.cse.reset();
  flush();
  EXPECT_FALSE(answer->has_value());
}

TEST(Restart, keeps_the_tree_on_a_real_disk) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("latchkey-cse-test-" + std::to_string(::getpid()));
  std::filesystem::remove_all(folder);
  ManualExecutor executor;
  ManualClock clock{*parse_timestamp("20240601T120000")};
  AuditRecorder audit;
  FakePeers peers;
  const auto ask = [&](Cse& cse, RequestPrimitive request) {
    std::optional<ResponsePrimitive> answer;
    bind::IncomingRequest incoming;
    incoming.security = tls_of("/in-cse/C1").security;
    request.from = "C1";
    request.rqi = "1";
    incoming.primitive = std::move(request);
    cse.handle(std::move(incoming), [&](ResponsePrimitive response) { answer = std::move(response); });
    for (int i = 0; i < 5'000 && !answer; ++i) {
      executor.run_posted();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return answer.value_or(ResponsePrimitive{});
  };
  const auto creation = [](std::string_view to, Ty ty, std::string_view content) {
    RequestPrimitive request;
    request.op = Operation::create;
    request.to = to;
    request.ty = static_cast<std::uint32_t>(ty);
    request.pc = json::parse(content);
    return request;
  };
  RequestPrimitive latest;
  latest.to = "-/one/box/la";
  std::string before;
  for (const bool second : {false, true}) {
    auto opened = store::open_sqlite(
        {.folder = folder.string(), .application = "cse", .schema_version = 1, .migrations = {}, .vfs = {}});
    ASSERT_TRUE(opened) << opened.error().detail;
    auto cse = Cse::open(World::in_options(), **opened, executor, clock, audit, peers);
    ASSERT_TRUE(cse) << cse.error().detail;
    if (!second) {
      ASSERT_EQ(ask(**cse, creation("-", Ty::ae, R"({"m2m:ae":{"api":"Napp","rr":false,"rn":"one"}})")).rsc,
                Rsc::created);
      ASSERT_EQ(ask(**cse, creation("-/one", Ty::cnt, R"({"m2m:cnt":{"rn":"box","mni":2}})")).rsc,
                Rsc::created);
      for (const char* con : {"a", "b", "c"}) {
        ASSERT_EQ(
            ask(**cse, creation("-/one/box", Ty::cin, R"({"m2m:cin":{"con":")" + std::string(con) + R"("}})"))
                .rsc,
            Rsc::created);
      }
      before = codec::to_text(ask(**cse, latest).pc);
    } else {
      EXPECT_EQ(codec::to_text(ask(**cse, latest).pc), before);
    }
  }
  std::filesystem::remove_all(folder);
}

TEST(Restart, ids_do_not_come_back) {
  World world;
  world.register_ae("C1", "one");
  const auto first = World::text(world.create("C1", "C1", Ty::cnt, R"({"m2m:cnt":{}})"), "ri");
  world.remove("C1", first);
  world.start();
  EXPECT_NE(World::text(world.create("C1", "C1", Ty::cnt, R"({"m2m:cnt":{}})"), "ri"), first);
}

TEST(Restart, refuses_records_that_it_cannot_read) {
  for (const char* record :
       {"", "{", "[]", R"({"n":7,"a":{}})", R"({"n":7,"a":{"ri":"other","ty":3,"rn":"x","pi":"in-cse"}})",
        R"({"n":7,"a":{"ri":"cnt9","ty":3,"rn":"x","pi":"nowhere"}})",
        R"({"a":{"ri":"cnt9","ty":3,"rn":"x","pi":"in-cse"}})"}) {
    World world;
    world.store.records[{"res", "cnt9"}] = record;
    EXPECT_THROW(world.start(), std::runtime_error) << record;
  }
}

TEST(Restart, refuses_the_state_of_another_cse) {
  World world;
  world.options().cse_id = cse_id("/other");
  EXPECT_THROW(world.start(), std::runtime_error);
}

TEST(Restart, takes_a_changed_configuration_over) {
  World world;
  world.options().points_of_access = {"https://new.example:8443"};
  world.start();
  EXPECT_EQ(World::attributes(world.retrieve("Sadmin", "-")).at("poa").at(0), "https://new.example:8443");
}

TEST(Restart, a_hundred_thousand_resources_load_in_two_seconds) {
  World world;
  for (int i = 0; i < 100'000; ++i) {
    const std::string ri = "cnt" + std::to_string(i);
    world.store.records[{"res", ri}] =
        R"({"n":)" + std::to_string(i + 100) + R"(,"o":"//sp.example/Sadmin","a":{"ty":3,"ri":")" + ri +
        R"(","pi":"in-cse","rn":")" + ri +
        R"(","ct":"20240601T120000","lt":"20240601T120000","et":"20250601T120000","cni":0,"cbs":0,"st":0}})";
  }
  const auto start = std::clock();
  world.start();
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  EXPECT_EQ(world.cse->counters().resources, 100'002U);
  // Of the processor, since others may run beside; instrumented builds are slower by their nature.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr double kSecondsMax = 30;
#else
  constexpr double kSecondsMax = 2;
#endif
  EXPECT_LT(seconds, kSecondsMax);
  EXPECT_EQ(world.retrieve("Sadmin", "-/cnt77777").rsc, Rsc::ok);
}

// Expiration (TS-0001 9.6.1.3.1).

TEST(Expiration, takes_resources_and_what_is_below_them) {
  World world;
  world.register_ae("C1", "one");
  ASSERT_EQ(world.create("C1", "C1", Ty::cnt, R"({"m2m:cnt":{"rn":"box","et":"20240601T120100"}})").rsc,
            Rsc::created);
  ASSERT_EQ(world.create("C1", "-/one/box", Ty::cnt, R"({"m2m:cnt":{"rn":"in"}})").rsc, Rsc::created);
  ASSERT_EQ(world.create("C1", "C1", Ty::cnt, R"({"m2m:cnt":{"rn":"later","et":"20240601T120200"}})").rsc,
            Rsc::created);
  world.clock.advance(std::chrono::seconds(59));
  EXPECT_EQ(world.retrieve("C1", "-/one/box").rsc, Rsc::ok);
  world.clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(world.retrieve("C1", "-/one/box").rsc, Rsc::not_found) << "also before the timer runs";
  const auto before = world.cse->counters().resources;
  world.executor.advance(std::chrono::seconds(60));
  EXPECT_EQ(world.cse->counters().resources, before - 2);
  EXPECT_EQ(world.retrieve("C1", "-/one/later").rsc, Rsc::ok);
  EXPECT_EQ(world.executor.pending_timers(), 1U);
}

TEST(Expiration, also_of_what_expired_while_the_daemon_was_down) {
  World world;
  world.register_ae("C1", "one");
  ASSERT_EQ(world.create("C1", "C1", Ty::cnt, R"({"m2m:cnt":{"rn":"box","et":"20240601T120100"}})").rsc,
            Rsc::created);
  world.clock.advance(std::chrono::hours(1));
  world.start();
  const auto before = world.cse->counters().resources;
  world.executor.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(world.cse->counters().resources, before - 1);
}

TEST(Expiration, an_expired_registration_is_none) {
  World world;
  const auto content = R"({"m2m:ae":{"api":"Napp","rr":false,"srv":["2a"],"et":"20240601T120100"}})";
  ASSERT_EQ(world.create("C1", "-", Ty::ae, content).rsc, Rsc::created);
  world.clock.advance(std::chrono::seconds(60));
  EXPECT_EQ(world.retrieve("C1", "-").rsc, Rsc::originator_has_not_registered);
  EXPECT_EQ(world.create("C1", "-", Ty::ae, R"({"m2m:ae":{"api":"Napp","rr":false,"srv":["2a"]}})").rsc,
            Rsc::created)
      << "it makes way";
}

TEST(Record, reads_back_what_it_wrote) {
  Resource resource;
  resource.ri = "cin1";
  resource.rn = "a \"name\"";
  resource.ty = 4;
  resource.serial = 42;
  resource.created_by = "//sp.example/S\"x";
  resource.associated = true;
  resource.attributes = {
      {"ri", "cin1"}, {"rn", resource.rn}, {"ty", 4}, {"et", "20240601T120000"}, {"con", "\u00e4\n"}};
  const auto read = from_record("cin1", to_record(resource));
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ((*read)->attributes, resource.attributes);
  EXPECT_EQ((*read)->serial, 42U);
  EXPECT_EQ((*read)->created_by, resource.created_by);
  EXPECT_TRUE((*read)->associated);
  EXPECT_EQ((*read)->expires, *parse_timestamp("20240601T120000"));
}

}  // namespace
}  // namespace latchkey::cse::test
