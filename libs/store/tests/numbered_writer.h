#pragma once
/// A workload whose survivors can be judged: batch i writes two records, and batches are durable in the order
/// of i.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <vector>

#include "latchkey/store/store.h"

namespace latchkey::store::test {

/// Keys scatter over the tree, as resource identifiers do; the number is in the value.
inline std::string scattered_key(std::uint64_t number) {
  std::array<char, 20> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), number * 0x9e3779b97f4a7c15U, 16).ptr;
  return {text.data(), end};
}

inline Batch numbered_batch(std::uint64_t number, std::size_t value_size) {
  std::string value = std::to_string(number) + ":";
  value.resize(std::max(value_size, value.size()), static_cast<char>('a' + number % 26));
  Batch batch;
  batch.put("left", scattered_key(number), value);
  batch.put("right", scattered_key(number), std::move(value));
  return batch;
}

/// What is in a store after a crash.
struct Survivors {
  std::uint64_t count = 0;  ///< batches 0 .. count - 1 are there
  bool torn = false;        ///< half a batch
  bool gaps = false;        ///< a batch is there and an earlier one is not
};

inline Survivors survivors_of(const Store& store) {
  const auto numbers = [&](std::string_view space) {
    std::vector<std::uint64_t> found;
    EXPECT_TRUE(store.scan(space, [&](std::string_view key, std::string_view value) {
      std::uint64_t number = 0;
      std::from_chars(value.data(), value.data() + value.size(), number);
      EXPECT_EQ(key, scattered_key(number));
      EXPECT_EQ(value, numbered_batch(number, value.size()).changes().front().value) << "content changed";
      found.push_back(number);
      return true;
    }));
    std::sort(found.begin(), found.end());
    return found;
  };
  const auto left = numbers("left");
  return {.count = left.size(),
          .torn = left != numbers("right"),
          .gaps = !left.empty() && left.back() + 1 != left.size()};
}

}  // namespace latchkey::store::test
