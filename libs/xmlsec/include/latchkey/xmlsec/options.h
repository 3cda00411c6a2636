#pragma once
#include <cstddef>

namespace latchkey::xmlsec {

inline constexpr std::size_t kXmlDepthMax = 16;
inline constexpr std::size_t kXmlTagOctetsMax = 4096;  ///< of one tag with its attributes
inline constexpr std::size_t kXmlSignaturesMax = 16;
inline constexpr std::size_t kXmlRecipientsMax = 64;

/// How many elements and declarations of namespaces a document may have. Of signatures fewer: a canonical
/// form looks up every namespace in scope for every element, which costs with the square of the one.
struct Bounds {
  std::size_t elements, namespaces;
};
inline constexpr Bounds kSignatureBounds{.elements = 512, .namespaces = 64};
inline constexpr Bounds kEncryptionBounds{.elements = 2048, .namespaces = 512};

struct ReadOptions {
  std::size_t octets = 8 * 1024 * 1024;  ///< of the whole text
  /// Accept algorithm identifiers also as TS-0003 8.5.3 prints them, without their hyphens
  /// (xmldsigmore#rsasha256 for xmldsig-more#rsa-sha256). What is written is always the W3C's.
  bool printed_identifiers = false;
};

}  // namespace latchkey::xmlsec
