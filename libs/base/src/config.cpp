#include "latchkey/base/config.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>

// toml++ asserts what a malformed key can break ("[\\_"); its own error handling reports the same input right
// after.
#define TOML_ASSERT(expr) static_cast<void>(0)
#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

namespace latchkey {
namespace {

constexpr std::size_t kConfigBytesMax = 1024UL * 1024UL;
constexpr std::chrono::milliseconds kDurationMax = std::chrono::days(36500);

int line_of(const toml::node& node) { return static_cast<int>(node.source().begin.line); }

std::string_view kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a text";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a floating-point number";
    case toml::node_type::boolean:
      return "a boolean";
    default:
      return "a date or time";
  }
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  struct Unit {
    std::string_view name;
    std::chrono::milliseconds size;
  };
  static constexpr Unit units[] = {{"ms", std::chrono::milliseconds(1)},
                                   {"s", std::chrono::seconds(1)},
                                   {"m", std::chrono::minutes(1)},
                                   {"h", std::chrono::hours(1)},
                                   {"d", std::chrono::days(1)}};
  const char* const end = text.data() + text.size();
  std::uint64_t count = 0;
  const auto [rest, error] = std::from_chars(text.data(), end, count);
  const std::string_view name(rest, static_cast<std::size_t>(end - rest));
  const auto* const unit =
      std::find_if(std::begin(units), std::end(units), [name](const Unit& u) { return u.name == name; });
  if (error == std::errc::invalid_argument || unit == std::end(units)) {
    return fail(ErrorCode::invalid_argument,
                "must be a duration such as \"500ms\", \"30s\", \"5m\", \"2h\" or \"7d\"");
  }
  if (error != std::errc() || count > static_cast<std::uint64_t>(kDurationMax / unit->size)) {
    return fail(ErrorCode::limit, "must be a duration of at most 36500d");
  }
  return unit->size * static_cast<std::int64_t>(count);
}

/// The whole file, or why not.
Result<std::string> read_file(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error))
    return fail(ErrorCode::io, "no such file, or not a regular file");
  std::ifstream in(path, std::ios::binary);
  std::string text(kConfigBytesMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in.is_open() || in.bad()) return fail(ErrorCode::io, "cannot be read");
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

}  // namespace

struct ConfigReader::Document {
  std::string file;
  toml::table root;
  bool unreadable = false;  ///< then only that is reported: every other finding would follow from it
  std::vector<ConfigProblem> problems;

  void report(int line, std::string key, std::string what) {
    if (unreadable) return;
    const bool known = std::any_of(problems.begin(), problems.end(), [&](const ConfigProblem& p) {
      return p.line == line && p.key == key && p.what == what;
    });
    if (!known) problems.push_back({file, line, std::move(key), std::move(what)});
  }
  void report_unreadable(int line, std::string what) {
    report(line, "", std::move(what));
    unreadable = true;
  }
};

struct ConfigReader::Node {
  const toml::table* table = nullptr;
  std::string path;  ///< dotted, empty for the root
  std::set<std::string, std::less<>> asked;
  std::vector<std::shared_ptr<Node>> children;

  [[nodiscard]] std::string full(std::string_view key) const {
    return path.empty() ? std::string(key) : path + "." + std::string(key);
  }
  /// The value, remembered as asked for; nullptr where the file has none.
  const toml::node* ask(std::string_view key) {
    asked.emplace(key);
    return table->get(key);
  }
  [[nodiscard]] int line(std::string_view key) const {
    const toml::node* const node = table->get(key);
    return node != nullptr ? line_of(*node) : path.empty() ? 0 : line_of(*table);
  }
  std::shared_ptr<Node> child(const toml::table& of, std::string at) {
    auto made = std::make_shared<Node>();
    made->table = &of;
    made->path = std::move(at);
    children.push_back(made);
    return made;
  }
  void report_unknown(Document& document) const {
    for (const auto& [key, node] : *table) {
      if (!asked.contains(key.str())) document.report(line_of(node), full(key.str()), "unknown key");
    }
    for (const auto& one : children) one->report_unknown(document);
  }
};

std::string to_string(const ConfigProblem& problem) {
  std::string out = problem.file;
  if (problem.line > 0) out += ":" + std::to_string(problem.line);
  if (!problem.key.empty()) out += ": " + problem.key;
  return out + ": " + problem.what;
}

ConfigReader::ConfigReader(std::shared_ptr<Document> document, std::shared_ptr<Node> node)
    : document_(std::move(document)), node_(std::move(node)) {}
ConfigReader::~ConfigReader() = default;
ConfigReader::ConfigReader(ConfigReader&&) noexcept = default;
ConfigReader& ConfigReader::operator=(ConfigReader&&) noexcept = default;

ConfigReader ConfigReader::from_text(std::string_view text, std::string file_name) {
  auto document = std::make_shared<Document>();
  document->file = std::move(file_name);
  if (text.size() > kConfigBytesMax) {
    document->report_unreadable(0, "file is larger than 1 MiB");
  } else {
    try {
      document->root = toml::parse(text);
    } catch (const toml::parse_error& error) {
      document->report_unreadable(static_cast<int>(error.source().begin.line),
                                  "syntax error: " + std::string(error.description()));
    }
  }
  auto root = std::make_shared<Node>();
  root->table = &document->root;
  return ConfigReader(std::move(document), std::move(root));
}

ConfigReader ConfigReader::from_file(const std::string& path) {
  const auto text = read_file(path);
  if (text) return from_text(*text, path);
  ConfigReader empty = from_text("", path);
  empty.document_->report_unreadable(0, text.error().detail);
  return empty;
}

bool ConfigReader::has(std::string_view key) const { return node_->ask(key) != nullptr; }

void ConfigReader::problem(std::string_view key, std::string what) {
  document_->report(node_->line(key), node_->full(key), std::move(what));
}

std::string ConfigReader::text(std::string_view key, std::string fallback) {
  const toml::node* const node = node_->ask(key);
  if (node == nullptr) return fallback;
  if (const auto* const value = node->as_string()) return value->get();
  problem(key, "must be a text, not " + std::string(kind_of(*node)));
  return fallback;
}

std::string ConfigReader::required_text(std::string_view key) {
  if (!has(key)) problem(key, "is missing");
  auto value = text(key, "");
  if (has(key) && value.empty() && node_->table->get(key)->is_string()) problem(key, "must not be empty");
  return value;
}

std::int64_t ConfigReader::integer(std::string_view key, std::int64_t fallback, std::int64_t min,
                                   std::int64_t max) {
  const toml::node* const node = node_->ask(key);
  if (node == nullptr) return fallback;
  const auto* const value = node->as_integer();
  if (value == nullptr) {
    problem(key, "must be an integer, not " + std::string(kind_of(*node)));
  } else if (value->get() < min || value->get() > max) {
    problem(key, "must be from " + std::to_string(min) + " to " + std::to_string(max));
  } else {
    return value->get();
  }
  return fallback;
}

bool ConfigReader::boolean(std::string_view key, bool fallback) {
  const toml::node* const node = node_->ask(key);
  if (node == nullptr) return fallback;
  if (const auto* const value = node->as_boolean()) return value->get();
  problem(key, "must be true or false, not " + std::string(kind_of(*node)));
  return fallback;
}

std::chrono::milliseconds ConfigReader::duration(std::string_view key, std::chrono::milliseconds fallback) {
  const toml::node* const node = node_->ask(key);
  if (node == nullptr) return fallback;
  const auto* const value = node->as_string();
  auto parsed = parse_duration(value != nullptr ? std::string_view(value->get()) : std::string_view());
  if (parsed) return *parsed;
  problem(key, std::move(parsed.error().detail));
  return fallback;
}

std::vector<std::string> ConfigReader::texts(std::string_view key) {
  const toml::node* const node = node_->ask(key);
  if (node == nullptr) return {};
  const toml::array* const array = node->as_array();
  if (array == nullptr) {
    problem(key, "must be an array of texts, not " + std::string(kind_of(*node)));
    return {};
  }
  std::vector<std::string> values;
  for (std::size_t i = 0; i < array->size(); ++i) {
    const toml::node& item = (*array)[i];
    if (const auto* const value = item.as_string()) {
      values.push_back(value->get());
    } else {
      document_->report(line_of(item), node_->full(key) + "[" + std::to_string(i) + "]",
                        "must be a text, not " + std::string(kind_of(item)));
    }
  }
  return values;
}

std::string ConfigReader::path(std::string_view key, std::string fallback) {
  const std::string value = text(key, std::move(fallback));
  if (value.find('\0') != std::string::npos) problem(key, "must not hold a zero octet");
  if (value.empty()) return value;
  return (std::filesystem::path(document_->file).parent_path() / value).lexically_normal().string();
}

std::optional<ConfigReader> ConfigReader::table(std::string_view key) {
  const toml::node* const node = node_->ask(key);
  if (node == nullptr) return std::nullopt;
  if (const toml::table* const value = node->as_table())
    return ConfigReader(document_, node_->child(*value, node_->full(key)));
  problem(key, "must be a table, not " + std::string(kind_of(*node)));
  return std::nullopt;
}

std::vector<ConfigReader> ConfigReader::tables(std::string_view key) {
  const toml::node* const node = node_->ask(key);
  if (node == nullptr) return {};
  const toml::array* const array = node->as_array();
  if (array == nullptr) {
    problem(key, "must be an array of tables, not " + std::string(kind_of(*node)));
    return {};
  }
  std::vector<ConfigReader> readers;
  for (std::size_t i = 0; i < array->size(); ++i) {
    const toml::node& item = (*array)[i];
    std::string at = node_->full(key) + "[" + std::to_string(i) + "]";
    if (const toml::table* const value = item.as_table()) {
      readers.push_back(ConfigReader(document_, node_->child(*value, std::move(at))));
    } else {
      document_->report(line_of(item), std::move(at), "must be a table, not " + std::string(kind_of(item)));
    }
  }
  return readers;
}

std::vector<ConfigProblem> ConfigReader::finish() {
  node_->report_unknown(*document_);
  std::stable_sort(document_->problems.begin(), document_->problems.end(),
                   [](const ConfigProblem& a, const ConfigProblem& b) { return a.line < b.line; });
  return document_->problems;
}

}  // namespace latchkey
