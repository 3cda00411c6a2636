#pragma once
/// What the PSK table file and the import file have in common: lines of fields, errors that name all bad
/// lines.
#include <array>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include "latchkey/secure_env/psk_table.h"

namespace latchkey::secure_env {

/// Collects the bad lines of one file.
class LineErrors {
 public:
  explicit LineErrors(std::string file) : file_(std::move(file)) {}
  void add(std::size_t line, std::string_view reason);
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  /// invalid_argument, one line of text a bad line.
  [[nodiscard]] Error error() const;

 private:
  std::string file_, text_;
  std::size_t count_ = 0;
};

/// The fields of a line; views into it.
using Fields = std::array<std::string_view, 5>;

/// nullopt: nothing to visit (blank, comment, or an error, which has been added).
[[nodiscard]] std::optional<Fields> split_line(std::string_view line, std::size_t number, LineErrors& errors);

/// Calls `visit(line number, fields)` for each line that is neither blank nor a comment and has 4 or 5
/// fields; the fifth is empty if it is not there. Other lines become errors.
template <class Visit>
void for_each_line(std::string_view text, LineErrors& errors, Visit&& visit) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (const auto fields = split_line(line, number, errors)) visit(number, *fields);
  }
}

/// Entity, identity, SUID and expiry of a line (fields 0, 1, 3, 4); `key` is left to the caller.
[[nodiscard]] Result<PskEntry> parse_entry(const Fields& fields, const SpId& home);
/// The line of a table file, with its newline.
[[nodiscard]] std::string format_entry(const PskEntry& entry);

/// PSK use in a TLS handshake: SUID 11, 21 (MAF) and 12, 22 (SAEF).
[[nodiscard]] bool is_psk_suid(Suid suid) noexcept;

/// Identities by what a peer may send for them (10.5, 10.6). Positions are those of the caller's entries.
class IdentityIndex {
 public:
  /// False if the identity could be taken for one that is there.
  [[nodiscard]] bool add(const PskEntry& entry, std::size_t position);
  [[nodiscard]] std::optional<std::size_t> find(std::string_view identity) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  using Map = std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>>;
  Map exact_;                                    ///< relative part as it is, FQDN in lower case: KpsaIDs
  Map folded_;                                   ///< all in lower case: KmIDs
  std::unordered_set<std::string> kpsa_folded_;  ///< KpsaIDs in lower case: no KmID may be one
};

}  // namespace latchkey::secure_env
