#include "device.h"

#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "latchkey/tls/key_log.h"

namespace door_lock {

using namespace latchkey;
namespace json = codec::json;

void give_up(const std::string& what, const Error& error) {
  say("! " + what + ": " + error.detail);
  std::exit(1);
}

void must_answer(const std::string& what, const Result<codec::ResponsePrimitive>& response,
                 std::initializer_list<codec::Rsc> accepted) {
  if (!response) give_up(what, response.error());
  for (const auto rsc : accepted)
    if (response->rsc == rsc) return;
  give_up(what, {ErrorCode::denied,
                 std::to_string(static_cast<int>(response->rsc)) + " " + codec::to_text(response->pc)});
}

void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

void DeviceOptions::add_to(CLI::App& app) {
  app.add_option("--sp", sp, "M2M-SP-ID");
  app.add_option("--registrar", registrar, "CSE-ID of the registrar")->required();
  app.add_option("--address", address, "its address");
  app.add_option("--port", port, "its port")->required();
  app.add_option("--stem", stem, "AE-ID-Stem")->required();
  app.add_option("--name", name, "resource name of the AE")->required();
  app.add_option(
      "--key-log", key_log,
      "TEST ONLY: append the keys of every TLS session to this file, so that Wireshark can read a capture");
}

void DeviceOptions::start() const {
  if (!key_log.empty()) must("--key-log", tls::open_key_log(key_log));
}

SpId DeviceOptions::home() const { return must("--sp", SpId::parse(sp)); }
CseId DeviceOptions::registrar_id() const { return must("--registrar", CseId::parse(registrar, home())); }

client::AeOptions DeviceOptions::ae(std::shared_ptr<client::SaeCredential> credential) const {
  auto id = registrar_id();
  client::AeOptions out{.registrar = id, .cse_base_name = id.stem()};
  out.peer.address = address;
  out.peer.port = port;
  out.peer.host = credential ? id.stem() + "." + id.sp().fqdn().text() : "localhost";
  out.credential = std::move(credential);
  out.app_id = app_id;
  out.requested_stem = stem;
  out.name = name;
  return out;
}

namespace {

std::string text_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) give_up(file, {ErrorCode::io, "cannot be read"});
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

SecretBytes secret_of(const std::string& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0 || (info.st_mode & 077U) != 0)
    give_up(file, {ErrorCode::denied, "must exist and be readable by its owner only"});
  auto text = text_of(file);
  auto out = SecretBytes::copy_of(as_bytes(text));
  wipe(text.data(), text.size());
  return out;
}

}  // namespace

std::shared_ptr<client::SaeCredential> psk_from_file(const std::string& identity, const std::string& file,
                                                     const DeviceOptions& device) {
  const auto secret = secret_of(file);
  auto text = as_text(secret.reveal());
  while (!text.empty() && text.back() <= ' ') text.remove_suffix(1);
  return client::provisioned_key(must("psk_identity", KeyId::parse(identity)),
                                 Kpsa(must(file, secret_from_hex(text))), device.registrar_id(),
                                 device.home());
}

std::shared_ptr<const tls::OwnCertificate> certificate_from_files(const std::string& certificate,
                                                                  const std::string& key) {
  auto chain = must(certificate, pki::Certificate::chain_from_pem(text_of(certificate)));
  return std::make_shared<const tls::OwnCertificate>(
      tls::OwnCertificate{std::move(chain), must(key, pki::PrivateKey::from_pem(secret_of(key)))});
}

std::shared_ptr<const pki::TrustStore> trust_from_file(const std::string& file) {
  std::vector<pki::TrustStore::Anchor> anchors;
  for (auto& one : must(file, pki::Certificate::chain_from_pem(text_of(file))))
    anchors.push_back({std::move(one), {}});
  return must(file, pki::TrustStore::make(std::move(anchors), {}));
}

json::object rules(std::initializer_list<Rule> entries) {
  json::array list;
  for (const auto& entry : entries) {
    json::object rule{{"acor", json::array{entry.originator}}, {"acop", entry.operations}};
    if (entry.child_type) rule["acod"] = json::array{json::object{{"chty", json::array{*entry.child_type}}}};
    list.push_back(std::move(rule));
  }
  return json::object{{"acr", std::move(list)}};
}

std::string notified_content(const codec::RequestPrimitive& notification) {
  const json::value* at = &notification.pc;
  for (const auto* name : {"m2m:sgn", "nev", "rep", "m2m:cin", "con"}) {
    if (!at->is_object()) return {};
    at = at->get_object().if_contains(name);
    if (at == nullptr) return {};
  }
  return at->is_string() ? std::string(at->get_string()) : std::string();
}

codec::ResponsePrimitive ok(const codec::RequestPrimitive& request) {
  codec::ResponsePrimitive out;
  out.rsc = codec::Rsc::ok;
  out.rqi = request.rqi;
  out.rvi = request.rvi;
  return out;
}

}  // namespace door_lock
