#include "credential_file.h"

#include "cli.h"
#include "latchkey/codec/mmaf.h"

namespace latchkey::cli {

namespace {

namespace json = codec::json;
namespace mmaf = codec::mmaf;

json::object members_of(const e2e::EndToEndAttributes& attributes) {
  json::array targets;
  for (const auto& target : attributes.targets) targets.emplace_back(to_string(target));
  json::object out{{"id", attributes.id.text()},
                   {"source", to_string(attributes.source)},
                   {"targets", std::move(targets)},
                   {"suid", attributes.suid.value()},
                   {"expires", format_timestamp(attributes.end)}};
  out[mmaf::kEndToEnd] = e2e::to_json(attributes.parameters);
  return out;
}

std::string text_of(const json::object& members, std::string_view name) {
  const auto* const value = members.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

Result<std::vector<EntityId>> targets_of(const json::object& members) {
  std::vector<EntityId> out;
  const auto* const value = members.if_contains("targets");
  const auto* const list = value != nullptr ? value->if_array() : nullptr;
  if (list == nullptr) return fail(ErrorCode::invalid_argument, "targets: no list");
  for (const auto& entry : *list) {
    auto id = absolute_id(entry.is_string() ? std::string(entry.get_string()) : std::string());
    if (!id) return fail("targets", id.error());
    out.push_back(std::move(*id));
  }
  return out;
}

Result<e2e::EndToEndCredential> credential_of(json::object& members) {
  auto id = KeyId::parse(text_of(members, "id"));
  if (!id) return fail("id", id.error());
  auto source = absolute_id(text_of(members, "source"));
  if (!source) return fail("source", source.error());
  auto targets = targets_of(members);
  if (!targets) return fail(targets.error());
  const auto* const number = members.if_contains("suid");
  auto suid = number != nullptr && number->is_int64()
                  ? Suid::from(number->get_int64())
                  : Result<Suid>(fail(ErrorCode::invalid_argument, "missing"));
  if (!suid) return fail("suid", suid.error());
  const auto end = parse_timestamp(text_of(members, "expires"));
  if (!end) return fail("expires", end.error());
  const auto* const given = members.if_contains(mmaf::kEndToEnd);
  if (given == nullptr || !given->is_object())
    return fail(ErrorCode::invalid_argument, "no end-to-end credential");
  auto parameters = e2e::read_end_to_end_parameters(given->get_object());
  if (!parameters) return fail(parameters.error());
  auto master = mmaf::take_key(members, crypto::hash_bytes(parameters->choice.hash));
  if (!master) return fail(master.error());
  return e2e::EndToEndCredential::make({.id = std::move(*id),
                                        .source = std::move(*source),
                                        .targets = std::move(*targets),
                                        .suid = *suid,
                                        .end = *end,
                                        .parameters = std::move(*parameters)},
                                       std::move(*master));
}

}  // namespace

Result<EntityId> absolute_id(const std::string& text) {
  const auto slash = text.find('/', 2);
  if (!text.starts_with("//") || slash == std::string::npos)
    return fail(ErrorCode::invalid_argument, "'" + text + "' is no absolute AE-ID or CSE-ID");
  const auto sp = SpId::parse(text.substr(0, slash));
  if (!sp) return fail(sp.error());
  return parse_entity_id(text, *sp);
}

Status write_credential(const std::string& path, const e2e::EndToEndCredential& credential) {
  json::value value = members_of(credential.attributes());
  mmaf::put_key(value.get_object(), credential.master());
  std::string text = codec::to_text(value);
  codec::wipe(value);
  auto written = write_new(path, text, 0600);
  wipe(text.data(), text.size());
  return written;
}

Result<e2e::EndToEndCredential> read_credential(const std::string& path) {
  const auto text = read_secret(path);
  if (!text) return fail(text.error());
  auto value = codec::parse_json(as_text(text->reveal()), {});
  if (!value || !value->is_object())
    return fail(ErrorCode::invalid_argument, path + ": no end-to-end credential");
  auto credential = credential_of(value->get_object());
  codec::wipe(*value);
  if (!credential) return fail(path, credential.error());
  return credential;
}

}  // namespace latchkey::cli
