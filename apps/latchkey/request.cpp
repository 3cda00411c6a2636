/// latchkey request: any primitive to a CSE, as an AE or a CSE.
#include "cli.h"
#include "credential_file.h"
#include "latchkey/base/log.h"
#include "latchkey/client/blocking.h"
#include "latchkey/client/end_to_end.h"
#include "latchkey/codec/query.h"
#include "latchkey/crypto/crypto.h"

namespace latchkey::cli {

namespace {

namespace json = codec::json;

const std::map<std::string, codec::Operation> kOperations{{"create", codec::Operation::create},
                                                          {"retrieve", codec::Operation::retrieve},
                                                          {"update", codec::Operation::update},
                                                          {"delete", codec::Operation::del},
                                                          {"notify", codec::Operation::notify}};

/// --esprim-*: one Receiver alone can read the request and what it answers (TS-0003 8.4).
struct Protection {
  std::string receiver, key_id, key_file, credential, info, from, trace;
  bool cbor = false;

  void add_to(CLI::App& app) {
    auto* to = app.add_option("--esprim-to", receiver,
                              "CSE-ID or AE-ID that alone can read the request; needs a key");
    app.add_option("--esprim-key-id", key_id, "pairwiseESPrimKeyID")->needs(to);
    app.add_option("--esprim-key", key_file,
                   "file of the pairwise key in hex, owner-only; - is standard input")
        ->needs(to);
    app.add_option("--esprim-credential", credential,
                   "instead of the two: file of an end-to-end credential (latchkey maf provision-e2e)")
        ->needs(to)
        ->excludes("--esprim-key-id")
        ->excludes("--esprim-key");
    app.add_option(
           "--esprim-from", from,
           "From inside, absolute or SP-relative; else --from, with the CSE-ID of --server before a C stem")
        ->needs(to);
    app.add_flag("--esprim-cbor", cbor, "write the request inside in CBOR instead of JSON")->needs(to);
    app.add_option("--esprim-trace", trace,
                   "new file for all that CSEs on the way see: a primitive (JSON) in each line")
        ->needs(to);
    app.add_option("--esprim-info", info,
                   "resource whose e2eSecInfo tells of the Receiver; else its <CSEBase> or <AE>")
        ->needs(to);
  }
};

struct Options {
  ConnectionOptions connection;
  Protection protection;
  std::string operation, to, from, body, release = "3";
  std::optional<std::uint32_t> type;
  std::vector<std::string> parameters, token_files;
};

/// A file without the line end that an editor or a shell adds.
Result<std::string> read_token(const std::string& file) {
  auto token = read_text(file);
  if (token) token->erase(token->find_last_not_of("\r\n") + 1);
  return token;
}

Result<codec::RequestPrimitive> primitive(const Options& options) {
  codec::RequestPrimitive out;
  out.op = kOperations.at(options.operation);
  out.to = options.to;
  out.from = options.from;
  out.rqi = to_hex(crypto::random_bytes(8));
  out.rvi = options.release;
  out.ty = options.type;
  if (!options.body.empty()) {
    const auto text = read_text(options.body);
    if (!text) return fail(text.error());
    auto pc = codec::parse_json(*text, {});
    if (!pc) return fail(ErrorCode::invalid_argument, "--body: " + pc.error().detail);
    out.pc = std::move(*pc);
  }
  for (const auto& file : options.token_files) {
    auto token = read_token(file);
    if (!token) return fail(token.error());
    out.tkns.push_back(*std::move(token));
  }
  for (const auto& parameter : options.parameters) {
    const auto equals = parameter.find('=');
    if (equals == std::string::npos)
      return fail(ErrorCode::invalid_argument, "--param: name=value is needed");
    const std::string_view view(parameter);
    if (auto applied = codec::apply_query_field(out, view.substr(0, equals), view.substr(equals + 1),
                                                system_clock().now(), {});
        !applied)
      return fail(ErrorCode::invalid_argument, "--param " + parameter + ": " + applied.error().detail);
  }
  return out;
}

/// What the Receiver understands (TS-0001 7.2).
std::string inner_from(const Options& options) {
  if (!options.protection.from.empty()) return options.protection.from;
  if (options.from.starts_with('C')) return options.connection.server + "/" + options.from;
  return options.from.starts_with('/') ? options.from : "/" + options.from;
}

/// The end that the Receiver is not.
Result<std::shared_ptr<e2e::EsPrimOriginator>> originator_with_credential(
    const std::string& file, const EntityId& receiver, e2e::EsPrimOriginatorConfig config) {
  const auto credential = read_credential(file);
  if (!credential) return fail("--esprim-credential", credential.error());
  const auto& attributes = credential->attributes();
  const bool to_target = attributes.targets.front() == receiver;
  if (!to_target && attributes.source != receiver)
    return fail(ErrorCode::denied, "--esprim-credential: not for " + to_string(receiver));
  auto key = credential->esprim_key(to_target ? attributes.source : attributes.targets.front());
  if (!key) return fail("--esprim-credential", key.error());
  credential->apply(config);
  return e2e::EsPrimOriginator::make(std::move(config), *std::move(key));
}

Result<std::shared_ptr<e2e::EsPrimOriginator>> originator(const Options& options) {
  const auto& protection = options.protection;
  const auto home = options.connection.home();
  if (!home) return fail("--sp", home.error());
  auto receiver = parse_entity_id(protection.receiver, *home);
  if (!receiver) return fail("--esprim-to", receiver.error());
  const bool is_cse = std::holds_alternative<CseId>(*receiver);
  e2e::EsPrimOriginatorConfig config{
      .receiver_address = protection.receiver + (is_cse ? "/-" : ""),
      .format = protection.cbor ? e2e::InnerFormat::cbor : e2e::InnerFormat::json};
  if (!protection.credential.empty())
    return originator_with_credential(protection.credential, *receiver, std::move(config));
  auto secret = read_hex_secret(protection.key_file);
  if (!secret) return fail("--esprim-key", secret.error());
  auto key = e2e::PairwiseEsPrimKey::from_secret(
      {.id = protection.key_id, .peer = *std::move(receiver), .suid = *Suid::from(13)}, *std::move(secret));
  if (!key) return fail("--esprim-key-id", key.error());
  return e2e::EsPrimOriginator::make(std::move(config), *std::move(key));
}

/// The primitives that were sent, one a line; nothing is written if there is no file to be written.
int traced(const Options& options, const std::string& lines) {
  if (options.protection.trace.empty()) return 0;
  return result(write_new(options.protection.trace, lines, 0600));
}

int run(const Options& options) {
  auto request = primitive(options);
  if (!request) return failed(request.error());
  std::shared_ptr<e2e::EsPrimOriginator> protecting;
  if (!options.protection.receiver.empty()) {
    auto made = originator(options);
    if (!made) return failed(made.error());
    protecting = *std::move(made);
    request->from = inner_from(options);
  }
  auto peer = options.connection.hop();
  if (!peer) return failed(peer.error());
  bind::Reactor reactor;
  NoAudit audit;
  bind::HttpClient http(reactor, std::move(*peer), audit, system_clock());
  const auto& receiver = options.protection.receiver;
  const bool is_cse = protecting != nullptr && std::holds_alternative<CseId>(protecting->receiver());
  std::string trace;
  std::optional<client::EsPrimSender> protected_sender;
  if (protecting != nullptr)
    protected_sender.emplace(http, protecting,
                             client::EsPrimSender::Options{
                                 .from = options.from,
                                 .info = options.protection.info.empty() ? receiver + (is_cse ? "/-" : "")
                                                                         : options.protection.info,
                                 .release = options.release,
                                 .outer =
                                     [&trace](const codec::RequestPrimitive& outer) {
                                       trace += codec::to_text(codec::to_json(outer)) + "\n";
                                     }},
                             system_clock());
  bind::RequestSender& sender =
      protected_sender ? static_cast<bind::RequestSender&>(*protected_sender) : http;
  const std::chrono::milliseconds limit(options.connection.timeout_ms);
  const auto response = client::blocking<codec::ResponsePrimitive>(
      reactor, limit + std::chrono::seconds(1),
      [&](auto done) { sender.send(std::move(*request), limit, std::move(done)); });
  if (const auto status = traced(options, trace); status != 0) return status;
  if (!response) return failed(response.error());
  const auto rsc = static_cast<int>(response->rsc);
  std::string text = std::to_string(rsc) + " " + std::string(codec::to_string(response->rsc));
  if (!response->pc.is_null()) text += "\n" + codec::to_text(response->pc);
  if (!response->tqf.is_null()) text += "\ntokens: " + codec::to_text(response->tqf);
  if (!response->ati.is_null()) text += "\nlocal token ids: " + codec::to_text(response->ati);
  print(codec::to_json(*response), text);
  return codec::is_success(response->rsc) ? 0 : 1;
}

}  // namespace

void add_request(CLI::App& app, int& status) {
  auto* request = app.add_subcommand("request", "send one request to a CSE and print the answer");
  auto options = std::make_shared<Options>();
  request->add_option("operation", options->operation, "create, retrieve, update, delete or notify")
      ->check(CLI::IsMember(kOperations))
      ->required();
  request->add_option("to", options->to, "address of the target")->required();
  request->add_option("--from", options->from, "originator; may be left out when an AE registers");
  request->add_option("--ty", options->type, "resource type to create");
  request->add_option("--body", options->body, "file of the content (JSON); - is standard input");
  request->add_option("--param,-p", options->parameters,
                      "name=value of TS-0009's query: rcn=4, fu=1, lbl=lock, ...");
  request->add_option("--token", options->token_files, "file with a token (JWT); may be repeated");
  request->add_option("--release", options->release, "release version indicator");
  options->protection.add_to(*request);
  options->connection.add_to(*request);
  request->callback([options, &status] { status = run(*options); });
}

}  // namespace latchkey::cli
