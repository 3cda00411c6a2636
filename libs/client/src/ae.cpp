#include "latchkey/client/ae.h"

#include <algorithm>
#include <exception>

#include "latchkey/base/log.h"
#include "latchkey/client/blocking.h"
#include "latchkey/codec/resource_types.h"
#include "latchkey/crypto/crypto.h"

namespace latchkey::client {

namespace {

namespace json = codec::json;
using codec::Operation;
using codec::RequestPrimitive;
using codec::ResponsePrimitive;
using codec::Rsc;

constexpr std::chrono::milliseconds kPollTimeout{90'000};  // longer than a registrar holds a poll
constexpr std::chrono::milliseconds kPollRetry{100}, kPollRetryMax{10'000};

bool is_full_stem(const std::string& stem) { return stem.size() >= 2; }

const json::object* content(const ResponsePrimitive& response, std::string_view element) {
  if (!response.pc.is_object()) return nullptr;
  const auto* found = response.pc.get_object().if_contains(element);
  return found != nullptr && found->is_object() ? &found->get_object() : nullptr;
}

Error refused(const ResponsePrimitive& response) {
  std::string detail =
      std::to_string(static_cast<int>(response.rsc)) + " " + std::string(codec::to_string(response.rsc));
  if (response.pc.is_object())
    if (const auto* debug = response.pc.get_object().if_contains("m2m:dbg");
        debug != nullptr && debug->is_string())
      detail += ": " + std::string(debug->get_string());
  return {ErrorCode::denied, std::move(detail)};
}

}  // namespace

struct Ae::Impl : std::enable_shared_from_this<Impl> {
  Impl(bind::Reactor& r, AeOptions given, AuditSink& audit, const Clock& c)
      : options(std::move(given)), reactor(r), clock(c), http(r, peer(), audit, c) {
    if (is_full_stem(options.requested_stem)) stem = options.requested_stem;
  }

  bind::PeerOptions peer() {
    auto out = options.peer;
    out.connections = std::max<std::size_t>(out.connections, 2);  // a held poll lets other requests pass
    if (options.credential)
      out.credentials = [credential = options.credential] { return credential->options(); };
    return out;
  }

  static Error closed() { return {ErrorCode::unavailable, "the AE was closed"}; }

  /// Makes the credential ready, ends sessions of an older one, sends; a refused handshake is tried once more
  /// if that brings a fresh credential. What waits for an answer does not keep this object alive.
  void send(RequestPrimitive request, std::chrono::milliseconds timeout, Done<ResponsePrimitive> done,
            bool again = true) {
    if (request.from.empty() && request.ty != static_cast<std::uint32_t>(codec::Ty::ae)) request.from = stem;
    if (request.rqi.empty()) request.rqi = to_hex(crypto::random_bytes(8));
    if (!request.rvi) request.rvi = options.release;
    if (!options.credential) return http.send(std::move(request), timeout, std::move(done));
    options.credential->prepare([weak = weak_from_this(), request = std::move(request), timeout,
                                 done = std::move(done), again](Status ready) mutable {
      const auto self = weak.lock();
      if (!self) return done(fail(closed()));
      if (!ready) return done(fail(ready.error()));
      self->send_prepared(std::move(request), timeout, std::move(done), again);
    });
  }

  void send_prepared(RequestPrimitive request, std::chrono::milliseconds timeout,
                     Done<ResponsePrimitive> done, bool again) {
    if (const auto now = options.credential->generation(); now != generation) {
      generation = now;
      http.renew();
    }
    auto copy = again ? std::make_unique<RequestPrimitive>(request) : nullptr;
    http.send(std::move(request), timeout,
              [weak = weak_from_this(), copy = std::move(copy), timeout, used = generation,
               done = std::move(done)](Result<ResponsePrimitive> response) mutable {
                const auto self = weak.lock();
                if (!self) return done(fail(closed()));
                if (copy && !response && response.error().code == ErrorCode::authentication)
                  return self->send_afresh(std::move(*copy), timeout, std::move(done), used,
                                           response.error());
                done(std::move(response));
              });
  }

  /// `used` was refused for `why`. Another request may have brought a newer credential meanwhile.
  void send_afresh(RequestPrimitive request, std::chrono::milliseconds timeout, Done<ResponsePrimitive> done,
                   std::uint64_t used, Error why) {
    if (options.credential->generation() == used) options.credential->refused();
    options.credential->prepare([weak = weak_from_this(), request = std::move(request), timeout,
                                 done = std::move(done), used, why = std::move(why)](Status ready) mutable {
      const auto self = weak.lock();
      if (!self) return done(fail(closed()));
      if (!ready) return done(fail(ready.error()));
      if (self->options.credential->generation() == used) return done(fail(std::move(why)));
      self->send_prepared(std::move(request), timeout, std::move(done), false);
    });
  }

  // ---- listening ----

  /// One loop at a time: of two polls the registrar ends the older one, and two loops would go on ending each
  /// other's.
  void start_polling() {
    if (!std::exchange(polling, true)) poll();
  }

  void poll() {
    polling = static_cast<bool>(handler);
    if (!polling) return;
    RequestPrimitive request;
    request.op = Operation::retrieve;
    request.to = channel + "/pcu";
    send(std::move(request), kPollTimeout, [weak = weak_from_this()](Result<ResponsePrimitive> response) {
      if (const auto self = weak.lock()) self->polled(std::move(response));
    });
  }

  void polled(Result<ResponsePrimitive> response) {
    const auto* incoming = response && response->rsc == Rsc::ok && response->pc.is_object()
                               ? response->pc.get_object().if_contains("m2m:rqp")
                               : nullptr;
    if (incoming != nullptr) {
      retry = kPollRetry;
      answer(*incoming);
      return poll();
    }
    if (!handler) return static_cast<void>(polling = false);
    if (response && response->rsc == Rsc::request_timeout) {
      retry = kPollRetry;
    } else {
      log::debug("ae", "polling again: " + (response ? refused(*response).detail : response.error().detail));
    }
    // Never at once: a peer that answers at once with nothing would be asked without end.
    poll_later(std::exchange(retry, std::min(retry * 2, kPollRetryMax)));
  }

  void poll_later(std::chrono::milliseconds delay) {
    reactor.after(delay, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->poll();
    });
  }

  /// What comes back for one request, once.
  struct Reply {
    std::weak_ptr<Impl> ae;
    std::string rqi;
    bool given = false;
    void give(ResponsePrimitive response) {
      if (std::exchange(given, true)) return;
      response.rqi = rqi;
      if (const auto self = ae.lock()) self->send_answer(response);
    }
  };

  /// The application's code may stop the listening, or fail: the sender gets an answer and polling goes on.
  /// What the last poll brings after the listening was stopped is refused: the registrar would not tell it
  /// again.
  void answer(const json::value& incoming) {
    auto request = codec::request_from_json(incoming, clock.now(), options.peer.limits);
    if (!request)
      return log::warning("ae", "unreadable request on the polling channel: " + request.error().detail);
    const auto reply = std::make_shared<Reply>(Reply{weak_from_this(), request->rqi});
    const auto code = handler;
    if (!code)
      return reply->give(
          codec::refusal_response(*request, {Rsc::target_not_reachable, "the AE listens no longer"}));
    RequestPrimitive head;
    head.rvi = request->rvi;
    try {
      code(std::move(*request), [reply](ResponsePrimitive response) { reply->give(std::move(response)); });
    } catch (const std::exception& error) {
      log::error("ae", std::string("the handler failed: ") + error.what());
      reply->give(codec::refusal_response(head, {Rsc::internal_server_error, "the AE failed"}));
    }
  }

  void send_answer(const ResponsePrimitive& response) {
    RequestPrimitive notify;
    notify.op = Operation::notify;
    notify.to = channel + "/pcu";
    json::object pc;
    pc["m2m:rsp"] = codec::to_json(response);
    notify.pc = std::move(pc);
    send(std::move(notify), options.timeout, [](Result<ResponsePrimitive> result) {
      if (!result) log::debug("ae", "answer on the polling channel was not taken: " + result.error().detail);
    });
  }

  AeOptions options;
  bind::Reactor& reactor;
  const Clock& clock;
  bind::HttpClient http;
  std::uint64_t generation = 0;
  std::string stem;
  std::string channel;  // address of the <pollingChannel>
  IncomingLater handler;
  bool polling = false;  // a poll is under way, or due; the last one outlives stop_listening()
  std::chrono::milliseconds retry = kPollRetry;
};

Ae::Ae(bind::Reactor& reactor, AeOptions options, AuditSink& audit, const Clock& clock)
    : impl_(std::make_shared<Impl>(reactor, std::move(options), audit, clock)) {}
Ae::~Ae() { impl_->handler = nullptr; }

void Ae::send(RequestPrimitive request, Done<Response> done) {
  impl_->send(std::move(request), impl_->options.timeout, std::move(done));
}

Result<Ae::Response> Ae::request(RequestPrimitive request) {
  return blocking<Response>(impl_->reactor, impl_->options.timeout * 2,
                            [&](auto done) { send(std::move(request), std::move(done)); });
}

Status Ae::register_ae() {
  RequestPrimitive request;
  request.op = Operation::create;
  request.to = impl_->options.registrar.sp_relative() + "/" + impl_->options.cse_base_name;
  request.from = impl_->options.requested_stem;
  request.ty = static_cast<std::uint32_t>(codec::Ty::ae);
  json::object attributes{{"api", impl_->options.app_id}, {"rr", false}, {"srv", json::array{"2a", "3"}}};
  if (!impl_->options.name.empty()) attributes["rn"] = impl_->options.name;
  if (!impl_->options.labels.empty()) {
    json::array labels;
    for (const auto& label : impl_->options.labels) labels.emplace_back(label);
    attributes["lbl"] = std::move(labels);
  }
  request.pc = json::object{{"m2m:ae", std::move(attributes)}};
  const auto response = this->request(std::move(request));
  if (!response) return fail(response.error());
  if (response->rsc == Rsc::originator_has_already_registered && is_full_stem(impl_->stem)) return {};
  if (response->rsc != Rsc::created) return fail(refused(*response));
  const auto* created = content(*response, "m2m:ae");
  const auto* id = created != nullptr ? created->if_contains("aei") : nullptr;
  const auto assigned = id != nullptr && id->is_string()
                            ? AeId::from_stem(std::string_view(id->get_string()), impl_->options.registrar)
                            : Result<AeId>(fail(ErrorCode::invalid_argument, "missing"));
  if (!assigned) return fail("the registrar assigned no AE-ID", assigned.error());
  impl_->stem = assigned->stem();
  return {};
}

Status Ae::deregister() {
  if (impl_->stem.empty()) return fail(ErrorCode::not_found, "not registered");
  const auto response = remove(resource());
  if (!response) return fail(response.error());
  return codec::is_success(response->rsc) ? Status() : Status(fail(refused(*response)));
}

const std::string& Ae::stem() const { return impl_->stem; }

std::optional<AeId> Ae::ae_id() const {
  auto id = AeId::from_stem(impl_->stem, impl_->options.registrar);
  return id ? std::optional<AeId>(std::move(*id)) : std::nullopt;
}

std::string Ae::resource() const { return impl_->options.registrar.sp_relative() + "/" + impl_->stem; }

Result<Ae::Response> Ae::create(const std::string& to, std::uint32_t ty, const std::string& element,
                                json::object attributes) {
  RequestPrimitive request;
  request.op = Operation::create;
  request.to = to;
  request.ty = ty;
  json::object pc;
  pc[element] = std::move(attributes);
  request.pc = std::move(pc);
  return this->request(std::move(request));
}

Result<Ae::Response> Ae::retrieve(const std::string& to) {
  RequestPrimitive request;
  request.to = to;
  return this->request(std::move(request));
}

Result<Ae::Response> Ae::update(const std::string& to, const std::string& element, json::object attributes) {
  RequestPrimitive request;
  request.op = Operation::update;
  request.to = to;
  json::object pc;
  pc[element] = std::move(attributes);
  request.pc = std::move(pc);
  return this->request(std::move(request));
}

Result<Ae::Response> Ae::remove(const std::string& to) {
  RequestPrimitive request;
  request.op = Operation::del;
  request.to = to;
  return this->request(std::move(request));
}

Result<std::vector<std::string>> Ae::discover(const std::string& to, const std::vector<std::string>& labels,
                                              std::optional<std::uint32_t> type) {
  RequestPrimitive request;
  request.to = to;
  request.fc.emplace();
  request.fc->usage = codec::FilterUsage::discovery;
  request.fc->labels = labels;
  if (type) request.fc->types = {*type};
  const auto response = this->request(std::move(request));
  if (!response) return fail(response.error());
  if (response->rsc != Rsc::ok) return fail(refused(*response));
  std::vector<std::string> found;
  if (response->pc.is_object())
    if (const auto* list = response->pc.get_object().if_contains("m2m:uril");
        list != nullptr && list->is_array())
      for (const auto& entry : list->get_array())
        if (entry.is_string()) found.emplace_back(entry.get_string());
  return found;
}

Status Ae::listen(Incoming handler) {
  return listen_later([handler = std::move(handler)](const RequestPrimitive& request, bind::Respond respond) {
    respond(handler(request));
  });
}

Status Ae::listen_later(IncomingLater handler) {
  if (impl_->stem.empty()) return fail(ErrorCode::not_found, "not registered");
  if (impl_->channel.empty()) {
    const auto created =
        create(resource(), static_cast<std::uint32_t>(codec::Ty::pch), "m2m:pch", {{"rn", "pch"}});
    if (!created) return fail(created.error());
    if (created->rsc != Rsc::created && created->rsc != Rsc::conflict) return fail(refused(*created));
    // The registrar names an AE's children below its unstructured id as well (hybrid addressing).
    const auto* channel = content(*created, "m2m:pch");
    const auto* id = channel != nullptr ? channel->if_contains("ri") : nullptr;
    impl_->channel = id != nullptr && id->is_string()
                         ? impl_->options.registrar.sp_relative() + "/" + std::string(id->get_string())
                         : resource() + "/pch";
  }
  impl_->handler = std::move(handler);
  impl_->start_polling();
  return {};
}

void Ae::stop_listening() { impl_->handler = nullptr; }
tls::SecurityContextPtr Ae::context() const { return impl_->http.context(); }
void Ae::disconnect() { impl_->http.disconnect(); }

}  // namespace latchkey::client
