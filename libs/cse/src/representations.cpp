#include "representations.h"

#include <utility>

#include "content.h"
#include "latchkey/codec/primitive.h"

namespace latchkey::cse {

namespace {

/// Of an entry besides its text: the string itself with its counter, the place in the ring.
constexpr std::size_t kEntryOctets = 80;
constexpr std::size_t kUsualOctets = 512;

std::size_t octets_of(const std::string& text) noexcept { return text.capacity() + kEntryOctets; }

std::string written(const Resource& resource) {
  std::string text;
  text.reserve(kUsualOctets);
  ((text += R"({")") += element_of(resource)) += R"(":)";
  codec::append_text(text, resource.attributes);
  text += '}';
  text.shrink_to_fit();  // it may stay for long
  return text;
}

}  // namespace

Representations::Text Representations::of(const Resource& resource) {
  auto& kept = resource.kept_text;
  if (kept.text != nullptr) {
    kept.asked_for = true;
    return kept.text;
  }
  auto text = std::make_shared<const std::string>(written(resource));
  if (octets_of(*text) <= kTextOctetsMax) keep(resource, text);
  return text;
}

void Representations::keep(const Resource& resource, const Text& text) {
  octets_ += octets_of(*text);
  while (octets_ > kOctetsMax) make_room();
  resource.kept_text = {.text = text, .place = ring_.size()};
  ring_.push_back(&resource);
}

void Representations::make_room() noexcept {
  if (next_ >= ring_.size()) next_ = 0;
  // The last of the ring, a new one, takes the place that becomes free: it is passed by, too.
  const Resource& candidate = *ring_[next_++];
  if (!std::exchange(candidate.kept_text.asked_for, false)) drop(candidate);
}

void Representations::drop(const Resource& resource) noexcept {
  auto& kept = resource.kept_text;
  if (kept.text == nullptr) return;
  octets_ -= octets_of(*kept.text);
  ring_[kept.place] = ring_.back();
  ring_[kept.place]->kept_text.place = kept.place;
  ring_.pop_back();
  kept = {};
}

std::string_view Representations::attributes_in(const Resource& resource, std::string_view text) noexcept {
  text.remove_prefix(element_of(resource).size() + std::string_view(R"({"":)").size());
  text.remove_suffix(1);
  return text;
}

}  // namespace latchkey::cse
