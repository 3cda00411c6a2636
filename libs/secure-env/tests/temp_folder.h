#pragma once
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "latchkey/secure_env/software.h"

namespace latchkey::secure_env::test {

namespace fs = std::filesystem;

inline void write_file(const std::string& path, std::string_view content, unsigned mode = 0600) {
  std::ofstream(path, std::ios::binary) << content;
  fs::permissions(path, static_cast<fs::perms>(mode));
}

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A state folder, and beside it a KEK file, removed with the test.
class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (fs::temp_directory_path() / "latchkey-secure-env-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) ADD_FAILURE() << "no temporary folder";
    path_ = pattern;
    write_file(kek(), std::string(32, 'K'));
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string state() const { return path_ + "/state"; }  ///< not created
  [[nodiscard]] std::string kek() const { return path_ + "/kek"; }
  [[nodiscard]] std::string keys() const { return state() + "/keys.lks"; }
  [[nodiscard]] std::string table() const { return state() + "/psk.tsv"; }
  [[nodiscard]] SoftwareOptions options() const {
    return {.folder = state(), .kek_file = kek(), .passphrase_file = {}, .credential_name = {}};
  }
  [[nodiscard]] std::unique_ptr<SecureEnvironment> open() const {
    auto opened = open_software(options());
    EXPECT_TRUE(opened) << opened.error().detail;
    return opened ? std::move(*opened) : nullptr;
  }

 private:
  std::string path_;
};

inline SecretBytes secret(std::string_view text) { return SecretBytes::copy_of(as_bytes(text)); }
inline std::string revealed(const Result<SecretBytes>& result) {
  return result ? std::string(as_text(result->reveal())) : "error: " + result.error().detail;
}
inline Suid suid(std::int64_t value) { return Suid::from(value).value(); }

}  // namespace latchkey::secure_env::test
