#include "latchkey/secure_env/software.h"

#include <sys/stat.h>

#include <array>
#include <mutex>
#include <shared_mutex>

#include "key_file.h"
#include "latchkey/base/time.h"
#include "latchkey/crypto/crypto.h"
#include "owner_file.h"

namespace latchkey::secure_env {

namespace {

constexpr const char* kKeyFile = "/keys.lks";
constexpr std::uint8_t kSealVersion = 1;
constexpr std::string_view kSealLabel = "latchkey sealed 1:";

/// Tells one version of the file from the next: a replaced file is another inode.
struct FileStamp {
  std::array<std::int64_t, 5> fields{};
  static FileStamp of(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return {};
    return {{static_cast<std::int64_t>(info.st_dev), static_cast<std::int64_t>(info.st_ino), info.st_size,
             info.st_mtim.tv_sec, info.st_mtim.tv_nsec}};
  }
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

std::string seal_context(std::string_view context) {
  std::string bound(kSealLabel);
  bound += context;
  return bound;
}

bool is_private_key_pem(const SecretBytes& secret) {
  const auto text = as_text(secret.reveal());
  return text.starts_with("-----BEGIN ") && text.find("PRIVATE KEY-----") != std::string_view::npos;
}

bool expired(const KeyAttributes& attributes, std::int64_t now_unix) {
  return attributes.expires_unix && now_unix > *attributes.expires_unix;
}

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::seconds>(system_clock().now().time_since_epoch()).count();
}

Status check_new(const NewKey& key) {
  if (!is_valid(key.handle)) {
    return fail(ErrorCode::invalid_argument,
                "a key handle has 1 to 255 letters, digits and characters of '._-@'");
  }
  if (key.secret.empty() || key.secret.size() > kSecretBytesMax) {
    return fail(ErrorCode::invalid_argument,
                "a secret has 1 to " + std::to_string(kSecretBytesMax) + " octets");
  }
  return {};
}

class Software final : public SecureEnvironment {
 public:
  Software(std::string path, KeyFileHeader header, SecretBytes key)
      : path_(std::move(path)), header_(std::move(header)), file_key_(std::move(key)) {}

  /// Reads the file for the first time, or makes it.
  Status start(bool is_new) {
    if (!is_new) return load();
    KeyFileContent content;
    content.seal_key = crypto::random_secret(32);
    return write(std::move(content));
  }

  ProtectionLevel protection_level() const noexcept override { return ProtectionLevel::low; }

  Status store(const KeyHandle& handle, const KeyAttributes& attributes, SecretBytes&& secret) override {
    std::vector<NewKey> one;
    one.push_back({handle, attributes, std::move(secret)});
    return store_all(std::move(one));
  }

  Status store_all(std::vector<NewKey>&& keys) override {
    for (const auto& key : keys) {
      if (auto valid = check_new(key); !valid) return valid;
    }
    return change([&](KeyFileContent& content) -> Status {
      for (auto& key : keys) {
        StoredKey stored{key.attributes, std::move(key.secret)};
        if (!content.keys.try_emplace(key.handle.name, std::move(stored)).second) {
          return fail(ErrorCode::conflict, "key handle " + key.handle.name + " is taken");
        }
      }
      return {};
    });
  }

  Status replace(const KeyHandle& handle, const KeyAttributes& attributes, SecretBytes&& secret) override {
    NewKey key{handle, attributes, std::move(secret)};
    if (auto valid = check_new(key); !valid) return valid;
    return change([&](KeyFileContent& content) -> Status {
      content.keys.insert_or_assign(key.handle.name, StoredKey{key.attributes, std::move(key.secret)});
      return {};
    });
  }

  Status remove(const KeyHandle& handle) override {
    return change([&](KeyFileContent& content) -> Status {
      if (content.keys.erase(handle.name) == 0) return fail(ErrorCode::not_found, "no key " + handle.name);
      return {};
    });
  }

  std::vector<KeyHandle> list() const override {
    refresh();
    const std::shared_lock hold(mutex_);
    std::vector<KeyHandle> handles;
    handles.reserve(content_.keys.size());
    for (const auto& [name, key] : content_.keys) handles.push_back({name});
    return handles;
  }

  Status reload() override { return load(); }

  Result<SecretBytes> use_as_psk(const KeyHandle& handle, Suid::Use use,
                                 std::int64_t now_unix) const override {
    return with_key(handle, [&](const StoredKey& key) -> Result<SecretBytes> {
      if (!key.attributes.suid || key.attributes.suid->use() != use) {
        return fail(ErrorCode::denied, "key " + handle.name + " is for another use");
      }
      if (expired(key.attributes, now_unix))
        return fail(ErrorCode::expired, "key " + handle.name + " has expired");
      return key.secret.duplicate();
    });
  }

  Result<SecretBytes> use_as_private_key(const KeyHandle& handle) const override {
    return with_key(handle, [&](const StoredKey& key) -> Result<SecretBytes> {
      // A symmetric key must not leave by this door.
      if (key.attributes.suid || !is_private_key_pem(key.secret)) {
        return fail(ErrorCode::denied, "key " + handle.name + " is no private key");
      }
      if (expired(key.attributes, now()))
        return fail(ErrorCode::expired, "key " + handle.name + " has expired");
      return key.secret.duplicate();
    });
  }

  Result<SecretBytes> hmac(const KeyHandle& handle, ByteView data) const override {
    return with_key(handle, [&](const StoredKey& key) -> Result<SecretBytes> {
      if (expired(key.attributes, now()))
        return fail(ErrorCode::expired, "key " + handle.name + " has expired");
      return crypto::hmac_sha256(key.secret, data);
    });
  }

  Result<Bytes> seal(std::string_view context, const SecretBytes& secret) const override {
    const auto nonce = crypto::random_bytes(crypto::kGcmNonceBytes);
    const auto bound = seal_context(context);
    const auto sealed = [&] {
      const std::shared_lock hold(mutex_);
      return crypto::aes_gcm_seal(content_.seal_key, nonce, as_bytes(bound), secret.reveal());
    }();
    if (!sealed) return fail(sealed.error());
    Bytes blob{kSealVersion};
    blob.insert(blob.end(), nonce.begin(), nonce.end());
    blob.insert(blob.end(), sealed->begin(), sealed->end());
    return blob;
  }

  Result<SecretBytes> unseal(std::string_view context, ByteView sealed) const override {
    constexpr std::size_t kPrefix = 1 + crypto::kGcmNonceBytes;
    const Error refused{ErrorCode::authentication,
                        "sealed secret: changed, or of another context or environment"};
    if (sealed.size() < kPrefix + crypto::kGcmTagBytes || sealed.front() != kSealVersion)
      return fail(refused);
    const auto bound = seal_context(context);
    const std::shared_lock hold(mutex_);
    auto secret = crypto::aes_gcm_open(content_.seal_key, sealed.subspan(1, crypto::kGcmNonceBytes),
                                       as_bytes(bound), sealed.subspan(kPrefix));
    if (!secret) return fail(refused);
    return secret;
  }

 private:
  /// The file as it is now, decrypted.
  Result<KeyFileContent> read() const {
    const auto file = read_owned_file(path_, Access::owner_only, kKeyFileBytesMax);
    if (!file) return fail(file.error());
    auto content = decode(file->reveal(), file_key_);
    if (!content) return fail(path_, content.error());
    return content;
  }

  Status load() const {
    // In turn with changes: a file read before one must not come after it.
    const std::lock_guard turn(turn_);
    // The stamp first: a file replaced in between is read once more, never missed.
    const auto stamp = FileStamp::of(path_);
    auto content = read();
    if (!content) return fail(content.error());
    const std::unique_lock hold(mutex_);
    content_ = std::move(*content);
    stamp_ = stamp;
    return {};
  }

  Status write(KeyFileContent&& content) {
    const auto file = encode(header_, file_key_, content);
    if (!file) return fail(file.error());
    if (auto written = replace_file(path_, *file); !written) return written;
    const std::unique_lock hold(mutex_);
    content_ = std::move(content);
    stamp_ = FileStamp::of(path_);
    return {};
  }

  /// Reads, changes and writes the file under its lock: another process may have changed it since we read it.
  template <class Change>
  Status change(Change&& apply) {
    const std::lock_guard turn(turn_);
    const auto lock = FileLock::take(path_);
    if (!lock) return fail(lock.error());
    auto content = read();
    if (!content) return fail(content.error());
    if (auto applied = apply(*content); !applied) return applied;
    return write(std::move(*content));
  }

  /// Takes over what another process has written. A file that cannot be read now leaves what is in memory.
  void refresh() const {
    const auto stamp = FileStamp::of(path_);
    {
      const std::shared_lock hold(mutex_);
      if (stamp == stamp_) return;
    }
    static_cast<void>(load());
  }

  template <class Use>
  Result<SecretBytes> with_key(const KeyHandle& handle, Use&& use) const {
    for (const bool again : {false, true}) {
      if (again) refresh();
      const std::shared_lock hold(mutex_);
      if (const auto found = content_.keys.find(handle.name); found != content_.keys.end())
        return use(found->second);
    }
    return fail(ErrorCode::not_found, "no key " + handle.name);
  }

  const std::string path_;
  const KeyFileHeader header_;
  const SecretBytes file_key_;
  mutable std::mutex turn_;  ///< held while the file is read or changed, taken before mutex_
  mutable std::shared_mutex mutex_;
  mutable KeyFileContent content_;  ///< guarded by mutex_
  mutable FileStamp stamp_;         ///< guarded by mutex_
};

}  // namespace

Result<std::unique_ptr<SecureEnvironment>> open_software(const SoftwareOptions& options) {
  if (auto ready = prepare_owner_folder(options.folder); !ready) return fail(ready.error());
  const auto source = read_kek(options);
  if (!source) return fail(source.error());
  const std::string path = options.folder + kKeyFile;
  const auto lock = FileLock::take(path);
  if (!lock) return fail(lock.error());

  const auto file = read_owned_file(path, Access::owner_only, kKeyFileBytesMax);
  const bool is_new = !file && file.error().code == ErrorCode::not_found;
  if (!file && !is_new) return fail(file.error());
  auto header = is_new ? Result<KeyFileHeader>(KeyFileHeader{source->kind, crypto::random_bytes(kSaltBytes)})
                       : read_header(file->reveal());
  if (!header) return fail(path, header.error());
  if (header->kind != source->kind) {
    return fail(ErrorCode::authentication,
                path + " is protected by " + (header->kind == KekKind::key ? "a key" : "a passphrase") +
                    ", not by " + (source->kind == KekKind::key ? "a key" : "a passphrase"));
  }
  auto key = file_key(source->key(header->salt), header->salt);
  auto environment = std::make_unique<Software>(path, std::move(*header), std::move(key));
  if (auto started = environment->start(is_new); !started) return fail(started.error());
  return std::unique_ptr<SecureEnvironment>(std::move(environment));
}

}  // namespace latchkey::secure_env
