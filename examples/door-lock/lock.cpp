/// ADN-AE1 and ADN-AE2 of TR-0038: a door lock without an open port. It opens TLS-PSK to the gateway,
/// registers, offers a state and takes commands, and waits for them on a polling channel.
#include "device.h"
#include "latchkey/codec/resource_types.h"

namespace {

using namespace latchkey;
using namespace door_lock;
using codec::Rsc;
using codec::Ty;

constexpr std::uint32_t type(Ty ty) { return static_cast<std::uint32_t>(ty); }

struct Options {
  DeviceOptions device;
  std::string psk_identity, psk_file, user, watcher, label;
};

/// What the lock offers, once: a second start finds it there (4105).
void offer(client::Ae& ae, const Options& options, const std::string& me) {
  const auto base = ae.resource();
  const auto self = options.device.registrar + "/" + ae.stem();
  // Policies: the user reads and subscribes to the state, and may only add commands; the watcher reads and
  // subscribes.
  must_answer("policy of the state",
              ae.create(base, type(Ty::acp), "m2m:acp",
                        {{"rn", "state-access"},
                         {"pv", rules({{self, 63},
                                       {options.user, 2 + 32},
                                       {options.user, 1, 23},
                                       {options.watcher, 2 + 32},
                                       {options.watcher, 1, 23}})},
                         {"pvs", rules({{self, 63}})}}),
              {Rsc::created, Rsc::conflict});
  must_answer("policy of the commands",
              ae.create(base, type(Ty::acp), "m2m:acp",
                        {{"rn", "command-access"},
                         {"pv", rules({{self, 63}, {options.user, 32}, {options.user, 1, 4}})},
                         {"pvs", rules({{self, 63}})}}),
              {Rsc::created, Rsc::conflict});
  must_answer("state",
              ae.create(base, type(Ty::cnt), "m2m:cnt",
                        {{"rn", "state"},
                         {"mni", 10},
                         {"lbl", {"lock-state", options.label}},
                         {"acpi", {me + "/state-access"}}}),
              {Rsc::created, Rsc::conflict});
  must_answer("commands",
              ae.create(base, type(Ty::cnt), "m2m:cnt",
                        {{"rn", "command"},
                         {"mni", 10},
                         {"lbl", {"lock-command", options.label}},
                         {"acpi", {me + "/command-access"}}}),
              {Rsc::created, Rsc::conflict});
}

void report_state(client::Ae& ae, const std::string& me, const std::string& state) {
  codec::RequestPrimitive request;
  request.op = codec::Operation::create;
  request.to = me + "/state";
  request.ty = type(Ty::cin);
  request.pc = codec::json::object{{"m2m:cin", {{"cnf", "text/plain:0"}, {"con", state}}}};
  ae.send(std::move(request), [state](Result<codec::ResponsePrimitive> response) {
    if (response && response->rsc == Rsc::created)
      say("bolt " + state);
    else
      say("! state " + state +
          " was not stored: " + (response ? codec::to_text(response->pc) : response.error().detail));
  });
}

int run(const Options& options) {
  bind::Reactor reactor;
  Silent audit;
  client::Ae ae(reactor,
                options.device.ae(psk_from_file(options.psk_identity, options.psk_file, options.device)),
                audit, system_clock());
  must("registration", ae.register_ae());
  const auto session = ae.context();
  say("registered as " + ae.stem() + " over " + (session ? session->cipher_suite : "?"));
  const auto me =
      options.device.registrar + "/" + options.device.registrar_id().stem() + "/" + options.device.name;
  offer(ae, options, me);

  must("polling channel", ae.listen([&](const codec::RequestPrimitive& notification) {
    const auto command = notified_content(notification);
    if (command == "LOCKED" || command == "UNLOCKED") report_state(ae, me, command);
    return ok(notification);
  }));
  must_answer("subscription to commands",
              ae.create(me + "/command", type(Ty::sub), "m2m:sub",
                        {{"rn", "bolt"}, {"nu", {ae.resource()}}, {"nct", 1}, {"enc", {{"net", {3}}}}}),
              {Rsc::created, Rsc::conflict});
  const auto latest = ae.retrieve(me + "/state/la");
  if (latest && latest->rsc == Rsc::not_found) report_state(ae, me, "LOCKED");
  say("ready");
  reactor.run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("door lock of TR-0038", "door-lock-lock");
  options.device.add_to(app);
  app.add_option("--psk-identity", options.psk_identity, "KpsaID")->required();
  app.add_option("--psk-file", options.psk_file, "Kpsa in hex, owner-only")->required();
  app.add_option("--user", options.user, "AE-ID that may read the state and give commands")->required();
  app.add_option("--watcher", options.watcher, "AE-ID that may read the state")->required();
  app.add_option("--label", options.label, "label of this door")->required();
  CLI11_PARSE(app, argc, argv);
  options.device.start();
  return run(options);
}
