/// latchkey maf provision-e2e, retrieve-e2e: a MAF as Trust Enabling Function (TS-0003 8.6), for a source and
/// for a target.
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "credential_file.h"
#include "latchkey/client/end_to_end_credential.h"
#include "maf.h"

namespace latchkey::cli {

namespace {

namespace json = codec::json;

struct ProvisionOptions {
  MafOptions maf;
  std::string profile, folder, entity, ke;
  std::vector<std::string> infos;
  bool generate = false;
};

Result<e2e::SecurityProfile> profile_of(const std::string& file) {
  auto reader = ConfigReader::from_file(file);
  auto profile = e2e::read_security_profile(reader);
  const auto problems = reader.finish();
  if (!problems.empty()) return fail(ErrorCode::invalid_argument, to_string(problems.front()));
  return profile;
}

/// e2eSecInfo as it is retrieved: the attribute, or the resource that holds it.
Result<e2e::E2eSecInfo> sec_info_of(const std::string& file) {
  const auto text = read_text(file);
  if (!text) return fail(text.error());
  const auto value = codec::parse_json(*text, {});
  if (!value) return fail(ErrorCode::invalid_argument, file + ": " + value.error().detail);
  const json::value* found = &*value;
  if (const auto* resource = found->if_object(); resource != nullptr && resource->size() == 1)
    if (const auto* inner = resource->begin()->value().if_object(); inner != nullptr)
      if (const auto* esi = inner->if_contains("esi"); esi != nullptr) found = esi;
  auto info = e2e::read_sec_info(*found, system_clock().now());
  if (!info) return fail(ErrorCode::invalid_argument, file + ": " + info.error().detail);
  return std::move(*info);
}

Result<client::EndToEndOrder> order_of(const ProvisionOptions& options, const SpId& home) {
  client::EndToEndOrder order{.registration_id = options.maf.registration,
                              .admin_fqdn = options.maf.admin,
                              .expires = options.maf.expires(),
                              .targets = {},
                              .labels = options.maf.labels,
                              .profile = {},
                              .source_generated = options.generate || !options.ke.empty()};
  auto profile = profile_of(options.profile);
  if (!profile) return fail("--profile", profile.error());
  order.profile = std::move(*profile);
  auto source = parse_entity_id(options.entity.empty() ? options.maf.client : options.entity, home);
  if (!source) return fail("--entity", source.error());
  order.source = std::move(*source);
  for (const auto& text : options.maf.targets) {
    auto id = parse_entity_id(text, home);
    if (!id) return fail("--target", id.error());
    order.targets.push_back(std::move(*id));
  }
  for (const auto& file : options.infos) {
    auto info = sec_info_of(file);
    if (!info) return fail("--target-info", info.error());
    order.capabilities.push_back(std::move(*info));
  }
  if (!options.ke.empty()) {
    auto ke = read_hex_secret(options.ke);
    if (!ke) return fail("--ke", ke.error());
    order.ke = Ke(std::move(*ke));
  }
  return order;
}

json::object shown(const e2e::EndToEndCredential& credential, const std::string& file) {
  const auto& attributes = credential.attributes();
  json::array targets;
  for (const auto& target : attributes.targets) targets.emplace_back(to_string(target));
  return {{"identity", attributes.id.text()},
          {"source", to_string(attributes.source)},
          {"targets", std::move(targets)},
          {"suid", attributes.suid.value()},
          {"expires", format_timestamp(attributes.end)},
          {"parameters", e2e::to_json(attributes.parameters)},
          {"file", file}};
}
std::string line(const e2e::EndToEndCredential& credential, const std::string& file) {
  const auto& attributes = credential.attributes();
  std::string out = attributes.id.text() + ", SUID " + std::to_string(attributes.suid.value()) + ", " +
                    std::string(to_string(attributes.parameters.choice.protection)) + ", from " +
                    to_string(attributes.source) + " for";
  for (const auto& target : attributes.targets) out += " " + to_string(target);
  return out + ", until " + format_timestamp(attributes.end) + ", in " + file;
}

Result<e2e::EndToEndCredential> provision(MafSession& session, const ProvisionOptions& options,
                                          const EntityId& self, client::KeyRegistrationRequest request) {
  auto key = session.ask<client::RegisteredKey>(
      options.maf, [&](auto done) { session.maf->register_key(std::move(request), std::move(done)); });
  if (!key) return fail(key.error());
  return client::credential_of(std::move(*key), self);
}

int provision(ProvisionOptions& options) {
  MafSession session;
  if (auto ready = session.open(options.maf); !ready) return failed(ready.error());
  const auto order = order_of(options, *session.home);
  if (!order) return failed(order.error());
  auto requests = client::key_requests(*order);
  if (!requests) return failed(requests.error());
  if (::mkdir(options.folder.c_str(), 0700) != 0 && errno != EEXIST)
    return failed({ErrorCode::io, options.folder + ": " + std::strerror(errno)});
  json::array all;
  std::string lines;
  for (auto& request : *requests) {
    const auto credential = provision(session, options, *order->source, std::move(request));
    if (!credential) return failed(credential.error());
    const auto file = options.folder + "/" + credential->attributes().id.relative() + ".json";
    if (auto written = write_credential(file, *credential); !written) return failed(written.error());
    all.push_back(shown(*credential, file));
    lines += (lines.empty() ? "" : "\n") + line(*credential, file);
  }
  print(std::move(all), lines);
  return 0;
}

struct RetrieveOptions {
  MafOptions maf;
  std::string esdata, esprim, out;
};

/// What is asked for: the id itself, or the one of this MAF that stands in an envelope.
Result<KeyId> wanted_key(const RetrieveOptions& options, const Fqdn& maf) {
  if (!options.maf.key_id.empty()) {
    if (options.maf.key_id.find('@') == std::string::npos) return KeyId::make(options.maf.key_id, maf);
    return KeyId::parse(options.maf.key_id);
  }
  const auto text = read_text(options.esprim.empty() ? options.esdata : options.esprim);
  if (!text) return fail(text.error());
  const std::string object = text->substr(0, text->find_last_not_of(" \r\n\t") + 1);
  if (!options.esprim.empty()) return e2e::key_id_of_esprim(object, system_clock().now());
  for (auto& id : e2e::key_ids_of_esdata(object))
    if (id.issuer() == maf) return std::move(id);
  return fail(ErrorCode::not_found, "the envelope names no key of " + maf.text());
}

int retrieve(RetrieveOptions& options) {
  MafSession session;
  if (auto ready = session.open(options.maf); !ready) return failed(ready.error());
  const auto fqdn = Fqdn::parse(options.maf.fqdn);
  if (!fqdn) return failed(fqdn.error());
  const auto id = wanted_key(options, *fqdn);
  if (!id) return failed(id.error());
  const auto relative = id->relative_key_id();
  if (!relative || id->issuer() != *fqdn)
    return failed({ErrorCode::invalid_argument, id->text() + " is no key of " + fqdn->text()});
  auto key = session.ask<client::RetrievedKey>(
      options.maf, [&](auto done) { session.maf->retrieve_key(*relative, std::move(done)); });
  if (!key) return failed(key.error());
  const auto credential = client::credential_of(std::move(*key), *id, *session.home);
  if (!credential) return failed(credential.error());
  if (auto written = write_credential(options.out, *credential); !written) return failed(written.error());
  print(shown(*credential, options.out), line(*credential, options.out));
  return 0;
}

}  // namespace

void add_maf_end_to_end(CLI::App& maf, int& status) {
  auto wanted = std::make_shared<ProvisionOptions>();
  auto* source =
      maf.add_subcommand("provision-e2e",
                         "get end-to-end credentials towards targets: as the MAF makes them (8.6.2), or own "
                         "ones registered there (8.6.3)");
  wanted->maf.add_to(*source);
  source->add_option("--registration", wanted->maf.registration, "mafClientRegID")->required();
  source->add_option("--admin", wanted->maf.admin, "FQDN of the administrating stakeholder")->required();
  source->add_option("--target", wanted->maf.targets, "absolute CSE-ID or AE-ID; may be repeated")
      ->required();
  source->add_option("--profile", wanted->profile, "security profile (TOML)")->required();
  source->add_option("--target-info", wanted->infos,
                     "file with the e2eSecInfo of a target (JSON); may be repeated");
  source->add_option("--entity", wanted->entity, "AE-ID or CSE-ID that --client stands for, if another");
  source->add_flag("--generate", wanted->generate, "make the keys here, at random");
  source->add_option("--ke", wanted->ke, "make them of this Enrolment Key: file in hex, owner-only");
  source->add_option("--seconds", wanted->maf.seconds, "lifetime");
  source->add_option("--label", wanted->maf.labels, "labels");
  source->add_option("--out-dir", wanted->folder, "folder for the credentials, a file each")->required();
  source->callback([wanted, &status] { status = provision(*wanted); });

  auto asked = std::make_shared<RetrieveOptions>();
  auto* target =
      maf.add_subcommand("retrieve-e2e", "retrieve an end-to-end credential as its target (8.6.1.2)");
  asked->maf.add_to(*target);
  auto* key = target->add_option("key", asked->maf.key_id, "E2EKeyId, or its RelativeKeyID");
  auto* esdata = target->add_option("--esdata", asked->esdata, "the ESData envelope that names it");
  auto* esprim = target->add_option("--esprim", asked->esprim, "the ESPrim Object that names it");
  key->excludes(esdata)->excludes(esprim);
  esdata->excludes(esprim);
  target->add_option("--out", asked->out, "new file for the credential, made owner-only")->required();
  target->callback([asked, key, esdata, esprim, &status] {
    if (key->count() + esdata->count() + esprim->count() == 0)
      throw CLI::RequiredError("one of key, --esdata and --esprim");
    status = retrieve(*asked);
  });
}

}  // namespace latchkey::cli
