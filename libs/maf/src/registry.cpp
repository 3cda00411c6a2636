#include "registry.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace latchkey::maf {

namespace {

constexpr std::string_view kClients = "reg", kKeys = "key", kMeta = "meta";
constexpr std::string_view kNextClient = "next-client", kNextKey = "next-key";

std::string owner_key(const std::string& client, const std::string& admin_fqdn) {
  return client + '\n' + folded(admin_fqdn);
}

std::string numbered(const char* format, std::uint64_t number) {
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, format, static_cast<unsigned long long>(number));
  return buffer;
}

Status load_counter(const store::Store& store, std::string_view name, std::uint64_t& value) {
  const auto text = store.get(kMeta, name);
  if (!text) return text.error().code == ErrorCode::not_found ? Status{} : Status(fail(text.error()));
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{} || end != text->data() + text->size())
    return fail(ErrorCode::io, "unreadable counter " + std::string(name));
  return {};
}

}  // namespace

Status Registry::load(const store::Store& store) {
  if (auto ok = load_counter(store, kNextClient, next_client_); !ok) return ok;
  if (auto ok = load_counter(store, kNextKey, next_key_); !ok) return ok;
  Status bad;
  auto read = [&](auto parse) {
    return [&bad, parse, this](std::string_view id, std::string_view text) {
      auto record = parse(text);
      if (!record) {
        bad = fail("record " + std::string(id), record.error());
        return false;
      }
      insert(std::move(*record));
      return true;
    };
  };
  if (auto ok = store.scan(kClients, read(client_from_record)); !ok) return ok;
  if (bad)
    if (auto ok = store.scan(kKeys, read(key_from_record)); !ok) return ok;
  return bad;
}

void Registry::insert(ClientRegistration registration) {
  if (const auto old = clients_.find(registration.id); old != clients_.end())
    due_.erase({old->second.expires, false, registration.id});
  due_.insert({registration.expires, false, registration.id});
  by_client_[owner_key(registration.client, registration.admin_fqdn)] = registration.id;
  clients_.insert_or_assign(registration.id, std::move(registration));
}

void Registry::insert(KeyRegistration key) {
  if (const auto old = keys_.find(key.id); old != keys_.end())
    due_.erase({old->second.expires, true, key.id});
  due_.insert({key.expires, true, key.id});
  keys_of_[key.parent].insert(key.id);
  keys_.insert_or_assign(key.id, std::move(key));
}

const ClientRegistration* Registry::client(const std::string& id, TimePoint now) const {
  const auto found = clients_.find(id);
  return found == clients_.end() || found->second.expires <= now ? nullptr : &found->second;
}

const KeyRegistration* Registry::key(const std::string& id, TimePoint now) const {
  const auto found = keys_.find(id);
  if (found == keys_.end() || found->second.expires <= now) return nullptr;
  return client(found->second.parent, now) == nullptr ? nullptr : &found->second;
}

TimePoint Registry::end_of(const KeyRegistration& key) const {
  const auto parent = clients_.find(key.parent);
  return parent == clients_.end() ? key.expires : std::min(key.expires, parent->second.expires);
}

const ClientRegistration* Registry::client_of(const std::string& client_id, const std::string& admin_fqdn,
                                              TimePoint now) const {
  const auto found = by_client_.find(owner_key(client_id, admin_fqdn));
  return found == by_client_.end() ? nullptr : client(found->second, now);
}

std::size_t Registry::keys_of(const std::string& registration) const {
  const auto found = keys_of_.find(registration);
  return found == keys_of_.end() ? 0 : found->second.size();
}

std::uint64_t Registry::next(std::string_view counter, std::uint64_t& value, store::Batch& batch) {
  batch.put(kMeta, counter, std::to_string(++value));
  return value;
}

void Registry::put_new(ClientRegistration& registration, store::Batch& batch) {
  const auto number = next(kNextClient, next_client_, batch);
  registration.id = numbered("macr%06llu", number);
  if (registration.name.empty()) registration.name = numbered("MACR%06llu", number);
  // An expired registration of the same client gives way to the new one.
  if (const auto old = by_client_.find(owner_key(registration.client, registration.admin_fqdn));
      old != by_client_.end())
    remove_client(std::string(old->second), batch);
  batch.put(kClients, registration.id, to_record(registration));
  insert(registration);
}

void Registry::put_new(KeyRegistration& key, store::Batch& batch) {
  const auto number = next(kNextKey, next_key_, batch);
  if (key.name.empty()) key.name = numbered("SK%05llu", number);
  batch.put(kKeys, key.id, to_record(key));
  insert(key);
}

void Registry::update(ClientRegistration registration, store::Batch& batch) {
  batch.put(kClients, registration.id, to_record(registration));
  insert(std::move(registration));
}

void Registry::update(KeyRegistration key, store::Batch& batch) {
  batch.put(kKeys, key.id, to_record(key));
  insert(std::move(key));
}

void Registry::remove_client(const std::string& id, store::Batch& batch) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return;
  if (const auto keys = keys_of_.find(id); keys != keys_of_.end()) {
    const auto doomed = keys->second;
    for (const auto& key_id : doomed) remove_key(key_id, batch);
  }
  keys_of_.erase(id);
  by_client_.erase(owner_key(found->second.client, found->second.admin_fqdn));
  due_.erase({found->second.expires, false, id});
  batch.remove(kClients, id);
  clients_.erase(found);
}

void Registry::remove_key(const std::string& id, store::Batch& batch) {
  const auto found = keys_.find(id);
  if (found == keys_.end()) return;
  if (const auto siblings = keys_of_.find(found->second.parent); siblings != keys_of_.end())
    siblings->second.erase(id);
  due_.erase({found->second.expires, true, id});
  batch.remove(kKeys, id);
  keys_.erase(found);
}

std::size_t Registry::expire(TimePoint now, std::size_t limit, store::Batch& batch) {
  std::size_t removed = 0;
  while (!due_.empty() && due_.begin()->at <= now && removed < limit) {
    const Due due = due_.extract(due_.begin()).value();
    if (due.is_key)
      remove_key(due.id, batch);
    else
      remove_client(due.id, batch);
    ++removed;
  }
  return removed;
}

}  // namespace latchkey::maf
