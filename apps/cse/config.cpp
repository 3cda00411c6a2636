#include "config.h"

#include <algorithm>

#include "authorization_config.h"

namespace latchkey::app {

namespace {

std::optional<cse::CseType> read_type(ConfigReader& in) {
  const auto text = in.required_text("type");
  if (text == "IN") return cse::CseType::in;
  if (text == "MN") return cse::CseType::mn;
  if (text == "ASN") return cse::CseType::asn;
  if (!text.empty()) in.problem("type", "must be IN, MN or ASN");
  return std::nullopt;
}

std::uint16_t read_port(ConfigReader& in) {
  return static_cast<std::uint16_t>(in.integer("port", 0, 1, 65535));
}

void read_peer(ConfigReader& in, const SpId& home, CseConfig& out) {
  auto id = daemon::read_cse_id(in, "cse_id", home, true);
  const auto address = in.required_text("address");
  const auto port = read_port(in);
  const auto identity = in.text("psk_identity", ""), key = in.text("psk_key", "");
  if (identity.empty() != key.empty()) in.problem("psk_key", "psk_identity and psk_key go together");
  if (!identity.empty() && !KeyId::parse(identity))
    in.problem("psk_identity", "must be a KpsaID, relative@issuer-fqdn");
  if (id) out.peers.push_back({std::move(*id), address, port, identity, key});
}

void read_maf(ConfigReader& in, CseConfig& out) {
  const auto fqdn = daemon::read_fqdn(in, "fqdn");
  const auto address = in.required_text("address");
  const auto port = read_port(in);
  if (fqdn) out.mafs.push_back({*fqdn, address, port});
}

void read_cse(ConfigReader& in, CseConfig& out) {
  const auto type = read_type(in);
  const auto home = daemon::read_sp_id(in, "sp_id");
  if (!home) return;
  auto id = daemon::read_cse_id(in, "cse_id", *home, true);
  const bool is_in = type == cse::CseType::in;
  out.in_cse = is_in ? id : daemon::read_cse_id(in, "in_cse", *home, true);
  auto registrar = daemon::read_cse_id(in, "registrar", *home, false);
  if (is_in && registrar) in.problem("registrar", "an IN-CSE has no registrar");
  if (!type || !id) return;
  cse::CseOptions options{.type = *type, .cse_id = *id};
  options.registrar = std::move(registrar);
  options.cse_base_name = in.text("cse_base_name", id->stem());
  options.points_of_access = in.texts("points_of_access");
  options.administrator = daemon::read_ae_id(in, "administrator", *home);
  options.field_domain = in.boolean("field_domain", !is_in);
  if (is_in && options.field_domain) in.problem("field_domain", "an IN-CSE is not in the field domain");
  options.registration_needs_app_rule = in.boolean("registration_needs_app_rule", false);
  options.unlisted_descendants = in.boolean("unlisted_descendants", false);
  options.default_lifetime = std::chrono::duration_cast<std::chrono::seconds>(
      in.duration("default_lifetime", options.default_lifetime));
  options.forward_timeout = in.duration("forward_timeout", options.forward_timeout);
  options.polling_timeout = in.duration("polling_timeout", options.polling_timeout);
  options.resources_max = static_cast<std::size_t>(in.integer("resources_max", 1'000'000, 1, 1'000'000'000));
  options.default_consultation = in.text("default_consultation", "");
  options.consultation_timeout = in.duration("consultation_timeout", options.consultation_timeout);
  out.accept_suid_11_as_32 = in.boolean("accept_suid_11_as_32", false);
  out.plain_notifications = in.boolean("plain_notifications", false);
  out.cse = std::move(options);
}

}  // namespace

bool CseConfig::annex_b() const {
  return std::ranges::any_of(common.tls.trust,
                             [](const auto& trust) { return trust.options.annex_b_certificates; });
}

CseConfig read_cse_config(const std::string& file, std::vector<ConfigProblem>& problems) {
  auto reader = ConfigReader::from_file(file);
  CseConfig out;
  out.common = daemon::read_common(reader);
  if (auto section = reader.table("cse"))
    read_cse(*section, out);
  else
    reader.problem("cse", "the section is missing");
  if (out.cse) {
    const auto home = out.cse->cse_id.sp();
    for (auto& peer : reader.tables("peer")) read_peer(peer, home, out);
    for (auto& maf : reader.tables("maf")) read_maf(maf, out);
    out.tokens = read_token_config(reader, home, *out.cse);
    if (auto section = reader.table("authorization")) read_authorization(*section, *out.cse);
    if (auto end_to_end = reader.table("end_to_end")) out.end_to_end = read_end_to_end(*end_to_end, home);
    if (auto location = reader.table("location")) out.location = read_location(*location, home);
    for (const auto& listener : out.common.listeners) {
      if (!listener.originators.empty())
        out.cse->trusted_listeners.push_back({listener.options.name, listener.originators});
      // TS-0003 6.1.2.2.1: every reference point of an IN-CSE needs an association.
      if (out.cse->type == cse::CseType::in && listener.options.kind == bind::ListenerKind::plain &&
          listener.options.address != "127.0.0.1" && listener.options.address != "::1")
        reader.problem("listen", "an IN-CSE has no listener without TLS beyond loopback");
    }
    if (out.cse->registrar &&
        std::ranges::none_of(out.peers, [&](const auto& peer) { return peer.id == *out.cse->registrar; }))
      reader.problem("peer", "the registrar needs a [[peer]] with its address");
  }
  problems = reader.finish();
  return out;
}

}  // namespace latchkey::app
