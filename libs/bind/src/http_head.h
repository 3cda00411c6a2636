#pragma once
/// The head of an HTTP message as views into the octets it was read from: only the fields that mean something
/// here (TS-0009 6.4), found once by the parser.
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace latchkey::bind {

enum class Field : std::uint8_t {
  host,
  web_origin,  ///< "Origin" of a browser
  content_type,
  content_encoding,
  accept,
  authorization,
  expect,
  content_location,
  retry_after,
  m2m_origin,
  m2m_ri,
  m2m_rvi,
  m2m_rsc,
  m2m_ot,
  m2m_ret,
  m2m_rst,
  m2m_oet,
  m2m_ec,
  m2m_gid,
  m2m_rtu,
  m2m_ati,
  m2m_cts,
  m2m_cto,
  m2m_vsi,
  m2m_as,
  count,
};
[[nodiscard]] std::string_view to_string(Field field) noexcept;  ///< as written in a message
/// Field::count for a name that is not known here.
[[nodiscard]] Field field_of(std::string_view name) noexcept;

class Fields {
 public:
  /// Absent is a null view; present and empty is not null.
  [[nodiscard]] std::string_view operator[](Field field) const noexcept {
    return values_[static_cast<std::size_t>(field)];
  }
  [[nodiscard]] bool has(Field field) const noexcept { return (*this)[field].data() != nullptr; }
  /// The first field that came twice and may not (all but Accept).
  [[nodiscard]] std::optional<Field> repeated() const noexcept { return repeated_; }
  [[nodiscard]] const std::vector<std::string_view>& more_accept() const noexcept { return more_accept_; }

  void add(Field field, std::string_view value);

 private:
  std::array<std::string_view, static_cast<std::size_t>(Field::count)> values_{};
  std::optional<Field> repeated_;
  std::vector<std::string_view> more_accept_;
};

struct RequestHead {
  std::string_view method;
  std::string_view target;
  Fields fields;
  bool keep_alive = true;
  bool has_body = false;
};

struct ResponseHead {
  int status = 0;
  Fields fields;
};

}  // namespace latchkey::bind
