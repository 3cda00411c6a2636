#include "records.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "latchkey/codec/mmaf.h"
#include "latchkey/codec/resource_types.h"

namespace latchkey::maf {

namespace {

namespace mmaf = codec::mmaf;

json::array texts(const std::vector<std::string>& values) {
  json::array array;
  for (const auto& value : values) array.emplace_back(value);
  return array;
}

void put_common(json::object& out, const auto& record, codec::MafTy type, std::string_view parent) {
  out["rn"] = record.name;
  out["ty"] = static_cast<std::uint32_t>(type);
  out["ri"] = record.id;
  out["pi"] = parent;
  out["ct"] = format_timestamp(record.created);
  out["lt"] = format_timestamp(record.modified);
  out["et"] = format_timestamp(record.expires);
  if (!record.labels.empty()) out["lbl"] = texts(record.labels);
  out["cr"] = record.creator;
  out[mmaf::kAdminFqdn] = record.admin_fqdn;
}

/// Reads one stored object; the first thing that does not fit makes the whole record unreadable.
class RecordReader {
 public:
  explicit RecordReader(std::string_view text) {
    boost::system::error_code error;
    value_ = json::parse(text, error);
    ok_ = !error && value_.is_object();
  }
  std::string text(std::string_view key) {
    const auto* found = find(key);
    if (found == nullptr || !found->is_string()) return ok_ = false, std::string();
    return std::string(found->get_string());
  }
  TimePoint time(std::string_view key) {
    const auto parsed = parse_timestamp(text(key));
    if (!parsed) return ok_ = false, TimePoint{};
    return *parsed;
  }
  std::vector<std::string> list(std::string_view key) {
    std::vector<std::string> out;
    const auto* found = find(key);
    if (found == nullptr || !found->is_array()) return ok_ = false, out;
    for (const auto& entry : found->get_array()) {
      if (!entry.is_string()) return ok_ = false, out;
      out.emplace_back(entry.get_string());
    }
    return out;
  }
  std::int64_t number(std::string_view key) {
    const auto* found = find(key);
    if (found == nullptr || !found->is_int64()) return ok_ = false, 0;
    return found->get_int64();
  }
  [[nodiscard]] bool has(std::string_view key) { return find(key) != nullptr; }
  [[nodiscard]] bool ok() const { return ok_; }
  void reject() { ok_ = false; }

 private:
  const json::value* find(std::string_view key) {
    return ok_ ? value_.get_object().if_contains(key) : nullptr;
  }
  json::value value_;
  bool ok_ = false;
};

template <class Record>
void read_common(RecordReader& in, Record& record) {
  record.id = in.text("ri");
  record.name = in.text("rn");
  record.client = in.text("client");
  record.creator = in.text("cr");
  record.admin_fqdn = in.text("adfq");
  record.created = in.time("ct");
  record.modified = in.time("lt");
  record.expires = in.time("et");
  record.labels = in.list("lbl");
}

template <class Record>
json::object write_common(const Record& record) {
  return {{"ri", record.id},
          {"rn", record.name},
          {"client", record.client},
          {"cr", record.creator},
          {"adfq", record.admin_fqdn},
          {"ct", format_timestamp(record.created)},
          {"lt", format_timestamp(record.modified)},
          {"et", format_timestamp(record.expires)},
          {"lbl", texts(record.labels)}};
}

}  // namespace

std::string folded(const std::string& admin_fqdn) {
  const auto parsed = Fqdn::parse(admin_fqdn);
  return parsed ? parsed->folded() : admin_fqdn;
}

std::string to_record(const ClientRegistration& registration) {
  return json::serialize(write_common(registration));
}

std::string to_record(const KeyRegistration& key) {
  auto out = write_common(key);
  out["parent"] = key.parent;
  out["km"] = key.source_km_id;
  out["suid"] = static_cast<std::int64_t>(key.suid);
  out["targets"] = texts(key.targets);
  out["sealed"] = to_base64(key.sealed_value);
  if (!key.sealed_parameters.empty()) out["e2ep"] = to_base64(key.sealed_parameters);
  return json::serialize(out);
}

Result<ClientRegistration> client_from_record(std::string_view text) {
  RecordReader in(text);
  ClientRegistration out;
  read_common(in, out);
  if (!in.ok()) return fail(ErrorCode::io, "unreadable client registration");
  return out;
}

Result<KeyRegistration> key_from_record(std::string_view text) {
  RecordReader in(text);
  KeyRegistration out;
  read_common(in, out);
  out.parent = in.text("parent");
  out.source_km_id = in.text("km");
  const auto suid = in.number("suid");
  out.targets = in.list("targets");
  auto sealed = from_base64(in.text("sealed"));
  auto parameters = from_base64(in.has("e2ep") ? in.text("e2ep") : std::string());
  if (!sealed || !parameters || !Suid::from(suid)) in.reject();
  if (!in.ok()) return fail(ErrorCode::io, "unreadable key registration");
  out.suid = static_cast<std::uint8_t>(suid);
  out.sealed_value = std::move(*sealed);
  out.sealed_parameters = std::move(*parameters);
  return out;
}

json::object representation(const ClientRegistration& registration) {
  json::object out;
  put_common(out, registration, codec::MafTy::maf_client_reg, mmaf::kBaseId);
  return out;
}

json::object representation(const KeyRegistration& key) {
  json::object out;
  put_common(out, key, codec::MafTy::symm_key_reg, key.parent);
  out[mmaf::kSuid] = key.suid;
  out[mmaf::kTargets] = texts(key.targets);
  return out;
}

}  // namespace latchkey::maf
