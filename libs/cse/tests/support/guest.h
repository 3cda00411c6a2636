#pragma once
/// An AE with a door, a guest whom no policy lets in, and a DAS Server whose tokens are trusted.
#include <gtest/gtest.h>

#include "support/issuer.h"
#include "support/world.h"

namespace latchkey::cse::test {

inline constexpr const char* kDas = "https://das.example/das";
inline constexpr const char* kTarget = "/in-cse/cse/door/state";

class GuestAtTheDoor : public ::testing::Test {
 protected:
  explicit GuestAtTheDoor(std::vector<CseOptions::TokenCheck> checks = {})
      : world(options_with(issuer, std::move(checks))) {}
  void SetUp() override {
    world.register_ae("Cdoor", "door");
    world.register_ae("Cguest", "guest");
    expect(world.create("Cdoor", "-/door", Ty::cnt, R"({"m2m:cnt":{"rn":"state"}})"), Rsc::created);
  }
  void restart_with_trust() {
    world.options().token_trust.issuers = {issuer.trusted()};
    world.start();
  }
  static void expect(const ResponsePrimitive& response, Rsc rsc) {
    EXPECT_EQ(response.rsc, rsc) << World::debug(response);
  }
  [[nodiscard]] static EntityId guest() { return ae_id("/in-cse/Cguest"); }
  [[nodiscard]] authz::TokenClaimSet claims(const std::string& id = "t1") const {
    return issuer.claims(id, guest(), world.clock.now());
  }
  static authz::TokenPermission may_read(const std::string& resource = kTarget) {
    return {{resource}, json::parse(R"({"acr":[{"acor":["all"],"acop":2}]})"), {}};
  }
  /// Lets the guest read the target.
  [[nodiscard]] std::string token(const std::string& id = "t1") const {
    auto all = claims(id);
    all.permissions = {may_read()};
    return issuer.sign(all);
  }
  RequestPrimitive read(const char* to = kTarget) { return world.make(Operation::retrieve, "Cguest", to); }
  ResponsePrimitive send(RequestPrimitive request) {
    return world.send(world.session("Cguest"), std::move(request));
  }
  ResponsePrimitive read_with(std::string jwt) {
    auto request = read();
    request.tkns = {std::move(jwt)};
    return send(std::move(request));
  }
  [[nodiscard]] std::string last_reason() const { return world.audit.events().back().reason; }

  Issuer issuer{"das.example"};
  World world;

 private:
  static CseOptions options_with(const Issuer& issuer, std::vector<CseOptions::TokenCheck> checks) {
    auto options = World::in_options();
    options.token_trust.issuers.push_back(issuer.trusted());
    options.das_servers = {{EntityId(domain("das.example")), kDas, {domain("das.example")}}};
    options.token_checks = std::move(checks);
    return options;
  }
};

}  // namespace latchkey::cse::test
