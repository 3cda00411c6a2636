// ESPrim Objects against python3-jwcrypto, both ways. The package of the system, so the interpreter of the
// system.
#include <boost/json/parse.hpp>

#include "peer.h"
#include "world.h"

namespace latchkey::e2e {
namespace {

using test::Forge;
using test::kPhone;
using test::request;
using test::World;

const std::string kPeer = std::string(LATCHKEY_TEST_DATA) + "/jwcrypto_peer.py";

class WithJwcrypto : public ::testing::TestWithParam<jose::Enc> {};

TEST_P(WithJwcrypto, OpensWhatOurOriginatorSeals) {
  test::cover({"8.4.3.2-T01", "8.4.3.2-09", "8.4.3.2-10", "8.4.3.2-12", "10.3.8.2-T01"});
  World world({.self = test::entity(test::kLock)}, {.encs = {GetParam()}});
  const auto receiver = *world.receiver->shared_object(world.now);
  world.must_exchange();
  const auto opened = test::run(
      {"/usr/bin/python3", kPeer, "open", to_hex(test::octets(32)), std::string(as_text(receiver.octets()))},
      world.objects.at(0));
  ASSERT_EQ(opened.status, 0) << opened.output;
  EXPECT_EQ(opened.output, codec::to_text(codec::to_json(request())));
}

TEST_P(WithJwcrypto, SealsWhatOurReceiverOpens) {
  World world;
  const auto receiver = *world.receiver->shared_object(world.now);
  const auto originator = Forge::own(receiver);
  const auto sealed = test::run(
      {"/usr/bin/python3", kPeer, "seal", to_hex(test::octets(32)), std::string(as_text(receiver.octets())),
       std::string(as_text(originator.octets())), test::kKid, std::string(to_string(GetParam()))},
      codec::to_text(codec::to_json(request())));
  ASSERT_EQ(sealed.status, 0) << sealed.output;
  const auto result = world.receiver->open(sealed.output, kPhone, world.now);
  const auto* opened = std::get_if<EsPrimReceiver::Opened>(&result);
  ASSERT_NE(opened, nullptr) << std::get<EsPrimRefusal>(result).detail;
  EXPECT_EQ(opened->request, request());
}

INSTANTIATE_TEST_SUITE_P(Table, WithJwcrypto,
                         ::testing::Values(jose::Enc::a128gcm, jose::Enc::a192gcm, jose::Enc::a256gcm),
                         [](const auto& row) { return std::string(to_string(row.param)); });

}  // namespace
}  // namespace latchkey::e2e
