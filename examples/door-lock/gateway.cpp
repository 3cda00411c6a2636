/// MN-AE of TR-0038: the gateway's own application, on the same device as the MN-CSE (no association, 7.1.1).
/// It watches both locks through the trusted listener.
#include "device.h"
#include "latchkey/codec/resource_types.h"

namespace {

using namespace latchkey;
using namespace door_lock;
using codec::Rsc;

int run(const DeviceOptions& device) {
  bind::Reactor reactor;
  Silent audit;
  client::Ae ae(reactor, device.ae(nullptr), audit, system_clock());
  must("registration", ae.register_ae());
  say("registered as " + ae.stem() + " on the trusted listener");
  must("polling channel", ae.listen([](const codec::RequestPrimitive& notification) {
    if (const auto state = notified_content(notification); !state.empty()) say("saw " + state);
    return ok(notification);
  }));
  const auto base = device.registrar + "/" + device.registrar_id().stem();
  const auto states =
      must("discovery", ae.discover(base, {"lock-state"}, static_cast<std::uint32_t>(codec::Ty::cnt)));
  for (const auto& state : states) {
    must_answer(
        "watching " + state,
        ae.create(state, static_cast<std::uint32_t>(codec::Ty::sub), "m2m:sub",
                  {{"rn", "gateway-watch"}, {"nu", {ae.resource()}}, {"nct", 1}, {"enc", {{"net", {3}}}}}),
        {Rsc::created, Rsc::conflict});
    say("watching " + state);
  }
  say("ready");
  reactor.run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  DeviceOptions device;
  CLI::App app("gateway application of TR-0038", "door-lock-gateway");
  device.add_to(app);
  CLI11_PARSE(app, argc, argv);
  device.start();
  return run(device);
}
