#pragma once
/// Strict reading of a TOML configuration: every problem is collected with its key and line; unknown keys are
/// errors.
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/base/error.h"

namespace latchkey {

struct ConfigProblem {
  std::string file;
  int line = 0;     ///< 1-based; 0 where the file has no such line
  std::string key;  ///< dotted, e.g. "tls.listen[1].port"
  std::string what;
};
[[nodiscard]] std::string to_string(const ConfigProblem& problem);

/// A view of one table. Getters record a problem (wrong type, out of range, missing) and return the default,
/// so that one pass names every problem. After reading, finish() reports the keys nobody asked for. Not
/// thread-safe.
class ConfigReader {
 public:
  /// Limit 1 MiB. A syntax error is one problem with its line.
  [[nodiscard]] static ConfigReader from_file(const std::string& path);
  [[nodiscard]] static ConfigReader from_text(std::string_view text, std::string file_name);
  ~ConfigReader();
  ConfigReader(ConfigReader&&) noexcept;
  ConfigReader& operator=(ConfigReader&&) noexcept;

  [[nodiscard]] bool has(std::string_view key) const;
  [[nodiscard]] std::string text(std::string_view key, std::string fallback);
  [[nodiscard]] std::string required_text(std::string_view key);
  [[nodiscard]] std::int64_t integer(std::string_view key, std::int64_t fallback, std::int64_t min,
                                     std::int64_t max);
  [[nodiscard]] bool boolean(std::string_view key, bool fallback);
  /// "500ms", "30s", "5m", "2h", "7d".
  [[nodiscard]] std::chrono::milliseconds duration(std::string_view key, std::chrono::milliseconds fallback);
  [[nodiscard]] std::vector<std::string> texts(std::string_view key);
  /// A path; relative ones are resolved against the folder of the configuration file.
  [[nodiscard]] std::string path(std::string_view key, std::string fallback);
  /// An array of paths, each resolved like path().
  [[nodiscard]] std::vector<std::string> paths(std::string_view key);
  [[nodiscard]] std::optional<ConfigReader> table(std::string_view key);
  [[nodiscard]] std::vector<ConfigReader> tables(std::string_view key);  ///< array of tables

  /// Records a problem found by the caller against `key` of this table.
  void problem(std::string_view key, std::string what);
  /// Reports unknown keys of this table and of every table handed out, then returns all problems of the file.
  [[nodiscard]] std::vector<ConfigProblem> finish();

 private:
  struct Document;
  struct Node;
  explicit ConfigReader(std::shared_ptr<Document> document, std::shared_ptr<Node> node);
  [[nodiscard]] std::string resolved(std::string_view key, std::string value);
  std::shared_ptr<Document> document_;
  std::shared_ptr<Node> node_;
};

}  // namespace latchkey
