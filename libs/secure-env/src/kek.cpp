#include "kek.h"

#include <cstdlib>
#include <filesystem>

#include "latchkey/crypto/crypto.h"
#include "owner_file.h"

namespace latchkey::secure_env {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kKekFileBytesMax = 2 * kKekBytes + 2;  // hex and CR LF

std::string_view without_newline(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

/// Design section 2: whoever copies the folder must not get the key with it. Links are resolved on both
/// sides.
Status check_outside(const std::string& file, const std::string& folder) {
  std::error_code code;
  const auto inner = fs::canonical(file, code);
  if (code)
    return fail(code == std::errc::no_such_file_or_directory ? ErrorCode::not_found : ErrorCode::io,
                "cannot open " + file + ": " + code.message());
  const auto outer = fs::canonical(folder, code);
  if (code) return fail(ErrorCode::io, "cannot open " + folder + ": " + code.message());
  // Not by names only: the same folder may be mounted twice.
  for (auto parent = inner.parent_path();; parent = parent.parent_path()) {
    if (parent == outer || fs::equivalent(parent, outer, code)) {
      return fail(ErrorCode::invalid_argument,
                  "the key-encryption key " + file + " lies inside " + folder + ", which it protects");
    }
    if (parent == parent.root_path()) return {};
  }
}

Result<SecretBytes> parse_key(SecretBytes&& content, const std::string& file) {
  if (content.size() == kKekBytes) return std::move(content);
  const auto text = without_newline(as_text(content.reveal()));
  if (text.size() == 2 * kKekBytes) {
    if (auto key = secret_from_hex(text)) return key;
  }
  return fail(ErrorCode::invalid_argument, file + " must hold 32 octets or 64 hex digits");
}

Result<KekSource> read_key(const std::string& file, const std::string& folder, Access access) {
  if (auto outside = check_outside(file, folder); !outside) return fail(outside.error());
  auto content = read_owned_file(file, access, kKekFileBytesMax);
  if (!content) {
    if (content.error().code != ErrorCode::limit) return fail(content.error());
    return fail(ErrorCode::invalid_argument, file + " must hold 32 octets or 64 hex digits");
  }
  auto key = parse_key(std::move(*content), file);
  if (!key) return fail(key.error());
  return KekSource{KekKind::key, std::move(*key)};
}

Result<KekSource> read_passphrase(const std::string& file, const std::string& folder) {
  if (auto outside = check_outside(file, folder); !outside) return fail(outside.error());
  auto content = read_owned_file(file, Access::owner_only, kPassphraseBytesMax + 1);
  if (!content) return fail(content.error());
  const auto size = without_newline(as_text(content->reveal())).size();
  if (size < kPassphraseBytesMin || size > kPassphraseBytesMax) {
    return fail(ErrorCode::invalid_argument, file + " must hold a passphrase of " +
                                                 std::to_string(kPassphraseBytesMin) + " to " +
                                                 std::to_string(kPassphraseBytesMax) + " octets");
  }
  return KekSource{KekKind::passphrase, content->first(size)};
}

Result<KekSource> read_credential(const std::string& name, const std::string& folder) {
  if (name.find('/') != std::string::npos || name == "." || name == "..") {
    return fail(ErrorCode::invalid_argument, "a credential name is a file name, not '" + name + "'");
  }
  const char* credentials = std::getenv("CREDENTIALS_DIRECTORY");
  if (credentials == nullptr || *credentials == '\0') {
    return fail(ErrorCode::not_found,
                "credential '" + name + "': CREDENTIALS_DIRECTORY is not set (systemd LoadCredential=)");
  }
  return read_key(std::string(credentials) + "/" + name, folder, Access::group_may_read);
}

}  // namespace

SecretBytes KekSource::key(ByteView salt) const {
  return kind == KekKind::passphrase ? crypto::scrypt(octets, salt, kKekBytes) : octets.duplicate();
}

Result<KekSource> read_kek(const SoftwareOptions& options) {
  const int sources = static_cast<int>(!options.kek_file.empty()) +
                      static_cast<int>(!options.passphrase_file.empty()) +
                      static_cast<int>(!options.credential_name.empty());
  if (sources != 1) {
    return fail(
        ErrorCode::invalid_argument,
        "exactly one of a key file, a passphrase file and a credential must give the key-encryption key");
  }
  if (!options.kek_file.empty()) return read_key(options.kek_file, options.folder, Access::owner_only);
  if (!options.passphrase_file.empty()) return read_passphrase(options.passphrase_file, options.folder);
  return read_credential(options.credential_name, options.folder);
}

Status create_kek_file(const std::string& path) {
  const auto key = crypto::random_secret(kKekBytes);
  return create_file(path, key.reveal());
}

}  // namespace latchkey::secure_env
