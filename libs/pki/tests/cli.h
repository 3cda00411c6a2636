#pragma once
/// The openssl command as a second opinion, in a folder of its own that is removed afterwards.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace latchkey::pki::test {

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "latchkey-pki-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = pattern;
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string path(const std::string& name = {}) const {
    return name.empty() ? path_ : path_ + "/" + name;
  }
  void write(const std::string& name, const std::string& content) const {
    std::ofstream(path(name)) << content;
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream in(path(name));
    return {std::istreambuf_iterator<char>(in), {}};
  }

  struct Outcome {
    int status = -1;
    std::string output;  ///< standard output and error
  };
  /// Runs a script with bash in this folder (process substitution is used by TR-0038 Annex B).
  [[nodiscard]] Outcome run(const std::string& script) const {
    write("script.sh", script);
    const int status = std::system(("cd '" + path_ + "' && bash -e script.sh > output.txt 2>&1").c_str());
    return {WEXITSTATUS(status), read("output.txt")};
  }

 private:
  std::string path_;
};

}  // namespace latchkey::pki::test
