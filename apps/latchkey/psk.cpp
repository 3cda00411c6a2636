/// latchkey psk: the psk-lookup-table of a daemon (TR-0038 7.1.2).
#include "cli.h"
#include "latchkey/secure_env/psk_table.h"

namespace latchkey::cli {

namespace {

namespace json = codec::json;

struct Options {
  secure_env::SoftwareOptions environment;
  std::string sp = "//my.m2mprovider.org", entity, identity, key, file, expires;
  int suid = 12;
  unsigned min_bits = 128;

  void add_to(CLI::App& app, bool keys) {
    app.add_option("--state-dir", environment.folder, "state directory of the daemon")->required();
    app.add_option("--sp", sp, "M2M-SP-ID of the home domain");
    if (!keys) return;
    add_environment(app, environment);
    app.add_option("--min-psk-bits", min_bits, "shorter keys are refused; the examples of TR-0038 have 64");
  }
  [[nodiscard]] std::string table() const { return environment.folder + "/psk.tsv"; }
};

int add_one(Options& options) {
  auto home = SpId::parse(options.sp);
  if (!home) return failed(home.error());
  std::optional<EntityId> entity;
  if (!options.entity.empty() && options.entity != "-") {
    auto id = parse_entity_id(options.entity, *home);
    if (!id) return failed(id.error());
    entity = std::move(*id);
  }
  auto identity = KeyId::parse(options.identity);
  if (!identity) return failed(identity.error());
  auto suid = Suid::from(options.suid);
  if (!suid) return failed(suid.error());
  std::optional<std::int64_t> expires;
  if (!options.expires.empty()) {
    const auto time = parse_timestamp(options.expires);
    if (!time) return failed(time.error());
    expires = std::chrono::duration_cast<std::chrono::seconds>(time->time_since_epoch()).count();
  }
  auto key = read_hex_secret(options.key);
  if (!key) return failed(key.error());
  if (options.min_bits < 128)
    std::fprintf(stderr, "latchkey: warning: keys shorter than 128 bits can be guessed\n");
  auto environment = secure_env::open_software(options.environment);
  if (!environment) return failed(environment.error());
  return result(secure_env::psk_add(**environment, options.table(), *home, std::move(entity), *identity,
                                    *suid, expires, std::move(*key), options.min_bits));
}

int list(const Options& options) {
  auto home = SpId::parse(options.sp);
  if (!home) return failed(home.error());
  auto table = secure_env::PskTable::load(options.table(), *home);
  if (!table) return failed(table.error());
  json::array rows;
  std::string text;
  for (const auto& entry : (*table)->entries()) {
    const auto entity = entry.entity ? to_string(*entry.entity) : std::string("-");
    rows.push_back({{"entity", entity},
                    {"identity", entry.identity.text()},
                    {"key", entry.key.name},
                    {"suid", entry.suid.value()}});
    text += entity + "\t" + entry.identity.text() + "\t" + entry.key.name + "\t" +
            std::to_string(entry.suid.value()) + "\n";
  }
  if (!text.empty()) text.pop_back();
  print(rows, text);
  return 0;
}

}  // namespace

void add_psk(CLI::App& app, int& status) {
  auto* psk = app.add_subcommand(
      "psk", "the PSK table of a daemon: entity, identity, key; SIGHUP makes a running one read it");
  psk->require_subcommand(1);

  auto* add = psk->add_subcommand("add", "add one key");
  auto one = std::make_shared<Options>();
  one->add_to(*add, true);
  add->add_option("--entity", one->entity, "AE-ID, CSE-ID or device id; left out: found by Credential-ID");
  add->add_option("--identity", one->identity, "KpsaID or KmID")->required();
  add->add_option("--key", one->key, "file of the key in hex, owner-only; - is standard input")->required();
  add->add_option("--suid", one->suid, "12 or 22 for a CSE, 13 or 23 for ESPrim with it, 11 or 21 for a MAF");
  add->add_option("--expires", one->expires, "YYYYMMDDThhmmss, UTC");
  add->callback([one, &status] { status = add_one(*one); });

  auto* import = psk->add_subcommand(
      "import", "add the keys of a file: entity TAB identity TAB key-hex TAB suid [TAB expiry]");
  auto many = std::make_shared<Options>();
  many->add_to(*import, true);
  import->add_option("file", many->file, "owner-only")->required();
  import->callback([many, &status] {
    status = [&] {
      auto home = SpId::parse(many->sp);
      if (!home) return failed(home.error());
      auto environment = secure_env::open_software(many->environment);
      if (!environment) return failed(environment.error());
      const auto added =
          secure_env::psk_import(**environment, many->table(), *home, many->file, many->min_bits);
      if (!added) return failed(added.error());
      print(json::object{{"added", *added}}, std::to_string(*added) + " keys added");
      return 0;
    }();
  });

  auto* show = psk->add_subcommand("list", "show the table, without keys");
  auto shown = std::make_shared<Options>();
  shown->add_to(*show, false);
  show->callback([shown, &status] { status = list(*shown); });

  auto* remove = psk->add_subcommand("remove", "remove one key");
  auto gone = std::make_shared<Options>();
  gone->add_to(*remove, true);
  remove->add_option("identity", gone->identity, "KpsaID or KmID")->required();
  remove->callback([gone, &status] {
    status = [&] {
      auto home = SpId::parse(gone->sp);
      if (!home) return failed(home.error());
      auto identity = KeyId::parse(gone->identity);
      if (!identity) return failed(identity.error());
      auto environment = secure_env::open_software(gone->environment);
      if (!environment) return failed(environment.error());
      return result(secure_env::psk_remove(**environment, gone->table(), *home, *identity));
    }();
  });
}

}  // namespace latchkey::cli
