#pragma once
/// What a response carries: a value, or text that whoever made it keeps for the next answer too.
#include <boost/json/value.hpp>
#include <concepts>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace latchkey::codec {

namespace json = boost::json;

/// Reads like the json::value that it is or stands for; a text is parsed when somebody first reads it, and a
/// binding writes it as it is. Not thread-safe.
class Content {
 public:
  using Text = std::shared_ptr<const std::string>;

  Content() noexcept = default;
  template <class T>
    requires(!std::same_as<std::remove_cvref_t<T>, Content> && std::constructible_from<json::value, T &&>)
  Content(T&& value) : value_(std::forward<T>(value)) {}  // NOLINT: a value is content
  /// `text`, not null, is what to_text made of a value other than null. Others read it too: it holds no key.
  [[nodiscard]] static Content kept(Text text);

  [[nodiscard]] bool is_null() const noexcept { return text_ == nullptr && value_.is_null(); }
  [[nodiscard]] const json::value& value() const;
  /// For whoever takes it apart.
  [[nodiscard]] json::value& value();
  [[nodiscard]] operator const json::value&() const { return value(); }  // NOLINT: see above

  [[nodiscard]] bool is_object() const { return value().is_object(); }
  [[nodiscard]] const json::object* if_object() const { return value().if_object(); }
  [[nodiscard]] const json::object& get_object() const { return value().get_object(); }
  [[nodiscard]] json::object& get_object() { return value().get_object(); }
  [[nodiscard]] const json::object& as_object() const { return value().as_object(); }
  [[nodiscard]] json::object& as_object() { return value().as_object(); }
  [[nodiscard]] const json::value& at(json::string_view name) const { return value().at(name); }

  /// The text, if there is one and nobody has taken it apart; else null.
  [[nodiscard]] const Text& text() const noexcept { return text_; }

  friend bool operator==(const Content& a, const Content& b) { return a.value() == b.value(); }
  friend bool operator==(const Content& a, const json::value& b) { return a.value() == b; }
  friend bool operator==(const Content& a, const json::object& b) { return a.value() == json::value(b); }

 private:
  Text text_;
  mutable json::value value_;  ///< with a text: null until somebody reads it
};

/// As that of a value; a kept text holds no key, and stays.
void wipe(Content& content) noexcept;

}  // namespace latchkey::codec
