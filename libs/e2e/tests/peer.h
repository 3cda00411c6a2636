#pragma once
/// Runs a program that we did not write.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/base/bytes.h"
#include "latchkey/crypto/crypto.h"

namespace latchkey::e2e::test {

/// A folder that goes with the test.
class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("e2e-" + to_hex(crypto::random_bytes(8)))) {
    std::filesystem::create_directories(path_);
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string path(std::string_view name) const { return (path_ / name).string(); }
  std::string write(std::string_view name, std::string_view content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }
  [[nodiscard]] std::string read(std::string_view name) const {
    std::ifstream in(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  std::filesystem::path path_;
};

inline std::string shell_word(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

struct Ran {
  int status = 0;
  std::string output;
};
/// With `input` on its standard input; what it says to standard error is shown if it fails.
inline Ran run(const std::vector<std::string>& command, std::string_view input) {
  const Folder folder;
  std::string line;
  for (const auto& word : command) line += shell_word(word) + " ";
  line += "<" + shell_word(folder.write("in", input)) + " >" + shell_word(folder.path("out")) + " 2>" +
          shell_word(folder.path("err"));
  const int status = std::system(line.c_str());  // NOLINT: our own words, quoted
  Ran ran{WIFEXITED(status) ? WEXITSTATUS(status) : -1, folder.read("out")};
  if (ran.status != 0) ran.output += folder.read("err");
  return ran;
}

}  // namespace latchkey::e2e::test
