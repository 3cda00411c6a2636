#pragma once
/// The texts that answers carry, kept while their resources stay as they are.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "resource.h"

namespace latchkey::cse {

/// A cache of bounded size. A text stands with its resource, so that one that is kept costs no lookup; room
/// is made in turn around the ring, past what was asked for since the last time (second chance). Whoever
/// changes or removes a resource drops it here first; one that is kept does not move.
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
  void keep(const Resource& resource, const Text& text);
  void make_room() noexcept;

  std::vector<const Resource*> ring_;
  std::size_t next_ = 0;  ///< where the next eviction looks first
  std::size_t octets_ = 0;
};

}  // namespace latchkey::cse
