#pragma once
/// Text rules of HTTP/1.1 (RFC 9110, RFC 3986) that the mapping needs. All functions are pure and
/// thread-safe.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace latchkey::bind {

/// ASCII only; `lower` is in lower case already.
[[nodiscard]] bool equals_folded(std::string_view text, std::string_view lower) noexcept;
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;  ///< without outer SP and HTAB

/// Printable ASCII and blanks, none of them at an end: what a header field value holds unchanged.
[[nodiscard]] bool is_field_text(std::string_view text) noexcept;
[[nodiscard]] bool is_token(std::string_view text) noexcept;  ///< RFC 9110 5.6.2

/// Decodes %XX once; nullopt for a broken escape.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);
/// Appends `text` with everything escaped but unreserved characters and those of `also_plain`.
void percent_encode(std::string& out, std::string_view text, std::string_view also_plain);

/// The whole text as a decimal number; no sign, no blank, at most ten digits.
[[nodiscard]] std::optional<std::uint64_t> parse_decimal(std::string_view text) noexcept;

/// A name from outside as it may stand in an answer: printable ASCII, at most 64 octets.
[[nodiscard]] std::string shown(std::string_view text);

/// Content-Type as oneM2M uses it (TS-0009 6.4.2).
struct ContentType {
  std::string_view media_type;         ///< "type/subtype" as written
  std::optional<std::string_view> ty;  ///< resource type of a Create, not yet checked
  std::optional<std::string_view> charset;
};
/// nullopt for what is no media type, and for a parameter given twice.
[[nodiscard]] std::optional<ContentType> parse_content_type(std::string_view text) noexcept;

/// Form in which content is sent: the names of TS-0004 6.7 for the same JSON.
enum class Media : std::uint8_t { json, onem2m_resource, onem2m_notification };
[[nodiscard]] std::string_view to_string(Media media) noexcept;
/// nullopt for a media type that is not offered (XML, CBOR, others).
[[nodiscard]] std::optional<Media> media_of(std::string_view media_type) noexcept;

/// Accept (RFC 9110 12.5.1): the best of our forms for an answer, by quality, then by our own order.
struct Acceptable {
  bool malformed = false;
  std::optional<Media> media;  ///< nullopt: nothing we can send
};
[[nodiscard]] Acceptable parse_accept(std::string_view text) noexcept;

}  // namespace latchkey::bind
