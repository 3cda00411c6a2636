#include "ledger.h"

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace latchkey::das {

namespace {

namespace json = boost::json;
using Kind = Issued::Kind;
using Step = Assignment::Step;

constexpr std::string_view kIssued = "iss", kAssignments = "asg", kUsed = "use";

constexpr std::array<std::pair<Kind, std::string_view>, 3> kKinds{
    {{Kind::policy, "policy"}, {Kind::token, "token"}, {Kind::role, "role"}}};
constexpr std::array<std::pair<Step, std::string_view>, 9> kSteps{{{Step::create_role, "create_role"},
                                                                   {Step::create_token, "create_token"},
                                                                   {Step::link_token, "link_token"},
                                                                   {Step::notify, "notify"},
                                                                   {Step::assigned, "assigned"},
                                                                   {Step::delete_token, "delete_token"},
                                                                   {Step::delete_role, "delete_role"},
                                                                   {Step::withdrawn, "withdrawn"},
                                                                   {Step::refused, "refused"}}};

/// Reads one stored object; the first thing that does not fit makes the whole record unreadable.
class RecordReader {
 public:
  explicit RecordReader(std::string_view text) {
    boost::system::error_code error;
    value_ = json::parse(text, error);
    ok_ = !error && value_.is_object();
  }
  std::string text(std::string_view key) {
    const auto* found = find(key);
    if (found == nullptr || !found->is_string()) return ok_ = false, std::string();
    return std::string(found->get_string());
  }
  TimePoint time(std::string_view key) {
    const auto parsed = parse_timestamp(text(key));
    if (!parsed) return ok_ = false, TimePoint{};
    return *parsed;
  }
  bool flag(std::string_view key) {
    const auto* found = find(key);
    if (found == nullptr || !found->is_bool()) return ok_ = false;
    return found->get_bool();
  }
  std::vector<std::string> list(std::string_view key) {
    std::vector<std::string> out;
    const auto* found = find(key);
    if (found == nullptr || !found->is_array()) return ok_ = false, out;
    for (const auto& entry : found->get_array()) {
      if (!entry.is_string()) return ok_ = false, out;
      out.emplace_back(entry.get_string());
    }
    return out;
  }
  template <class E, std::size_t N>
  E one_of(std::string_view key, const std::array<std::pair<E, std::string_view>, N>& names) {
    const auto name = text(key);
    const auto found = std::ranges::find(names, name, [](const auto& entry) { return entry.second; });
    if (found == names.end()) return ok_ = false, names.front().first;
    return found->first;
  }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  const json::value* find(std::string_view key) {
    return ok_ ? value_.get_object().if_contains(key) : nullptr;
  }
  json::value value_;
  bool ok_ = false;
};

json::array texts(const std::vector<std::string>& list) {
  json::array out;
  for (const auto& text : list) out.emplace_back(text);
  return out;
}

}  // namespace

std::string_view to_string(Kind kind) noexcept {
  return std::ranges::find(kKinds, kind, [](const auto& entry) { return entry.first; })->second;
}
std::string_view to_string(Step step) noexcept {
  return std::ranges::find(kSteps, step, [](const auto& entry) { return entry.first; })->second;
}

std::string to_record(const Issued& issued) {
  return json::serialize(json::object{{"id", issued.id},
                                      {"kind", to_string(issued.kind)},
                                      {"grant", issued.grant},
                                      {"holder", issued.holder},
                                      {"cse", issued.cse},
                                      {"target", issued.target},
                                      {"issued", format_timestamp(issued.issued)},
                                      {"end", format_timestamp(issued.not_after)},
                                      {"revoked", issued.revoked},
                                      {"roles", texts(issued.roles)},
                                      {"name", issued.name},
                                      {"jwt", issued.jwt}});
}

std::string to_record(const Assignment& assignment) {
  return json::serialize(json::object{{"id", assignment.id},
                                      {"role", assignment.role_id},
                                      {"holder", assignment.holder},
                                      {"name", assignment.name},
                                      {"begin", format_timestamp(assignment.not_before)},
                                      {"end", format_timestamp(assignment.not_after)},
                                      {"token", assignment.token_id},
                                      {"with_token", assignment.with_token},
                                      {"step", to_string(assignment.step)},
                                      {"reason", assignment.reason}});
}

Result<Issued> issued_from_record(std::string_view text) {
  RecordReader in(text);
  Issued out;
  out.id = in.text("id");
  out.kind = in.one_of("kind", kKinds);
  out.grant = in.text("grant");
  out.holder = in.text("holder");
  out.cse = in.text("cse");
  out.target = in.text("target");
  out.issued = in.time("issued");
  out.not_after = in.time("end");
  out.revoked = in.flag("revoked");
  out.roles = in.list("roles");
  out.name = in.text("name");
  out.jwt = in.text("jwt");
  if (!in.ok()) return fail(ErrorCode::io, "unreadable record of an issuance");
  return out;
}

Result<Assignment> assignment_from_record(std::string_view text) {
  RecordReader in(text);
  Assignment out;
  out.id = in.text("id");
  out.role_id = in.text("role");
  out.holder = in.text("holder");
  out.name = in.text("name");
  out.not_before = in.time("begin");
  out.not_after = in.time("end");
  out.token_id = in.text("token");
  out.with_token = in.flag("with_token");
  out.step = in.one_of("step", kSteps);
  out.reason = in.text("reason");
  if (!in.ok()) return fail(ErrorCode::io, "unreadable record of a role assignment");
  return out;
}

Status Ledger::load(const store::Store& store) {
  Status bad;
  auto read = [&](auto parse) {
    return [&bad, parse, this](std::string_view id, std::string_view text) {
      auto record = parse(text);
      if (record)
        insert(std::move(*record));
      else
        bad = fail("record " + std::string(id), record.error());
      return bad.has_value();
    };
  };
  if (auto ok = store.scan(kIssued, read(issued_from_record)); !ok) return ok;
  if (bad)
    if (auto ok = store.scan(kAssignments, read(assignment_from_record)); !ok) return ok;
  return bad ? load_used(store) : bad;
}

Status Ledger::load_used(const store::Store& store) {
  Status bad;
  const auto read = [&](std::string_view id, std::string_view text) {
    const auto end = parse_timestamp(text);
    if (end)
      insert_used(std::string(id), *end);
    else
      bad = fail(ErrorCode::io, "record " + std::string(id) + ": unreadable end of a secured request");
    return bad.has_value();
  };
  if (auto ok = store.scan(kUsed, read); !ok) return ok;
  return bad;
}

void Ledger::insert_used(const std::string& request, TimePoint end) {
  due_.insert({end, Space::used, request});
  used_.insert(request);
}

void Ledger::use(const std::string& request, TimePoint end, store::Batch& batch) {
  batch.put(kUsed, request, format_timestamp(end));
  insert_used(request, end);
}

void Ledger::insert(Issued issued) {
  due_.insert({issued.not_after, Space::issued, issued.id});
  of_holder_[issued.holder].insert(issued.id);
  auto id = issued.id;
  issued_.insert_or_assign(std::move(id), std::move(issued));
}

void Ledger::insert(Assignment assignment) {
  due_.insert({assignment.not_after, Space::assignments, assignment.id});
  auto id = assignment.id;
  assignments_.insert_or_assign(std::move(id), std::move(assignment));
}

void Ledger::put(Issued issued, store::Batch& batch) {
  batch.put(kIssued, issued.id, to_record(issued));
  insert(std::move(issued));
}

void Ledger::put(Assignment assignment, store::Batch& batch) {
  batch.put(kAssignments, assignment.id, to_record(assignment));
  insert(std::move(assignment));
}

bool Ledger::revoke(const std::string& id, store::Batch& batch) {
  const auto found = issued_.find(id);
  if (found == issued_.end() || found->second.revoked) return false;
  found->second.revoked = true;
  batch.put(kIssued, id, to_record(found->second));
  return true;
}

const Issued* Ledger::issued(const std::string& id, TimePoint now) const {
  const auto found = issued_.find(id);
  return found == issued_.end() || found->second.not_after <= now ? nullptr : &found->second;
}

const Assignment* Ledger::assignment(const std::string& id) const {
  const auto found = assignments_.find(id);
  return found == assignments_.end() ? nullptr : &found->second;
}

std::size_t Ledger::live(const std::string& grant, const std::string& holder, TimePoint now) const {
  const auto ids = of_holder_.find(holder);
  if (ids == of_holder_.end()) return 0;
  return static_cast<std::size_t>(std::ranges::count_if(ids->second, [&](const auto& id) {
    const auto* one = issued(id, now);
    return one != nullptr && !one->revoked && one->grant == grant;
  }));
}

bool Ledger::recalled(const std::string& grant, const std::string& holder, const std::string& target,
                      TimePoint now) const {
  const auto ids = of_holder_.find(holder);
  return ids != of_holder_.end() && std::ranges::any_of(ids->second, [&](const auto& id) {
           const auto* one = issued(id, now);
           return one != nullptr && one->kind == Kind::policy && one->revoked && one->grant == grant &&
                  one->target == target;
         });
}

bool Ledger::holds_role(const std::string& holder, std::string_view role_id, TimePoint now) const {
  const auto ids = of_holder_.find(holder);
  return ids != of_holder_.end() && std::ranges::any_of(ids->second, [&](const auto& id) {
           const auto* one = issued(id, now);
           return one != nullptr && !one->revoked &&
                  std::ranges::find(one->roles, role_id) != one->roles.end();
         });
}

std::vector<const Issued*> Ledger::list(std::string_view holder, TimePoint now) const {
  std::vector<const Issued*> out;
  for (const auto& [id, one] : issued_)
    if (one.not_after > now && (holder.empty() || one.holder == holder)) out.push_back(&one);
  return out;
}

void Ledger::forget_issued(const std::string& id) {
  const auto found = issued_.find(id);
  if (found == issued_.end()) return;
  if (const auto ids = of_holder_.find(found->second.holder); ids != of_holder_.end()) {
    ids->second.erase(id);
    if (ids->second.empty()) of_holder_.erase(ids);
  }
  issued_.erase(found);
}

std::size_t Ledger::expire(TimePoint now, std::size_t limit, store::Batch& batch) {
  std::size_t removed = 0;
  for (; !due_.empty() && due_.begin()->at <= now && removed < limit; ++removed) {
    const Due due = due_.extract(due_.begin()).value();
    switch (due.space) {
      case Space::issued:
        batch.remove(kIssued, due.id);
        forget_issued(due.id);
        break;
      case Space::assignments:
        batch.remove(kAssignments, due.id);
        assignments_.erase(due.id);
        break;
      case Space::used:
        batch.remove(kUsed, due.id);
        used_.erase(due.id);
        break;
    }
  }
  return removed;
}

}  // namespace latchkey::das
