/// latchkey escertke: a pairwise key with another end-point by certificates (TS-0003 8.7).
#include "cli.h"
#include "latchkey/client/blocking.h"
#include "latchkey/client/end_to_end.h"

namespace latchkey::cli {

namespace {

namespace json = codec::json;

struct Options {
  ConnectionOptions connection;
  std::string peer, address, from, device, raw_key, out;
};

Result<e2e::EsCertKePeer> peer_of(const Options& options, const SpId& home) {
  auto id = parse_entity_id(options.peer, home);
  if (!id) return fail("peer", id.error());
  e2e::EsCertKePeer peer{.id = *std::move(id)};
  if (!options.raw_key.empty()) {
    auto key = pki::PublicKeyId::parse(options.raw_key);
    if (!key) return fail("--raw-key", key.error());
    peer.raw_key = *std::move(key);
  }
  if (options.device.empty()) return peer;
  auto device = M2mDeviceId::parse(options.device);
  if (!device) return fail("--device", device.error());
  peer.device = *std::move(device);
  return peer;
}

Result<e2e::PairwiseE2EKey> establish(const Options& options) {
  const auto credentials = options.connection.certificates();
  if (!credentials) return fail(credentials.error());
  auto peer = peer_of(options, credentials->home);
  if (!peer) return fail(peer.error());
  const bool is_cse = std::holds_alternative<CseId>(peer->id);
  const auto address = !options.address.empty() ? options.address : options.peer + (is_cse ? "/-" : "");
  NoAudit audit;
  auto initiator = e2e::EsCertKeInitiator::start(*credentials, *std::move(peer), audit, system_clock());
  if (!initiator) return fail(initiator.error());
  auto hop = options.connection.hop();
  if (!hop) return fail(hop.error());
  bind::Reactor reactor;
  bind::HttpClient http(reactor, std::move(*hop), audit, system_clock());
  const std::chrono::milliseconds limit(options.connection.timeout_ms);
  return client::blocking<e2e::PairwiseE2EKey>(reactor, 2 * limit + std::chrono::seconds(1), [&](auto done) {
    client::establish_pairwise_key(http, options.from, address, *std::move(initiator), limit,
                                   std::move(done));
  });
}

int run(const Options& options) {
  auto key = establish(options);
  if (!key) return failed(key.error());
  std::string hex = to_hex(key->key.reveal());
  const auto written = write_new(options.out, hex, 0600);
  wipe(hex.data(), hex.size());
  if (!written) return failed(written.error());
  const auto end = format_timestamp(key->end);
  print(json::object{{"id", key->id}, {"peer", to_string(key->peer)}, {"end", end}, {"file", options.out}},
        key->id + " with " + to_string(key->peer) + ", until " + end + ", in " + options.out);
  return 0;
}

}  // namespace

void add_escertke(CLI::App& app, int& status) {
  auto* escertke = app.add_subcommand(
      "escertke",
      "establish a pairwise key with an end-point, by certificates, over CSEs that are not trusted");
  auto options = std::make_shared<Options>();
  escertke->add_option("peer", options->peer, "CSE-ID or AE-ID of the other end-point")->required();
  escertke->add_option("--from", options->from, "this end-point, as the first hop knows it")->required();
  escertke->add_option("--to", options->address,
                       "address of its <CSEBase> or <AE>, if it is not where its id says");
  escertke->add_option("--device", options->device,
                       "M2M-Device-ID of the device certificate that stands for it");
  escertke->add_option("--raw-key", options->raw_key,
                       "its public key identifier (latchkey pki key-id): raw keys instead of certificates");
  escertke->add_option("--out", options->out, "new file for the key in hex, made owner-only")->required();
  options->connection.add_to(*escertke);
  escertke->callback([options, &status] { status = run(*options); });
}

}  // namespace latchkey::cli
