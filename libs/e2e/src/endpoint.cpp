#include "latchkey/e2e/endpoint.h"

#include "latchkey/codec/dynamic_authorization.h"
#include "latchkey/e2e/security_info.h"

namespace latchkey::e2e {
namespace {

bool is_esprim(const codec::RequestPrimitive& outer) {
  if (outer.op != codec::Operation::notify || !outer.pc.is_object() ||
      !outer.pc.get_object().contains(codec::kSecurityInfo))
    return false;
  const auto type = codec::security_info_type(outer.pc);
  return type && *type >= codec::SecurityInfoType::rand_object_request &&
         *type <= codec::SecurityInfoType::esprim_object;
}

codec::ResponsePrimitive ok(const codec::RequestPrimitive& outer, const EsPrimMessage& message) {
  codec::ResponsePrimitive response;
  response.rsc = codec::Rsc::ok;
  response.rqi = outer.rqi;
  response.rvi = outer.rvi;
  response.pc = to_security_info(message);
  return response;
}

/// The peer learns the code and its name, nothing else.
EsPrimEndpoint::Answer refusal(const codec::RequestPrimitive& outer, EsPrimRefusal&& why) {
  const codec::Rsc rsc = why.rsc();
  return {codec::refusal_response(outer, {rsc, std::string(codec::to_string(rsc))}), std::move(why)};
}

}  // namespace

std::optional<EsPrimEndpoint::Handled> EsPrimEndpoint::handle(const codec::RequestPrimitive& outer,
                                                              TimePoint now) {
  if (!is_esprim(outer)) return {};
  const auto message = read_esprim_message(outer.pc, now);
  if (!message) return Answer{codec::refusal_response(outer, message.error()), {}};
  if (std::holds_alternative<RandObjectRequest>(*message))
    return Answer{ok(outer, receiver_.issue(outer.from, now)), {}};
  const auto* const object = std::get_if<EsPrimObject>(&*message);
  if (object == nullptr)
    return Answer{codec::refusal_response(outer, {codec::Rsc::bad_request, "m2m:seci.sit: of an answer"}),
                  {}};
  auto result = receiver_.open(object->text, outer.from, now);
  if (auto* const why = std::get_if<EsPrimRefusal>(&result)) return refusal(outer, std::move(*why));
  if (auto* const fetch = std::get_if<EsPrimReceiver::FetchKey>(&result)) return std::move(*fetch);
  auto& opened = std::get<EsPrimReceiver::Opened>(result);
  Inner inner{std::move(opened.request), std::move(opened.originator), std::move(opened.context)};
  inner.request.rt = outer.rt;
  inner.request.rt_targets = outer.rt_targets;
  inner.request.ec = outer.ec;
  inner.request.da = outer.da;
  return inner;
}

EsPrimEndpoint::Answer EsPrimEndpoint::unknown_key(const codec::RequestPrimitive& outer) {
  return refusal(outer, {EsPrimDefect::unknown_key, "the MAF does not give it"});
}

EsPrimEndpoint::Answer EsPrimEndpoint::answer(const codec::RequestPrimitive& outer,
                                              const EsPrimContext& context,
                                              const codec::ResponsePrimitive& inner, TimePoint now) {
  auto text = receiver_.seal(context, inner, now);
  if (!text) return refusal(outer, std::move(text.error()));
  return {ok(outer, EsPrimObject{std::move(*text)}), {}};
}

}  // namespace latchkey::e2e
