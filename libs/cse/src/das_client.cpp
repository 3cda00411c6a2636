#include "das_client.h"

#include <algorithm>

namespace latchkey::cse {

namespace {

/// sit 2 with what is granted, if anything (procedures 12): everything else denies.
Result<codec::DasResponse> read_answer(const Result<ResponsePrimitive>& response, TimePoint now) {
  if (!response) return fail(response.error());
  if (response->rsc != Rsc::ok)
    return fail(ErrorCode::denied,
                "the DAS Server answered " + std::to_string(static_cast<int>(response->rsc)));
  if (response->pc.is_null()) return codec::DasResponse{};
  auto message = codec::read_das_message(response->pc, now);
  if (!message)
    return fail(ErrorCode::invalid_argument, "answer of the DAS Server: " + message.error().detail);
  auto* const answer = std::get_if<codec::DasResponse>(&*message);
  if (answer == nullptr) return fail(ErrorCode::invalid_argument, "answer of the DAS Server: sit is not 2");
  return std::move(*answer);
}

}  // namespace

const DasClient::Server* DasClient::at(std::string_view point_of_access) const {
  const auto& servers = core_.options.das_servers;
  const auto found = std::ranges::find(servers, point_of_access, &Server::point_of_access);
  return found != servers.end() ? &*found : nullptr;
}

const DasClient::Server* DasClient::of_domain(std::string_view scoped_id) const {
  const auto id = KeyId::parse(scoped_id);
  if (!id) return nullptr;
  const auto& servers = core_.options.das_servers;
  const auto found = std::ranges::find_if(servers, [&](const Server& server) {
    return std::ranges::find(server.domains, id->issuer()) != server.domains.end();
  });
  return found != servers.end() ? &*found : nullptr;
}

void DasClient::ask(const Server& server, const codec::DasRequest& question, Done done) {
  auto originator = to_string(question.originator);
  if (auto place = places_.take(originator); !place) return done(fail(place.error()));
  RequestPrimitive notify;
  notify.op = codec::Operation::notify;
  notify.pc = codec::to_security_info(question);
  core_.router->send(server.point_of_access, core_.options.cse_id.absolute(), std::move(notify),
                     core_.options.consultation_timeout,
                     [this, originator = std::move(originator),
                      done = std::move(done)](const Result<ResponsePrimitive>& response) mutable {
                       places_.give_back(originator);
                       done(read_answer(response, core_.clock.now()));
                     });
}

}  // namespace latchkey::cse
