#pragma once
/// The texts that answers carry, kept while their resources stay as they are.
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "resource.h"

namespace latchkey::cse {

/// A cache of bounded size that gives up what was not asked for the longest. Whoever changes or removes a
/// resource drops it here first.
class Representations {
 public:
  using Text = std::shared_ptr<const std::string>;
  static constexpr std::size_t kOctetsMax = 16U << 20U;
  /// A larger text is made anew each time: it would drive out many others.
  static constexpr std::size_t kTextOctetsMax = kOctetsMax / 256;

  /// {"m2m:cnt": attributes}, kept or made.
  [[nodiscard]] Text of(const Resource& resource);
  void drop(const Resource& resource) noexcept;
  /// The attributes within a text of that resource.
  [[nodiscard]] static std::string_view attributes_in(const Resource& resource,
                                                      std::string_view text) noexcept;

  /// Octets that it takes, about.
  [[nodiscard]] std::size_t octets() const noexcept { return octets_; }

 private:
  struct Entry {
    const Resource* resource;
    Text text;
  };
  using Entries = std::list<Entry>;
  void keep(const Resource& resource, const Text& text);
  void take_out(Entries::iterator entry) noexcept;

  Entries entries_;  ///< the one asked for last comes first
  std::unordered_map<const Resource*, Entries::iterator> places_;
  std::size_t octets_ = 0;
};

}  // namespace latchkey::cse
