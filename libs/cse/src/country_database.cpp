#include "latchkey/cse/country_database.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <maxminddb.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace latchkey::cse {
namespace {

constexpr off_t kFileOctetsMax = 512LL << 20;

class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

Error system_error(const std::string& path) { return {ErrorCode::io, path + ": " + std::strerror(errno)}; }

/// A file that is replaced in place would end the process that has it mapped: the library is given a copy
/// that nobody else can reach.
Status copy(const std::string& path, int to) {
  const Descriptor from(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (from.get() < 0) return fail(system_error(path));
  struct stat status {};
  if (::fstat(from.get(), &status) != 0) return fail(system_error(path));
  if (!S_ISREG(status.st_mode)) return fail(ErrorCode::io, path + ": no regular file");
  std::vector<char> buffer(1U << 20U);
  for (off_t total = 0;;) {
    const auto size = ::read(from.get(), buffer.data(), buffer.size());
    if (size < 0) return fail(system_error(path));
    if (size == 0) return {};
    total += size;
    if (total > kFileOctetsMax) return fail(ErrorCode::io, path + ": larger than 512 MiB");
    if (::write(to, buffer.data(), static_cast<std::size_t>(size)) != size) return fail(system_error(path));
  }
}

bool is_country_code(std::string_view text) noexcept {
  return text.size() == 2 && std::ranges::all_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool is_v4_mapped(const authz::IpAddress& address) noexcept {
  constexpr std::array<std::uint8_t, 12> kPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::ranges::equal(kPrefix, std::span(address).first(kPrefix.size()));
}

MMDB_lookup_result_s look_up(const MMDB_s& database, const authz::IpAddress& address, int& error) {
  sockaddr_in6 v6{};
  sockaddr_in v4{};
  const bool mapped = is_v4_mapped(address);
  v4.sin_family = AF_INET;
  std::memcpy(&v4.sin_addr, address.data() + 12, 4);
  v6.sin6_family = AF_INET6;
  std::memcpy(&v6.sin6_addr, address.data(), address.size());
  // A database of IPv4 has no answer for IPv6, which the library reports as an error.
  return MMDB_lookup_sockaddr(
      &database, mapped ? reinterpret_cast<const sockaddr*>(&v4) : reinterpret_cast<const sockaddr*>(&v6),
      &error);
}

}  // namespace

struct CountryDatabase::File {
  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (open) MMDB_close(&database);
  }
  MMDB_s database{};
  bool open = false;
};

CountryDatabase::CountryDatabase(std::string path, std::shared_ptr<const File> file)
    : path_(std::move(path)), file_(std::move(file)) {}
CountryDatabase::~CountryDatabase() = default;

Result<std::shared_ptr<const CountryDatabase::File>> CountryDatabase::read(const std::string& path) {
  const Descriptor memory(::memfd_create("countries", MFD_CLOEXEC));
  if (memory.get() < 0) return fail(system_error("memory for " + path));
  if (auto copied = copy(path, memory.get()); !copied) return fail(copied.error());
  auto file = std::make_shared<File>();
  const auto name = "/proc/self/fd/" + std::to_string(memory.get());
  const int status = MMDB_open(name.c_str(), MMDB_MODE_MMAP, &file->database);
  if (status != MMDB_SUCCESS) return fail(ErrorCode::invalid_argument, path + ": " + MMDB_strerror(status));
  file->open = true;
  const auto& metadata = file->database.metadata;
  const std::string_view type = metadata.database_type == nullptr ? "" : metadata.database_type;
  if (type.find("Country") == std::string_view::npos && type.find("City") == std::string_view::npos)
    return fail(ErrorCode::invalid_argument, path + ": its type is none of countries");
  return file;
}

Result<std::unique_ptr<CountryDatabase>> CountryDatabase::open(std::string path) {
  auto file = read(path);
  if (!file) return fail(file.error());
  return std::unique_ptr<CountryDatabase>(new CountryDatabase(std::move(path), *std::move(file)));
}

Status CountryDatabase::reload() {
  auto file = read(path_);
  if (!file) return fail(file.error());
  const std::lock_guard lock(mutex_);
  file_ = *std::move(file);
  return {};
}

std::shared_ptr<const CountryDatabase::File> CountryDatabase::file() const {
  const std::lock_guard lock(mutex_);
  return file_;
}

std::optional<std::string> CountryDatabase::country(const authz::IpAddress& address) const {
  const auto current = file();
  int error = MMDB_SUCCESS;
  auto found = look_up(current->database, address, error);
  if (error != MMDB_SUCCESS || !found.found_entry) return std::nullopt;
  MMDB_entry_data_s code{};
  const char* const path[] = {"country", "iso_code", nullptr};
  if (MMDB_aget_value(&found.entry, &code, path) != MMDB_SUCCESS || !code.has_data ||
      code.type != MMDB_DATA_TYPE_UTF8_STRING)
    return std::nullopt;
  const std::string_view text(code.utf8_string, code.data_size);
  return is_country_code(text) ? std::optional<std::string>(text) : std::nullopt;
}

}  // namespace latchkey::cse
