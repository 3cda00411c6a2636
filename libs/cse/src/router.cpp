/// Ways out of a CSE: next hops, registrees, notification targets (TS-0004 7.3.2.6, 7.3.2.8;
/// TS-0001 6.5, 9.3.1).
#include "core.h"

namespace latchkey::cse {

namespace {

std::vector<std::string> points_of_access(const Resource& resource) {
  std::vector<std::string> out;
  if (const auto* list = resource.list("poa"))
    for (const auto& entry : *list)
      if (entry.is_string()) out.emplace_back(entry.get_string());
  return out;
}

bool is_url(std::string_view target) { return target.find("://") != std::string_view::npos; }

/// What the sender of a failed request is told (T4 7.3.2.8): it was not reached, or did not answer in time.
codec::Refusal unreachable(const Error& error) {
  if (error.code == ErrorCode::expired) return {Rsc::request_timeout, error.detail};
  return {Rsc::target_not_reachable, error.detail};
}

class Routes final : public Router {
 public:
  explicit Routes(Core& core) : core_(core) {}

  void forward(Request&& request, ResourceAddress address, Respond respond) override {
    const auto& primitive = request.primitive();
    if (primitive.op == codec::Operation::create &&
        (primitive.ty == static_cast<std::uint32_t>(codec::Ty::ae) ||
         primitive.ty == static_cast<std::uint32_t>(codec::Ty::csr)))
      return core_.refuse(request, {Rsc::bad_request, "a registration is never forwarded"},
                          std::move(respond));
    if (request.end_to_end) return refuse_protected(request, std::move(respond));
    auto hop = next_hop(address);
    if (!hop) return core_.refuse(request, hop.error(), std::move(respond));
    const auto hop_id = cse_of(**hop);
    if (request.in.security->identity && *request.in.security->identity == EntityId(hop_id))
      return core_.refuse(request, {Rsc::not_found, "the next hop is where the request came from"},
                          std::move(respond));

    auto outgoing = primitive;
    outgoing.from = outgoing_from(request, hop_id);
    outgoing.rqi = unique_rqi(request);
    ++core_.counters.forwarded;
    auto shared = std::make_shared<std::pair<Request, Respond>>(std::move(request), std::move(respond));
    send_to_cse(**hop, std::move(outgoing), remaining(shared->first.primitive()),
                [this, shared](Result<ResponsePrimitive> response) {
                  auto& [original, answer] = *shared;
                  if (!response)
                    return core_.refuse(original, unreachable(response.error()), std::move(answer));
                  response->rqi = original.primitive().rqi;  // relayed unchanged but for this
                  core_.answer(original, std::move(*response), std::move(answer));
                });
  }

  void notify(Request&& request, Resource& target, Respond respond) override {
    if (request.end_to_end && target.is(codec::Ty::csr)) return refuse_protected(request, std::move(respond));
    auto outgoing = request.primitive();
    if (request.originator) outgoing.from = spelled(*request.originator);
    auto shared = std::make_shared<std::pair<Request, Respond>>(std::move(request), std::move(respond));
    send_to_registree(target, std::move(outgoing), remaining(shared->first.primitive()),
                      [this, shared](Result<ResponsePrimitive> response) {
                        auto& [original, answer] = *shared;
                        if (!response)
                          return core_.refuse(original, unreachable(response.error()), std::move(answer));
                        response->rqi = original.primitive().rqi;
                        core_.answer(original, std::move(*response), std::move(answer));
                      });
  }

  void send(std::string_view target, const std::string& owner, RequestPrimitive request,
            std::chrono::milliseconds timeout, Done done) override {
    if (request.from.empty()) request.from = core_.options.cse_id.sp_relative();
    if (request.rqi.empty()) request.rqi = own_rqi();
    if (!request.rvi) request.rvi = "3";
    if (is_url(target)) {
      auto* sender = core_.peers.url(target, owner);
      if (sender == nullptr) return done(fail(ErrorCode::unavailable, "no way to this URL is offered"));
      request.to = std::string(target);
      return sender->send(std::move(request), timeout, std::move(done));
    }
    const auto address = ResourceAddress::parse(target);
    if (!address) return done(fail(address.error()));
    request.to = std::string(target);
    if (core_.tree.hosts(*address)) {
      const auto found = core_.tree.resolve(*address);
      if (found.resource == nullptr) return done(fail(ErrorCode::not_found, "no such notification target"));
      return send_to_registree(*found.resource, std::move(request), timeout, std::move(done));
    }
    const auto hop = next_hop(*address);
    if (!hop) return done(fail(ErrorCode::unavailable, hop.error().detail));
    send_to_cse(**hop, std::move(request), timeout, std::move(done));
  }

 private:
  /// Passed on, also to the member of a group, it would leave in clear in the name of an originator for whom
  /// only the key speaks (decisions 0023, 0043).
  void refuse_protected(const Request& request, Respond respond) {
    core_.refuse(request, {Rsc::bad_request, "to: not of the CSE that the request was protected for"},
                 std::move(respond));
  }

  [[nodiscard]] CseId cse_of(const Resource& remote) const {
    auto id = CseId::parse(remote.text("csi"), core_.options.cse_id.sp());
    if (!id) broken_invariant("a stored remoteCSE has an unreadable csi");
    return *id;
  }

  [[nodiscard]] Outcome<Resource*> next_hop(const ResourceAddress& address) const {
    auto sp = core_.options.cse_id.sp();
    if (!address.sp.empty()) {
      auto fqdn = Fqdn::parse(address.sp);
      if (!fqdn) return codec::refuse(Rsc::bad_request, fqdn.error().detail);
      sp = SpId(std::move(*fqdn));
    }
    if (const auto id = CseId::from_stem(sp, address.cse)) {
      const auto hops = core_.tree.next_hops(*id);
      if (hops.size() > 1)
        return codec::refuse(Rsc::internal_server_error, "several next hops lead to " + id->absolute());
      if (hops.size() == 1) return hops.front();
    }
    if (core_.options.registrar)
      if (auto* registrar = core_.tree.find_cse(*core_.options.registrar)) return registrar;
    return codec::refuse(core_.options.registrar ? Rsc::target_not_reachable : Rsc::not_found,
                         "no way to CSE " + address.cse);
  }

  /// A C-type AE is named in full beyond its registrar; another SP gets absolute ids.
  [[nodiscard]] std::string outgoing_from(const Request& request, const CseId& hop) const {
    if (!request.originator) return request.primitive().from;
    return hop.sp() == core_.options.cse_id.sp() ? spelled(*request.originator)
                                                 : to_string(*request.originator);
  }

  [[nodiscard]] std::string spelled(const EntityId& id) const {
    const auto& home = core_.options.cse_id.sp();
    if (const auto* ae = std::get_if<AeId>(&id); ae != nullptr && ae->sp() == home) return ae->sp_relative();
    if (const auto* cse = std::get_if<CseId>(&id); cse != nullptr && cse->sp() == home)
      return cse->sp_relative();
    return to_string(id);
  }

  [[nodiscard]] std::string unique_rqi(const Request& request) {
    const auto* ae = request.originator ? std::get_if<AeId>(&*request.originator) : nullptr;
    return (ae != nullptr ? ae->stem() + "/" : "") + request.primitive().rqi + "." +
           std::to_string(++last_rqi_);
  }
  [[nodiscard]] std::string own_rqi() {
    return core_.options.cse_id.stem() + "." + std::to_string(++last_rqi_);
  }

  [[nodiscard]] std::chrono::milliseconds remaining(const RequestPrimitive& request) const {
    auto out = core_.options.forward_timeout;
    if (request.rqet)
      out = std::min(
          out, std::chrono::duration_cast<std::chrono::milliseconds>(*request.rqet - core_.clock.now()));
    return std::max(out, std::chrono::milliseconds(1));
  }

  /// By configuration or poa, else over the polling channel that the registree opened.
  void send_to_cse(Resource& remote, RequestPrimitive request, std::chrono::milliseconds timeout, Done done) {
    const auto id = cse_of(remote);
    if (auto* sender = core_.peers.cse(id, points_of_access(remote)))
      return sender->send(std::move(request), timeout, std::move(done));
    if (core_.polling->deliver(EntityId(id), request, timeout, done)) return;
    done(fail(ErrorCode::unavailable, id.absolute() + " has no point of access that can be reached"));
  }

  void send_to_registree(Resource& target, RequestPrimitive request, std::chrono::milliseconds timeout,
                         Done done) {
    if (target.is(codec::Ty::csr)) return send_to_cse(target, std::move(request), timeout, std::move(done));
    if (!target.is(codec::Ty::ae))
      return done(fail(ErrorCode::not_found, "only an AE or a CSE can be notified"));
    const auto id = AeId::from_stem(target.ri, core_.options.cse_id);
    for (const auto& url : points_of_access(target))
      if (auto* sender = core_.peers.url(url, id ? id->absolute() : std::string()))
        return sender->send(std::move(request), timeout, std::move(done));
    if (id && core_.polling->deliver(EntityId(*id), request, timeout, done)) return;
    done(fail(ErrorCode::unavailable,
              "the AE has neither a point of access that can be reached nor a polling channel"));
  }

  Core& core_;
  std::uint64_t last_rqi_ = 0;
};

}  // namespace

std::unique_ptr<Router> make_router(Core& core) { return std::make_unique<Routes>(core); }

}  // namespace latchkey::cse
