#pragma once
/// XML as far as XML security needs it: elements, attributes and text. Everything that would have to be
/// looked up, expanded or skipped is refused before the parser sees it.
#include <libxml/tree.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/base/bytes.h"
#include "latchkey/xmlsec/options.h"

namespace latchkey::xmlsec {

/// An element of a Document, which must outlive it.
class Element {
 public:
  explicit Element(const xmlNode* node) noexcept : node_(node) {}
  [[nodiscard]] bool is(std::string_view space, std::string_view name) const noexcept;
  [[nodiscard]] std::string_view name() const noexcept;
  /// invalid_argument: an attribute beside these, or one in a namespace.
  [[nodiscard]] Status only_attributes(std::initializer_list<std::string_view> names) const;
  [[nodiscard]] std::optional<std::string> attribute(std::string_view name) const;
  /// invalid_argument: an element inside.
  [[nodiscard]] Result<std::string> text() const;
  /// Octets in base64, line breaks allowed.
  [[nodiscard]] Result<Bytes> base64() const;
  /// invalid_argument: text between elements that is not white.
  [[nodiscard]] Result<std::vector<Element>> children() const;
  [[nodiscard]] const xmlNode* node() const noexcept { return node_; }

 private:
  const xmlNode* node_;
};

/// The children of an element in the order of its schema.
class Sequence {
 public:
  /// As Element::children().
  [[nodiscard]] static Result<Sequence> of(const Element& parent);
  [[nodiscard]] std::optional<Element> next_if(std::string_view space, std::string_view name);
  /// invalid_argument: another one stands here, or none.
  [[nodiscard]] Result<Element> next(std::string_view space, std::string_view name);
  /// invalid_argument: something is left.
  [[nodiscard]] Status end() const;
  [[nodiscard]] bool done() const noexcept { return at_ == elements_.size(); }

 private:
  std::string parent_;
  std::vector<Element> elements_;
  std::size_t at_ = 0;
};

enum class Canonical : std::uint8_t { inclusive_1_0, inclusive_1_1, exclusive };

class Document {
 public:
  /// UTF-8 text. invalid_argument: not well-formed, a DTD, comment, CDATA section or processing instruction,
  /// an Id twice; limit: too long, too deep, too many elements, a tag that is too long.
  [[nodiscard]] static Result<Document> parse(std::string_view text, const ReadOptions& options,
                                              const Bounds& bounds);
  [[nodiscard]] Element root() const noexcept;
  /// Canonical XML of `apex` and everything in it, without comments. invalid_argument: it has none.
  [[nodiscard]] Result<std::string> canonical(const Element& apex, Canonical mode) const;

 private:
  struct Free {
    void operator()(xmlDoc* doc) const noexcept { xmlFreeDoc(doc); }
  };
  explicit Document(xmlDoc* doc) noexcept : doc_(doc) {}
  std::unique_ptr<xmlDoc, Free> doc_;
};

/// Text without control characters as it stands in canonical XML.
[[nodiscard]] std::string escaped_text(std::string_view text);
[[nodiscard]] std::string escaped_attribute(std::string_view text);

}  // namespace latchkey::xmlsec
