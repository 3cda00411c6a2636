/// A phone unlocks a door through two CSEs that neither has to trust with the command: TS-0003 8.4, with the
/// library alone. It prints what those in between can see.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "latchkey/e2e/endpoint.h"
#include "latchkey/e2e/originator.h"
#include "latchkey/e2e/security_info.h"

namespace {

using namespace latchkey;
using Exchange = e2e::EsPrimExchange;

template <class T>
T must(T&& result, const char* what) {
  if (result) return std::forward<T>(result);
  std::fprintf(stderr, "%s failed\n", what);
  std::exit(1);
}

/// Provisioned at both ends, here made up; each end knows who the other is.
e2e::PairwiseEsPrimKey::Shared pairwise(const EntityId& peer) {
  return *must(e2e::PairwiseEsPrimKey::from_secret(
                   {.id = "door-1@sp.example", .peer = peer, .suid = Suid::from(13).value()},
                   SecretBytes::copy_of(Bytes(32, 0x5a))),
               "pairwise key");
}

/// A transit CSE forwards what it cannot read.
void transit(const char* name, const codec::json::value& pc) {
  std::printf("%s forwards %.76s...\n", name, codec::to_text(pc).c_str());
}

}  // namespace

int main() {
  const SpId sp = SpId::parse("//sp.example").value();
  const EntityId phone = parse_entity_id("/in-cse/Cphone", sp).value();
  const EntityId lock = parse_entity_id("/lock-cse", sp).value();
  const TimePoint now = system_clock().now();

  // The lock: a Receiver, and what it publishes of itself.
  const auto receiver = *must(e2e::EsPrimReceiver::make({.self = lock}), "receiver");
  static_cast<void>(must(receiver->add_key(pairwise(phone)), "key"));
  e2e::EsPrimEndpoint endpoint(*receiver);
  const codec::json::value esi = e2e::to_json(e2e::E2eSecInfo{
      .features = {Suid::from(13).value()}, .certificates = {}, .shared = receiver->shared_object(now)});

  // The phone: a request as to any CSE, and an exchange that says what to do with it.
  const auto originator =
      *must(e2e::EsPrimOriginator::make({.receiver_address = "/lock-cse"}, pairwise(lock)), "originator");
  codec::RequestPrimitive unlock;
  unlock.op = codec::Operation::update;
  unlock.to = "/lock-cse/door";
  unlock.from = "/in-cse/Cphone";
  unlock.rqi = "phone-17";
  unlock.pc = codec::json::value{{"hd:lock", {{"lock", false}}}};
  Exchange exchange(originator, unlock);
  auto action = exchange.start(now);
  if (std::holds_alternative<Exchange::RetrieveSecInfo>(action)) action = exchange.on_sec_info(&esi, now);

  auto* const send = std::get_if<Exchange::Send>(&action);
  if (send == nullptr) return 1;
  send->outer.rqi = "outer-1";
  for (const char* hop : {"IN-CSE", "MN-CSE"}) transit(hop, send->outer.pc);

  // The lock opens it, acts for whom the key speaks, and answers in the same session.
  const auto handled = endpoint.handle(send->outer, now);
  const auto* const inner = handled ? std::get_if<e2e::EsPrimEndpoint::Inner>(&*handled) : nullptr;
  if (inner == nullptr) return 1;
  std::printf("lock: %s asks for %s\n", to_string(inner->originator).c_str(),
              codec::to_text(inner->request.pc).c_str());
  codec::ResponsePrimitive done;
  done.rsc = codec::Rsc::updated;
  done.rqi = inner->request.rqi;
  const auto answer = endpoint.answer(send->outer, inner->context, done, now);
  for (const char* hop : {"MN-CSE", "IN-CSE"}) transit(hop, answer.outer.pc);

  const auto end = exchange.on_answer(answer.outer, now);
  const auto* const finished = std::get_if<Exchange::Finished>(&end);
  if (finished == nullptr) return 1;
  std::printf("phone: %d\n", static_cast<int>(finished->inner.rsc));

  // A hop that sends the request once more gets nothing done.
  const auto again = endpoint.handle(send->outer, now);
  const auto* const refused = again ? std::get_if<e2e::EsPrimEndpoint::Answer>(&*again) : nullptr;
  if (refused == nullptr) return 1;
  std::printf("sent once more: %d\n", static_cast<int>(refused->outer.rsc));
  return 0;
}
