#pragma once
/// Attributes of Mmaf answers and configurations, as typed values (TS-0032, TS-0003 12.4).
#include <string>
#include <vector>

#include "latchkey/codec/mmaf.h"
#include "latchkey/codec/primitive.h"
#include "latchkey/e2e/end_to_end_credential.h"

namespace latchkey::client {

namespace json = codec::json;
namespace mmaf = codec::mmaf;

/// What a MAF answered, as an Error when it refused.
[[nodiscard]] Error refused(const codec::ResponsePrimitive& response);
/// The attributes under `element`; invalid_argument when the answer has another form.
[[nodiscard]] Result<json::object> attributes_of(codec::ResponsePrimitive response, std::string_view element);
/// Empty when absent or no text.
[[nodiscard]] std::string text(const json::object& object, std::string_view name);
/// nullopt when absent; invalid_argument when not a list of texts.
[[nodiscard]] Result<std::optional<std::vector<std::string>>> labels_of(const json::object& object);
/// Empty when absent. One id as text, or a list.
[[nodiscard]] Result<std::vector<EntityId>> targets_of(const json::object& object, const SpId& home);
[[nodiscard]] Result<Suid> suid_of(const json::object& object);
/// nullopt when absent: no end-to-end credential.
[[nodiscard]] Result<std::optional<e2e::EndToEndParameters>> end_to_end_of(const json::object& object);
/// seid; nullopt when absent.
[[nodiscard]] Result<std::optional<EntityId>> source_entity_of(const json::object& object, const SpId& home);
/// et; expired when it is not after `now`.
[[nodiscard]] Result<TimePoint> future_expiry(const json::object& object, TimePoint now);

}  // namespace latchkey::client
