#pragma once
/// The MAF's records in memory with their indexes; every change also goes into a Batch. Reactor's thread
/// only.
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "latchkey/store/store.h"
#include "records.h"

namespace latchkey::maf {

class Registry {
 public:
  /// Reads every record; one that cannot be read is an error, since a lost key registration would go
  /// unnoticed.
  [[nodiscard]] Status load(const store::Store& store);

  /// nullptr: absent or expired at `now`.
  [[nodiscard]] const ClientRegistration* client(const std::string& id, TimePoint now) const;
  [[nodiscard]] const KeyRegistration* key(const std::string& id, TimePoint now) const;
  [[nodiscard]] const ClientRegistration* client_of(const std::string& client, const std::string& admin_fqdn,
                                                    TimePoint now) const;
  /// When the key ends: with its registration, at the latest. That may have been shortened after the key was
  /// made.
  [[nodiscard]] TimePoint end_of(const KeyRegistration& key) const;
  [[nodiscard]] bool key_id_in_use(const std::string& id) const { return keys_.contains(id); }
  [[nodiscard]] std::size_t keys_of(const std::string& registration) const;

  /// Next identifiers "macr000001" / "MACR000001" and "SK00001"; the counters are stored with the record.
  void put_new(ClientRegistration& registration, store::Batch& batch);
  void put_new(KeyRegistration& key, store::Batch& batch);
  void update(ClientRegistration registration, store::Batch& batch);
  void update(KeyRegistration key, store::Batch& batch);
  /// Also its keys.
  void remove_client(const std::string& id, store::Batch& batch);
  void remove_key(const std::string& id, store::Batch& batch);
  /// Removes up to `limit` records whose time has passed; returns how many.
  std::size_t expire(TimePoint now, std::size_t limit, store::Batch& batch);

  [[nodiscard]] std::size_t client_count() const { return clients_.size(); }
  [[nodiscard]] std::size_t key_count() const { return keys_.size(); }
  [[nodiscard]] std::size_t due_count() const { return due_.size(); }  ///< ends that are waited for

 private:
  void insert(ClientRegistration registration);
  void insert(KeyRegistration key);
  std::uint64_t next(std::string_view counter, std::uint64_t& value, store::Batch& batch);

  /// Exactly one for each record, by its present end: a client that changes a record at will adds none.
  struct Due {
    TimePoint at;
    bool is_key;
    std::string id;
    friend auto operator<=>(const Due&, const Due&) = default;
  };
  std::unordered_map<std::string, ClientRegistration> clients_;
  std::unordered_map<std::string, KeyRegistration> keys_;
  std::unordered_map<std::string, std::string> by_client_;  // client + '\n' + folded adminFQDN -> id
  std::unordered_map<std::string, std::unordered_set<std::string>> keys_of_;
  std::set<Due> due_;
  std::uint64_t next_client_ = 0, next_key_ = 0;
};

}  // namespace latchkey::maf
