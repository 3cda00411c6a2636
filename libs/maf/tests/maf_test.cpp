/// The MAF's procedures by clause (TS-0003 8.8.2), on a real database and a real Secure Environment.
#include "latchkey/maf/maf.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "support/maf_fixture.h"

namespace latchkey::maf {
namespace {

json::value tr_0038(const std::string& name) {
  std::ifstream in(std::string(LATCHKEY_SOURCE_DIR) + "/libs/codec/tests/data/tr-0038/" + name + ".json");
  std::ostringstream text;
  text << in.rdbuf();
  const auto value = codec::parse_json(text.str(), {});
  EXPECT_TRUE(value) << name;
  return value ? *value : json::value();
}

/// The primitives of TR-0038 7.1.4, decoded from files, with the guide's exported key and clock.
TEST_F(MafTest, tr_0038_primitives_give_the_shown_answers) {
  cover({"TR-7.1.4-02", "TR-7.1.4-03", "TR-7.1.4-05", "TR-7.1.4-08", "TR-A.4-05", "8.8.2.3-T02", "8.8.2.8-04",
         "8.8.2.8-06", "8.8.2.8-07", "8.8.2.8-T02"});
  auto with_alias = options();
  with_alias.accept_suid_11_as_32 = true;
  open(std::move(with_alias));
  const auto session = new_session(kExported);
  auto play = [&](const std::string& request_file, const char* who) {
    const auto request = codec::request_from_json(tr_0038(request_file), clock_.now(), {});
    EXPECT_TRUE(request) << request_file;
    return ask(*request, who, session);
  };
  const auto shown = [](const std::string& file) {
    return codec::response_from_json(tr_0038(file), {}).value();
  };

  auto want = shown("3-client-registration-response");
  want.pc.as_object()["sec:macr"].as_object().erase("aski");  // only with a remotely provisioned Km
  auto got = play("2-client-registration-request", kPhone);
  EXPECT_EQ(got.rsc, want.rsc);
  EXPECT_EQ(got.rqi, want.rqi);
  EXPECT_EQ(got.pc, want.pc);

  clock_.advance(std::chrono::seconds(1));
  auto listed = [](json::value pc) {  // the list form of tgis; the answer's et need not be a second later
    auto& attributes = pc.as_object()["sec:mkr"].as_object();
    attributes["tgis"] = json::array{attributes["tgis"]};
    attributes.erase("et");
    return pc;
  };
  auto without_et = [](json::value pc) {
    pc.as_object()["sec:mkr"].as_object().erase("et");
    return pc;
  };
  got = play("4-key-registration-request", kPhone);
  EXPECT_EQ(got.rsc, Rsc::created);
  EXPECT_EQ(without_et(got.pc), listed(shown("5-key-registration-response").pc));

  got = play("8-key-retrieval-request", kInCse);
  EXPECT_EQ(got.rsc, Rsc::ok);
  auto retrieved = without_et(got.pc);
  EXPECT_EQ(text(got, "sec:mkr", "seid"), "//my.m2mprovider.org/in-cse/Cphone");
  retrieved.as_object()["sec:mkr"].as_object().erase("seid");
  EXPECT_EQ(retrieved, listed(shown("8-key-retrieval-response").pc));
}

TEST_F(MafTest, suid_11_is_refused_without_the_switch) {
  cover({"TR-7.1.4-04"});
  register_phone();
  auto attributes = key();
  attributes["suid"] = 11;
  expect_refused(ask(request(Operation::create, "macr000001", "sec:mkr", attributes), kPhone),
                 Rsc::contents_unacceptable, "suid");
}

TEST_F(MafTest, registration_needs_an_authenticated_session) {
  cover({"8.8.2.3-03"});
  const auto create = request(Operation::create, "", "sec:macr", registration());
  expect_refused(ask(create, kPhone, nullptr, [](auto& in) { in.listener = bind::ListenerKind::plain; }),
                 Rsc::security_association_required, "TLS");
  auto nobody = std::make_shared<tls::SecurityContext>();
  nobody->framework = tls::Framework::certificate;
  expect_refused(ask(create, kPhone, nullptr, [&](auto& in) { in.security = nobody; }),
                 Rsc::originator_has_not_registered, "identity");
}

TEST_F(MafTest, from_must_be_the_authenticated_identity) {
  auto create = request(Operation::create, "", "sec:macr", registration());
  create.from = kInCse;
  expect_refused(ask(create, kPhone), Rsc::originator_has_no_privilege, "From");
  create.from = "0 2 481 1 100 3030 10011";  // the form of TR-0038
  EXPECT_EQ(ask(create, kPhone).rsc, Rsc::created);
}

TEST_F(MafTest, expired_credential_is_refused_on_the_next_request) {
  const auto response = ask(request(Operation::retrieve, ""), kPhone, nullptr, [&](auto& in) {
    auto context = std::make_shared<tls::SecurityContext>(*in.security);
    context->valid_until = clock_.now();
    in.security = context;
  });
  expect_refused(response, Rsc::security_association_required, "expired");
}

TEST_F(MafTest, unknown_client_is_not_served) {
  expect_refused(ask(request(Operation::retrieve, ""), "0.2.481.1.100.3030.777"),
                 Rsc::originator_has_no_privilege, "not served");
}

struct BadRegistration {
  std::string name;
  json::object attributes;
  Rsc rsc;
  std::string reason;
};

TEST_F(MafTest, registration_parameters_are_checked) {
  cover({"8.8.2.3-04", "8.8.2.3-06", "8.8.2.3-T01"});
  const std::vector<BadRegistration> cases{
      {"no_et", {{"adfq", "mytrustenabler.org"}}, Rsc::bad_request, "et"},
      {"et_in_the_past", {{"et", "20171113T105959"}, {"adfq", "mytrustenabler.org"}}, Rsc::bad_request, "et"},
      {"no_admin", {{"et", "20181113T110000"}}, Rsc::bad_request, "adfq"},
      {"admin_not_served",
       {{"et", "20181113T110000"}, {"adfq", "nobody.org"}},
       Rsc::contents_unacceptable,
       "adfq"},
      {"admin_not_for_this_client",
       {{"et", "20181113T110000"}, {"adfq", "other.org"}},
       Rsc::originator_has_no_privilege,
       "adfq"},
      {"unknown_attribute",
       {{"et", "20181113T110000"}, {"adfq", "mytrustenabler.org"}, {"xyz", 1}},
       Rsc::bad_request,
       "xyz"}};
  for (const auto& bad : cases) {
    SCOPED_TRACE(bad.name);
    expect_refused(ask(request(Operation::create, "", "sec:macr", bad.attributes), kPhone), bad.rsc,
                   bad.reason);
  }
  EXPECT_EQ(maf_->counters().registrations, 0U);
}

TEST_F(MafTest, second_registration_for_the_same_stakeholder_conflicts) {
  register_phone();
  expect_refused(ask(request(Operation::create, "", "sec:macr", registration()), kPhone), Rsc::conflict,
                 "already");
  auto base = request(Operation::retrieve, "");
  base.rcn = codec::ResultContent::attributes_and_child_references;
  EXPECT_NE(codec::to_text(ask(base, kPhone).pc).find("macr000001"), std::string::npos);
  EXPECT_EQ(codec::to_text(ask(base, kInCse).pc).find("macr000001"), std::string::npos)
      << "the registrations of others stay hidden";
}

TEST_F(MafTest, the_spelling_of_a_stakeholder_makes_no_second_registration) {
  auto attributes = registration();
  attributes["adfq"] = "MyTrustEnabler.org";
  const auto first = ask(request(Operation::create, "", "sec:macr", attributes), kPhone);
  EXPECT_EQ(text(first, "sec:macr", "adfq"), "MyTrustEnabler.org") << "given back as written";
  for (const auto* spelling : {"mytrustenabler.org", "MYTRUSTENABLER.ORG", "MyTrustEnabler.org"}) {
    attributes["adfq"] = spelling;
    expect_refused(ask(request(Operation::create, "", "sec:macr", attributes), kPhone), Rsc::conflict,
                   "already");
  }
  EXPECT_EQ(maf_->counters().registrations, 1U);
  open();  // and after a restart the client finds what it has
  auto base = request(Operation::retrieve, "");
  base.rcn = codec::ResultContent::attributes_and_child_references;
  EXPECT_NE(codec::to_text(ask(base, kPhone).pc).find("macr000001"), std::string::npos);
  EXPECT_EQ(register_key(), kKeyId) << "a key names the same stakeholder in lower case";
  EXPECT_EQ(ask(request(Operation::del, "macr000001"), kPhone).rsc, Rsc::deleted);
  EXPECT_EQ(register_phone(), "macr000002");
}

TEST_F(MafTest, a_key_of_another_stakeholder_than_the_registration_is_refused) {
  auto attributes = registration();
  attributes["adfq"] = "other.org";
  ask(request(Operation::create, "", "sec:macr", attributes), kInCse);
  expect_refused(ask(request(Operation::create, "macr000001", "sec:mkr", key()), kInCse), Rsc::bad_request,
                 "differs");
}

TEST_F(MafTest, registration_may_be_shortened_by_policy) {
  cover({"8.8.2.3-07", "8.8.2.3-08"});
  auto strict = options();
  strict.registration_max = std::chrono::hours(24);
  open(std::move(strict));
  const auto response = ask(request(Operation::create, "", "sec:macr", registration()), kPhone);
  EXPECT_EQ(text(response, "sec:macr", "et"), "20171114T110000");
}

TEST_F(MafTest, client_configuration_is_retrieved_or_refused_when_there_is_none) {
  cover({"8.8.2.4-03", "8.8.2.4-04", "8.8.2.4-05", "8.8.2.4-T01", "8.8.2.4-T02"});
  register_phone();
  const auto found = ask(request(Operation::retrieve, "macr000001/cfg"), kPhone);
  EXPECT_EQ(found.rsc, Rsc::ok);
  EXPECT_EQ(codec::to_text(found.pc), R"({"sec:macr":{"ccf":{"a":1}}})");
  ask(request(Operation::create, "", "sec:macr", registration()), kInCse);
  expect_refused(ask(request(Operation::retrieve, "macr000002/cfg"), kInCse), Rsc::not_found,
                 "no client configuration");
  expect_refused(ask(request(Operation::retrieve, "macr000001/cfg"), kInCse),
                 Rsc::originator_has_no_privilege, "another client");
}

TEST_F(MafTest, update_answers_only_what_was_sent) {
  cover({"8.8.2.5-03", "8.8.2.5-04", "8.8.2.5-05", "8.8.2.5-06", "8.8.2.5-07", "8.8.2.5-08", "8.8.2.5-T01",
         "8.8.2.5-T02"});
  register_phone();
  const auto response =
      ask(request(Operation::update, "macr000001", "sec:macr", {{"et", "20180101T000000"}}), kPhone);
  EXPECT_EQ(response.rsc, Rsc::updated);
  EXPECT_EQ(codec::to_text(response.pc), R"({"sec:macr":{"et":"20180101T000000"}})");
  expect_refused(ask(request(Operation::update, "macr000001", "sec:macr", {}), kPhone), Rsc::bad_request, "");
  expect_refused(
      ask(request(Operation::update, "macr000001", "sec:macr", {{"et", "20180101T000000"}}), kInCse),
      Rsc::originator_has_no_privilege, "another client");
}

TEST_F(MafTest, deregistration_takes_the_keys_along) {
  cover({"8.8.2.6-03", "8.8.2.6-04", "8.8.2.6-T01"});
  register_phone();
  register_key();
  EXPECT_EQ(maf_->counters().keys, 1U);
  EXPECT_EQ(ask(request(Operation::del, "macr000001"), kPhone).rsc, Rsc::deleted);
  EXPECT_EQ(maf_->counters().keys, 0U);
  expect_refused(ask(request(Operation::retrieve, kKeyId), kInCse), Rsc::not_found, "");
}

TEST_F(MafTest, exported_key_is_split_and_never_returned_to_its_source) {
  cover({"8.8.2.7-09", "8.8.2.7-12", "8.8.2.7-T02"});
  register_phone();
  const auto response =
      ask(request(Operation::create, "macr000001", "sec:mkr", key()), kPhone, new_session(kExported));
  EXPECT_EQ(text(response, "sec:mkr", "ri"), kKeyId);
  EXPECT_EQ(text(response, "sec:mkr", "kv"), "");
  EXPECT_EQ(text(ask(request(Operation::retrieve, kKeyId), kPhone), "sec:mkr", "kv"), "")
      << "the source reads its metadata only";
  EXPECT_EQ(text(ask(request(Operation::retrieve, kKeyId), kInCse), "sec:mkr", "kv"),
            std::string(kExported).substr(32));
}

TEST_F(MafTest, one_exported_key_a_session) {
  cover({"8.8.2.7-11"});
  register_phone();
  const auto session = new_session(kExported);
  EXPECT_EQ(ask(request(Operation::create, "macr000001", "sec:mkr", key()), kPhone, session).rsc,
            Rsc::created);
  expect_refused(ask(request(Operation::create, "macr000001", "sec:mkr", key()), kPhone, session),
                 Rsc::conflict, "already");
  EXPECT_EQ(ask(request(Operation::del, kKeyId), kPhone).rsc, Rsc::deleted);
  expect_refused(ask(request(Operation::create, "macr000001", "sec:mkr", key()), kPhone, session),
                 Rsc::conflict, "already");
}

TEST_F(MafTest, key_value_of_the_source_is_stored_under_a_fresh_id) {
  cover({"8.8.2.7-02", "8.8.2.7-T01"});
  register_phone();
  auto attributes = key();
  attributes["kv"] = std::string(64, 'A');
  const auto id = register_key(attributes);
  EXPECT_EQ(id.size(), 32U);
  EXPECT_NE(id, kKeyId);
  EXPECT_EQ(text(ask(request(Operation::retrieve, id), kInCse), "sec:mkr", "kv"), std::string(64, 'A'));
  for (const auto size : {62U, 66U}) {
    attributes["kv"] = std::string(size, 'A');
    expect_refused(ask(request(Operation::create, "macr000001", "sec:mkr", attributes), kPhone),
                   Rsc::bad_request, "kv");
  }
}

TEST_F(MafTest, number_of_targets_follows_the_use) {
  cover({"8.8.2.7-03", "8.8.2.7-04", "8.8.2.7-05"});
  register_phone();
  auto attributes = key();
  const json::array two{kInCse, "//my.m2mprovider.org/mn-cse"};
  attributes["tgis"] = two;
  expect_refused(ask(request(Operation::create, "macr000001", "sec:mkr", attributes), kPhone),
                 Rsc::bad_request, "exactly one");
  attributes["suid"] = 34;
  EXPECT_EQ(ask(request(Operation::create, "macr000001", "sec:mkr", attributes), kPhone).rsc, Rsc::created);
  attributes["tgis"] = json::array{};
  expect_refused(ask(request(Operation::create, "macr000001", "sec:mkr", attributes), kPhone),
                 Rsc::bad_request, "tgis");
  attributes["tgis"] = json::array{"/relative"};
  expect_refused(ask(request(Operation::create, "macr000001", "sec:mkr", attributes), kPhone),
                 Rsc::bad_request, "absolute");
}

TEST_F(MafTest, target_outside_the_policy_is_refused) {
  cover({"8.8.2.7-08"});
  ask(request(Operation::create, "", "sec:macr", registration()), "//my.m2mprovider.org/Sother");
  auto attributes = key();
  expect_refused(
      ask(request(Operation::create, "macr000001", "sec:mkr", attributes), "//my.m2mprovider.org/Sother"),
      Rsc::bad_request, "no target");
  attributes["tgis"] = json::array{kInCse};
  expect_refused(
      ask(request(Operation::create, "macr000001", "sec:mkr", attributes), "//my.m2mprovider.org/Sother"),
      Rsc::originator_has_no_privilege, "may not name");
}

TEST_F(MafTest, only_a_target_retrieves_the_key) {
  cover({"8.8.2.8-05", "8.8.2.8-T01"});
  register_phone();
  register_key();
  expect_refused(ask(request(Operation::retrieve, kKeyId), "//my.m2mprovider.org/Sother"),
                 Rsc::originator_has_no_privilege, "not among the targets");
  const auto events = audit_.events();
  EXPECT_EQ(events.back().id, AuditEventId::key_refused);
  for (const auto& event : events)
    EXPECT_EQ(to_json(event).find("37F61D5A"), std::string::npos) << "no key in the log";
}

TEST_F(MafTest, key_ends_with_its_lifetime) {
  cover({"8.8.2.7-07", "8.8.2.7-13"});
  register_phone();
  register_key();
  clock_.set(*parse_timestamp("20171120T105959"));
  EXPECT_EQ(ask(request(Operation::retrieve, kKeyId), kInCse).rsc, Rsc::ok);
  clock_.set(*parse_timestamp("20171120T110000"));
  expect_refused(ask(request(Operation::retrieve, kKeyId), kInCse), Rsc::not_found, "");
  executor_.advance(std::chrono::seconds(10));
  EXPECT_EQ(maf_->counters().keys, 0U) << "the value is gone from the store too";
}

TEST_F(MafTest, a_key_is_told_to_end_with_its_shortened_registration) {
  cover({"8.8.2.8-07", "8.8.2.9-10"});
  register_phone();
  register_key();
  const auto change = [&](const char* et) {
    return ask(request(Operation::update, "macr000001", "sec:macr", {{"et", et}}), kPhone).rsc;
  };
  const auto told = [&](const char* who) {
    return text(ask(request(Operation::retrieve, kKeyId), who), "sec:mkr", "et");
  };
  EXPECT_EQ(change("20171113T120000"), Rsc::updated);
  EXPECT_EQ(told(kInCse), "20171113T120000") << "the target takes the key for no longer than it lasts";
  EXPECT_EQ(told(kPhone), "20171113T120000");
  const json::object labels{{"lbl", json::array{"x"}}};
  EXPECT_EQ(text(ask(request(Operation::update, kKeyId, "sec:mkr", labels), kPhone), "sec:mkr", "et"),
            "20171113T120000");
  EXPECT_EQ(change("20181113T110000"), Rsc::updated);
  EXPECT_EQ(told(kInCse), "20171120T110000") << "and its own end counts again";
  EXPECT_EQ(text(ask(request(Operation::update, kKeyId, "sec:mkr", labels), kPhone), "sec:mkr", "et"), "")
      << "as the source was told";
}

TEST_F(MafTest, targets_can_be_changed_by_the_source_only) {
  cover({"8.8.2.7-10", "8.8.2.9-05", "8.8.2.9-09"});
  register_phone();
  register_key();
  const json::object change{{"tgis", json::array{"//my.m2mprovider.org/Sother"}}};
  expect_refused(ask(request(Operation::update, kKeyId, "sec:mkr", change), kInCse),
                 Rsc::originator_has_no_privilege, "another client");
  EXPECT_EQ(ask(request(Operation::update, kKeyId, "sec:mkr", change), kPhone).rsc, Rsc::updated);
  EXPECT_EQ(ask(request(Operation::retrieve, kKeyId), "//my.m2mprovider.org/Sother").rsc, Rsc::ok);
  expect_refused(ask(request(Operation::retrieve, kKeyId), kInCse), Rsc::originator_has_no_privilege,
                 "not among");
}

TEST_F(MafTest, key_deregistration_ends_it) {
  cover({"8.8.2.10-03", "8.8.2.10-04", "8.8.2.10-T01"});
  register_phone();
  register_key();
  expect_refused(ask(request(Operation::del, kKeyId), kInCse), Rsc::originator_has_no_privilege,
                 "another client");
  EXPECT_EQ(ask(request(Operation::del, kKeyId), kPhone).rsc, Rsc::deleted);
  expect_refused(ask(request(Operation::retrieve, kKeyId), kInCse), Rsc::not_found, "");
}

TEST_F(MafTest, everything_acknowledged_is_there_after_a_restart) {
  cover({"8.8.2.3-09", "8.8.2.7-14"});
  register_phone();
  register_key();
  open();
  EXPECT_EQ(text(ask(request(Operation::retrieve, kKeyId), kInCse), "sec:mkr", "kv"),
            std::string(kExported).substr(32));
  expect_refused(ask(request(Operation::create, "", "sec:macr", registration()), kPhone), Rsc::conflict, "");
}

TEST_F(MafTest, keys_are_not_on_the_disk_in_clear) {
  register_phone();
  register_key();
  const auto value = *from_hex(std::string(kExported).substr(32));
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder_.file(""))) {
    std::ifstream in(file.path(), std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    EXPECT_EQ(text.str().find(as_text(value)), std::string::npos) << file.path();
    EXPECT_EQ(text.str().find(std::string(kExported).substr(32)), std::string::npos) << file.path();
  }
}

TEST_F(MafTest, failed_store_is_fail_stop) {
  std::vector<std::string> stopped;
  auto given = options();
  given.store_failed = [&](const Error& error) { stopped.push_back(error.detail); };
  open(std::move(given));
  maf_->replace_policies(options());  // new policies do not forget whom to tell
  store_->failing = true;
  expect_refused(ask(request(Operation::create, "", "sec:macr", registration()), kPhone),
                 Rsc::internal_server_error, "not stored");
  expect_refused(ask(request(Operation::retrieve, ""), kPhone), Rsc::internal_server_error, "failed");
  EXPECT_EQ(stopped, std::vector<std::string>{"disk full"}) << "the daemon is told once";
}

TEST_F(MafTest, overload_is_refused_before_anything_is_done) {
  store_->depth = 20'000;
  expect_refused(ask(request(Operation::create, "", "sec:macr", registration()), kPhone),
                 Rsc::internal_server_error, "overloaded");
  store_->depth = 0;
  register_phone();
}

TEST_F(MafTest, other_operations_and_addresses_are_refused) {
  register_phone();
  expect_refused(ask(request(Operation::del, ""), kPhone), Rsc::operation_not_allowed, "");
  expect_refused(ask(request(Operation::create, "macr000001", "sec:macr", registration()), kPhone),
                 Rsc::invalid_child_resource_type, "");
  auto elsewhere = request(Operation::retrieve, "");
  elsewhere.to = "//other.provider.org/-/";
  expect_refused(ask(elsewhere, kPhone), Rsc::not_found, "");
}

}  // namespace
}  // namespace latchkey::maf
