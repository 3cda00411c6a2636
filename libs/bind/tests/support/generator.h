#pragma once
/// Random primitives within what HTTP carries, the same for the same seed.
#include <random>
#include <string>

#include "latchkey/codec/primitive.h"

namespace latchkey::bind::test {

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : engine_(seed) {}
  [[nodiscard]] codec::RequestPrimitive request();
  [[nodiscard]] codec::ResponsePrimitive response();

 private:
  std::uint64_t number(std::uint64_t least, std::uint64_t most) {
    return std::uniform_int_distribution<std::uint64_t>(least, most)(engine_);
  }
  bool coin() { return number(0, 1) == 1; }
  std::string pick(std::initializer_list<const char*> pieces, std::size_t most);
  std::string field_text();
  std::string name();
  std::string address();
  std::string token();
  TimePoint time();
  codec::json::value content();
  codec::FilterCriteria filter();
  template <class Make>
  auto list(Make make) {
    std::vector<decltype(make())> out(number(0, 3));
    for (auto& entry : out) entry = make();
    return out;
  }
  template <class Make>
  auto maybe(Make make) -> std::optional<decltype(make())> {
    if (coin()) return make();
    return std::nullopt;
  }

  std::mt19937_64 engine_;
};

}  // namespace latchkey::bind::test
