#include "latchkey/client/end_to_end.h"

#include <utility>

#include "latchkey/crypto/crypto.h"
#include "latchkey/e2e/security_info.h"

namespace latchkey::client {

namespace {

using codec::RequestPrimitive;
using codec::ResponsePrimitive;
using e2e::EsPrimExchange;

std::string new_request_id() { return to_hex(crypto::random_bytes(8)); }

/// The attributes of the one resource in a response.
const boost::json::object* resource_of(const ResponsePrimitive& response) {
  const auto* const pc = response.pc.if_object();
  return pc != nullptr && pc->size() == 1 ? pc->begin()->value().if_object() : nullptr;
}

}  // namespace

struct EsPrimSender::Exchange : std::enable_shared_from_this<Exchange> {
  Exchange(EsPrimSender& s, RequestPrimitive inner, std::chrono::milliseconds timeout, Done d)
      : sender(s),
        exchange(s.originator_, std::move(inner)),
        end(s.clock_.now() + timeout),
        done(std::move(d)) {}

  void go_on(EsPrimExchange::Action action) {
    if (auto* const send = std::get_if<EsPrimExchange::Send>(&action))
      return ask(std::move(send->outer), &Exchange::answered);
    if (std::holds_alternative<EsPrimExchange::RetrieveSecInfo>(action)) {
      RequestPrimitive request;
      request.op = codec::Operation::retrieve;
      request.to = sender.options_.info;
      return ask(std::move(request), &Exchange::informed);
    }
    if (auto* const finished = std::get_if<EsPrimExchange::Finished>(&action))
      return done(std::move(finished->inner));
    done(fail(std::get<EsPrimExchange::Failed>(action).error));
  }

  void ask(RequestPrimitive request, void (Exchange::*then)(const ResponsePrimitive&)) {
    request.from = sender.options_.from;
    request.rqi = new_request_id();
    request.rvi = sender.options_.release;
    if (sender.options_.outer) sender.options_.outer(request);
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - sender.clock_.now());
    if (left.count() <= 0) return done(fail(ErrorCode::expired, "no answer in time"));
    sender.below_.send(std::move(request), left,
                       [self = shared_from_this(), then](Result<ResponsePrimitive> response) {
                         if (!response) return self->done(fail(response.error()));
                         (*self.*then)(*response);
                       });
  }

  void answered(const ResponsePrimitive& response) {
    go_on(exchange.on_answer(response, sender.clock_.now()));
  }

  void informed(const ResponsePrimitive& response) {
    if (!codec::is_success(response.rsc))
      return done(fail(ErrorCode::denied, "e2eSecInfo of " + sender.options_.info + ": " +
                                              std::string(codec::to_string(response.rsc))));
    const auto* const resource = resource_of(response);
    go_on(exchange.on_sec_info(resource != nullptr ? resource->if_contains("esi") : nullptr,
                               sender.clock_.now()));
  }

  EsPrimSender& sender;
  EsPrimExchange exchange;
  TimePoint end;
  Done done;
};

EsPrimSender::EsPrimSender(bind::RequestSender& below, std::shared_ptr<e2e::EsPrimOriginator> originator,
                           Options options, const Clock& clock)
    : below_(below), originator_(std::move(originator)), options_(std::move(options)), clock_(clock) {}

void EsPrimSender::send(RequestPrimitive request, std::chrono::milliseconds timeout, Done done) {
  auto exchange = std::make_shared<Exchange>(*this, std::move(request), timeout, std::move(done));
  exchange->go_on(exchange->exchange.start(clock_.now()));
}

// ---- certificates of others ----

namespace {

Result<e2e::PeerCertificates::Trusted> trusted_key(const ResponsePrimitive& response,
                                                   const PeerKeyQuestion& question,
                                                   const e2e::PeerCertificates& known, TimePoint now) {
  if (!codec::is_success(response.rsc))
    return fail(ErrorCode::denied,
                "e2eSecInfo of " + question.info + ": " + std::string(codec::to_string(response.rsc)));
  const auto* const resource = resource_of(response);
  const auto* const esi = resource != nullptr ? resource->if_contains("esi") : nullptr;
  if (esi == nullptr) return fail(ErrorCode::denied, "e2eSecInfo of " + question.info + ": there is none");
  const auto info = e2e::read_sec_info(*esi, now);
  if (!info)
    return fail(ErrorCode::invalid_argument, "e2eSecInfo of " + question.info + ": " + info.error().detail);
  return known.find(question.end_point, question.use, info->certificates, question.kid, now);
}

}  // namespace

void find_peer_key(bind::RequestSender& below, PeerKeyQuestion question,
                   std::shared_ptr<const e2e::PeerCertificates> known, const Clock& clock,
                   std::chrono::milliseconds timeout,
                   UniqueFunction<void(Result<e2e::PeerCertificates::Trusted>)> done) {
  RequestPrimitive request;
  request.op = codec::Operation::retrieve;
  request.to = question.info;
  request.from = question.from;
  request.rqi = new_request_id();
  request.rvi = question.release;
  below.send(std::move(request), timeout,
             [question = std::move(question), known = std::move(known), &clock,
              done = std::move(done)](Result<ResponsePrimitive> response) mutable {
               if (!response) return done(fail(std::move(response.error())));
               done(trusted_key(*response, question, *known, clock.now()));
             });
}

// ---- ESCertKE ----

namespace {

/// Two exchanges: message 1 and 2, then 3 and 4 (TS-0004 7.5.1.2.12).
struct Establishment : std::enable_shared_from_this<Establishment> {
  Establishment(bind::RequestSender& b, std::string f, std::string a, e2e::EsCertKeInitiator i,
                std::chrono::milliseconds t, UniqueFunction<void(Result<e2e::PairwiseE2EKey>)> d)
      : below(b),
        from(std::move(f)),
        address(std::move(a)),
        initiator(std::move(i)),
        timeout(t),
        done(std::move(d)) {}

  [[nodiscard]] RequestPrimitive notification(ByteView message) const {
    RequestPrimitive request;
    request.op = codec::Operation::notify;
    request.to = address;
    request.from = from;
    request.rqi = new_request_id();
    request.rvi = "2a";
    request.pc = e2e::escertke_security_info(message);
    return request;
  }

  using Then = void (Establishment::*)(ByteView);
  void send(ByteView message, Then then) {
    below.send(notification(message), timeout,
               [self = shared_from_this(), then](Result<ResponsePrimitive> response) {
                 if (!response) return self->finish(fail(response.error()));
                 self->answered(*response, then);
               });
  }

  void answered(const ResponsePrimitive& response, Then then) {
    auto message = e2e::read_escertke_message(response.pc);
    // An alert comes with the refusal: it says more than the code.
    if (message) return (this->*then)(*message);
    const std::string code(codec::to_string(response.rsc));
    finish(codec::is_success(response.rsc)
               ? fail(ErrorCode::invalid_argument, "ESCertKE: " + message.error().detail)
               : fail(ErrorCode::denied, "ESCertKE: the other end-point answers " + code));
  }

  void second(ByteView message) {
    auto third = initiator.message_3(message);
    if (third) return send(*third, &Establishment::fourth);
    if (!initiator.alert().empty()) tell_alert();
    finish(fail(third.error()));
  }
  void fourth(ByteView message) { finish(initiator.finish(message)); }

  /// So that the other side need not wait; what it answers is of no interest.
  void tell_alert() {
    below.send(notification(initiator.alert()), timeout, [](const Result<ResponsePrimitive>&) {});
  }

  void finish(Result<e2e::PairwiseE2EKey> result) { std::exchange(done, {})(std::move(result)); }

  bind::RequestSender& below;
  std::string from, address;
  e2e::EsCertKeInitiator initiator;
  std::chrono::milliseconds timeout;
  UniqueFunction<void(Result<e2e::PairwiseE2EKey>)> done;
};

}  // namespace

void establish_pairwise_key(bind::RequestSender& below, std::string from, std::string address,
                            e2e::EsCertKeInitiator initiator, std::chrono::milliseconds timeout,
                            UniqueFunction<void(Result<e2e::PairwiseE2EKey>)> done) {
  const auto establishment = std::make_shared<Establishment>(below, std::move(from), std::move(address),
                                                             std::move(initiator), timeout, std::move(done));
  establishment->send(establishment->initiator.message_1(), &Establishment::second);
}

}  // namespace latchkey::client
