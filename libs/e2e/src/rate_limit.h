#pragma once
/// How often each of many may ask for work: a token bucket by name.
#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <unordered_map>

#include "latchkey/base/time.h"
#include "latchkey/e2e/notified_end_point.h"

namespace latchkey::e2e {

/// At most `kNamesMax` buckets are kept; a name beyond them shares one with the others beyond. Not
/// thread-safe.
class RateLimit {
 public:
  static constexpr std::size_t kNamesMax = 10'000;
  explicit RateLimit(Rate rate) : rate_(rate), beyond_{rate.burst, {}} {}

  /// False: too often; nothing is taken.
  [[nodiscard]] bool take(std::string_view name, TimePoint now) {
    Bucket& bucket = of(name, now);
    bucket = filled(bucket, now);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

 private:
  struct Bucket {
    double tokens;
    TimePoint at;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const noexcept {
      return std::hash<std::string_view>()(name);
    }
  };

  [[nodiscard]] Bucket filled(Bucket bucket, TimePoint now) const {
    const std::chrono::duration<double> passed = now - bucket.at;
    return {std::min(rate_.burst, bucket.tokens + std::max(passed.count(), 0.0) * rate_.per_second), now};
  }

  Bucket& of(std::string_view name, TimePoint now) {
    if (const auto known = buckets_.find(name); known != buckets_.end()) return known->second;
    if (buckets_.size() >= kNamesMax) forget_full(now);
    if (buckets_.size() >= kNamesMax) return beyond_;
    return buckets_.emplace(std::string(name), Bucket{rate_.burst, now}).first->second;
  }

  /// A full bucket is as good as none. Looked for once a second at most: it costs as much as there are names.
  void forget_full(TimePoint now) {
    if (now - forgot_at_ < std::chrono::seconds(1)) return;
    forgot_at_ = now;
    std::erase_if(buckets_,
                  [&](const auto& named) { return filled(named.second, now).tokens >= rate_.burst; });
  }

  Rate rate_;
  std::unordered_map<std::string, Bucket, Hash, std::equal_to<>> buckets_;
  Bucket beyond_;
  TimePoint forgot_at_{};
};

}  // namespace latchkey::e2e
