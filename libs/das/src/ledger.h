#pragma once
/// What the DAS keeps: everything it gave away, and role assignments on their way. Memory answers, the store
/// remembers.
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "latchkey/das/das.h"

namespace latchkey::das {

[[nodiscard]] std::string to_record(const Issued& issued);
[[nodiscard]] std::string to_record(const Assignment& assignment);
/// `io` when the stored text is not what to_record wrote.
[[nodiscard]] Result<Issued> issued_from_record(std::string_view text);
[[nodiscard]] Result<Assignment> assignment_from_record(std::string_view text);

/// Every change also goes into the batch that makes it durable. Not thread-safe.
class Ledger {
 public:
  [[nodiscard]] Status load(const store::Store& store);

  void put(Issued issued, store::Batch& batch);
  void put(Assignment assignment, store::Batch& batch);
  /// Marks it; false: unknown, or revoked before.
  bool revoke(const std::string& id, store::Batch& batch);

  /// A secured request that a token was issued for: it gets no second one.
  void use(const std::string& request, TimePoint end, store::Batch& batch);
  [[nodiscard]] bool used(const std::string& request) const { return used_.contains(request); }

  /// nullptr: unknown, or its time has passed.
  [[nodiscard]] const Issued* issued(const std::string& id, TimePoint now) const;
  [[nodiscard]] const Assignment* assignment(const std::string& id) const;
  /// Of one grant to one holder, neither ended nor revoked.
  [[nodiscard]] std::size_t live(const std::string& grant, const std::string& holder, TimePoint now) const;
  /// A policy of this grant for that target was revoked and would not have ended: its CSE, when it asks
  /// again, is not given the same anew.
  [[nodiscard]] bool recalled(const std::string& grant, const std::string& holder, const std::string& target,
                              TimePoint now) const;
  /// By a <role> or a token of ours, neither ended nor revoked.
  [[nodiscard]] bool holds_role(const std::string& holder, std::string_view role_id, TimePoint now) const;
  /// Empty holder: all. In the order of their ids.
  [[nodiscard]] std::vector<const Issued*> list(std::string_view holder, TimePoint now) const;
  [[nodiscard]] const std::map<std::string, Assignment>& assignments() const noexcept { return assignments_; }
  [[nodiscard]] std::size_t size() const noexcept { return issued_.size(); }

  /// Removes up to `limit` records whose time has passed.
  std::size_t expire(TimePoint now, std::size_t limit, store::Batch& batch);

 private:
  void insert(Issued issued);
  void insert(Assignment assignment);
  void insert_used(const std::string& request, TimePoint end);
  [[nodiscard]] Status load_used(const store::Store& store);
  void forget_issued(const std::string& id);

  enum class Space : std::uint8_t { issued, assignments, used };
  struct Due {
    TimePoint at;
    Space space;
    std::string id;
    friend auto operator<=>(const Due&, const Due&) = default;
  };
  std::map<std::string, Issued> issued_;
  std::map<std::string, Assignment> assignments_;
  std::unordered_map<std::string, std::set<std::string>> of_holder_;
  std::set<Due> due_;
  std::set<std::string> used_;
};

}  // namespace latchkey::das
