#pragma once
/// The MAF as Trust Enabling Function for end-to-end security (TS-0003 8.6, 9.2.3): which parameters a
/// credential has, and who demands what of it. No I/O.
#include <string>
#include <vector>

#include "latchkey/codec/primitive.h"
#include "latchkey/e2e/end_to_end_credential.h"
#include "latchkey/maf/maf.h"

namespace latchkey::maf {

namespace json = boost::json;

/// Between whom: what the operator said of them holds for the credential. References outlive it.
struct EndToEndParties {
  const MafOptions& options;
  const MafClientPolicy* source;  ///< nullptr: a client that no policy names
  const std::vector<std::string>& targets;
  Suid suid;
};

/// AE-ID or CSE-ID that a client stands for; contents_unacceptable: none is known.
[[nodiscard]] codec::Outcome<EntityId> end_point_of(const MafClientPolicy* policy, const EntityId& client);

/// 8.6.2: what the TEF gives to a source that asks with a profile, or with none where the operator has one:
/// the demands of source, targets and request together.
[[nodiscard]] codec::Outcome<e2e::EndToEndParameters> provision_parameters(const EndToEndParties& parties,
                                                                           const json::object& asked,
                                                                           e2e::MasterOrigin origin);
/// 8.6.3: what a source registers with a key of its own.
[[nodiscard]] codec::Outcome<e2e::EndToEndParameters> read_registered_parameters(const json::object& given);
/// Whether all parties may use keys with these parameters.
[[nodiscard]] codec::Outcome<void> check_parties(const EndToEndParties& parties,
                                                 const e2e::EndToEndParameters& parameters);

/// For the record, to be sealed: salt, labels and scope are for source and targets alone.
[[nodiscard]] SecretBytes to_secret(const e2e::EndToEndParameters& parameters);
[[nodiscard]] Result<json::object> from_secret(const SecretBytes& text);

}  // namespace latchkey::maf
