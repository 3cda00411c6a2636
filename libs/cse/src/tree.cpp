#include "tree.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "latchkey/codec/resource_types.h"
#include "records.h"

namespace latchkey::cse {

namespace {

constexpr std::uint64_t kSerialBlock = 1024;

SiblingList& list_of(Resource& parent, const Resource& child) {
  return child.is(codec::Ty::cin) ? parent.instances : parent.children;
}

void append(SiblingList& list, Resource& resource) {
  resource.previous = list.last;
  resource.next = nullptr;
  (list.last != nullptr ? list.last->next : list.first) = &resource;
  list.last = &resource;
  ++list.count;
}

void take_out(SiblingList& list, Resource& resource) {
  (resource.previous != nullptr ? resource.previous->next : list.first) = resource.next;
  (resource.next != nullptr ? resource.next->previous : list.last) = resource.previous;
  resource.previous = resource.next = nullptr;
  --list.count;
}

std::string base36(std::uint64_t number) {
  std::string text;
  for (; number != 0; number /= 36) text += "0123456789abcdefghijklmnopqrstuvwxyz"[number % 36];
  std::ranges::reverse(text);
  return text;
}

struct VirtualName {
  codec::Ty parent;
  std::string_view name;
  VirtualChild child;
};
constexpr std::array kVirtualNames{
    VirtualName{codec::Ty::cnt, "la", VirtualChild::latest},
    VirtualName{codec::Ty::cnt, "ol", VirtualChild::oldest},
    VirtualName{codec::Ty::grp, "fopt", VirtualChild::fan_out},
    VirtualName{codec::Ty::pch, "pcu", VirtualChild::polling_uri},
};

VirtualChild virtual_child(const Resource& parent, std::string_view name) {
  for (const auto& entry : kVirtualNames) {
    if (parent.is(entry.parent) && name == entry.name) return entry.child;
  }
  return VirtualChild::none;
}

std::vector<Resource*> all_of(const std::unordered_multimap<std::string, Resource*>& index, const CseId& id) {
  std::vector<Resource*> found;
  const auto [first, last] = index.equal_range(id.absolute());
  for (auto at = first; at != last; ++at) found.push_back(at->second);
  return found;
}

bool lives(const Resource& resource, TimePoint now) { return !resource.expires || *resource.expires > now; }

std::string role_key(std::string_view role_id, std::string_view holder) {
  return std::string(holder) + "\n" + std::string(role_id);
}

template <class Key>
void erase_entry(std::unordered_multimap<Key, Resource*>& index, const std::type_identity_t<Key>& key,
                 const Resource& resource) {
  const auto [first, last] = index.equal_range(key);
  const auto at = std::find_if(first, last, [&](const auto& entry) { return entry.second == &resource; });
  if (at != last) index.erase(at);
}

}  // namespace

bool ResourceTree::DueOrder::operator()(const Resource* a, const Resource* b) const noexcept {
  const auto due_a = a->expires.value_or(TimePoint::max()), due_b = b->expires.value_or(TimePoint::max());
  return due_a != due_b ? due_a < due_b : a->ri < b->ri;
}

// Changes.

Resource& ResourceTree::insert(std::unique_ptr<Resource> resource, Resource* parent, std::uint64_t sequence,
                               store::Batch& batch) {
  Resource& added = *resource;
  before_change(added);
  if (added.serial == 0) added.serial = new_serial(batch);
  added.expires = expiration_of(added.attributes);
  by_id_.emplace(added.ri, std::move(resource));
  link(added, parent);
  index(added);
  added.changed = sequence;
  if (parent != nullptr) parent->changed = sequence;
  // The answer to a CREATE is this text too.
  const auto text = representations_.of(added);
  batch.put(kSpace, added.ri, to_record(added, Representations::attributes_in(added, *text)));
  return added;
}

void ResourceTree::update(Resource& resource, const boost::json::object& changes, std::uint64_t sequence,
                          store::Batch& batch) {
  unindex(resource);
  merge(resource, changes, sequence);
  resource.expires = expiration_of(resource.attributes);
  index(resource);
  batch.put(kSpace, resource.ri, to_record(resource));
}

void ResourceTree::count(Resource& resource, const boost::json::object& changes, std::uint64_t sequence) {
  merge(resource, changes, sequence);
  counted_.insert(&resource);
}

void ResourceTree::write_counted(store::Batch& batch) {
  for (const Resource* const resource : counted_) batch.put(kSpace, resource->ri, to_record(*resource));
  counted_.clear();
}

void ResourceTree::merge(Resource& resource, const boost::json::object& changes, std::uint64_t sequence) {
  before_change(resource);
  if (changes.contains("acpi")) resource.governing.reset();
  for (const auto& member : changes) {
    if (member.value().is_null()) {
      resource.attributes.erase(member.key());
    } else {
      resource.attributes.insert_or_assign(member.key(), member.value());
    }
  }
  resource.changed = sequence;
}

void ResourceTree::remove(Resource& resource, std::uint64_t sequence, store::Batch& batch) {
  before_change(resource);
  counted_.erase(&resource);
  unindex(resource);
  if (resource.parent != nullptr) resource.parent->changed = sequence;
  unlink(resource);
  batch.remove(kSpace, resource.ri);
  by_id_.erase(by_id_.find(resource.ri));
}

void ResourceTree::before_change(const Resource& resource) noexcept {
  representations_.drop(resource);
  if (resource.is(codec::Ty::acp)) ++policy_generation_;
}

void ResourceTree::link(Resource& resource, Resource* parent) {
  resource.parent = parent;
  if (parent == nullptr) {
    base_ = &resource;
    return;
  }
  append(list_of(*parent, resource), resource);
  parent->by_name.emplace(resource.rn, &resource);
}

void ResourceTree::unlink(Resource& resource) {
  if (resource.parent == nullptr) return;
  take_out(list_of(*resource.parent, resource), resource);
  resource.parent->by_name.erase(resource.rn);
}

void ResourceTree::index(Resource& resource) {
  if (resource.expires) due_.insert(&resource);
  if (resource.is(codec::Ty::ae)) {
    if (const auto id = AeId::from_stem(resource.ri, own_)) aes_[id->absolute()] = &resource;
  }
  if (resource.is(codec::Ty::rol))
    roles_.emplace(role_key(resource.text("rlid"), resource.text("tkhd")), &resource);
  if (resource.is(codec::Ty::tk)) tokens_.emplace(resource.text("tkid"), &resource);
  if (resource.dynamic) dynamic_.emplace(resource.parent, &resource);
  if (!resource.is(codec::Ty::csr) && !resource.is(codec::Ty::svsn)) return;
  const auto csi = CseId::parse(resource.text("csi"), own_.sp());
  if (csi && resource.is(codec::Ty::svsn)) nodes_.emplace(csi->absolute(), &resource);
  if (!resource.is(codec::Ty::csr)) return;
  if (csi) cses_[csi->absolute()] = &resource;
  if (remote_cses_changed) remote_cses_changed();
  const auto* const below = resource.list("dcse");
  if (below == nullptr) return;
  for (const auto& entry : *below) {
    const auto id = CseId::parse(std::string_view(entry.get_string()), own_.sp());
    if (id) descendants_.emplace(id->absolute(), &resource);
  }
}

void ResourceTree::unindex(Resource& resource) {
  if (resource.expires) due_.erase(&resource);
  if (resource.is(codec::Ty::ae)) {
    if (const auto id = AeId::from_stem(resource.ri, own_)) aes_.erase(id->absolute());
  }
  if (resource.is(codec::Ty::rol))
    erase_entry(roles_, role_key(resource.text("rlid"), resource.text("tkhd")), resource);
  if (resource.is(codec::Ty::tk)) {
    const std::string token_id(resource.text("tkid"));
    erase_entry(tokens_, token_id, resource);
    if (token_gone) token_gone(token_id);
  }
  if (resource.dynamic) erase_entry(dynamic_, resource.parent, resource);
  const auto of_this = [&](const auto& entry) { return entry.second == &resource; };
  if (resource.is(codec::Ty::svsn)) std::erase_if(nodes_, of_this);
  if (!resource.is(codec::Ty::csr)) return;
  if (remote_cses_changed) remote_cses_changed();
  if (const auto id = CseId::parse(resource.text("csi"), own_.sp())) cses_.erase(id->absolute());
  std::erase_if(descendants_, of_this);
}

// Ids.

std::uint64_t ResourceTree::new_serial(store::Batch& batch) {
  if (next_serial_ >= reserved_) {
    reserved_ = next_serial_ + kSerialBlock;
    batch.put(kCounterSpace, "serial", std::to_string(reserved_));
  }
  return next_serial_++;
}

std::string ResourceTree::new_id(std::uint32_t ty, store::Batch& batch) {
  const auto* const type = codec::resource_type(ty);
  const std::string_view element = type != nullptr ? type->element : "m2m:r";
  return std::string(element.substr(element.find(':') + 1)) + base36(new_serial(batch));
}

// Lookups.

Resource* ResourceTree::find(std::string_view ri) const noexcept {
  const auto at = by_id_.find(ri);
  return at != by_id_.end() ? at->second.get() : nullptr;
}

Target ResourceTree::walk(Resource* from, const std::vector<std::string>& segments, std::size_t first) const {
  Resource* at = from;
  for (std::size_t i = first; i < segments.size(); ++i) {
    if (const auto child = at->by_name.find(segments[i]); child != at->by_name.end()) {
      at = child->second;
      continue;
    }
    const auto child = virtual_child(*at, segments[i]);
    const auto rest = segments.begin() + static_cast<std::ptrdiff_t>(i) + 1;
    if (child == VirtualChild::fan_out) return {at, child, {rest, segments.end()}, at->changed};
    if (child != VirtualChild::none && rest == segments.end()) return {at, child, {}, at->changed};
    return {nullptr, VirtualChild::none, {}, at->changed};
  }
  return {at, VirtualChild::none, {}, at->changed};
}

Target ResourceTree::resolve(const std::vector<std::string>& segments) const {
  if (segments.empty()) return walk(base_, segments, 0);
  if (segments.front() == "-" || segments.front() == base_->rn) return walk(base_, segments, 1);
  Resource* const named = find(segments.front());
  if (named == nullptr) return {nullptr, VirtualChild::none, {}, base_->changed};
  return walk(named, segments, 1);
}

Resource* ResourceTree::registree(const ResourceAddress& address) const {
  if (address.scope == ResourceAddress::Scope::cse_relative) return nullptr;
  if (!address.sp.empty() && address.sp != own_.sp().fqdn().folded()) return nullptr;
  if (!address.cse.starts_with('S')) return nullptr;
  const auto id = AeId::from_stem(address.cse, own_);
  return id ? find_ae(*id) : nullptr;
}

bool ResourceTree::hosts(const ResourceAddress& address) const {
  if (address.scope == ResourceAddress::Scope::cse_relative) return true;
  const bool own_sp = address.sp.empty() || address.sp == own_.sp().fqdn().folded();
  return (own_sp && address.cse == own_.stem()) || registree(address) != nullptr;
}

Target ResourceTree::resolve(const ResourceAddress& address) const {
  if (!hosts(address)) return {};
  Resource* const ae = address.cse == own_.stem() ? nullptr : registree(address);
  return ae != nullptr ? walk(ae, address.segments, 0) : resolve(address.segments);
}

Target ResourceTree::resolve(std::string_view text) const {
  const auto address = ResourceAddress::parse(text);
  return address ? resolve(*address) : Target{};
}

std::string ResourceTree::path(const Resource& resource) const {
  std::vector<const Resource*> way;
  for (const Resource* at = &resource; at != nullptr; at = at->parent) way.push_back(at);
  std::string text;
  for (auto at = way.rbegin(); at != way.rend(); ++at) {
    if (!text.empty()) text += '/';
    text += (*at)->rn;
  }
  return text;
}

std::string ResourceTree::sp_relative_path(const Resource& resource) const {
  return own_.sp_relative() + "/" + path(resource);
}

Resource* ResourceTree::find_ae(const AeId& id) const {
  const auto at = aes_.find(id.absolute());
  return at != aes_.end() ? at->second : nullptr;
}

Resource* ResourceTree::find_cse(const CseId& id) const {
  const auto at = cses_.find(id.absolute());
  return at != cses_.end() ? at->second : nullptr;
}

std::vector<Resource*> ResourceTree::next_hops(const CseId& id) const {
  if (Resource* const direct = find_cse(id)) return {direct};
  return all_of(descendants_, id);
}

std::vector<std::string> ResourceTree::cses_below(const std::optional<CseId>& above) const {
  const auto registrar = above ? above->absolute() : std::string();
  std::set<std::string> found;
  const auto add = [&](const std::string& absolute) {
    const auto id = CseId::parse(absolute, own_.sp());
    if (id && absolute != registrar && *id != own_)
      found.insert(id->sp() == own_.sp() ? id->sp_relative() : absolute);
  };
  for (const auto& [id, resource] : cses_) add(id);
  for (const auto& [id, resource] : descendants_)
    if (!above || resource != find_cse(*above)) add(id);
  return {found.begin(), found.end()};
}

std::vector<Resource*> ResourceTree::subscribed_nodes(const CseId& id) const { return all_of(nodes_, id); }

std::vector<Resource*> ResourceTree::dynamic_policies(const Resource& target) const {
  std::vector<Resource*> found;
  if (dynamic_.empty()) return found;
  const auto [first, last] = dynamic_.equal_range(&target);
  for (auto at = first; at != last; ++at) found.push_back(at->second);
  return found;
}

std::vector<Resource*> ResourceTree::roles(std::string_view role_id, std::string_view holder,
                                           TimePoint now) const {
  std::vector<Resource*> found;
  const auto [first, last] = roles_.equal_range(role_key(role_id, holder));
  for (auto at = first; at != last; ++at)
    if (lives(*at->second, now)) found.push_back(at->second);
  return found;
}

std::vector<Resource*> ResourceTree::held_by(std::string_view holder, TimePoint now) const {
  std::vector<Resource*> found;
  for (const auto* const all : {&roles_, &tokens_})
    for (const auto& [key, resource] : *all)
      if (resource->text("tkhd") == holder && lives(*resource, now)) found.push_back(resource);
  return found;
}

Resource* ResourceTree::find_token(const std::string& token_id, TimePoint now) const {
  const auto [first, last] = tokens_.equal_range(token_id);
  const auto at = std::find_if(first, last, [&](const auto& entry) { return lives(*entry.second, now); });
  return at != last ? at->second : nullptr;
}

void ResourceTree::for_each_descendant(Resource& resource, const std::function<void(Resource&)>& visit) {
  // Not by recursion: a client decides how deep containers are nested.
  std::vector<Resource*> found{&resource};
  for (std::size_t i = 0; i < found.size(); ++i) {
    for (const auto* list : {&found[i]->children, &found[i]->instances}) {
      for (Resource* child = list->first; child != nullptr; child = child->next) found.push_back(child);
    }
  }
  for (std::size_t i = found.size(); i > 1; --i) visit(*found[i - 1]);
}

std::optional<TimePoint> ResourceTree::next_expiry() const {
  return due_.empty() ? std::nullopt : (*due_.begin())->expires;
}

Resource* ResourceTree::expired(TimePoint now) const {
  const auto next = next_expiry();
  return next && *next <= now ? *due_.begin() : nullptr;
}

// Start.

Status ResourceTree::take(std::string_view ri, std::string_view record) {
  auto resource = from_record(ri, record);
  if (!resource) return fail(resource.error());
  Resource& added = **resource;
  next_serial_ = std::max(next_serial_, added.serial + 1);
  by_id_.emplace(added.ri, std::move(*resource));
  return {};
}

Status ResourceTree::link_all() {
  std::vector<Resource*> all;
  all.reserve(by_id_.size());
  for (const auto& [ri, resource] : by_id_) all.push_back(resource.get());
  std::ranges::sort(all, {}, &Resource::serial);
  for (Resource* const resource : all) {
    const auto pi = resource->text("pi");
    Resource* const parent = pi.empty() ? nullptr : find(pi);
    if (!pi.empty() && parent == nullptr) {
      return fail(ErrorCode::internal, "resource " + resource->ri + " has no parent " + std::string(pi));
    }
    if (pi.empty() && base_ != nullptr) return fail(ErrorCode::internal, "two resources without parent");
    link(*resource, parent);
    index(*resource);
  }
  if (!all.empty() && base_ == nullptr) return fail(ErrorCode::internal, "no CSEBase among the resources");
  return {};
}

Status ResourceTree::load(const store::Store& store) {
  Status taken;
  const auto scanned = store.scan(kSpace, [&](std::string_view key, std::string_view value) {
    taken = take(key, value);
    return taken.has_value();
  });
  if (!scanned) return fail(scanned.error());
  if (!taken) return taken;
  const auto counter = store.get(kCounterSpace, "serial");
  if (counter) {
    std::uint64_t reserved = 0;
    const auto read = std::from_chars(counter->data(), counter->data() + counter->size(), reserved);
    if (read.ec != std::errc())
      return fail(ErrorCode::internal, "the counter of serial numbers cannot be read");
    next_serial_ = std::max(next_serial_, reserved);
  } else if (counter.error().code != ErrorCode::not_found) {
    return fail(counter.error());
  }
  reserved_ = next_serial_;
  return link_all();
}

}  // namespace latchkey::cse
