#include "end_to_end.h"

namespace latchkey::app {

namespace {

void read_initiator(ConfigReader& in, const SpId& home, EndToEndConfig& out) {
  const auto text = in.required_text("id");
  auto id = parse_entity_id(text, home);
  if (!id || !(std::holds_alternative<AeId>(*id) || std::holds_alternative<CseId>(*id))) {
    if (!text.empty()) in.problem("id", "must be an AE-ID or CSE-ID");
    return;
  }
  e2e::EsCertKePeer peer{.id = *std::move(id)};
  if (const auto device = in.text("device", ""); !device.empty()) {
    auto parsed = M2mDeviceId::parse(device);
    if (!parsed) return in.problem("device", parsed.error().detail);
    peer.device = *std::move(parsed);
  }
  if (const auto raw = in.text("raw_key", ""); !raw.empty()) {
    auto parsed = pki::PublicKeyId::parse(raw);
    if (!parsed) return in.problem("raw_key", parsed.error().detail);
    if (peer.device) return in.problem("raw_key", "goes with no device");
    peer.raw_key = *std::move(parsed);
  }
  out.initiators.push_back(std::move(peer));
}

/// So many in `seconds`, and twice as many at once.
e2e::Rate read_rate(ConfigReader& in, const char* key, std::int64_t usual, double seconds) {
  const auto many = static_cast<double>(in.integer(key, usual, 1, 1'000'000));
  return {many / seconds, 2 * many};
}

TimePoint time_of(std::int64_t unix_seconds) { return TimePoint(std::chrono::seconds(unix_seconds)); }

}  // namespace

EndToEndConfig read_end_to_end(ConfigReader& in, const SpId& home) {
  EndToEndConfig out;
  out.share_rand_object = in.boolean("share_rand_object", true);
  out.publish_certificate = in.boolean("publish_certificate", false);
  out.rand_object_lifetime =
      std::chrono::floor<std::chrono::seconds>(in.duration("rand_object_lifetime", out.rand_object_lifetime));
  if (out.rand_object_lifetime < std::chrono::minutes(20))
    in.problem("rand_object_lifetime",
               "must be 20 minutes or more: it is replaced 10 minutes before its end");
  out.objects_of_hop = read_rate(in, "objects_per_second", 2'000, 1);
  out.handshakes_of_initiator = read_rate(in, "handshakes_per_minute", 12, 60);
  for (auto& initiator : in.tables("initiator")) read_initiator(initiator, home, out);
  out.establish_keys = in.boolean("establish_keys", !out.initiators.empty());
  if (out.establish_keys == out.initiators.empty())
    in.problem("establish_keys", "goes with [[end_to_end.initiator]]: whom keys may be established with");
  return out;
}

Result<std::vector<e2e::PairwiseEsPrimKey::Shared>> pairwise_keys(
    const secure_env::PskTable& table, const secure_env::SecureEnvironment& environment) {
  // Not owned: it outlives the keys.
  const std::shared_ptr<const secure_env::SecureEnvironment> holder(std::shared_ptr<void>(), &environment);
  const auto now = system_clock().now();
  std::vector<e2e::PairwiseEsPrimKey::Shared> keys;
  for (const auto& entry : table.entries()) {
    if (entry.suid.use() != Suid::Use::esprim) continue;
    const auto name = "pairwise key " + entry.identity.text();
    if (!entry.entity) return fail(ErrorCode::invalid_argument, name + ": names no entity");
    e2e::PairwiseAttributes attributes{
        .id = entry.identity.text(), .peer = *entry.entity, .suid = entry.suid};
    if (entry.expires_unix) attributes.end = time_of(*entry.expires_unix);
    if (attributes.end && *attributes.end <= now) continue;  // as if it were not there
    auto key = e2e::PairwiseEsPrimKey::from_environment(std::move(attributes), holder, entry.key, now);
    if (!key) return fail(name, std::move(key.error()));
    keys.push_back(*std::move(key));
  }
  return keys;
}

Result<cse::EndToEndOptions> end_to_end_options(const EndToEndConfig& config, const CseId& self,
                                                const CseId& in_cse, bool annex_b,
                                                const secure_env::PskTable& table, daemon::Daemon& daemon) {
  cse::EndToEndOptions options{.end_point = {.esprim = {.self = self}}, .environment = &daemon.environment()};
  auto& end_point = options.end_point;
  end_point.esprim.share = config.share_rand_object;
  end_point.esprim.shared_lifetime = config.rand_object_lifetime;
  end_point.objects_of_hop = config.objects_of_hop;
  end_point.handshakes_of_initiator = config.handshakes_of_initiator;
  if (config.publish_certificate && daemon.own())
    for (const auto& certificate : daemon.own()->chain) end_point.published.push_back(certificate.der());
  auto keys = pairwise_keys(table, daemon.environment());
  if (!keys) return fail(keys.error());
  end_point.keys = *std::move(keys);
  if (!config.establish_keys) return options;
  if (!daemon.own() || !daemon.trust())
    return fail(ErrorCode::unsupported, "end_to_end.establish_keys needs a certificate and trust anchors");
  end_point.certificates = {
      .own = daemon.own(), .trust = daemon.trust(), .home = self.sp(), .in_cse = in_cse, .annex_b = annex_b};
  end_point.initiators = config.initiators;
  return options;
}

}  // namespace latchkey::app
