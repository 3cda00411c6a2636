/// latchkey listen: an AE as the end-point that others protect requests for, and establish keys with (TS-0003
/// 8.4, 8.7).
#include <cstdio>

#include "cli.h"
#include "latchkey/client/end_to_end_receiver.h"

namespace latchkey::cli {

namespace {

namespace json = codec::json;

struct Options {
  ConnectionOptions connection;
  std::string from, app_id = "Nlatchkey", release = "3", answer;
  std::vector<std::string> keys, initiators;
};

/// KID,PEER,FILE of a provisioned pairwise key.
Result<e2e::PairwiseEsPrimKey::Shared> pairwise_key(const std::string& text, const SpId& home) {
  const auto first = text.find(','), second = text.find(',', first + 1);
  if (first == std::string::npos || second == std::string::npos)
    return fail(ErrorCode::invalid_argument, "--pairwise: KID,PEER,FILE");
  auto peer = parse_entity_id(text.substr(first + 1, second - first - 1), home);
  if (!peer) return fail("--pairwise", peer.error());
  auto secret = read_hex_secret(text.substr(second + 1));
  if (!secret) return fail("--pairwise", secret.error());
  return e2e::PairwiseEsPrimKey::from_secret(
      {.id = text.substr(0, first), .peer = *std::move(peer), .suid = *Suid::from(13)}, *std::move(secret));
}

Result<e2e::NotifiedEndPointConfig> end_point(const Options& options, const AeId& self) {
  e2e::NotifiedEndPointConfig config{.esprim = {.self = self}};
  for (const auto& text : options.keys) {
    auto key = pairwise_key(text, self.sp());
    if (!key) return fail(std::move(key.error()));
    config.keys.push_back(*std::move(key));
  }
  for (const auto& text : options.initiators) {
    auto id = parse_entity_id(text, self.sp());
    if (!id) return fail("--establish-with", id.error());
    config.initiators.push_back({.id = *std::move(id)});
  }
  if (options.connection.certificate.empty()) {
    if (!options.initiators.empty())
      return fail(ErrorCode::invalid_argument, "--establish-with needs --cert, --key and --trust");
    return config;
  }
  auto credentials = options.connection.certificates();
  if (!credentials) return fail(std::move(credentials.error()));
  for (const auto& certificate : credentials->own->chain) config.published.push_back(certificate.der());
  if (!options.initiators.empty()) config.certificates = *std::move(credentials);
  return config;
}

Result<client::AeOptions> ae_options(const Options& options) {
  const auto home = options.connection.home();
  if (!home) return fail("--sp", home.error());
  auto registrar = CseId::parse(options.connection.server, *home);
  if (!registrar) return fail("--server", registrar.error());
  auto peer = options.connection.peer();
  if (!peer) return fail(peer.error());
  auto credential = options.connection.credential();
  if (!credential) return fail(credential.error());
  return client::AeOptions{.registrar = *std::move(registrar),
                           .cse_base_name = "-",
                           .peer = *std::move(peer),
                           .credential = *std::move(credential),
                           .app_id = options.app_id,
                           .requested_stem = options.from,
                           .release = options.release,
                           .timeout = std::chrono::milliseconds(options.connection.timeout_ms)};
}

codec::Rsc success_of(codec::Operation operation) {
  switch (operation) {
    case codec::Operation::create:
      return codec::Rsc::created;
    case codec::Operation::update:
      return codec::Rsc::updated;
    case codec::Operation::del:
      return codec::Rsc::deleted;
    default:
      return codec::Rsc::ok;
  }
}

/// A line for each thing that happens, at once: somebody may be reading along.
void say(const json::value& value, const std::string& text) {
  print(value, text);
  std::fflush(stdout);
}

Status listen(const Options& options) {
  json::value answer;
  if (!options.answer.empty()) {
    const auto text = read_text(options.answer);
    if (!text) return fail(text.error());
    auto pc = codec::parse_json(*text, {});
    if (!pc) return fail(ErrorCode::invalid_argument, "--answer: " + pc.error().detail);
    answer = std::move(*pc);
  }
  auto of_ae = ae_options(options);
  if (!of_ae) return fail(of_ae.error());
  const auto self = AeId::from_stem(options.from, of_ae->registrar);
  if (!self) return fail("--from", self.error());
  auto config = end_point(options, *self);
  if (!config) return fail(config.error());

  bind::Reactor reactor;
  NoAudit audit;
  client::Ae ae(reactor, *std::move(of_ae), audit, system_clock());
  auto receiver = client::EndToEndReceiver::make(
      {.end_point = *std::move(config),
       .inner =
           [&answer](const codec::RequestPrimitive& request, const EntityId& originator,
                     bind::Respond respond) {
             say(json::object{{"originator", to_string(originator)}, {"request", codec::to_json(request)}},
                 to_string(originator) + " asks: " + codec::to_text(codec::to_json(request)));
             codec::ResponsePrimitive response;
             response.rsc = success_of(request.op);
             response.rvi = request.rvi;
             response.pc = answer;
             respond(std::move(response));
           },
       .established =
           [](const e2e::PairwiseE2EKey& key) {
             say(json::object{{"established", key.id}, {"peer", to_string(key.peer)}},
                 "key " + key.id + " established with " + to_string(key.peer));
           },
       .refused =
           [](const codec::RequestPrimitive& outer, codec::Rsc rsc, const std::string& why) {
             say(json::object{{"refused", static_cast<int>(rsc)}, {"from", outer.from}, {"why", why}},
                 "refused " + outer.from + ": " + std::to_string(static_cast<int>(rsc)) + ", " + why);
           }},
      reactor, audit, system_clock());
  if (!receiver) return fail(receiver.error());
  if (auto registered = ae.register_ae(); !registered) return registered;
  if (auto listening = ae.listen_later([&](codec::RequestPrimitive request, bind::Respond respond) {
        (*receiver)->handle(std::move(request), std::move(respond));
      });
      !listening)
    return listening;
  (*receiver)->publish(ae);
  say(json::object{{"listening", self->absolute()}}, "listening as " + self->absolute());
  reactor.on_terminate([&reactor] { reactor.stop(); });
  reactor.run();
  return {};
}

}  // namespace

void add_listen(CLI::App& app, int& status) {
  auto* listen_to = app.add_subcommand(
      "listen",
      "an AE that takes requests which were protected for it, until it is ended: it registers, publishes its "
      "e2eSecInfo, polls, prints what it is asked and answers with success");
  auto options = std::make_shared<Options>();
  listen_to->add_option("--from", options->from, "AE-ID-Stem, C... or S...")->required();
  listen_to->add_option("--app-id", options->app_id, "App-ID of its registration");
  listen_to->add_option("--pairwise", options->keys,
                        "KID,PEER,FILE: provisioned pairwise key with an end-point, in hex, owner-only");
  listen_to->add_option("--establish-with", options->initiators,
                        "AE-ID or CSE-ID that may establish a key, with --cert, --key and --trust");
  listen_to->add_option("--answer", options->answer, "file of the content of each answer (JSON)");
  listen_to->add_option("--release", options->release, "release version indicator");
  options->connection.add_to(*listen_to);
  listen_to->callback([options, &status] { status = result(listen(*options)); });
}

}  // namespace latchkey::cli
