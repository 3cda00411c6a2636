/// The public key of another end-point, out of the e2eSecInfo that somebody shows for it (TS-0003 8.5.2.2.4,
/// 8.5.2.3.2).
#include <gtest/gtest.h>

#include "cover.h"
#include "latchkey/client/end_to_end.h"
#include "latchkey/e2e/security_info.h"
#include "support/maf_world.h"

namespace latchkey::client::test {
namespace {

using codec::Rsc;
using latchkey::test::cover;
using Trusted = e2e::PeerCertificates::Trusted;
namespace json = codec::json;

/// A first hop that answers as it is told.
class Hop final : public bind::RequestSender {
 public:
  void send(codec::RequestPrimitive request, std::chrono::milliseconds, Done done) override {
    asked = std::move(request);
    done(answer);
  }
  void show(json::value esi) {
    answer = codec::ResponsePrimitive();
    answer->rsc = Rsc::ok;
    json::object resource;
    if (!esi.is_null()) resource["esi"] = std::move(esi);
    answer->pc = json::object{{"m2m:ae", std::move(resource)}};
  }
  codec::RequestPrimitive asked;
  Result<codec::ResponsePrimitive> answer = fail(ErrorCode::unavailable, "no hop");
};

class PeerKey : public testing::Test {
 protected:
  Result<Trusted> find(const char* end_point, Suid::Use use = Suid::Use::esdata_signature) {
    const auto known = std::make_shared<const e2e::PeerCertificates>(e2e::PeerCertificates::Config{
        .trust = TestPki::instance().trust(), .home = home(), .in_cse = in_cse()});
    std::optional<Result<Trusted>> found;
    find_peer_key(hop,
                  {.from = "Cphone",
                   .info = "/mn-cse-123456/Clock-AE1",
                   .end_point = id(end_point),
                   .use = use,
                   .kid = "lock"},
                  known, system_clock(), kPatience,
                  [&](Result<Trusted> result) { found.emplace(std::move(result)); });
    EXPECT_TRUE(found);
    return *std::move(found);
  }
  static json::value shown(const tls::OwnCertificate& own) {
    e2e::E2eSecInfo info{.features = {*Suid::from(45)}, .certificates = {}, .shared = {}};
    for (const auto& certificate : own.chain) info.certificates.push_back(certificate.der());
    return e2e::to_json(info);
  }
  Hop hop;
};

TEST_F(PeerKey, IsBelievedForItsPathAndItsNameAlone) {
  cover({"8.5.2.2.4.2-01", "8.5.2.2.4.2-02", "8.5.2.3.2.2-01", "8.5.2.3.2.2-02", "8.5.2.2.4.1-05",
         "8.5.2.3.2.1-05"});
  const auto own = TestPki::instance().issue(id(kLock));
  hop.show(shown(*own));
  const auto found = find(kLock);
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_EQ(hop.asked.op, codec::Operation::retrieve);
  EXPECT_EQ(hop.asked.to, "/mn-cse-123456/Clock-AE1");
  EXPECT_EQ(hop.asked.from, "Cphone");
  EXPECT_EQ(found->key.spki(), own->chain.front().spki());
  EXPECT_EQ(found->credential.owner, id(kLock));
  EXPECT_EQ(found->credential.kid, "lock");
  EXPECT_EQ(found->credential.suid.value(), 45);
  // The same certificate, shown for another: it stands in that one's e2eSecInfo, and names somebody else.
  EXPECT_TRUE(fails_with(find(kMnCse), ErrorCode::not_found, "certificate of another"));
  // The right name, by an authority that nobody here trusts.
  hop.show(shown(*TestPki::instance().issue(id(kLock), true)));
  EXPECT_TRUE(fails_with(find(kLock), ErrorCode::not_found, ""));
}

TEST_F(PeerKey, WhatIsNoE2eSecInfoGivesNone) {
  EXPECT_TRUE(fails_with(find(kLock), ErrorCode::unavailable, "no hop"));
  hop.show(nullptr);
  EXPECT_TRUE(fails_with(find(kLock), ErrorCode::denied, "there is none"));
  hop.show(json::object{{"escert", "?"}});
  EXPECT_TRUE(fails_with(find(kLock), ErrorCode::invalid_argument, "e2eSecInfo of"));
  hop.show(shown(*TestPki::instance().issue(id(kLock))));
  EXPECT_TRUE(fails_with(find(kLock, Suid::Use::esprim), ErrorCode::invalid_argument, "use"));
  hop.answer->rsc = Rsc::originator_has_no_privilege;
  EXPECT_TRUE(fails_with(find(kLock), ErrorCode::denied, "ORIGINATOR_HAS_NO_PRIVILEGE"));
}

}  // namespace
}  // namespace latchkey::client::test
