/// latchkey request: any primitive to a CSE, as an AE or a CSE.
#include "cli.h"
#include "latchkey/base/log.h"
#include "latchkey/client/blocking.h"
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

struct Options {
  ConnectionOptions connection;
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

int run(const Options& options) {
  auto request = primitive(options);
  if (!request) return failed(request.error());
  auto peer = options.connection.peer();
  if (!peer) return failed(peer.error());
  auto credential = options.connection.credential();
  if (!credential) return failed(credential.error());
  if (*credential) peer->credentials = [credential = *credential] { return credential->options(); };
  bind::Reactor reactor;
  NoAudit audit;
  bind::HttpClient http(reactor, std::move(*peer), audit, system_clock());
  const std::chrono::milliseconds limit(options.connection.timeout_ms);
  const auto response = client::blocking<codec::ResponsePrimitive>(
      reactor, limit + std::chrono::seconds(1),
      [&](auto done) { http.send(std::move(*request), limit, std::move(done)); });
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
  options->connection.add_to(*request);
  request->callback([options, &status] { status = run(*options); });
}

}  // namespace latchkey::cli
