#include "cli.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>

namespace latchkey::cli {

namespace {

constexpr std::size_t kInputMax = 1 << 20;

/// Reads a descriptor to its end, wiping nothing: see read_secret for secrets.
template <class Buffer>
Status read_all(int fd, Buffer& out) {
  while (true) {
    const auto used = out.size();
    out.resize(used + 4096);
    const auto got = ::read(fd, out.data() + used, 4096);
    if (got < 0) return fail(ErrorCode::io, std::strerror(errno));
    out.resize(used + static_cast<std::size_t>(got));
    if (got == 0) return {};
    if (out.size() > kInputMax) return fail(ErrorCode::limit, "more than 1 MiB");
  }
}

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd > 2) ::close(fd);
  }
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  return text;
}

}  // namespace

int failed(const Error& error) {
  if (json_output)
    std::printf("%s\n", codec::to_text(
                            codec::json::object{{"error", to_string(error.code)}, {"detail", error.detail}})
                            .c_str());
  else
    std::fprintf(stderr, "latchkey: %s: %s\n", to_string(error.code), error.detail.c_str());
  return 1;
}

void print(const codec::json::value& value, const std::string& text) {
  std::printf("%s\n", json_output ? codec::to_text(value).c_str() : text.c_str());
}

Result<std::string> read_text(const std::string& path) {
  const Descriptor file{path == "-" ? 0 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) return fail(ErrorCode::io, path + ": " + std::strerror(errno));
  std::string out;
  if (auto ok = read_all(file.fd, out); !ok) return fail(path, ok.error());
  return out;
}

Result<SecretBytes> read_secret(const std::string& path) {
  const Descriptor file{path == "-" ? 0 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) return fail(ErrorCode::io, path + ": " + std::strerror(errno));
  struct stat info {};
  if (path != "-" && (::fstat(file.fd, &info) != 0 || (info.st_mode & 077U) != 0))
    return fail(ErrorCode::denied, path + ": others may read it; chmod 600 it first");
  Bytes out;
  out.reserve(kInputMax + 4096);  // no copy is left behind by growing
  if (auto ok = read_all(file.fd, out); !ok) return fail(path, ok.error());
  return SecretBytes::take(std::move(out));
}

Result<SecretBytes> read_hex_secret(const std::string& path) {
  const auto text = read_secret(path);
  if (!text) return fail(text.error());
  auto key = secret_from_hex(trimmed(as_text(text->reveal())));
  if (!key) return fail(path, key.error());
  return key;
}

Status write_new(const std::string& path, std::string_view content, unsigned mode) {
  const Descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)};
  if (file.fd < 0)
    return fail(errno == EEXIST ? ErrorCode::conflict : ErrorCode::io, path + ": " + std::strerror(errno));
  while (!content.empty()) {
    const auto put = ::write(file.fd, content.data(), content.size());
    if (put < 0) return fail(ErrorCode::io, path + ": " + std::strerror(errno));
    content.remove_prefix(static_cast<std::size_t>(put));
  }
  return ::fsync(file.fd) == 0 ? Status() : Status(fail(ErrorCode::io, path + ": " + std::strerror(errno)));
}

void add_environment(CLI::App& app, secure_env::SoftwareOptions& environment) {
  auto* kek = app.add_option("--kek", environment.kek_file, "its key-encryption key file");
  app.add_option("--passphrase-file", environment.passphrase_file, "its passphrase file, instead of --kek")
      ->excludes(kek);
}

void ConnectionOptions::add_to(CLI::App& app) {
  app.add_option("--url", url, "https://ADDRESS:PORT, http://ADDRESS:PORT or unix:PATH")->required();
  app.add_option("--sp", sp, "M2M-SP-ID of the home domain");
  app.add_option("--server", server, "CSE-ID or FQDN that the server must prove");
  app.add_option("--in-cse", in_cse, "IN-CSE of the domain, when the server is an MN-CSE");
  app.add_option("--psk-identity", psk_identity, "KpsaID or KmID");
  app.add_option("--psk-file", psk_file, "file of the key in hex, owner-only; - is standard input");
  app.add_option("--cert", certificate, "own certificate chain, PEM");
  app.add_option("--key", key, "private key, PEM, owner-only");
  app.add_option("--trust", trust, "trust anchors, PEM");
  app.add_flag("--annex-b", annex_b, "admit certificates made as in TR-0038 Annex B");
  app.add_option("--timeout-ms", timeout_ms, "how long to wait for an answer");
}

Result<SpId> ConnectionOptions::home() const { return SpId::parse(sp); }

Result<Scheme> ConnectionOptions::scheme() const {
  const auto colon = url.find(':');
  auto name = url.substr(0, colon == std::string::npos ? 0 : colon);
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const bool authority = colon != std::string::npos && url.compare(colon, 3, "://") == 0;
  if (name == "https" && authority) return Scheme::https;
  const bool credentials = !psk_identity.empty() || !psk_file.empty() || !certificate.empty() ||
                           !key.empty() || !trust.empty() || annex_b;
  std::optional<Scheme> clear;
  if (name == "http" && authority) clear = Scheme::http;
  if (name == "unix" && colon != std::string::npos) clear = Scheme::unix_socket;
  if (!clear)
    return fail(ErrorCode::invalid_argument,
                "--url: https://ADDRESS:PORT, http://ADDRESS:PORT or unix:PATH is needed");
  // Whoever names a credential means it to be used: nothing goes out in clear by a slip of the URL.
  if (credentials) return fail(ErrorCode::invalid_argument, "--url: credentials are for https only");
  return *clear;
}

Result<bind::PeerOptions> ConnectionOptions::peer() const {
  bind::PeerOptions out;
  const auto kind = scheme();
  if (!kind) return fail(kind.error());
  if (*kind == Scheme::unix_socket) {
    out.address = url.substr(url.find(':') + 1);
    out.host = "localhost";
    return out;
  }
  std::string_view rest(url);
  rest.remove_prefix(url.find("://") + 3);
  if (const auto slash = rest.find('/'); slash != std::string_view::npos) rest = rest.substr(0, slash);
  const auto colon = rest.rfind(':');
  if (colon == std::string_view::npos) return fail(ErrorCode::invalid_argument, "--url: no port");
  const auto digits = rest.substr(colon + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
  if (error != std::errc{} || end != digits.data() + digits.size())
    return fail(ErrorCode::invalid_argument, "--url: no port");
  out.address = std::string(rest.substr(0, colon));
  out.host = std::string(rest);
  return out;
}

Result<bind::PeerOptions> ConnectionOptions::hop() const {
  auto out = peer();
  if (!out) return out;
  auto own = credential();
  if (!own) return fail(own.error());
  if (*own) out->credentials = [own = *std::move(own)] { return own->options(); };
  return out;
}

Result<std::shared_ptr<client::SaeCredential>> ConnectionOptions::credential() const {
  const auto kind = scheme();
  if (!kind) return fail(kind.error());
  if (*kind != Scheme::https) return std::shared_ptr<client::SaeCredential>();
  auto home_sp = home();
  if (!home_sp) return fail("--sp", home_sp.error());
  auto who = parse_entity_id(server, *home_sp);
  if (!who) return fail("--server", who.error());
  if (!psk_identity.empty()) {
    auto identity = KeyId::parse(psk_identity);
    if (!identity) return fail("--psk-identity", identity.error());
    auto secret = read_hex_secret(psk_file);
    if (!secret) return fail("--psk-file", secret.error());
    return client::provisioned_key(std::move(*identity), Kpsa(std::move(*secret)), std::move(*who),
                                   std::move(*home_sp));
  }
  auto own = certificates();
  if (!own) return fail(own.error());
  return client::certificate({.own = std::move(own->own),
                              .trust = std::move(own->trust),
                              .home = std::move(own->home),
                              .server = std::move(*who),
                              .server_in_cse = std::move(own->in_cse),
                              .annex_b = own->annex_b});
}

Result<std::shared_ptr<const pki::TrustStore>> ConnectionOptions::anchors() const {
  const auto pem = read_text(trust);
  if (!pem) return fail("--trust", pem.error());
  auto chain = pki::Certificate::chain_from_pem(*pem);
  if (!chain) return fail("--trust", chain.error());
  std::vector<pki::TrustStore::Anchor> trusted;
  for (auto& anchor : *chain)
    trusted.push_back(
        {std::move(anchor), {.annex_b_certificates = annex_b, .require_name_constraints = !annex_b}});
  auto store = pki::TrustStore::make(std::move(trusted), {});
  if (!store) return fail("--trust", store.error());
  return std::shared_ptr<const pki::TrustStore>(*std::move(store));
}

Result<e2e::EsCertKeCredentials> ConnectionOptions::certificates() const {
  auto home_sp = home();
  if (!home_sp) return fail("--sp", home_sp.error());
  const auto pem = read_text(certificate);
  if (!pem) return fail("--cert", pem.error());
  auto chain = pki::Certificate::chain_from_pem(*pem);
  if (!chain) return fail("--cert", chain.error());
  const auto key_pem = read_secret(key);
  if (!key_pem) return fail("--key", key_pem.error());
  auto private_key = pki::PrivateKey::from_pem(*key_pem);
  if (!private_key) return fail("--key", private_key.error());
  auto store = anchors();
  if (!store) return fail(store.error());
  e2e::EsCertKeCredentials out{.own = std::make_shared<const tls::OwnCertificate>(
                                   tls::OwnCertificate{std::move(*chain), std::move(*private_key)}),
                               .trust = std::move(*store),
                               .home = std::move(*home_sp),
                               .annex_b = annex_b};
  if (!in_cse.empty()) {
    auto parsed = CseId::parse(in_cse, out.home);
    if (!parsed) return fail("--in-cse", parsed.error());
    out.in_cse = std::move(*parsed);
  }
  return out;
}

}  // namespace latchkey::cli
