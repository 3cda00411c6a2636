#include "support/registrar.h"

namespace latchkey::client::test {

using codec::Operation;
using codec::ResponsePrimitive;
using codec::Rsc;
namespace json = codec::json;

namespace {

ResponsePrimitive usual_answer(const codec::RequestPrimitive& request) {
  ResponsePrimitive response;
  response.rqi = request.rqi;
  switch (request.op) {
    case Operation::create:
      response.rsc = Rsc::created;
      if (request.ty == 2U) response.pc = json::object{{"m2m:ae", json::object{{"aei", "Clock"}}}};
      if (request.ty == 15U) response.pc = json::object{{"m2m:pch", json::object{{"ri", "pch-1"}}}};
      break;
    case Operation::update:
      response.rsc = Rsc::updated;
      break;
    case Operation::del:
      response.rsc = Rsc::deleted;
      break;
    case Operation::retrieve:
    case Operation::notify:
      response.rsc = Rsc::ok;
  }
  return response;
}

}  // namespace

void Registrar::handle(bind::IncomingRequest request, bind::Respond respond) {
  const auto& primitive = request.primitive;
  if (instead)
    if (auto answer = instead(request)) {
      if (answer->rqi.empty()) answer->rqi = primitive.rqi;
      requests.push_back(std::move(request));
      return respond(std::move(*answer));
    }
  if (primitive.op == Operation::retrieve && primitive.to.ends_with("/pcu")) {
    ++polled;
    return polls.push_back(std::move(respond));
  }
  if (primitive.op == Operation::notify && primitive.pc.as_object().contains("m2m:rsp"))
    answers.push_back(*codec::response_from_json(primitive.pc.as_object().at("m2m:rsp"), {}));
  auto answer = usual_answer(primitive);
  requests.push_back(request);
  if (hold) return held.emplace_back(primitive.rqi, std::move(respond)), void();
  respond(std::move(answer));
}

void Registrar::release() {
  for (auto& [rqi, respond] : std::exchange(held, {})) {
    ResponsePrimitive response;
    response.rsc = Rsc::ok;
    response.rqi = rqi;
    respond(std::move(response));
  }
}

void Registrar::hand_out(const std::string& rqi, const std::string& to) {
  codec::RequestPrimitive request;
  request.op = Operation::notify;
  request.to = to;
  request.from = "/in-cse";
  request.rqi = rqi;
  request.pc = json::object{{"m2m:sgn", json::object{{"sur", "x"}}}};
  json::object pc;
  pc["m2m:rqp"] = codec::to_json(request);
  end_poll(Rsc::ok, std::move(pc));
}

void Registrar::end_poll(Rsc rsc, json::value pc) {
  auto respond = std::move(polls.back());
  polls.pop_back();
  ResponsePrimitive response;
  response.rsc = rsc;
  response.pc = std::move(pc);
  respond(std::move(response));
}

void Keys::find(std::string_view identity, std::string_view, Answer answer) {
  presented.emplace_back(identity);
  const auto found = known.find(identity);
  if (found == known.end()) return answer(fail(ErrorCode::not_found, "unknown psk_identity"));
  tls::SecurityContext context;
  context.framework = tls::Framework::maf;
  context.identity = id("//my.m2mprovider.org/in-cse/Clock");
  context.psk_identity = std::string(identity);
  context.valid_until = found->second.valid_until;
  answer(tls::PskCredential{found->second.key.duplicate(), std::move(context)});
}

RegistrarServer::RegistrarServer(bind::Reactor& reactor, const Clock& clock, bool secure,
                                 std::shared_ptr<const tls::OwnCertificate> own)
    : reactor_(reactor), clock_(clock) {
  if (secure) {
    auto trust = own ? TestPki::instance().trust() : nullptr;
    endpoint_ = *tls::ServerEndpoint::make({}, std::move(own), std::move(trust), home(), &mapper_, &keys,
                                           audit_, clock_);
  }
  start();
}

void RegistrarServer::start() {
  server = std::make_unique<bind::HttpServer>(reactor_, bind::HttpLimits(), cse, audit_, clock_);
  bind::ListenerOptions listener;
  listener.name = "test";
  listener.kind = endpoint_ ? bind::ListenerKind::secure : bind::ListenerKind::plain;
  listener.address = "127.0.0.1";
  listener.endpoint = endpoint_.get();
  listener.port = port;
  const auto listening = server->listen(std::move(listener));
  EXPECT_TRUE(listening) << listening.error().detail;
  if (listening) port = *listening;
}

void RegistrarServer::stop() {
  server.reset();
  cse.polls.clear();
  cse.held.clear();
}

AeOptions ae_options(std::uint16_t port) {
  bind::PeerOptions peer;
  peer.address = "127.0.0.1";
  peer.port = port;
  peer.host = "in-cse.my.m2mprovider.org";
  return {.registrar = in_cse(),
          .cse_base_name = "in-cse-base",
          .peer = std::move(peer),
          .credential = nullptr,
          .app_id = "Nlock",
          .requested_stem = "C",
          .name = "lock",
          .labels = {"door"},
          .timeout = kPatience};
}

}  // namespace latchkey::client::test
