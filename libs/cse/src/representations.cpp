#include "representations.h"

#include "content.h"
#include "latchkey/codec/primitive.h"

namespace latchkey::cse {

namespace {

/// Of an entry besides its text: the nodes of list and map, the string itself.
constexpr std::size_t kEntryOctets = 160;
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
  if (const auto known = places_.find(&resource); known != places_.end()) {
    entries_.splice(entries_.begin(), entries_, known->second);
    return known->second->text;
  }
  auto text = std::make_shared<const std::string>(written(resource));
  if (octets_of(*text) <= kTextOctetsMax) keep(resource, text);
  return text;
}

void Representations::keep(const Resource& resource, const Text& text) {
  octets_ += octets_of(*text);
  while (octets_ > kOctetsMax) take_out(std::prev(entries_.end()));
  entries_.push_front({&resource, text});
  places_.emplace(&resource, entries_.begin());
}

void Representations::drop(const Resource& resource) noexcept {
  if (const auto known = places_.find(&resource); known != places_.end()) take_out(known->second);
}

void Representations::take_out(Entries::iterator entry) noexcept {
  octets_ -= octets_of(*entry->text);
  places_.erase(entry->resource);
  entries_.erase(entry);
}

std::string_view Representations::attributes_in(const Resource& resource, std::string_view text) noexcept {
  text.remove_prefix(element_of(resource).size() + std::string_view(R"({"":)").size());
  text.remove_suffix(1);
  return text;
}

}  // namespace latchkey::cse
