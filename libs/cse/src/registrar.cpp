#include "registrar.h"

#include <algorithm>

#include "latchkey/base/log.h"
#include "trail.h"

namespace latchkey::cse {

namespace {

using codec::Operation;

constexpr std::chrono::milliseconds kBackoffMin{1'000}, kBackoffMax{60'000};

json::array texts(const std::vector<std::string>& list) {
  json::array array;
  for (const auto& text : list) array.push_back(json::string(text));
  return array;
}

/// The <CSEBase> in a response, if it is one.
const json::object* base_of(const ResponsePrimitive& response) {
  const auto* const content = response.pc.if_object();
  const auto* const base = content != nullptr ? content->if_contains("m2m:cb") : nullptr;
  return base != nullptr ? base->if_object() : nullptr;
}

}  // namespace

Registrar::~Registrar() {
  core_.executor.cancel(timer_);
  core_.executor.cancel(look_);
}

void Registrar::start() { create(); }

void Registrar::refresh() {
  if (registered_) run_later(std::chrono::milliseconds(0), &Registrar::renew);
}

void Registrar::descendants_changed() {
  // The change is still being made, and one for the registrar itself is none: looked at when it is done.
  if (!registered_) return;
  core_.executor.cancel(look_);
  look_ = core_.executor.after(std::chrono::milliseconds(0), [this] {
    if (core_.tree.cses_below(registrar_) != told_) renew();
  });
}

std::chrono::milliseconds Registrar::refresh_after() const {
  return std::min(core_.options.registration_refresh, core_.options.default_lifetime / 2);
}

RequestPrimitive Registrar::request(Operation op, std::string_view below) const {
  RequestPrimitive primitive;
  primitive.op = op;
  primitive.to = registrar_.sp_relative() + "/-" + std::string(below);
  primitive.from = core_.options.cse_id.sp_relative();
  primitive.rqi = "reg" + std::to_string(requests_);
  primitive.rvi = "2a";
  return primitive;
}

void Registrar::send(RequestPrimitive primitive, Answered answered) {
  ++requests_;
  auto* const sender = core_.peers.cse(registrar_, {});
  if (sender == nullptr) return retry("no way to the registrar is known");
  sender->send(std::move(primitive), core_.options.forward_timeout,
               [weak = std::weak_ptr<Registrar*>(self_), answered](Result<ResponsePrimitive> response) {
                 const auto alive = weak.lock();
                 if (!alive) return;
                 if (!response) return (*alive)->retry(response.error().detail);
                 ((*alive)->*answered)(*response);
               });
}

json::object Registrar::own_attributes() {
  const auto& options = core_.options;
  json::object attributes{{"et", format_timestamp(core_.clock.now() + options.default_lifetime)},
                          {"rr", !options.points_of_access.empty()}};
  if (!options.points_of_access.empty()) attributes["poa"] = texts(options.points_of_access);
  told_ = core_.tree.cses_below(registrar_);
  if (!told_.empty()) attributes["dcse"] = texts(told_);
  if (const auto* const esi = core_.tree.base()->attributes.if_contains("esi")) attributes["esi"] = *esi;
  return attributes;
}

void Registrar::create() {
  const auto& options = core_.options;
  auto primitive = request(Operation::create, "");
  primitive.ty = static_cast<std::uint32_t>(codec::Ty::csr);
  auto attributes = own_attributes();
  attributes["rn"] = options.cse_id.stem();
  attributes["csi"] = options.cse_id.sp_relative();
  attributes["cb"] = core_.tree.sp_relative_path(*core_.tree.base());
  attributes["cst"] = static_cast<std::uint32_t>(options.type);
  attributes["srv"] = texts({"2", "2a", "3"});
  primitive.pc = json::object{{"m2m:csr", std::move(attributes)}};
  send(std::move(primitive), &Registrar::created);
}

void Registrar::created(const ResponsePrimitive& response) {
  if (response.rsc == Rsc::created) return read_base();
  // Registered already, before a restart or a lost answer.
  if (response.rsc == Rsc::originator_has_already_registered || response.rsc == Rsc::conflict) return renew();
  retry("registration refused: " + std::string(codec::to_string(response.rsc)));
}

void Registrar::renew() {
  auto primitive = request(Operation::update, "/" + core_.options.cse_id.stem());
  auto attributes = own_attributes();
  if (told_.empty()) attributes["dcse"] = nullptr;  // none any more
  primitive.pc = json::object{{"m2m:csr", std::move(attributes)}};
  send(std::move(primitive), &Registrar::renewed);
}

void Registrar::renewed(const ResponsePrimitive& response) {
  if (response.rsc != Rsc::updated) {
    // The registrar does not know us any more: registering again follows.
    return retry("renewal refused: " + std::string(codec::to_string(response.rsc)));
  }
  read_base();  // it may have moved, or have another rand object to share (8.4.2 B.1b)
}

void Registrar::read_base() { send(request(Operation::retrieve, ""), &Registrar::base_read); }

void Registrar::base_read(const ResponsePrimitive& response) {
  const auto* const base = response.rsc == Rsc::ok ? base_of(response) : nullptr;
  if (base == nullptr)
    return retry("the registrar's CSEBase cannot be read: " + std::string(codec::to_string(response.rsc)));
  keep_base(*base);
  settled();
}

/// The local <remoteCSE> of the registrar (TS-0001 10.2.2.3): routing and notifications find it there.
void Registrar::keep_base(const json::object& base) {
  json::object attributes{{"csi", registrar_.sp_relative()},
                          {"cb", registrar_.sp_relative() + "/-"},
                          {"rr", true},
                          {"et", format_timestamp(core_.clock.now() + core_.options.default_lifetime)}};
  for (const std::string_view name : {"cst", "poa", "srv", "esi"}) {
    if (const auto* const value = base.if_contains(name)) attributes[name] = *value;
  }
  if (Resource* const known = core_.tree.find_cse(registrar_)) {
    core_.change(*known, std::move(attributes));
    return;
  }
  const auto sequence = core_.begin();
  store::Batch batch;
  Resource& parent = *core_.tree.base();
  auto resource = std::make_unique<Resource>();
  resource->ty = static_cast<std::uint32_t>(codec::Ty::csr);
  resource->ri = core_.tree.new_id(resource->ty, batch);
  resource->rn = parent.by_name.contains(registrar_.stem()) ? resource->ri : registrar_.stem();
  resource->created_by = registrar_.absolute();
  const auto now = format_timestamp(core_.clock.now());
  resource->attributes = {{"ty", resource->ty}, {"ri", resource->ri}, {"pi", parent.ri},
                          {"rn", resource->rn}, {"ct", now},          {"lt", now}};
  for (auto& member : attributes) resource->attributes[member.key()] = std::move(member.value());
  core_.tree.insert(std::move(resource), &parent, sequence, batch);
  core_.commit(sequence, std::move(batch));
}

void Registrar::settled() {
  registered_ = true;
  backoff_ = std::chrono::milliseconds(0);
  AuditEvent event;
  event.id = AuditEventId::registration_ok;
  event.time = core_.clock.now();
  event.originator = core_.options.cse_id.absolute();
  event.target = registrar_.absolute();
  core_.audit.record(std::move(event));
  // What came below us meanwhile is told at once.
  run_later(core_.tree.cses_below(registrar_) == told_ ? refresh_after() : std::chrono::milliseconds(0),
            &Registrar::renew);
}

void Registrar::retry(std::string_view why) {
  registered_ = false;
  backoff_ = std::clamp(backoff_ * 2, kBackoffMin, kBackoffMax);
  log::warning("cse", "registration with " + registrar_.absolute() + ": " + std::string(why));
  run_later(backoff_, &Registrar::create);
}

void Registrar::run_later(std::chrono::milliseconds delay, void (Registrar::*step)()) {
  core_.executor.cancel(timer_);
  timer_ = core_.executor.after(delay, [this, step] { (this->*step)(); });
}

}  // namespace latchkey::cse
