/// ADN-AE3 of TR-0038: the smartphone. Its MAF client gets a key (7.1.4 steps 1-6), with it the AE opens
/// TLS-PSK to the IN-CSE. Reads commands from standard input, one a line, and answers each with lines of
/// which the last begins with "=".
#include <poll.h>

#include <iostream>
#include <map>

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
  std::string maf = "myMAF.provider.org", maf_address = "127.0.0.1", admin = "mytrustenabler.org", device_id,
              certificate, key, trust, gateway;
  std::uint16_t maf_port = 0;
  unsigned key_seconds = 7 * 24 * 3600, margin_seconds = 60;
};

std::shared_ptr<client::MafClient> maf_client(bind::Reactor& reactor, const Options& options,
                                              AuditSink& audit) {
  const auto fqdn = must("--maf", Fqdn::parse(options.maf));
  const auto own = certificate_from_files(options.certificate, options.key);
  const auto trust = trust_from_file(options.trust);
  bind::PeerOptions peer;
  peer.address = options.maf_address;
  peer.port = options.maf_port;
  peer.host = options.maf;
  peer.credentials = [=, home = options.device.home()] {
    return client::certificate(
               {.own = own, .trust = trust, .home = home, .server = fqdn, .server_in_cse = {}})
        ->options();
  };
  return std::make_shared<client::MafClient>(
      reactor,
      client::MafClientOptions{.maf = fqdn,
                               .home = options.device.home(),
                               .client_id = must("--device-id", M2mDeviceId::parse(options.device_id)),
                               .peer = std::move(peer)},
      audit, system_clock());
}

class Phone {
 public:
  explicit Phone(const Options& options) : options_(options) {
    client::MafCredentialOptions credential{.maf = maf_client(reactor_, options, audit_),
                                            .admin_fqdn = options.admin,
                                            .server = options.device.registrar_id(),
                                            .suid = *Suid::from(32),
                                            .registration = {},
                                            .home = options.device.home()};
    credential.key_lifetime = std::chrono::seconds(options.key_seconds);
    credential.margin = std::chrono::seconds(options.margin_seconds);
    credential.on_key = [](const client::RegisteredKey& key) {
      say("new key " + key.id.text() + " until " + format_timestamp(key.expires));
    };
    ae_ = std::make_unique<client::Ae>(
        reactor_, options.device.ae(client::maf_key(std::move(credential), system_clock())), audit_,
        system_clock());
  }

  /// One command; false at the end of input.
  bool serve_line(const std::string& line) {
    const auto space = line.find(' ');
    const auto command = line.substr(0, space),
               argument = space == std::string::npos ? std::string() : line.substr(space + 1);
    if (command == "quit") return false;
    const std::map<std::string, Status (Phone::*)(const std::string&)> commands{
        {"register", &Phone::register_phone},
        {"discover", &Phone::discover},
        {"read", &Phone::read},
        {"watch", &Phone::watch},
        {"set", &Phone::set},
        {"expect", &Phone::expect},
        {"group", &Phone::group},
        {"set-all", &Phone::set_all},
        {"reconnect", &Phone::reconnect}};
    const auto found = commands.find(command);
    const auto status = found == commands.end()
                            ? Status(fail(ErrorCode::invalid_argument, "unknown command " + command))
                            : (this->*found->second)(argument);
    say(status ? "= ok" : "= failed: " + status.error().detail);
    return true;
  }

  void idle(std::chrono::milliseconds time) {
    reactor_.run_until([] { return false; }, time);
  }

 private:
  using Response = codec::ResponsePrimitive;

  static Status check(const Result<Response>& response, std::initializer_list<Rsc> accepted) {
    if (!response) return fail(response.error());
    for (const auto rsc : accepted)
      if (response->rsc == rsc) return {};
    return fail(ErrorCode::denied,
                std::to_string(static_cast<int>(response->rsc)) + " " + codec::to_text(response->pc));
  }

  Status register_phone(const std::string&) {
    if (auto done = ae_->register_ae(); !done) return done;
    const auto session = ae_->context();
    say("registered as " + ae_->stem() + " over " +
        (session ? session->cipher_suite + " with psk_identity " + session->psk_identity : "?"));
    // The gateway's MN-CSE will notify this phone: its own policy must permit that (NOTIFY).
    const auto self = options_.device.registrar + "/" + ae_->stem();
    if (auto done = check(ae_->create(ae_->resource(), type(Ty::acp), "m2m:acp",
                                      {{"rn", "notify-access"},
                                       {"pv", rules({{self, 63}, {options_.gateway, 16}})},
                                       {"pvs", rules({{self, 63}})}}),
                          {Rsc::created, Rsc::conflict});
        !done)
      return done;
    const auto me =
        options_.device.registrar + "/" + options_.device.registrar_id().stem() + "/" + options_.device.name;
    if (auto done = check(ae_->update(ae_->resource(), "m2m:ae", {{"acpi", {me + "/notify-access"}}}),
                          {Rsc::updated});
        !done)
      return done;
    return ae_->listen([this](const codec::RequestPrimitive& notification) {
      if (const auto state = notified_content(notification); !state.empty()) notified_.push_back(state);
      return ok(notification);
    });
  }

  Status discover(const std::string& label) {
    const auto gateway =
        options_.gateway + options_.gateway;  // CSEBase of the MN-CSE: /<cse>/<name>, named like the CSE
    const auto found = ae_->discover(gateway, {label}, type(Ty::cnt));
    if (!found) return fail(found.error());
    for (const auto& address : *found) say("found " + address);
    return found->empty() ? Status(fail(ErrorCode::not_found, "nothing carries this label")) : Status();
  }

  [[nodiscard]] std::string at(const std::string& door, const std::string& what) const {
    return options_.gateway + options_.gateway + "/" + door + "-lock/" + what;
  }

  Status read(const std::string& door) {
    const auto latest = ae_->retrieve(at(door, "state/la"));
    if (auto done = check(latest, {Rsc::ok}); !done) return done;
    say("state " + std::string(latest->pc.as_object().at("m2m:cin").as_object().at("con").as_string()));
    return {};
  }

  Status watch(const std::string& door) {
    return check(
        ae_->create(at(door, "state"), type(Ty::sub), "m2m:sub",
                    {{"rn", "phone-watch"}, {"nu", {ae_->resource()}}, {"nct", 1}, {"enc", {{"net", {3}}}}}),
        {Rsc::created, Rsc::conflict});
  }

  /// "front-door UNLOCKED"
  Status set(const std::string& argument) {
    const auto space = argument.find(' ');
    if (space == std::string::npos) return fail(ErrorCode::invalid_argument, "set DOOR STATE");
    return check(ae_->create(at(argument.substr(0, space), "command"), type(Ty::cin), "m2m:cin",
                             {{"cnf", "text/plain:0"}, {"con", argument.substr(space + 1)}}),
                 {Rsc::created});
  }

  /// Waits for a notification of this state.
  Status expect(const std::string& state) {
    bool came = false;
    reactor_.run_until([&] { return came = came || std::erase(notified_, state) > 0; },
                       std::chrono::seconds(10));
    if (!came) return fail(ErrorCode::expired, "no notification of " + state);
    say("notified " + state);
    return {};
  }

  Status group(const std::string&) {
    return check(ae_->create(ae_->resource(), type(Ty::grp), "m2m:grp",
                             {{"rn", "all-doors"},
                              {"mnm", 8},
                              {"mid", {at("front-door", "command"), at("back-door", "command")}}}),
                 {Rsc::created, Rsc::conflict});
  }

  Status set_all(const std::string& state) {
    const auto me =
        options_.device.registrar + "/" + options_.device.registrar_id().stem() + "/" + options_.device.name;
    const auto answer = ae_->create(me + "/all-doors/fopt", type(Ty::cin), "m2m:cin",
                                    {{"cnf", "text/plain:0"}, {"con", state}});
    if (auto done = check(answer, {Rsc::ok}); !done) return done;
    for (const auto& member : answer->pc.as_object().at("m2m:agr").as_object().at("m2m:rsp").as_array()) {
      const auto rsc = member.as_object().at("rsc").to_number<int>();
      if (rsc != static_cast<int>(Rsc::created))
        return fail(ErrorCode::denied, "a member answered " + std::to_string(rsc));
      say("member answered " + std::to_string(rsc));
    }
    return {};
  }

  /// Ends the session; the next request makes another with the key at hand, or with a new one when that has
  /// ended.
  Status reconnect(const std::string&) {
    ae_->disconnect();
    const auto base = ae_->retrieve(ae_->resource());
    if (auto done = check(base, {Rsc::ok}); !done) return done;
    say("session with psk_identity " + ae_->context()->psk_identity);
    return {};
  }

  const Options& options_;
  bind::Reactor reactor_;
  Silent audit_;
  std::unique_ptr<client::Ae> ae_;
  std::vector<std::string> notified_;
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("smartphone of TR-0038", "door-lock-phone");
  options.device.add_to(app);
  app.add_option("--maf", options.maf, "MAF-FQDN");
  app.add_option("--maf-address", options.maf_address, "its address");
  app.add_option("--maf-port", options.maf_port, "its port")->required();
  app.add_option("--admin", options.admin, "FQDN of the administrating stakeholder");
  app.add_option("--device-id", options.device_id, "M2M-Device-ID of the MAF client")->required();
  app.add_option("--cert", options.certificate, "device certificate chain")->required();
  app.add_option("--key", options.key, "its private key, owner-only")->required();
  app.add_option("--trust", options.trust, "trust anchors")->required();
  app.add_option("--gateway", options.gateway, "CSE-ID of the gateway, SP-relative")->required();
  app.add_option("--key-seconds", options.key_seconds, "lifetime to ask for");
  app.add_option("--margin-seconds", options.margin_seconds, "a key that ends sooner is replaced");
  CLI11_PARSE(app, argc, argv);
  options.device.start();
  Phone phone(options);
  std::string buffered;
  pollfd input{.fd = 0, .events = POLLIN, .revents = 0};
  while (true) {
    phone.idle(std::chrono::milliseconds(50));  // polls for notifications between commands
    if (::poll(&input, 1, 0) == 0) continue;
    std::string line;
    if (!std::getline(std::cin, line) || !phone.serve_line(line)) return 0;
    while (std::cin.rdbuf()->in_avail() > 0 && std::getline(std::cin, line))
      if (!phone.serve_line(line)) return 0;
  }
}
