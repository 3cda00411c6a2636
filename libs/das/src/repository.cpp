#include "latchkey/das/repository.h"

#include "latchkey/codec/resource_types.h"

namespace latchkey::das {

using codec::Rsc;
using Response = Result<codec::ResponsePrimitive>;

RepositoryAe::RepositoryAe(bind::Reactor& reactor, client::AeOptions options, AuditSink& audit,
                           const Clock& clock)
    : cse_base_(options.registrar.sp_relative() + "/" + options.cse_base_name),
      stem_(options.requested_stem),
      app_id_(options.app_id),
      ae_(reactor, std::move(options), audit, clock) {}

void RepositoryAe::send(codec::RequestPrimitive request, std::chrono::milliseconds, Done done) {
  if (registered_) return send_registered(std::move(request), std::move(done));
  register_then([this, request = std::move(request), done = std::move(done)](Response response) mutable {
    // 4117: from an earlier life.
    registered_ = response &&
                  (response->rsc == Rsc::created || response->rsc == Rsc::originator_has_already_registered);
    if (!registered_) return done(std::move(response));
    send_registered(std::move(request), std::move(done));
  });
}

void RepositoryAe::register_then(UniqueFunction<void(Response)> then) {
  codec::RequestPrimitive request;
  request.op = codec::Operation::create;
  request.to = cse_base_;
  request.from = stem_;
  request.ty = static_cast<std::uint32_t>(codec::Ty::ae);
  request.pc = codec::json::object{
      {"m2m:ae",
       codec::json::object{{"api", app_id_}, {"rr", false}, {"srv", codec::json::array{"2a", "3"}}}}};
  ae_.send(std::move(request), std::move(then));
}

void RepositoryAe::send_registered(codec::RequestPrimitive request, Done done) {
  ae_.send(std::move(request), [this, done = std::move(done)](Response response) mutable {
    if (response && response->rsc == Rsc::originator_has_not_registered) registered_ = false;
    done(std::move(response));
  });
}

}  // namespace latchkey::das
