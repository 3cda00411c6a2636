#include "places.h"

namespace latchkey::cse {

Status Places::take(const std::string& originator) {
  if (taken_ >= most_) return fail(ErrorCode::limit, "too many questions at once");
  auto& own = of_originator_[originator];
  if (own >= most_of_one_) return fail(ErrorCode::limit, "too many questions at once for this originator");
  ++own;
  ++taken_;
  return {};
}

void Places::give_back(const std::string& originator) {
  --taken_;
  const auto own = of_originator_.find(originator);
  if (--own->second == 0) of_originator_.erase(own);
}

}  // namespace latchkey::cse
