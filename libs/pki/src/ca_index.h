#pragma once
/// index.jsonl of an authority: one line for each certificate it issued and one for each it revoked, oldest
/// first. Private to this library.
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/base/error.h"
#include "latchkey/base/time.h"
#include "latchkey/pki/certificate.h"

namespace latchkey::pki {

struct Revocation {
  TimePoint time{};
  std::string reason;  ///< RFC 5280 5.3.1 name, e.g. "keyCompromise"
};

class CaIndex {
 public:
  /// invalid_argument for a line that is not of this index: a damaged index must not make a revoked
  /// certificate good.
  [[nodiscard]] static Result<CaIndex> parse(std::string_view lines);
  void add_issued(const Certificate& certificate, TimePoint now);
  void add_revoked(const std::string& serial_hex, const Revocation& revocation);
  [[nodiscard]] bool issued(const std::string& serial_hex) const { return serials_.contains(serial_hex); }
  [[nodiscard]] bool revoked(const std::string& serial_hex) const;
  /// By serial number.
  [[nodiscard]] std::map<std::string, Revocation> revocations() const;
  [[nodiscard]] const std::string& lines() const noexcept { return lines_; }

 private:
  std::string lines_;
  std::map<std::string, std::optional<Revocation>> serials_;
};

}  // namespace latchkey::pki
