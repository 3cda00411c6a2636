#pragma once
/// The country of an address, from a database file that the operator supplies (TS-0003 Annex F.2.2).
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "latchkey/authz/pdp.h"
#include "latchkey/base/error.h"

namespace latchkey::cse {

/// A MaxMind DB file with country/iso_code, as in GeoLite2-Country. Thread-safe. The file is read once at
/// open() and reload(): what happens to it afterwards changes nothing.
class CountryDatabase {
 public:
  /// io: the file cannot be read, or is larger than 512 MiB; invalid_argument: no database of countries.
  [[nodiscard]] static Result<std::unique_ptr<CountryDatabase>> open(std::string path);
  ~CountryDatabase();
  CountryDatabase(const CountryDatabase&) = delete;
  CountryDatabase& operator=(const CountryDatabase&) = delete;

  /// Reads the file again; after an error the database is the one before.
  [[nodiscard]] Status reload();
  /// ISO 3166-1 alpha-2, upper case; nullopt: not known.
  [[nodiscard]] std::optional<std::string> country(const authz::IpAddress& address) const;

 private:
  struct File;
  CountryDatabase(std::string path, std::shared_ptr<const File> file);
  [[nodiscard]] static Result<std::shared_ptr<const File>> read(const std::string& path);
  [[nodiscard]] std::shared_ptr<const File> file() const;

  const std::string path_;
  mutable std::mutex mutex_;  ///< for `file_` alone
  std::shared_ptr<const File> file_;
};

}  // namespace latchkey::cse
