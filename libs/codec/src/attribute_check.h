#pragma once
#include "latchkey/codec/resource_types.h"

namespace latchkey::codec {

/// Whether `value` has the type and form of the attribute. The refusal does not name the attribute.
[[nodiscard]] Outcome<void> check_value(const AttributeSpec& spec, const json::value& value);

/// The forms of a subscription's eventNotificationCriteria, batchNotify and rateLimit
/// (TS-0004 6.3.5.9, 6.3.5.12, 6.3.5.13).
[[nodiscard]] Outcome<void> check_event_criteria(const json::value& value);
[[nodiscard]] Outcome<void> check_batch_notify(const json::value& value);
[[nodiscard]] Outcome<void> check_rate_limit(const json::value& value);

}  // namespace latchkey::codec
