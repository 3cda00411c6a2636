#include "latchkey/e2e/secured_request.h"

#include <algorithm>

#include "latchkey/codec/primitive.h"
#include "latchkey/crypto/crypto.h"
#include "members.h"

namespace latchkey::e2e {
namespace {

using codec::Outcome;
using codec::refuse;
using codec::Rsc;
using std::chrono::seconds;

constexpr std::size_t kIdOctets = 16;
constexpr std::int64_t kLatestTime = 253'402'300'799;  // the end of 9999

tl::unexpected<Error> bad(std::string why) { return fail(ErrorCode::invalid_argument, std::move(why)); }
tl::unexpected<codec::Refusal> not_accepted(std::string why) {
  return refuse(Rsc::originator_has_no_privilege, std::move(why));
}

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

/// Completes nothing: ids are absolute and stand as this software writes them.
std::optional<EntityId> exact_id(std::string_view text) {
  static const auto nobody = *SpId::parse("//nobody.invalid");
  auto id = parse_entity_id(text, nobody);
  if (!id || to_string(*id) != text) return {};
  return std::move(*id);
}

Outcome<EntityId> read_id(const json::object& members, std::string_view name) {
  const auto text = text_member(members, name);
  auto id = text ? exact_id(*text) : std::nullopt;
  if (!id) return refuse_member(name, "missing or no absolute id");
  return *std::move(id);
}

Outcome<TimePoint> read_time(const json::object& members, std::string_view name) {
  const auto* const value = members.if_contains(name);
  const auto number = value != nullptr ? integer(*value, 0, kLatestTime) : std::nullopt;
  if (!number) return refuse_member(name, "missing or no whole number of seconds");
  return TimePoint(seconds(*number));
}

std::int64_t unix_seconds(TimePoint time) {
  return std::chrono::floor<seconds>(time).time_since_epoch().count();
}

bool is_lifetime(seconds lifetime) {
  return lifetime >= seconds(1) && lifetime <= kSecuredRequestLifetimeMax;
}

bool owned_by(const EsDataCredential& credential, const CseId& cse) {
  return credential.owner == EntityId(cse);
}

bool has_cse(const EsDataCredential& credential) {
  return credential.owner && std::holds_alternative<CseId>(*credential.owner);
}

/// The same words for all that is not authentic would do for the sender; the log wants to know.
codec::Refusal refusal_of(const EsDataRefusal& refusal) {
  const bool malformed = refusal.defect == EsDataDefect::form;
  return {malformed ? Rsc::bad_request : Rsc::originator_has_no_privilege,
          "sdr: " + std::string(to_string(refusal.defect)) + ": " + refusal.detail};
}

Outcome<void> check_source(const EsDataOpened& opened, const CseId& source) {
  const bool by_source =
      !opened.verified.empty() && std::ranges::all_of(opened.verified, [&](const auto& credential) {
        return owned_by(credential, source);
      });
  if (!by_source) return not_accepted("sdr: iss is not whose key verified it");
  // A key that another CSE shares with us around a signature of this one: not what either was to do.
  if (opened.opened_with && opened.opened_with->owner && !owned_by(*opened.opened_with, source))
    return not_accepted("sdr: encrypted with the key of another CSE than signed it");
  return {};
}

Outcome<void> check_time(const SecuredRequest& request, seconds lifetime_max, TimePoint now) {
  if (request.end <= now) return not_accepted("sdr: has expired");
  if (request.made > now + kSecuredRequestSkew) return not_accepted("sdr: iat is in the future");
  if (request.end - request.made > lifetime_max)
    return not_accepted("sdr: lives longer than this DAS Server accepts");
  return {};
}

}  // namespace

Outcome<SecuredRequest> read_secured_request(std::string_view text) {
  const auto value = codec::parse_json(text, {});
  if (!value || !value->is_object()) return refuse_member("sdr", "its payload is no JSON object");
  const auto& members = value->get_object();
  auto source = read_id(members, "iss");
  if (!source) return refuse(std::move(source).error());
  const auto* const cse = std::get_if<CseId>(&*source);
  if (cse == nullptr) return refuse_member("iss", "no CSE-ID");
  auto target = read_id(members, "aud");
  if (!target) return refuse(std::move(target).error());
  const auto id = text_member(members, "jti");
  if (!id || id->empty() || id->size() > kSecuredRequestIdOctetsMax || !is_printable(*id))
    return refuse_member("jti", "missing, longer than 64 octets, or not printable");
  const auto made = read_time(members, "iat"), end = read_time(members, "exp");
  if (!made) return refuse(made.error());
  if (!end) return refuse(end.error());
  if (*end <= *made) return refuse_member("exp", "not after iat");
  const auto* const request = members.if_contains("dreq");
  if (request == nullptr || !request->is_object()) return refuse_member("dreq", "missing or no object");
  // Whoever adds something means something: a restriction that nobody reads would be lost.
  if (members.size() != 6) return refuse_member("sdr", "an unknown member");
  return SecuredRequest{.source = *cse,
                        .target = *std::move(target),
                        .id = std::string(*id),
                        .made = *made,
                        .end = *end,
                        .request = request->get_object()};
}

std::string to_text(const SecuredRequest& request) {
  return codec::to_text(json::object{{"iss", request.source.absolute()},
                                     {"aud", to_string(request.target)},
                                     {"jti", request.id},
                                     {"iat", unix_seconds(request.made)},
                                     {"exp", unix_seconds(request.end)},
                                     {"dreq", request.request}});
}

Result<std::shared_ptr<SecuredRequestSource>> SecuredRequestSource::make(Options options,
                                                                         EsDataSourceConfig config) {
  if (!is_lifetime(options.lifetime)) return bad("lifetime: not 1 s to 1 h");
  std::shared_ptr<SecuredRequestSource> made(new SecuredRequestSource(std::move(options)));
  if (auto configured = made->configure(std::move(config)); !configured)
    return fail(std::move(configured).error());
  return made;
}

Status SecuredRequestSource::configure(EsDataSourceConfig config) {
  // m2m:dynAuthJWT is compact.
  if (config.form != EsDataForm::compact || config.inner_form != EsDataForm::compact)
    return bad("a secured request is in compact form");
  for (const auto& recipient : config.recipients)
    if (recipient.key.alg() == jose::KeyAlg::dir) return bad("dir is not offered for secured requests");
  config.media_type = "json";
  config.content_key_uses = 1;
  auto source = EsDataSource::make(std::move(config));
  if (!source) return fail(std::move(source).error());
  source_ = *std::move(source);
  return {};
}

Result<std::string> SecuredRequestSource::protect(json::object dreq, TimePoint now) {
  const auto made = std::chrono::floor<seconds>(now);
  const SecuredRequest request{.source = options_.self,
                               .target = options_.das,
                               .id = to_hex(crypto::random_bytes(kIdOctets)),
                               .made = made,
                               .end = made + options_.lifetime,
                               .request = std::move(dreq)};
  return source_->protect(as_bytes(to_text(request)), now);
}

Result<std::shared_ptr<const SecuredRequestTarget>> SecuredRequestTarget::make(
    Options options, EsDataPolicy policy, std::vector<EsDataVerifier> verifiers,
    std::vector<EsDataOpener> openers) {
  if (!policy.source_verified) return bad("a secured request must prove its source");
  if (!is_lifetime(options.lifetime_max)) return bad("lifetime_max: not 1 s to 1 h");
  policy.forms = {EsDataForm::compact};
  for (const auto& verifier : verifiers)
    if (!has_cse(verifier.credential)) return bad("credential " + verifier.credential.kid + ": of no CSE");
  for (const auto& opener : openers)
    if (opener.key.symmetric() != has_cse(opener.credential))
      return bad("credential " + opener.credential.kid + ": a shared key is of a CSE, a private key our own");
  auto target = EsDataTarget::make(policy, std::move(verifiers), std::move(openers));
  if (!target) return fail(std::move(target).error());
  return std::shared_ptr<const SecuredRequestTarget>(
      new SecuredRequestTarget(std::move(options), *std::move(target)));
}

Outcome<SecuredRequest> SecuredRequestTarget::open(std::string_view text, TimePoint now) const {
  const auto opened = target_->open(EsDataForm::compact, text, now);
  if (!opened) return refuse(refusal_of(opened.error()));
  auto request = read_secured_request(as_text(opened->payload.reveal()));
  if (!request) return not_accepted("sdr: " + request.error().detail);
  if (auto valid = check_source(*opened, request->source); !valid) return refuse(valid.error());
  if (request->target != options_.self) return not_accepted("sdr: aud is another DAS Server");
  if (auto valid = check_time(*request, options_.lifetime_max, now); !valid) return refuse(valid.error());
  return request;
}

}  // namespace latchkey::e2e
