/// latchkey esdata certificate: the public key of another end-point, out of its e2eSecInfo
/// (TS-0003 8.5.2.2.4, 8.5.2.3.2).
#include "cli.h"
#include "latchkey/client/blocking.h"
#include "latchkey/client/end_to_end.h"

namespace latchkey::cli {

namespace {

namespace json = codec::json;
using Trusted = e2e::PeerCertificates::Trusted;

struct Options {
  ConnectionOptions connection;
  std::string peer, from, info, use = "signature", kid, out;
  std::vector<std::string> raw_keys, devices;
};

std::string pem_of(const crypto::PublicKey& key) {
  constexpr std::size_t kLine = 64;
  const auto text = to_base64(key.spki());
  std::string out = "-----BEGIN PUBLIC KEY-----\n";
  for (std::size_t at = 0; at < text.size(); at += kLine) out += text.substr(at, kLine) + "\n";
  return out + "-----END PUBLIC KEY-----\n";
}

/// What the command line says about the other end-point: the trust anchors of the connection, raw keys and
/// devices that are its own.
Result<std::shared_ptr<const e2e::PeerCertificates>> associations(const Options& options,
                                                                  const EntityId& peer, Suid::Use use) {
  auto home = options.connection.home();
  if (!home) return fail("--sp", home.error());
  e2e::PeerCertificates::Config config{
      .trust = nullptr, .home = *std::move(home), .annex_b = options.connection.annex_b};
  if (!options.connection.trust.empty()) {
    auto anchors = options.connection.anchors();
    if (!anchors) return fail(anchors.error());
    config.trust = *std::move(anchors);
  }
  if (!options.connection.in_cse.empty()) {
    auto in_cse = CseId::parse(options.connection.in_cse, config.home);
    if (!in_cse) return fail("--in-cse", in_cse.error());
    config.in_cse = *std::move(in_cse);
  }
  for (const auto& file : options.raw_keys) {
    const auto pem = read_text(file);
    if (!pem) return fail(pem.error());
    auto key = crypto::PublicKey::from_pem(*pem);
    if (!key) return fail(file, key.error());
    config.raw_keys.push_back({.owner = peer, .use = use, .spki = key->spki()});
  }
  for (const auto& text : options.devices) {
    auto device = M2mDeviceId::parse(text);
    if (!device) return fail("--device", device.error());
    config.devices.push_back({*std::move(device), peer});
  }
  return std::make_shared<const e2e::PeerCertificates>(std::move(config));
}

Result<Trusted> find(const Options& options) {
  const auto home = options.connection.home();
  if (!home) return fail("--sp", home.error());
  auto peer = parse_entity_id(options.peer, *home);
  if (!peer) return fail("peer", peer.error());
  const auto use = options.use == "signature" ? Suid::Use::esdata_signature : Suid::Use::esdata_encryption;
  auto known = associations(options, *peer, use);
  if (!known) return fail(known.error());
  auto hop = options.connection.hop();
  if (!hop) return fail(hop.error());
  bind::Reactor reactor;
  NoAudit audit;
  bind::HttpClient http(reactor, std::move(*hop), audit, system_clock());
  const bool is_cse = std::holds_alternative<CseId>(*peer);
  client::PeerKeyQuestion question{
      .from = options.from,
      .info = !options.info.empty() ? options.info : options.peer + (is_cse ? "/-" : ""),
      .end_point = *std::move(peer),
      .use = use,
      .kid = options.kid.empty() ? options.peer : options.kid};
  const std::chrono::milliseconds limit(options.connection.timeout_ms);
  return client::blocking<Trusted>(reactor, limit + std::chrono::seconds(1), [&](auto done) {
    client::find_peer_key(http, std::move(question), *std::move(known), system_clock(), limit,
                          std::move(done));
  });
}

int run(const Options& options) {
  const auto found = find(options);
  if (!found) return failed(found.error());
  if (auto written = write_new(options.out, pem_of(found->key), 0644); !written)
    return failed(written.error());
  const auto owner = to_string(*found->credential.owner);
  const auto end = found->credential.end ? format_timestamp(*found->credential.end) : std::string("none");
  print(json::object{{"owner", owner},
                     {"kid", found->credential.kid},
                     {"suid", found->credential.suid.value()},
                     {"end", end},
                     {"file", options.out}},
        "key of " + owner + ", good until " + end + ", in " + options.out);
  return 0;
}

}  // namespace

void add_peer_key(CLI::App& esdata, int& status) {
  auto* certificate =
      esdata.add_subcommand("certificate",
                            "find the public key of an end-point in its e2eSecInfo; it is believed for a "
                            "path to a trust anchor and "
                            "the name in it, or because it is named here, and never for where it stood");
  auto options = std::make_shared<Options>();
  certificate->add_option("peer", options->peer, "AE-ID or CSE-ID of the end-point")->required();
  certificate->add_option("--from", options->from, "originator, as the first hop knows it")->required();
  certificate->add_option("--info", options->info,
                          "its <AE>, <CSEBase> or <remoteCSE>, if it is not where its id says");
  certificate->add_option("--use", options->use, "signature: to verify with; encryption: to encrypt with")
      ->check(CLI::IsMember({"signature", "encryption"}));
  certificate->add_option("--kid", options->kid, "how envelopes name it; left out: the id of the end-point");
  certificate->add_option("--raw-key", options->raw_keys, "file of a public key (PEM) that is its own");
  certificate->add_option("--device", options->devices, "M2M-Device-ID of a device that it runs on");
  certificate->add_option("--out", options->out, "new file for the public key, PEM")->required();
  options->connection.add_to(*certificate);
  certificate->callback([options, &status] { status = run(*options); });
}

}  // namespace latchkey::cli
