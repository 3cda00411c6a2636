#pragma once
/// What a <subscription> asks for (TS-0001 9.6.8, TS-0004 7.4.8), read once per change and not per event.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core.h"

namespace latchkey::cse {

/// notificationEventType (TS-0004 6.3.4.2.19).
enum Net : std::uint64_t {
  net_update = 1,
  net_delete = 2,
  net_child_created = 3,
  net_child_deleted = 4,
  net_empty_retrieved = 5
};
/// notificationContentType.
enum Nct : std::uint64_t { nct_all = 1, nct_modified = 2, nct_resource_id = 3 };
/// eventCategory of a notification of which only the newest is wanted.
inline constexpr std::uint32_t kLatest = 4;
/// Of a batch for which the subscriber names no duration (TS-0004 7.4.8.2.1: as the provider sets it).
inline constexpr std::string_view kBatchDuration = "PT1M";

/// Notifications go out together: that many, or those of this time after the first.
struct BatchPolicy {
  std::optional<std::uint64_t> number;
  std::chrono::milliseconds duration{};
};
/// At most `number` events in a window; the windows follow each other.
struct RatePolicy {
  std::uint64_t number = 0;
  std::chrono::milliseconds window{};
};

struct Subscription {
  Resource* resource = nullptr;
  std::vector<std::uint64_t> events;
  std::vector<std::uint64_t> child_types;  ///< chty; empty: every type
  std::vector<std::string> attributes;     ///< atr: an update must touch one of them; empty: any
  std::uint64_t content = nct_all;
  std::vector<std::string> targets;
  std::optional<std::uint64_t> expires_after;  ///< exc: notifications that are left
  std::optional<BatchPolicy> batch;
  std::optional<RatePolicy> rate;
  bool latest = false;                    ///< ln
  std::optional<std::uint32_t> category;  ///< of the Notify requests
};

[[nodiscard]] Subscription read_subscription(Resource& resource);
/// nu of the attributes.
[[nodiscard]] std::vector<std::string> targets_of(const json::object& attributes);
/// TS-0004 7.4.8.2.1: combinations that mean nothing are 4000; what is not offered here is 5001 by its name.
[[nodiscard]] Outcome<void> check_subscription(const Resource& subject, const json::object& attributes);
/// Whether the criteria match the event.
[[nodiscard]] bool matches(const Subscription& subscription, const ResourceEvent& event);
[[nodiscard]] std::uint64_t net_of(EventKind kind) noexcept;

}  // namespace latchkey::cse
