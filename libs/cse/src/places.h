#pragma once
/// Bounds on questions to others that requests wait for.
#include <string>
#include <unordered_map>

#include "latchkey/base/error.h"

namespace latchkey::cse {

/// Questions under way, in all and for each originator.
class Places {
 public:
  Places(std::size_t most, std::size_t most_of_one) : most_(most), most_of_one_(most_of_one) {}
  /// ErrorCode::limit: no place is free; else the place is given back when the answer is there.
  [[nodiscard]] Status take(const std::string& originator);
  void give_back(const std::string& originator);

 private:
  const std::size_t most_, most_of_one_;
  std::size_t taken_ = 0;
  std::unordered_map<std::string, std::size_t> of_originator_;
};

}  // namespace latchkey::cse
