#pragma once
/// The nine procedures of TS-0003 8.8.2 as functions from a request to an answer and the changes it makes. No
/// I/O.
#include <memory>
#include <string>
#include <unordered_map>

#include "latchkey/maf/maf.h"
#include "registry.h"
#include "trust_enabling.h"

namespace latchkey::maf {

/// One request on its way; `client` is the canonical authenticated identity, never what From says alone.
struct Call {
  bind::IncomingRequest request;
  std::string client;
  const EntityId* identity;
  const MafClientPolicy* policy;
};

struct Answer {
  codec::ResponsePrimitive response;
  store::Batch changes;
  AuditEventId event = AuditEventId::key_refused;
  std::string reason;
};

[[nodiscard]] Answer refusal(const Call& call, codec::Rsc rsc, std::string why);

class Procedures {
 public:
  /// References outlive this object. Reactor's thread only.
  Procedures(const MafOptions& options, Registry& registry, const secure_env::SecureEnvironment& environment,
             const Clock& clock)
      : options_(options), registry_(registry), environment_(environment), clock_(clock) {}

  /// Identifies the client, finds the procedure by operation and target, runs it.
  [[nodiscard]] Answer run(Call& call);

 private:
  [[nodiscard]] codec::Outcome<void> identify(Call& call) const;
  [[nodiscard]] codec::Outcome<const ClientRegistration*> own_registration(const Call& call,
                                                                           const std::string& id) const;
  [[nodiscard]] codec::Outcome<const KeyRegistration*> own_key(const Call& call, const std::string& id) const;

  [[nodiscard]] Answer create(Call& call, const std::string& parent);
  [[nodiscard]] Answer register_client(Call& call);                          // 8.8.2.3
  [[nodiscard]] Answer register_key(Call& call, const std::string& parent);  // 8.8.2.7
  [[nodiscard]] Answer retrieve(Call& call, const std::string& id, bool configuration);
  [[nodiscard]] Answer retrieve_base(Call& call) const;
  [[nodiscard]] Answer retrieve_configuration(Call& call, const std::string& id) const;  // 8.8.2.4
  [[nodiscard]] Answer retrieve_key(Call& call, const KeyRegistration& key) const;       // 8.8.2.8
  [[nodiscard]] Answer update(Call& call, const std::string& id);                        // 8.8.2.5, 8.8.2.9
  [[nodiscard]] Answer remove(Call& call, const std::string& id);                        // 8.8.2.6, 8.8.2.10

  struct Metadata;
  [[nodiscard]] codec::Outcome<Metadata> check_metadata(const Call& call, const json::object& attributes,
                                                        std::chrono::seconds longest) const;
  [[nodiscard]] codec::Outcome<std::vector<std::string>> check_targets(const Call& call, Suid suid,
                                                                       const json::value* given) const;
  [[nodiscard]] codec::Outcome<Suid> check_suid(const json::object& attributes) const;
  struct KeyOrder;
  [[nodiscard]] codec::Outcome<KeyOrder> read_key_order(Call& call, const std::string& parent) const;
  [[nodiscard]] Answer registered(const Call& call, KeyRegistration key, json::object told);
  struct KeyMaterial;
  [[nodiscard]] codec::Outcome<KeyMaterial> key_material(const Call& call, std::optional<SecretBytes> value);
  [[nodiscard]] codec::Outcome<KeyMaterial> exported_key(const Call& call);
  [[nodiscard]] std::string new_key_id() const;
  [[nodiscard]] codec::Outcome<KeyMaterial> end_to_end_material(const Call& call,
                                                                const EndToEndParties& parties,
                                                                const json::object& asked,
                                                                std::optional<SecretBytes> value);  // 8.6
  [[nodiscard]] codec::Outcome<void> seal(const KeyMaterial& material, KeyRegistration& key) const;
  /// Adds what a source and the targets are told of an end-to-end credential.
  [[nodiscard]] codec::Outcome<void> put_end_to_end(const KeyRegistration& key,
                                                    json::object& attributes) const;
  [[nodiscard]] codec::Outcome<void> check_new_targets(const Call& call, const KeyRegistration& key) const;

  const MafOptions& options_;
  Registry& registry_;
  const secure_env::SecureEnvironment& environment_;
  const Clock& clock_;
  std::unordered_map<std::uint64_t, std::weak_ptr<bind::Channel>>
      exported_;  // sessions whose exporter was used
};

}  // namespace latchkey::maf
