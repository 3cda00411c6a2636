#include "document.h"

#include <libxml/c14n.h>
#include <libxml/parser.h>

#include <algorithm>
#include <mutex>
#include <set>

namespace latchkey::xmlsec {
namespace {

tl::unexpected<Error> bad(std::string why) { return fail(ErrorCode::invalid_argument, std::move(why)); }
tl::unexpected<Error> beyond(std::string what) { return fail(ErrorCode::limit, std::move(what)); }

std::string_view view(const xmlChar* text) noexcept {
  return text == nullptr ? std::string_view() : std::string_view(reinterpret_cast<const char*>(text));
}
bool white(char c) noexcept { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool all_white(std::string_view text) noexcept { return std::ranges::all_of(text, white); }

/// What stands before the parser: libxml2 compares the attributes of a tag in pairs, recurses into elements,
/// and knows more of XML than is wanted here.
class Scan {
 public:
  Scan(std::string_view text, const Bounds& bounds) : text_(text), bounds_(bounds) {}

  Status run() {
    if (text_.find('\0') != std::string_view::npos) return bad("XML with a zero octet");
    if (auto skipped = skip_declaration(); !skipped) return skipped;
    for (at_ = text_.find('<', at_); at_ != std::string_view::npos; at_ = text_.find('<', at_))
      if (auto read = tag(); !read) return read;
    return {};
  }

 private:
  Status skip_declaration() {
    constexpr std::size_t kDeclarationMax = 128;
    if (!text_.starts_with("<?xml")) return {};
    const auto end = text_.substr(0, kDeclarationMax).find("?>");
    if (end == std::string_view::npos) return bad("XML declaration without an end");
    at_ = end;
    return {};
  }
  Status tag() {
    const std::size_t start = at_;
    const char first = start + 1 < text_.size() ? text_[start + 1] : '\0';
    if (first == '!') return bad("XML with a DTD, a comment or a CDATA section");
    if (first == '?') return bad("XML with a processing instruction");
    char quote = '\0';
    std::size_t end = at_ + 1;
    for (; end < text_.size(); ++end) {
      if (end - at_ > kXmlTagOctetsMax) return beyond("XML tag of excessive length");
      const char c = text_[end];
      if (quote != '\0') {
        if (c == quote) quote = '\0';
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '>') {
        break;
      }
    }
    if (end == text_.size()) return bad("XML tag without an end");
    at_ = end;
    if (first == '/') {
      if (depth_ > 0) --depth_;
      return {};
    }
    if (++elements_ > bounds_.elements) return beyond("XML of too many elements");
    const std::string_view inside = text_.substr(start, end - start);
    for (auto it = inside.find("xmlns"); it != std::string_view::npos; it = inside.find("xmlns", it + 1))
      if (++namespaces_ > bounds_.namespaces) return beyond("XML of too many namespaces");
    if (text_[end - 1] != '/' && ++depth_ > kXmlDepthMax) return beyond("XML of excessive depth");
    return {};
  }

  std::string_view text_;
  Bounds bounds_;
  std::size_t at_ = 0, depth_ = 0, elements_ = 0, namespaces_ = 0;
};

const xmlNode* next_in(const xmlNode* node, const xmlNode* apex) noexcept {
  if (node->children != nullptr) return node->children;
  while (node != apex && node->next == nullptr) node = node->parent;
  return node == apex ? nullptr : node->next;
}

std::string value_of(const xmlAttr* attribute) {
  std::string out;
  for (const xmlNode* part = attribute->children; part != nullptr; part = part->next)
    out += view(part->content);
  return out;
}

bool names_an_id(const xmlAttr* attribute) noexcept {
  std::string name(view(attribute->name));
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return name == "id";
}

/// Nothing but elements, attributes and text; no Id twice.
Status check_nodes(const xmlNode* root) {
  std::set<std::string> ids;
  for (const xmlNode* node = root; node != nullptr; node = next_in(node, root)) {
    if (node->type == XML_TEXT_NODE) continue;
    if (node->type != XML_ELEMENT_NODE) return bad("XML with a node that is no element and no text");
    for (const xmlAttr* it = node->properties; it != nullptr; it = it->next) {
      for (const xmlNode* part = it->children; part != nullptr; part = part->next)
        if (part->type != XML_TEXT_NODE) return bad("XML attribute with an entity");
      if (names_an_id(it) && !ids.insert(value_of(it)).second) return bad("an Id stands twice");
    }
  }
  return {};
}

extern "C" int is_inside(void* apex, xmlNodePtr node, xmlNodePtr parent) {
  // Attributes and namespaces are where their element is; the latter are no nodes, and have no parent.
  const xmlNode* at = node->type == XML_NAMESPACE_DECL || node->type == XML_ATTRIBUTE_NODE ? parent : node;
  for (; at != nullptr; at = at->parent)
    if (at == apex) return 1;
  return 0;
}

int mode_of(Canonical mode) noexcept {
  switch (mode) {
    case Canonical::inclusive_1_0:
      return XML_C14N_1_0;
    case Canonical::inclusive_1_1:
      return XML_C14N_1_1;
    case Canonical::exclusive:
      break;
  }
  return XML_C14N_EXCLUSIVE_1_0;
}

}  // namespace

Result<Document> Document::parse(std::string_view text, const ReadOptions& options, const Bounds& bounds) {
  static std::once_flag once;
  std::call_once(once, xmlInitParser);
  if (text.size() > options.octets) return beyond("XML of excessive length");
  if (auto scanned = Scan(text, bounds).run(); !scanned) return fail(std::move(scanned.error()));
  const std::unique_ptr<xmlParserCtxt, void (*)(xmlParserCtxt*)> context(xmlNewParserCtxt(),
                                                                         xmlFreeParserCtxt);
  if (context == nullptr) broken_invariant("no memory for XML");
  // An encoding that is given is not looked for in the text, so that the scan above has seen what is parsed.
  Document out(xmlCtxtReadMemory(context.get(), text.data(), static_cast<int>(text.size()), nullptr, "UTF-8",
                                 XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING));
  if (out.doc_ == nullptr || context->wellFormed != 1 || context->nsWellFormed != 1)
    return bad("not well-formed XML");
  if (out.doc_->intSubset != nullptr || out.doc_->extSubset != nullptr) return bad("XML with a DTD");
  const xmlNode* const root = xmlDocGetRootElement(out.doc_.get());
  if (root == nullptr || root->next != nullptr || root->prev != nullptr) return bad("XML without one root");
  if (auto checked = check_nodes(root); !checked) return fail(std::move(checked.error()));
  return out;
}

Element Document::root() const noexcept { return Element(xmlDocGetRootElement(doc_.get())); }

Result<std::string> Document::canonical(const Element& apex, Canonical mode) const {
  const std::unique_ptr<xmlBuffer, void (*)(xmlBuffer*)> buffer(xmlBufferCreate(), xmlBufferFree);
  xmlOutputBuffer* const out =
      buffer == nullptr ? nullptr : xmlOutputBufferCreateBuffer(buffer.get(), nullptr);
  if (out == nullptr) broken_invariant("no memory for XML");
  const int size = xmlC14NExecute(doc_.get(), is_inside, const_cast<xmlNode*>(apex.node()), mode_of(mode),
                                  nullptr, 0, out);
  const int closed = xmlOutputBufferClose(out);
  if (size < 0 || closed < 0) return bad("XML without a canonical form");  // a relative namespace
  return std::string(view(xmlBufferContent(buffer.get())));
}

bool Element::is(std::string_view space, std::string_view name) const noexcept {
  return node_->ns != nullptr && view(node_->ns->href) == space && view(node_->name) == name;
}
std::string_view Element::name() const noexcept { return view(node_->name); }

Status Element::only_attributes(std::initializer_list<std::string_view> names) const {
  for (const xmlAttr* it = node_->properties; it != nullptr; it = it->next)
    if (it->ns != nullptr || std::ranges::find(names, view(it->name)) == names.end())
      return bad(std::string(name()) + " with the attribute " + std::string(view(it->name)));
  return {};
}

std::optional<std::string> Element::attribute(std::string_view wanted) const {
  for (const xmlAttr* it = node_->properties; it != nullptr; it = it->next)
    if (it->ns == nullptr && view(it->name) == wanted) return value_of(it);
  return {};
}

Result<std::string> Element::text() const {
  std::string out;
  for (const xmlNode* it = node_->children; it != nullptr; it = it->next) {
    if (it->type != XML_TEXT_NODE) return bad("an element inside " + std::string(name()));
    out += view(it->content);
  }
  return out;
}

Result<Bytes> Element::base64() const {
  auto encoded = text();
  if (!encoded) return fail(std::move(encoded.error()));
  std::erase_if(*encoded, white);
  auto octets = from_base64(*encoded);
  if (!octets) return fail(name(), std::move(octets.error()));
  return octets;
}

Result<std::vector<Element>> Element::children() const {
  std::vector<Element> out;
  for (const xmlNode* it = node_->children; it != nullptr; it = it->next) {
    if (it->type == XML_ELEMENT_NODE)
      out.emplace_back(it);
    else if (!all_white(view(it->content)))
      return bad("text inside " + std::string(name()));
  }
  return out;
}

Result<Sequence> Sequence::of(const Element& parent) {
  auto elements = parent.children();
  if (!elements) return fail(std::move(elements.error()));
  Sequence out;
  out.parent_ = parent.name();
  out.elements_ = std::move(*elements);
  return out;
}

std::optional<Element> Sequence::next_if(std::string_view space, std::string_view name) {
  if (done() || !elements_[at_].is(space, name)) return {};
  return elements_[at_++];
}

Result<Element> Sequence::next(std::string_view space, std::string_view name) {
  if (auto found = next_if(space, name)) return *found;
  return bad(parent_ + " without " + std::string(name) + " where it belongs");
}

Status Sequence::end() const {
  if (done()) return {};
  // What is legal and not offered is named; the rest is an error of form.
  return fail(ErrorCode::unsupported, parent_ + " with " + std::string(elements_[at_].name()));
}

namespace {
std::string escape(std::string_view text, char third, std::string_view name) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == third)
      out += name;
    else
      out += c;
  }
  return out;
}
}  // namespace

std::string escaped_text(std::string_view text) { return escape(text, '>', "&gt;"); }
std::string escaped_attribute(std::string_view text) { return escape(text, '"', "&quot;"); }

}  // namespace latchkey::xmlsec
