#pragma once
/// Folders of tests: a temporary one, and one as a daemon has it.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include "latchkey/secure_env/software.h"

namespace latchkey::test {

/// A folder that goes with its owner.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_((std::filesystem::temp_directory_path() / "latchkey-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("no temporary folder");
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// A state folder, and beside it the key of its Secure Environment.
class StateFolder : public TemporaryFolder {
 public:
  StateFolder() {
    std::filesystem::create_directory(state());
    std::filesystem::permissions(state(), std::filesystem::perms::owner_all);
    if (auto made = secure_env::create_kek_file(file("kek")); !made)
      throw std::runtime_error(made.error().detail);
  }
  [[nodiscard]] std::string state() const { return file("state"); }
  [[nodiscard]] std::string table_file() const { return file("state/psk.tsv"); }
  /// As a process does that starts.
  [[nodiscard]] std::unique_ptr<secure_env::SecureEnvironment> open_environment() const {
    auto opened = secure_env::open_software({.folder = state(), .kek_file = file("kek")});
    if (!opened) throw std::runtime_error(opened.error().detail);
    return std::move(*opened);
  }
};

}  // namespace latchkey::test
