#pragma once
/// A MAF on a real database and a real Secure Environment, asked without sockets.
#include <gtest/gtest.h>

#include "cover.h"
#include "latchkey/codec/mmaf.h"
#include "latchkey/crypto/crypto.h"
#include "latchkey/maf/maf.h"
#include "state_folder.h"
#include "support/doubles.h"

namespace latchkey::maf {

using codec::Operation;
using codec::Rsc;
using test::cover;
namespace json = codec::json;

inline constexpr const char* kExported =
    "FF15D84E3E38D6974B0EB3E5606C85FE37F61D5A7FEA1E9CFD8DB76D2F8B6230130EF8A84F9F9F967DA385867984EED0";
inline constexpr const char* kKeyId = "FF15D84E3E38D6974B0EB3E5606C85FE";
inline constexpr const char* kPhone = "0.2.481.1.100.3030.10011";
inline constexpr const char* kInCse = "//my.m2mprovider.org/in-cse";

class MafTest : public testing::Test {
 protected:
  MafTest() { open(); }

  static EntityId id(const char* text) { return *parse_entity_id(text, home()); }
  static SpId home() { return *SpId::parse("//my.m2mprovider.org"); }

  static MafOptions options() {
    MafOptions out{.fqdn = *Fqdn::parse("myMAF.provider.org"),
                   .home = home(),
                   .admin_fqdns = {"mytrustenabler.org", "other.org"}};
    out.clients.push_back({.client = id(kPhone),
                           .entity = id("//my.m2mprovider.org/in-cse/Cphone"),
                           .admin_fqdns = {"mytrustenabler.org"},
                           .default_targets = {id(kInCse)},
                           .configuration = R"({"a":1})"});
    out.clients.push_back({.client = id(kInCse)});
    out.clients.push_back({.client = id("//my.m2mprovider.org/Sother"),
                           .permitted_targets = {id("//my.m2mprovider.org/mn-cse")}});
    return out;
  }

  void open(MafOptions given = options()) {
    maf_.reset();
    store_.reset();
    environment_.reset();
    environment_ = folder_.open_environment();
    auto real = store::open_sqlite({.folder = folder_.state(), .application = "maf"});
    ASSERT_TRUE(real) << real.error().detail;
    store_ = std::make_unique<SynchronousStore>(std::move(*real));
    auto opened = Maf::open(std::move(given), *store_, *environment_, executor_, clock_, audit_);
    ASSERT_TRUE(opened) << opened.error().detail;
    maf_ = std::move(*opened);
  }

  std::shared_ptr<FakeChannel> new_session(const char* exported = nullptr) {
    return std::make_shared<FakeChannel>(
        ++channels_, exported != nullptr ? *from_hex(exported) : crypto::random_bytes(48));
  }

  /// One request in a session that proved `who`; From as `from`, or what was proven.
  codec::ResponsePrimitive ask(codec::RequestPrimitive request, const char* who,
                               std::shared_ptr<FakeChannel> channel = nullptr,
                               std::function<void(bind::IncomingRequest&)> change = {}) {
    auto context = std::make_shared<tls::SecurityContext>();
    context->framework = tls::Framework::certificate;
    context->identity = id(who);
    bind::IncomingRequest in;
    in.primitive = std::move(request);
    if (in.primitive.from.empty()) in.primitive.from = who;
    in.security = context;
    session_ = channel ? channel : new_session();
    in.channel = session_;
    in.received = clock_.now();
    if (change) change(in);
    std::optional<codec::ResponsePrimitive> out;
    maf_->handle(std::move(in), [&](codec::ResponsePrimitive response) { out = std::move(response); });
    executor_.run_posted();
    EXPECT_TRUE(out.has_value());
    return out.value_or(codec::ResponsePrimitive{});
  }

  static codec::RequestPrimitive request(Operation op, const std::string& resource,
                                         const char* element = nullptr, json::object attributes = {}) {
    codec::RequestPrimitive out;
    out.op = op;
    out.to = "//myMAF.provider.org/-/" + resource;
    out.rqi = "1";
    out.rvi = "2a";
    if (element != nullptr) {
      json::object pc;
      pc[element] = std::move(attributes);
      out.pc = std::move(pc);
      if (op == Operation::create) out.ty = std::string_view(element) == "sec:macr" ? 3 : 5;
    }
    return out;
  }

  static json::object registration() { return {{"et", "20181113T110000"}, {"adfq", "mytrustenabler.org"}}; }
  static json::object key() {
    return {{"et", "20171120T110000"}, {"adfq", "mytrustenabler.org"}, {"suid", 32}};
  }

  std::string register_phone() {
    const auto response = ask(request(Operation::create, "", "sec:macr", registration()), kPhone);
    EXPECT_EQ(response.rsc, Rsc::created) << codec::to_text(response.pc);
    return text(response, "sec:macr", "ri");
  }
  std::string register_key(json::object attributes = key(), const char* exported = kExported) {
    const auto response = ask(request(Operation::create, "macr000001", "sec:mkr", std::move(attributes)),
                              kPhone, new_session(exported));
    EXPECT_EQ(response.rsc, Rsc::created) << codec::to_text(response.pc);
    return text(response, "sec:mkr", "ri");
  }

  static std::string text(const codec::ResponsePrimitive& response, const char* element, const char* name) {
    const auto* content = response.pc.is_object() ? response.pc.get_object().if_contains(element) : nullptr;
    const auto* value =
        content != nullptr && content->is_object() ? content->get_object().if_contains(name) : nullptr;
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
  }
  static void expect_refused(const codec::ResponsePrimitive& response, Rsc rsc, const std::string& reason) {
    EXPECT_EQ(response.rsc, rsc) << codec::to_text(response.pc);
    EXPECT_NE(codec::to_text(response.pc).find(reason), std::string::npos) << codec::to_text(response.pc);
  }

  latchkey::test::StateFolder folder_;
  std::uint64_t channels_ = 0;
  ManualClock clock_{*parse_timestamp("20171113T110000")};
  ManualExecutor executor_;
  AuditRecorder audit_;
  std::unique_ptr<secure_env::SecureEnvironment> environment_;
  std::unique_ptr<SynchronousStore> store_;
  std::shared_ptr<FakeChannel> session_;
  std::unique_ptr<Maf> maf_;
};

}  // namespace latchkey::maf
