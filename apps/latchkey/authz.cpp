/// latchkey authz explain: asks a running CSE, over its admin listener, how it would decide and why.
#include <map>

#include "cli.h"

namespace latchkey::cli {

void add_authz(CLI::App& app, int& status) {
  struct Options {
    std::string admin, token_file;
    std::map<std::string, std::string> query;  // as GET /explain has it
  };
  auto* authz = app.add_subcommand("authz", "access decisions");
  authz->require_subcommand(1);
  auto* explain = authz->add_subcommand(
      "explain", "which rule of which policy permits a request, or what each rule lacked");
  auto options = std::make_shared<Options>();
  explain->add_option("--admin", options->admin, "unix socket of the CSE's admin listener")->required();
  const auto field = [&](const char* name, const char* option, const char* what) {
    return explain->add_option(option, options->query[name], what);
  };
  field("originator", "--originator", "AE-ID or CSE-ID")->required();
  field("operation", "--operation", "create, retrieve, update, delete, notify or discover")->required();
  field("target", "--target", "address of the resource")->required();
  field("ty", "--ty", "type to be created");
  field("authenticated", "--authenticated", "true or false; else whether the originator is registered there")
      ->check(CLI::IsMember({"true", "false"}));
  field("time", "--time", "when the request is received, UTC, as 20261231T235959; else now");
  field("ip", "--ip", "source address; else not known");
  field("country", "--country", "where the originator is, two letters; else not known");
  field("at", "--at", "where the originator is: latitude,longitude in degrees; else not known");
  field("roles", "--roles", "Role-IDs taken as held, separated by commas");
  explain->add_option("--token", options->token_file,
                      "file with a token of the request; - is standard input");
  explain->callback([options, &status] {
    auto& query = options->query;
    if (!options->token_file.empty()) {
      auto token = read_text(options->token_file);
      if (!token) {
        status = failed(token.error());
        return;
      }
      while (!token->empty() && (token->back() == '\n' || token->back() == '\r')) token->pop_back();
      query["token"] = *std::move(token);
    }
    std::string target = "/explain";
    for (const auto& [name, value] : query)
      if (!value.empty()) target += (target.size() == 8 ? "?" : "&") + name + "=" + url_encoded(value);
    const auto text = admin_request(options->admin, "GET", target);
    if (!text) {
      status = failed(text.error());
      return;
    }
    print(codec::json::object{{"explanation", *text}}, *text);
  });
}

}  // namespace latchkey::cli
