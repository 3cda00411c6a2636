#pragma once
/// Generates valid primitives for property tests. The same seed gives the same sequence.
#include <random>
#include <string>
#include <vector>

#include "latchkey/codec/primitive.h"

namespace latchkey::codec::test {

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : engine_(seed) {}

  RequestPrimitive request();
  ResponsePrimitive response();
  FilterCriteria criteria();
  /// JSON of any shape, at most `depth` containers deep.
  json::value any_value(int depth);
  /// Any text that JSON can carry, control characters included.
  std::string any_text();
  /// Text as a parameter may hold it: no control characters, not empty.
  std::string text();
  /// Text without blanks and '+'.
  std::string token();
  TimePoint time();

 private:
  bool coin() { return number(0, 1) == 1; }
  std::uint64_t number(std::uint64_t least, std::uint64_t most) {
    return std::uniform_int_distribution<std::uint64_t>(least, most)(engine_);
  }
  std::string pick(std::initializer_list<const char*> pieces, std::size_t most);
  std::vector<std::string> tokens();
  std::uint32_t event_category() {
    return static_cast<std::uint32_t>(coin() ? number(2, 4) : number(100, 999));
  }
  json::value content();
  template <class T, class Make>
  void maybe(std::optional<T>& target, Make make) {
    if (coin()) target = static_cast<T>(make());
  }

  std::mt19937_64 engine_;
};

}  // namespace latchkey::codec::test
