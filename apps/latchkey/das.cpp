/// latchkey das: what an administrator of a DAS Server does, over its admin listener, and what an originator
/// asks it.
#include <chrono>
#include <thread>

#include "cli.h"
#include "latchkey/client/blocking.h"
#include "latchkey/client/token_request.h"

namespace latchkey::cli {

namespace {

namespace json = codec::json;

struct Options {
  std::string admin, role, holder, name, id;
  unsigned seconds = 0, wait_ms = 15'000;
  bool token = false, assignments = false;
};

/// One JSON object a line.
Result<json::array> parsed(const Result<std::string>& body) {
  if (!body) return fail(body.error());
  json::array out;
  std::string_view rest(*body);
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    auto value = codec::parse_json(rest.substr(0, end), {});
    if (!value || !value->is_object())
      return fail(ErrorCode::io, "the admin listener answered what is no listing");
    out.push_back(std::move(*value));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

std::string text(const json::value& object, std::string_view key) {
  const auto* value = object.get_object().if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

bool flag(const json::value& object, std::string_view key) {
  const auto* value = object.get_object().if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

std::string in_words(const json::value& one) {
  if (one.get_object().contains("step"))
    return text(one, "id") + "  " + text(one, "role") + " for " + text(one, "holder") + " until " +
           text(one, "until") + ": " + text(one, "step") +
           (text(one, "reason").empty() ? "" : " (" + text(one, "reason") + ")");
  return text(one, "id") + "  " + text(one, "kind") + " for " + text(one, "holder") +
         (text(one, "target").empty() ? "" : " on " + text(one, "target")) + " until " + text(one, "until") +
         (flag(one, "revoked") ? ", revoked" : "");
}

int list(const Options& options) {
  const auto target = options.assignments      ? std::string("/assignments")
                      : options.holder.empty() ? std::string("/issued")
                                               : "/issued?holder=" + url_encoded(options.holder);
  const auto found = parsed(admin_request(options.admin, "GET", target));
  if (!found) return failed(found.error());
  std::string lines;
  for (const auto& one : *found) lines += (lines.empty() ? "" : "\n") + in_words(one);
  print(*found, lines.empty() ? "none" : lines);
  return 0;
}

/// The steps go on in the daemon: waits for the last one, as long as the caller wants to.
Result<json::value> settled(const Options& options, const std::string& id) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(options.wait_ms);
  while (true) {
    auto found = parsed(admin_request(options.admin, "GET", "/assignments?id=" + url_encoded(id)));
    if (!found) return fail(found.error());
    if (found->size() != 1) return fail(ErrorCode::io, "the admin listener answered what is no assignment");
    if (flag(found->front(), "settled") || std::chrono::steady_clock::now() >= end)
      return std::move(found->front());
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

int show(const Result<json::value>& assignment, std::string_view wanted) {
  if (!assignment) return failed(assignment.error());
  print(*assignment, in_words(*assignment));
  return text(*assignment, "step") == wanted ? 0 : 1;
}

int assign(const Options& options) {
  const auto body =
      admin_request(options.admin, "POST",
                    "/assign?role=" + url_encoded(options.role) + "&holder=" + url_encoded(options.holder) +
                        (options.seconds == 0 ? "" : "&seconds=" + std::to_string(options.seconds)) +
                        (options.token ? "&token=1" : "") +
                        (options.name.empty() ? "" : "&name=" + url_encoded(options.name)));
  if (!body) return failed(body.error());
  return show(settled(options, body->substr(0, body->find('\n'))), "assigned");
}

int revoke(const Options& options) {
  const auto done = admin_request(options.admin, "POST", "/revoke?id=" + url_encoded(options.id));
  if (!done) return failed(done.error());
  if (options.id.starts_with("role-")) return show(settled(options, options.id), "withdrawn");
  print(json::object{{"revoked", options.id}}, options.id + " revoked");
  return 0;
}

struct Question {
  ConnectionOptions connection;
  std::string info = "-", uri, from, out;
};

/// The one that is named, or the only one.
Result<codec::DasInfo> chosen(const Question& question) {
  const auto text = read_text(question.info);
  if (!text) return fail(text.error());
  const auto told = codec::parse_json(*text, {});
  if (!told) return fail(ErrorCode::invalid_argument, "--info: " + told.error().detail);
  const auto servers = client::das_servers_in(*told, system_clock().now());
  if (!servers) return fail("--info", servers.error());
  if (question.uri.empty() && servers->size() == 1) return servers->front();
  for (const auto& server : *servers)
    if (server.uri == question.uri) return server;
  std::string names;
  for (const auto& server : *servers) names += " " + server.uri;
  return fail(ErrorCode::invalid_argument, "--das: one of" + names);
}

Result<codec::TokenGrant> ask(const Question& question) {
  const auto das = chosen(question);
  if (!das) return fail(das.error());
  auto request = client::token_request(*das, question.from);
  if (!request) return fail(request.error());
  auto peer = question.connection.hop();
  if (!peer) return fail(peer.error());
  bind::Reactor reactor;
  NoAudit audit;
  bind::HttpClient http(reactor, std::move(*peer), audit, system_clock());
  const std::chrono::milliseconds limit(question.connection.timeout_ms);
  const auto response = client::blocking<codec::ResponsePrimitive>(
      reactor, limit + std::chrono::seconds(1),
      [&](auto done) { http.send(std::move(*request), limit, std::move(done)); });
  if (!response) return fail(response.error());
  return client::granted_tokens(*response);
}

int get_token(const Question& question) {
  const auto grant = ask(question);
  if (!grant) return failed(grant.error());
  if (!question.out.empty()) {
    if (grant->tokens.empty())
      return failed({ErrorCode::not_found, "the DAS Server hands out the id alone: use -p tids="});
    if (auto written = write_new(question.out, grant->tokens.front() + "\n", 0600); !written)
      return failed(written.error());
  }
  json::array shown;
  std::string text;
  for (const auto& summary : grant->summaries) {
    shown.emplace_back(codec::to_json(summary));
    text += (text.empty() ? "" : "\n") + summary.token_id + " until " + format_timestamp(summary.not_after) +
            (summary.name ? ", " + *summary.name : "");
  }
  print(shown, text);
  return 0;
}

CLI::App* verb(CLI::App& das, const char* name, const char* help, const std::shared_ptr<Options>& options) {
  auto* command = das.add_subcommand(name, help);
  command->add_option("--admin", options->admin, "unix socket of the DAS's admin listener")->required();
  return command;
}

}  // namespace

void add_das(CLI::App& app, int& status) {
  auto* das = app.add_subcommand("das", "roles and tokens of a DAS Server (TS-0003 7.3, 7.4)");
  das->require_subcommand(1);
  auto wish = std::make_shared<Options>();
  auto* add = verb(*das, "assign", "assign a role: create it in the repository (7.4.2.2)", wish);
  add->add_option("--role", wish->role, "Role-ID, id@FQDN")->required();
  add->add_option("--holder", wish->holder, "AE-ID or CSE-ID")->required();
  add->add_option("--seconds", wish->seconds, "lifetime; left out: as long as the policy allows");
  add->add_flag("--token", wish->token, "also issue a token with the role, store it and link it (7.4.2.3)");
  add->add_option("--name", wish->name, "roleName and tokenName");
  add->add_option("--wait-ms", wish->wait_ms, "how long to wait for the repository");
  add->callback([wish, &status] { status = assign(*wish); });
  auto gone = std::make_shared<Options>();
  auto* remove = verb(*das, "revoke", "revoke a token, a temporary policy or a role assignment", gone);
  remove->add_option("id", gone->id, "Token-ID, policy-... or role-...")->required();
  remove->add_option("--wait-ms", gone->wait_ms, "how long to wait for the repository");
  remove->callback([gone, &status] { status = revoke(*gone); });
  auto question = std::make_shared<Question>();
  auto* get = das->add_subcommand("ask", "get a token for a denied request (7.3.2.3 step 3)");
  get->add_option(
      "--info", question->info,
      "JSON answer to that request (latchkey --json request -p tqi=true), or its tqf; - is standard input");
  get->add_option("--das", question->uri, "which DAS Server in it; left out: the only one");
  get->add_option("--from", question->from, "the originator of that request, absolute or SP-relative")
      ->required();
  get->add_option("--out", question->out, "new file for the token");
  question->connection.add_to(*get);
  get->callback([question, &status] { status = get_token(*question); });
  auto wanted = std::make_shared<Options>();
  auto* show_all = verb(*das, "list", "what was issued and has not ended", wanted);
  show_all->add_option("--holder", wanted->holder, "of this AE-ID or CSE-ID only, absolute");
  show_all->add_flag("--assignments", wanted->assignments, "role assignments and how far they are");
  show_all->callback([wanted, &status] { status = list(*wanted); });
}

}  // namespace latchkey::cli
