/// latchkey: the command line.
#include "cli.h"
#include "latchkey/base/log.h"
#include "latchkey/base/process.h"

int main(int argc, char** argv) {
  using namespace latchkey;
  hide_memory();
  log::configure(log::Level::warning, false);
  CLI::App app("oneM2M security: PKI, keys, requests, MAF, DAS, decisions, end-to-end security", "latchkey");
  app.set_version_flag("--version", "latchkey " LATCHKEY_VERSION);
  app.add_flag("--json", cli::json_output, "print JSON for machines");
  app.require_subcommand(1);
  app.fallthrough();
  int status = 0;
  cli::add_pki(app, status);
  cli::add_psk(app, status);
  cli::add_request(app, status);
  cli::add_listen(app, status);
  cli::add_maf(app, status);
  cli::add_escertke(app, status);
  cli::add_authz(app, status);
  cli::add_das(app, status);
  cli::add_e2e(app, status);
  cli::add_documents(app, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return status;
}
