/// group and its fan-out point (TS-0001 9.6.13, 10.2.7; TS-0004 7.4.13-14).
#include <deque>
#include <unordered_set>

#include "core.h"
#include "latchkey/base/bytes.h"
#include "latchkey/crypto/crypto.h"

namespace latchkey::cse {

namespace {

constexpr std::uint64_t kMixed = 0;
enum Consistency : std::uint64_t { abandon_member = 1, abandon_group = 2, set_mixed = 3 };
constexpr std::chrono::minutes kGidMemory{5};  // how long a gid is remembered to break loops,
constexpr std::size_t kGidsMax = 100'000;      // unless so many younger ones came

std::uint64_t number(const json::object& attributes, const Resource* old, std::string_view name,
                     std::uint64_t fallback) {
  const auto* value = attributes.if_contains(name);
  if (value != nullptr && value->is_number()) {
    boost::system::error_code error;
    const auto read = value->to_number<std::uint64_t>(error);
    return error ? fallback : read;
  }
  return old != nullptr ? old->number(name, fallback) : fallback;
}

/// Members in order, each once.
std::vector<std::string> members_of(const json::object& attributes, const Resource* old) {
  std::vector<std::string> out;
  std::unordered_set<std::string> seen;
  const auto* value = attributes.if_contains("mid");
  const auto* list = value != nullptr && value->is_array() ? &value->get_array()
                     : value == nullptr && old != nullptr  ? old->list("mid")
                                                           : nullptr;
  if (list == nullptr) return out;
  for (const auto& entry : *list)
    if (entry.is_string() && seen.insert(std::string(entry.get_string())).second)
      out.emplace_back(entry.get_string());
  return out;
}

class Groups final : public GroupFanout {
 public:
  explicit Groups(Core& core) : core_(core) {}

  void validate(const Request& request, const Resource* group, json::object attributes, Done done) override {
    auto check = std::make_shared<Check>();
    check->members = members_of(attributes, group);
    if (request.originator) check->owner = to_string(*request.originator);
    check->type = number(attributes, group, "mt", kMixed);
    check->strategy = number(attributes, group, "csy", abandon_member);
    check->attributes = std::move(attributes);
    check->done = std::move(done);
    const auto most = number(check->attributes, group, "mnm", 0);
    if (check->members.size() > most)
      return check->done(
          codec::refuse(Rsc::max_number_of_member_exceeded, "mid: more members than mnm allows"));
    check->types.resize(check->members.size());
    if (check->type == kMixed) return finish(*check);  // nothing to compare
    for (std::size_t i = 0; i < check->members.size(); ++i) learn_type(check, i);
    settle(*check);
  }

  [[nodiscard]] bool passed_on(const RequestPrimitive& request, const Resource& group) const override {
    return request.gid && gids_.contains(gid_key(*request.gid, group));
  }

  void handle(Request&& request, Resource& group, std::vector<std::string> suffix, Respond respond) override {
    const auto* list = group.list("mid");
    if (list == nullptr || list->empty())
      return core_.refuse(request, {Rsc::no_members, "the group has no members"}, std::move(respond));
    if (auto allowed = take_share(request, list->size()); !allowed)
      return core_.refuse(request, std::move(allowed).error(), std::move(respond));

    auto fan = std::make_shared<FanOut>();
    fan->waiting = list->size();
    for (const auto& entry : *list)
      fan->targets.push_back(member_target(std::string_view(entry.get_string()), suffix));
    auto member = request.primitive();
    if (!member.gid) member.gid = to_hex(crypto::random_bytes(8));
    remember(*member.gid, group);
    fan->request = std::make_unique<Request>(std::move(request));
    fan->respond = std::move(respond);
    fan->responses.resize(fan->waiting);
    fan->timer = core_.executor.after(core_.options.forward_timeout, [this, fan] { conclude(*fan); });
    for (std::size_t i = 0; i < fan->targets.size(); ++i) {
      auto primitive = member;
      primitive.to = fan->targets[i];
      primitive.rqi = member.rqi + "-" + std::to_string(i + 1);
      auto part = fan->request->with(std::move(primitive));
      ++part.groups_passed;
      core_.dispatch(std::move(part), [this, fan, i](ResponsePrimitive response) {
        fan->responses[i] = std::move(response);
        if (--fan->waiting == 0) conclude(*fan);
      });
    }
  }

 private:
  // ---- member types ----

  struct Check {
    std::vector<std::string> members;
    std::string owner;                                // who names them
    std::vector<std::optional<std::uint64_t>> types;  // nullopt: not known (yet)
    std::uint64_t type = kMixed, strategy = abandon_member;
    json::object attributes;
    Done done;
    std::size_t waiting = 1;  // one for the loop that starts the questions
    std::optional<codec::Refusal> refusal;
  };

  void learn_type(const std::shared_ptr<Check>& check, std::size_t i) {
    const auto address = ResourceAddress::parse(check->members[i]);
    if (!address) {
      check->refusal = {Rsc::bad_request, "mid: " + check->members[i] + ": " + address.error().detail};
      return;
    }
    if (core_.tree.hosts(*address)) {
      const auto found = core_.tree.resolve(*address);
      if (found.resource == nullptr)
        check->refusal = {Rsc::bad_request, "mid: no resource " + check->members[i]};
      else
        check->types[i] = found.resource->ty;
      return;
    }
    ++check->waiting;
    RequestPrimitive retrieve;
    core_.router->send(check->members[i], check->owner, std::move(retrieve), core_.options.forward_timeout,
                       [this, check, i](Result<ResponsePrimitive> response) {
                         // Not reachable yet: mtv stays false. Refused to us: the type cannot be validated at
                         // all.
                         if (response && response->rsc == Rsc::originator_has_no_privilege)
                           check->refusal = {Rsc::receiver_has_no_privilege,
                                             "mid: the type of " + check->members[i] + " cannot be read"};
                         if (response && response->rsc == Rsc::ok) check->types[i] = type_in(response->pc);
                         settle(*check);
                       });
  }

  static std::optional<std::uint64_t> type_in(const json::value& pc) {
    if (!pc.is_object() || pc.get_object().empty()) return std::nullopt;
    const auto& content = pc.get_object().begin()->value();
    const auto* ty = content.is_object() ? content.get_object().if_contains("ty") : nullptr;
    if (ty == nullptr || !ty->is_number()) return std::nullopt;
    boost::system::error_code error;
    const auto type = ty->to_number<std::uint64_t>(error);  // another CSE may write what it likes
    return error ? std::nullopt : std::optional(type);
  }

  void settle(Check& check) {
    if (--check.waiting == 0) finish(check);
  }

  void finish(Check& check) {
    if (check.refusal) return check.done(codec::refuse(*check.refusal));
    json::array kept;
    bool validated = true;
    for (std::size_t i = 0; i < check.members.size(); ++i) {
      if (check.type != kMixed && !check.types[i]) validated = false;
      if (check.type != kMixed && check.types[i] && *check.types[i] != check.type) {
        if (check.strategy == abandon_group)
          return check.done(codec::refuse(Rsc::group_member_type_inconsistent,
                                          "mid: " + check.members[i] + " is of another type than mt"));
        if (check.strategy == abandon_member) continue;
        check.type = kMixed;
      }
      kept.emplace_back(check.members[i]);
    }
    auto out = std::move(check.attributes);
    out["cnm"] = kept.size();
    out["mid"] = std::move(kept);
    out["mt"] = check.type;
    out["csy"] = check.strategy;
    out["mtv"] = validated;
    check.done(std::move(out));
  }

  // ---- fan-out ----

  struct FanOut {
    std::unique_ptr<Request> request;
    Respond respond;
    std::vector<std::string> targets;
    std::vector<std::optional<ResponsePrimitive>> responses;
    std::size_t waiting = 0;
    Executor::TimerId timer{};
    bool concluded = false;
  };

  /// The suffix goes behind the member; a member that is a group passes the request on to its own members.
  [[nodiscard]] std::string member_target(std::string_view member,
                                          const std::vector<std::string>& suffix) const {
    std::string out(member);
    const auto found = core_.tree.resolve(member);
    if (found.resource != nullptr && found.child == VirtualChild::none && found.resource->is(codec::Ty::grp))
      out += "/fopt";
    for (const auto& segment : suffix) out += "/" + segment;
    return out;
  }

  /// A request goes through so many groups and reaches so many members, and no more: groups are made by
  /// anybody, and each of their members is work for us.
  [[nodiscard]] Outcome<void> take_share(Request& request, std::size_t members) const {
    if (request.groups_passed > kNestedGroupsMax)
      return codec::refuse(Rsc::operation_not_allowed, "to: groups of groups go too deep");
    if (request.members_left == nullptr)
      request.members_left = std::make_shared<std::size_t>(core_.options.fan_out_max);
    if (members > *request.members_left)
      return codec::refuse(Rsc::operation_not_allowed, "to: more members than one request may reach");
    *request.members_left -= members;
    return {};
  }

  static std::string gid_key(const std::string& gid, const Resource& group) { return gid + "\n" + group.ri; }

  /// Remembers that this group passed on the gid, to end loops of groups; forgets old ones.
  void remember(const std::string& gid, const Resource& group) {
    const auto now = core_.clock.now();
    while (!gid_order_.empty() &&
           (gid_order_.front().first + kGidMemory < now || gid_order_.size() >= kGidsMax)) {
      gids_.erase(gid_order_.front().second);
      gid_order_.pop_front();
    }
    auto key = gid_key(gid, group);
    if (gids_.insert(key).second) gid_order_.emplace_back(now, std::move(key));
  }

  void conclude(FanOut& fan) {
    if (std::exchange(fan.concluded, true)) return;
    core_.executor.cancel(fan.timer);
    json::array answers;
    for (std::size_t i = 0; i < fan.responses.size(); ++i) {
      if (!fan.responses[i]) continue;
      auto one = codec::to_json(*fan.responses[i]);
      if (!one.contains("fr")) one["fr"] = fan.targets[i];
      answers.push_back(std::move(one));
    }
    if (answers.empty())
      return core_.refuse(*fan.request, {Rsc::group_members_not_responded, "no member answered in time"},
                          std::move(fan.respond));
    json::object content;
    content["m2m:agr"] = json::object{{"m2m:rsp", std::move(answers)}};
    core_.answer(*fan.request, response_to(fan.request->primitive(), Rsc::ok, std::move(content)),
                 std::move(fan.respond));
  }

  Core& core_;
  std::unordered_set<std::string> gids_;
  std::deque<std::pair<TimePoint, std::string>> gid_order_;
};

}  // namespace

std::unique_ptr<GroupFanout> make_groups(Core& core) { return std::make_unique<Groups>(core); }

}  // namespace latchkey::cse
