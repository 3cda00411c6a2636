/// latchkey authz explain: asks a running CSE, over its admin listener, how it would decide and why.
#include "cli.h"

namespace latchkey::cli {

void add_authz(CLI::App& app, int& status) {
  struct Options {
    std::string admin, originator, operation, target, type;
  };
  auto* authz = app.add_subcommand("authz", "access decisions");
  authz->require_subcommand(1);
  auto* explain = authz->add_subcommand(
      "explain", "which rule of which policy permits a request, or what each rule lacked");
  auto options = std::make_shared<Options>();
  explain->add_option("--admin", options->admin, "unix socket of the CSE's admin listener")->required();
  explain->add_option("--originator", options->originator, "AE-ID or CSE-ID")->required();
  explain
      ->add_option("--operation", options->operation, "create, retrieve, update, delete, notify or discover")
      ->required();
  explain->add_option("--target", options->target, "address of the resource")->required();
  explain->add_option("--ty", options->type, "type to be created");
  explain->callback([options, &status] {
    const auto text = admin_request(options->admin, "GET",
                                    "/explain?originator=" + url_encoded(options->originator) +
                                        "&operation=" + url_encoded(options->operation) +
                                        "&target=" + url_encoded(options->target) +
                                        (options->type.empty() ? "" : "&ty=" + url_encoded(options->type)));
    if (!text) {
      status = failed(text.error());
      return;
    }
    print(codec::json::object{{"explanation", *text}}, *text);
  });
}

}  // namespace latchkey::cli
