#include "latchkey/pki/authority.h"

#include <openssl/pem.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>

#include "ca_folder.h"
#include "issue.h"

namespace latchkey::pki {
namespace {

constexpr int kRootPathLength = 1;  // root, intermediate, leaf: 10.1.1.3 asks for short chains
constexpr int kIntermediatePathLength = 0;
constexpr mode_t kPublicMode = S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH;
constexpr mode_t kPrivateMode = S_IRUSR | S_IWUSR;

TimePoint now() { return system_clock().now(); }

Status conflict_if_taken(const std::string& folder) {
  const auto held = read_file(folder + "/ca.pem");
  if (held) return fail(ErrorCode::conflict, folder + " holds a certificate authority already");
  if (held.error().code != ErrorCode::not_found) return fail(held.error());
  return {};
}

/// The certificate comes last: a folder without it holds no authority yet.
Status write_new(const std::string& folder, const PrivateKey& key, const Certificate& certificate,
                 const std::string& chain_pem) {
  const SecretBytes pem = key.to_pem();
  if (auto status = write_atomically(folder + "/ca.key", pem.reveal(), kPrivateMode); !status) return status;
  if (auto status = write_atomically(folder + "/index.jsonl", {}, kPrivateMode); !status) return status;
  if (auto status = write_atomically(folder + "/chain.pem", as_bytes(chain_pem), kPublicMode); !status)
    return status;
  return write_atomically(folder + "/ca.pem", as_bytes(certificate.to_pem()), kPublicMode);
}

Result<CaIndex> read_index(const std::string& folder) {
  const auto lines = read_file(folder + "/index.jsonl");
  if (!lines) return fail(lines.error());
  return CaIndex::parse(*lines);
}

Status write_index(const std::string& folder, const CaIndex& index) {
  return write_atomically(folder + "/index.jsonl", as_bytes(index.lines()), kPrivateMode);
}

/// The number of the next CRL: one more than that in crlnumber, 1 when there is none.
Result<std::uint64_t> next_crl_number(const std::string& folder) {
  const auto text = read_file(folder + "/crlnumber");
  if (!text) {
    if (text.error().code == ErrorCode::not_found) return std::uint64_t{1};
    return fail(text.error());
  }
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc{} || (end != text->data() + text->size() && *end != '\n')) {
    return fail(ErrorCode::invalid_argument, folder + "/crlnumber holds no number");
  }
  return number + 1;
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c; });
  return text;
}

}  // namespace

struct Authority::Impl {
  std::string folder;
  Certificate certificate;
  PrivateKey key;
  std::string chain_pem;  ///< from this CA up, without the root; empty for a root

  [[nodiscard]] Signer signer() const { return {&certificate, &key}; }
  /// Records what `build` makes before it is handed out, under the lock.
  template <class Build>
  Result<Certificate> record(Build build) {
    const auto lock = FolderLock::take(folder);
    if (!lock) return fail(lock.error());
    auto index = read_index(folder);
    if (!index) return fail(index.error());
    const TimePoint time = now();
    Result<Certificate> issued = build(time);
    if (!issued) return issued;
    index->add_issued(*issued, time);
    if (auto status = write_index(folder, *index); !status) return fail(status.error());
    return issued;
  }
};

Authority::Authority(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Authority::Authority(Authority&&) noexcept = default;
Authority& Authority::operator=(Authority&&) noexcept = default;
Authority::~Authority() = default;
const Certificate& Authority::certificate() const noexcept { return impl_->certificate; }

Result<Authority> Authority::create_root(const std::string& folder, const std::string& common_name,
                                         const NameConstraints& constraints, std::chrono::days lifetime) {
  if (auto status = make_folder(folder); !status) return fail(status.error());
  const auto lock = FolderLock::take(folder);
  if (!lock) return fail(lock.error());
  if (auto status = conflict_if_taken(folder); !status) return fail(status.error());
  auto key = PrivateKey::generate();
  if (!key) return fail(key.error());
  auto certificate = build_ca({common_name, &constraints, kRootPathLength}, key->public_spki(),
                              {nullptr, &*key}, now(), lifetime);
  if (!certificate) return fail(certificate.error());
  if (auto status = write_new(folder, *key, *certificate, {}); !status) return fail(status.error());
  return Authority(std::make_unique<Impl>(Impl{folder, *std::move(certificate), *std::move(key), {}}));
}

Result<Authority> Authority::create_intermediate(const std::string& folder, Authority& parent,
                                                 const std::string& common_name,
                                                 const NameConstraints& constraints,
                                                 std::chrono::days lifetime) {
  Impl& above = *parent.impl_;
  if (X509_get_pathlen(native(above.certificate)) == 0) {
    return fail(ErrorCode::invalid_argument, "the parent's path length permits no CA below it");
  }
  if (above.certificate.impl().constraints) {
    if (auto status = check_within(constraints, *above.certificate.impl().constraints); !status)
      return fail(status.error());
  }
  if (auto status = make_folder(folder); !status) return fail(status.error());
  const auto lock = FolderLock::take(folder);
  if (!lock) return fail(lock.error());
  if (auto status = conflict_if_taken(folder); !status) return fail(status.error());
  auto key = PrivateKey::generate();
  if (!key) return fail(key.error());
  auto certificate = above.record([&](TimePoint time) {
    return build_ca({common_name, &constraints, kIntermediatePathLength}, key->public_spki(), above.signer(),
                    time, lifetime);
  });
  if (!certificate) return fail(certificate.error());
  std::string chain = certificate->to_pem() + above.chain_pem;
  if (auto status = write_new(folder, *key, *certificate, chain); !status) return fail(status.error());
  return Authority(
      std::make_unique<Impl>(Impl{folder, *std::move(certificate), *std::move(key), std::move(chain)}));
}

Result<Authority> Authority::open(const std::string& folder) {
  const auto pem = read_file(folder + "/ca.pem");
  if (!pem) return fail(pem.error());
  auto own = Certificate::chain_from_pem(*pem);
  if (!own) return fail(folder + "/ca.pem", own.error());
  if (own->size() != 1 || !own->front().is_ca()) {
    return fail(ErrorCode::invalid_argument, folder + "/ca.pem is not one CA certificate");
  }
  const auto secret = read_secret_file(folder + "/ca.key");
  if (!secret) return fail(secret.error());
  auto key = PrivateKey::from_pem(*secret);
  if (!key) return fail(folder + "/ca.key", key.error());
  if (!key->matches(own->front()))
    return fail(ErrorCode::invalid_argument, folder + "/ca.key is not the key of ca.pem");
  auto chain = read_file(folder + "/chain.pem");
  if (!chain) return fail(chain.error());
  return Authority(
      std::make_unique<Impl>(Impl{folder, std::move(own->front()), *std::move(key), *std::move(chain)}));
}

Result<Authority::Issued> Authority::issue(const SubjectRequest& subject, const Bytes& spki,
                                           std::chrono::days lifetime) {
  auto certificate = impl_->record(
      [&](TimePoint time) { return build_leaf(subject, spki, impl_->signer(), time, lifetime); });
  if (!certificate) return fail(certificate.error());
  std::string chain = certificate->to_pem() + impl_->chain_pem;
  return Issued{*std::move(certificate), std::move(chain)};
}

Status Authority::revoke(const std::string& serial_hex, const std::string& reason) {
  if (!revocation_reason(reason)) return fail(ErrorCode::invalid_argument, "unknown reason '" + reason + "'");
  const auto lock = FolderLock::take(impl_->folder);
  if (!lock) return fail(lock.error());
  auto index = read_index(impl_->folder);
  if (!index) return fail(index.error());
  const std::string serial = upper(serial_hex);
  if (!index->issued(serial))
    return fail(ErrorCode::not_found, "this authority issued no certificate " + serial);
  if (index->revoked(serial))
    return fail(ErrorCode::conflict, "certificate " + serial + " is revoked already");
  index->add_revoked(serial, {now(), reason});
  return write_index(impl_->folder, *index);
}

Result<std::string> Authority::write_crl(std::chrono::days next_update) {
  const auto lock = FolderLock::take(impl_->folder);
  if (!lock) return fail(lock.error());
  const auto index = read_index(impl_->folder);
  if (!index) return fail(index.error());
  const auto number = next_crl_number(impl_->folder);
  if (!number) return fail(number.error());
  auto pem = build_crl(impl_->signer(), *number, index->revocations(), now(), next_update);
  if (!pem) return pem;
  // The number first: after a crash it is skipped, never used twice.
  const std::string text = std::to_string(*number) + "\n";
  if (auto status = write_atomically(impl_->folder + "/crlnumber", as_bytes(text), kPrivateMode); !status) {
    return fail(status.error());
  }
  if (auto status = write_atomically(impl_->folder + "/crl.pem", as_bytes(*pem), kPublicMode); !status) {
    return fail(status.error());
  }
  return pem;
}

}  // namespace latchkey::pki
