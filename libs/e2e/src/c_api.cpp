#include <algorithm>
#include <cstring>
#include <new>

#include "latchkey/codec/primitive.h"
#include "latchkey/e2e/endpoint.h"
#include "latchkey/e2e/esdata.h"
#include "latchkey/e2e/latchkey_e2e.h"
#include "latchkey/e2e/originator.h"
#include "latchkey/e2e/security_info.h"

namespace e2e = latchkey::e2e;
namespace jose = latchkey::jose;
namespace codec = latchkey::codec;
namespace json = boost::json;
using latchkey::ErrorCode;
using latchkey::fail;
using latchkey::Result;
using latchkey::SecretBytes;
using latchkey::TimePoint;

struct lk_source {
  std::unique_ptr<e2e::EsDataSource> it;
};
struct lk_target {
  std::unique_ptr<e2e::EsDataTarget> it;
};
struct lk_originator {
  std::shared_ptr<e2e::EsPrimOriginator> it;
};
struct lk_exchange {
  e2e::EsPrimExchange it;
};
struct lk_receiver {
  std::unique_ptr<e2e::EsPrimReceiver> it;
  e2e::EsPrimEndpoint endpoint;
};
struct lk_opened {
  codec::RequestPrimitive outer;
  e2e::EsPrimContext context;
};

namespace {

lk_code code_of(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::not_found:
      return LK_INVALID_ARGUMENT;
    case ErrorCode::authentication:
    case ErrorCode::denied:
      return LK_REFUSED;
    case ErrorCode::expired:
      return LK_EXPIRED;
    case ErrorCode::limit:
      return LK_LIMIT;
    case ErrorCode::unsupported:
      return LK_UNSUPPORTED;
    case ErrorCode::conflict:
      return LK_CONFLICT;
    default:
      return LK_INTERNAL;
  }
}

int report(lk_error* error, const latchkey::Error& why) noexcept {
  const lk_code code = code_of(why.code);
  if (error == nullptr) return code;
  error->code = code;
  const std::size_t size = std::min(why.detail.size(), sizeof error->detail - 1);
  std::memcpy(error->detail, why.detail.data(), size);
  error->detail[size] = 0;
  return code;
}

/// No exception leaves: memory that runs out is an error like others.
template <class Call>
int guarded(lk_error* error, const Call& call) noexcept {
  try {
    const latchkey::Status done = call();
    if (done) return LK_OK;
    return report(error, done.error());
  } catch (...) {
    if (error != nullptr) *error = {LK_INTERNAL, "out of memory"};
    return LK_INTERNAL;
  }
}

void give(lk_buffer* out, std::string_view text) {
  auto* const data = new std::uint8_t[text.size() + 1];
  std::copy(text.begin(), text.end(), data);
  data[text.size()] = 0;
  *out = {data, text.size()};
}

TimePoint at(std::int64_t seconds) { return TimePoint(std::chrono::seconds(seconds)); }
std::string_view text_of(const char* text) { return text != nullptr ? std::string_view(text) : ""; }
tl::unexpected<latchkey::Error> bad(std::string why) {
  return fail(ErrorCode::invalid_argument, std::move(why));
}

Result<e2e::EsDataCredential> attributes(const lk_credential& in) {
  if (in.key == nullptr && in.key_size > 0) return bad("credential without a key");
  const auto suid = latchkey::Suid::from(in.suid);
  if (!suid) return fail(suid.error());
  e2e::EsDataCredential out{.kid = std::string(text_of(in.kid)), .suid = *suid};
  if (in.end != 0) out.end = at(in.end);
  return out;
}
bool symmetric(const e2e::EsDataCredential& credential) {
  return credential.option() != e2e::EsDataOption::certificate;
}
std::shared_ptr<const SecretBytes> octets(const lk_credential& in) {
  return std::make_shared<const SecretBytes>(SecretBytes::copy_of({in.key, in.key_size}));
}
Result<latchkey::crypto::PrivateKey> private_key(const lk_credential& in) {
  return latchkey::crypto::PrivateKey::from_pem(SecretBytes::copy_of({in.key, in.key_size}));
}
Result<latchkey::crypto::PublicKey> public_key(const lk_credential& in) {
  return latchkey::crypto::PublicKey::from_pem(latchkey::as_text({in.key, in.key_size}));
}

template <class Alg>
Result<Alg> named(const lk_credential& in, std::optional<Alg> alg) {
  if (alg) return *alg;
  return bad("credential " + std::string(text_of(in.kid)) + ": alg is none of TS-0003");
}

/// Reads a list of credentials into `Entry`, with the symmetric or the asymmetric kind of key.
template <class Entry, class Key, class Pair, class Alg, class... More>
Result<std::vector<Entry>> read(const lk_credential* list, std::size_t count,
                                std::optional<Alg> (*alg_of)(std::string_view) noexcept, const Pair& pair_of,
                                const More&... more) {
  std::vector<Entry> out;
  if (list == nullptr && count > 0) return bad("no credentials");
  for (std::size_t i = 0; i < count; ++i) {
    const lk_credential& in = list[i];
    const auto credential = attributes(in);
    if (!credential) return fail(credential.error());
    const auto alg = named(in, alg_of(text_of(in.alg)));
    if (!alg) return fail(alg.error());
    if (symmetric(*credential)) {
      out.push_back({*credential, Key(octets(in), {*alg}, more...)});
      continue;
    }
    auto pair = pair_of(in);
    if (!pair) return fail("credential " + credential->kid, std::move(pair.error()));
    out.push_back({*credential, Key(std::move(*pair), {*alg}, more...)});
  }
  return out;
}

Result<jose::Enc> enc_of(const char* name) {
  if (const auto enc = jose::enc(text_of(name))) return *enc;
  return bad("enc is none of A128GCM, A192GCM, A256GCM");
}

/// An AE-ID or CSE-ID in absolute form; its service provider is in it.
Result<latchkey::EntityId> absolute_id(const char* what, const char* text) {
  const std::string_view name = text_of(text);
  const auto slash = name.starts_with("//") ? name.find('/', 2) : std::string_view::npos;
  const auto home = latchkey::SpId::parse(name.substr(0, std::min(slash, name.size())));
  if (!home) return fail(what, home.error());
  auto id = latchkey::parse_entity_id(name, *home);
  if (!id) return fail(what, id.error());
  return id;
}

Result<e2e::PairwiseEsPrimKey::Shared> pairwise_key(const char* kid, int suid, const std::uint8_t* key,
                                                    std::size_t size, std::int64_t end,
                                                    latchkey::EntityId peer) {
  const auto use = latchkey::Suid::from(suid);
  if (!use) return fail(use.error());
  if (key == nullptr && size > 0) return bad("no key");
  e2e::PairwiseAttributes attributes{.id = std::string(text_of(kid)), .peer = std::move(peer), .suid = *use};
  if (end != 0) attributes.end = at(end);
  return e2e::PairwiseEsPrimKey::from_secret(std::move(attributes), SecretBytes::copy_of({key, size}));
}

Result<json::value> parsed(const char* text) {
  auto value = codec::parse_json(text_of(text), {});
  if (!value) return bad(value.error().detail);
  return std::move(*value);
}

/// What the caller shall do, or the error that ends the exchange.
latchkey::Status next(e2e::EsPrimExchange::Action&& action, lk_action* out) {
  using Exchange = e2e::EsPrimExchange;
  if (auto* failed = std::get_if<Exchange::Failed>(&action)) {
    if (failed->rsc) failed->error.detail += " (" + std::to_string(static_cast<int>(*failed->rsc)) + ")";
    return fail(std::move(failed->error));
  }
  *out = {LK_RETRIEVE_SEC_INFO, {}};
  if (const auto* send = std::get_if<Exchange::Send>(&action)) {
    out->step = LK_SEND;
    auto outer = codec::to_json(send->outer);
    outer.stable_erase("rqi");  // empty: the caller gives it one
    give(&out->primitive, codec::to_text(outer));
  } else if (const auto* finished = std::get_if<Exchange::Finished>(&action)) {
    out->step = LK_FINISHED;
    give(&out->primitive, codec::to_text(codec::to_json(finished->inner)));
  }
  return {};
}

}  // namespace

extern "C" {

void lk_buffer_free(lk_buffer* buffer) {
  if (buffer == nullptr || buffer->data == nullptr) return;
  latchkey::wipe(buffer->data, buffer->size);
  delete[] buffer->data;
  *buffer = {};
}

int lk_source_new(lk_source** out, int security_class, int form, const char* enc, const char* media_type,
                  const lk_credential* signers, size_t signer_count, const lk_credential* recipients,
                  size_t recipient_count, lk_error* error) {
  return guarded(error, [&]() -> latchkey::Status {
    e2e::EsDataSourceConfig config{.security_class = static_cast<e2e::EsDataClass>(security_class),
                                   .form = static_cast<e2e::EsDataForm>(form),
                                   .media_type = std::string(text_of(media_type))};
    if (security_class < LK_ENCRYPTION_ONLY || security_class > LK_SIGN_THEN_ENCRYPT || form < LK_COMPACT ||
        form > LK_XML_BASE64)
      return bad("no such class or form");
    auto sign = read<e2e::EsDataSigner, jose::SigningKey>(signers, signer_count, jose::named_signature_alg,
                                                          private_key);
    if (!sign) return fail(std::move(sign.error()));
    config.signers = std::move(*sign);
    if (signer_count > 1) config.inner_form = e2e::EsDataForm::json;
    if (recipient_count > 0) {
      const auto content = enc_of(enc);
      if (!content) return fail(content.error());
      auto to = read<e2e::EsDataRecipient, jose::EncryptionKey>(recipients, recipient_count, jose::key_alg,
                                                                public_key, *content);
      if (!to) return fail(std::move(to.error()));
      config.recipients = std::move(*to);
    }
    auto made = e2e::EsDataSource::make(std::move(config));
    if (!made) return fail(std::move(made.error()));
    *out = new lk_source{std::move(*made)};
    return {};
  });
}
void lk_source_free(lk_source* source) { delete source; }

int lk_source_protect(lk_source* source, const void* payload, size_t size, int64_t now, lk_buffer* envelope,
                      lk_error* error) {
  return guarded(error, [&]() -> latchkey::Status {
    const auto text = source->it->protect({static_cast<const std::uint8_t*>(payload), size}, at(now));
    if (!text) return fail(text.error());
    give(envelope, *text);
    return {};
  });
}

int lk_target_new(lk_target** out, int security_class, const char* enc, int any_source,
                  const lk_credential* verifiers, size_t verifier_count, const lk_credential* openers,
                  size_t opener_count, lk_error* error) {
  return guarded(error, [&]() -> latchkey::Status {
    if (security_class < LK_ENCRYPTION_ONLY || security_class > LK_SIGN_THEN_ENCRYPT)
      return bad("no such class");
    e2e::EsDataPolicy policy{.source_verified = any_source == 0};
    policy.classes.add(static_cast<e2e::EsDataClass>(security_class));
    // Whoever opens an envelope says which form it has.
    policy.forms.add(e2e::EsDataForm::xml);
    policy.forms.add(e2e::EsDataForm::xml_base64);
    if (opener_count > 0) {
      const auto content = enc_of(enc);
      if (!content) return fail(content.error());
      policy.encs.add(*content);
    }
    auto verify = read<e2e::EsDataVerifier, jose::VerificationKey>(verifiers, verifier_count,
                                                                   jose::named_signature_alg, public_key);
    if (!verify) return fail(std::move(verify.error()));
    auto open = read<e2e::EsDataOpener, jose::DecryptionKey>(openers, opener_count, jose::key_alg,
                                                             private_key, policy.encs);
    if (!open) return fail(std::move(open.error()));
    for (std::size_t i = 0; i < verifier_count; ++i)
      policy.signatures.add(*jose::named_signature_alg(text_of(verifiers[i].alg)));
    for (std::size_t i = 0; i < opener_count; ++i)
      policy.key_algs.add(*jose::key_alg(text_of(openers[i].alg)));
    auto made = e2e::EsDataTarget::make(policy, std::move(*verify), std::move(*open));
    if (!made) return fail(std::move(made.error()));
    *out = new lk_target{std::move(*made)};
    return {};
  });
}
void lk_target_free(lk_target* target) { delete target; }

int lk_target_open(const lk_target* target, int form, const char* envelope, size_t size, int64_t now,
                   lk_buffer* payload, lk_buffer* verified_by, lk_error* error) {
  return guarded(error, [&]() -> latchkey::Status {
    if (form < LK_COMPACT || form > LK_XML_BASE64) return bad("no such form");
    const auto opened = target->it->open(static_cast<e2e::EsDataForm>(form), {envelope, size}, at(now));
    if (!opened)
      return fail(ErrorCode::authentication,
                  std::string(e2e::to_string(opened.error().defect)) + ": " + opened.error().detail);
    give(payload, latchkey::as_text(opened->payload.reveal()));
    if (verified_by != nullptr)
      give(verified_by, opened->verified.empty() ? "" : opened->verified.front().kid);
    return {};
  });
}

int lk_originator_new(lk_originator** out, const char* kid, int suid, const uint8_t* key, size_t key_size,
                      int64_t end, const char* receiver, const char* address, lk_error* error) {
  return guarded(error, [&]() -> latchkey::Status {
    auto peer = absolute_id("receiver", receiver);
    if (!peer) return fail(std::move(peer.error()));
    auto pairwise = pairwise_key(kid, suid, key, key_size, end, *std::move(peer));
    if (!pairwise) return fail(std::move(pairwise.error()));
    auto made = e2e::EsPrimOriginator::make({.receiver_address = std::string(text_of(address))},
                                            std::move(*pairwise));
    if (!made) return fail(std::move(made.error()));
    *out = new lk_originator{std::move(*made)};
    return {};
  });
}
void lk_originator_free(lk_originator* originator) { delete originator; }

int lk_exchange_start(lk_exchange** out, lk_originator* originator, const char* request, int64_t now,
                      lk_action* action, lk_error* error) {
  return guarded(error, [&]() -> latchkey::Status {
    auto value = parsed(request);
    if (!value) return fail(std::move(value.error()));
    auto inner = codec::request_from_json(std::move(*value), at(now), {});
    if (!inner) return bad(inner.error().detail);
    std::unique_ptr<lk_exchange> made(
        new lk_exchange{e2e::EsPrimExchange(originator->it, std::move(*inner))});
    if (auto started = next(made->it.start(at(now)), action); !started) return started;
    *out = made.release();
    return {};
  });
}

int lk_exchange_sec_info(lk_exchange* exchange, const char* sec_info, int64_t now, lk_action* action,
                         lk_error* error) {
  return guarded(error, [&]() -> latchkey::Status {
    if (sec_info == nullptr) return next(exchange->it.on_sec_info(nullptr, at(now)), action);
    const auto value = parsed(sec_info);
    if (!value) return fail(value.error());
    return next(exchange->it.on_sec_info(&*value, at(now)), action);
  });
}

int lk_exchange_answer(lk_exchange* exchange, const char* response, int64_t now, lk_action* action,
                       lk_error* error) {
  return guarded(error, [&]() -> latchkey::Status {
    const auto value = parsed(response);
    if (!value) return fail(value.error());
    const auto outer = codec::response_from_json(*value, {});
    if (!outer) return bad(outer.error().detail);
    return next(exchange->it.on_answer(*outer, at(now)), action);
  });
}
void lk_exchange_free(lk_exchange* exchange) { delete exchange; }

int lk_receiver_new(lk_receiver** out, const char* self, lk_error* error) {
  return guarded(error, [&]() -> latchkey::Status {
    auto id = absolute_id("self", self);
    if (!id) return fail(std::move(id.error()));
    auto made = e2e::EsPrimReceiver::make({.self = *std::move(id)});
    if (!made) return fail(std::move(made.error()));
    auto& receiver = **made;
    *out = new lk_receiver{std::move(*made), e2e::EsPrimEndpoint(receiver)};
    return {};
  });
}
void lk_receiver_free(lk_receiver* receiver) { delete receiver; }

int lk_receiver_add_key(lk_receiver* receiver, const char* kid, int suid, const uint8_t* key, size_t key_size,
                        int64_t end, const char* peer, lk_error* error) {
  return guarded(error, [&]() -> latchkey::Status {
    auto id = absolute_id("peer", peer);
    if (!id) return fail(std::move(id.error()));
    auto pairwise = pairwise_key(kid, suid, key, key_size, end, *std::move(id));
    if (!pairwise) return fail(std::move(pairwise.error()));
    return receiver->it->add_key(*std::move(pairwise));
  });
}
void lk_receiver_remove_key(lk_receiver* receiver, const char* kid) {
  receiver->it->remove_key(text_of(kid));
}

int lk_receiver_sec_info(lk_receiver* receiver, int64_t now, lk_buffer* sec_info, lk_error* error) {
  return guarded(error, [&]() -> latchkey::Status {
    e2e::E2eSecInfo info;
    for (const int suid : {13, 23}) info.features.push_back(*latchkey::Suid::from(suid));
    info.shared = receiver->it->shared_object(at(now));
    give(sec_info, codec::to_text(e2e::to_json(info)));
    return {};
  });
}

int lk_receiver_handle(lk_receiver* receiver, const char* outer, int64_t now, lk_reception* out,
                       lk_error* error) {
  return guarded(error, [&]() -> latchkey::Status {
    auto value = parsed(outer);
    if (!value) return fail(std::move(value.error()));
    auto request = codec::request_from_json(std::move(*value), at(now), {});
    if (!request) return bad(request.error().detail);
    *out = {LK_NOT_ESPRIM, {}, {}, {}, nullptr};
    auto handled = receiver->endpoint.handle(*request, at(now));
    if (!handled) return {};
    if (auto* const inner = std::get_if<e2e::EsPrimEndpoint::Inner>(&*handled)) {
      out->kind = LK_INNER;
      give(&out->originator, latchkey::to_string(inner->originator));
      give(&out->primitive, codec::to_text(codec::to_json(inner->request)));
      request->pc = nullptr;  // the answer needs the head alone
      out->opened = new lk_opened{std::move(*request), std::move(inner->context)};
      return {};
    }
    // No MAF is configured, so no key is ever to be fetched.
    const auto& answer = std::get<e2e::EsPrimEndpoint::Answer>(*handled);
    out->kind = LK_ANSWER;
    give(&out->primitive, codec::to_text(codec::to_json(answer.outer)));
    give(&out->reason,
         answer.refusal ? std::string(e2e::to_string(answer.refusal->defect)) + ": " + answer.refusal->detail
                        : std::string());
    return {};
  });
}
void lk_reception_free(lk_reception* reception) {
  if (reception == nullptr) return;
  lk_buffer_free(&reception->primitive);
  lk_buffer_free(&reception->originator);
  lk_buffer_free(&reception->reason);
  delete reception->opened;
  reception->opened = nullptr;
}

int lk_receiver_answer(lk_receiver* receiver, const lk_opened* opened, const char* response, int64_t now,
                       lk_buffer* outer_response, lk_error* error) {
  return guarded(error, [&]() -> latchkey::Status {
    if (opened == nullptr) return bad("no request was opened");
    const auto value = parsed(response);
    if (!value) return fail(value.error());
    const auto inner = codec::response_from_json(*value, {});
    if (!inner) return bad(inner.error().detail);
    const auto answer = receiver->endpoint.answer(opened->outer, opened->context, *inner, at(now));
    give(outer_response, codec::to_text(codec::to_json(answer.outer)));
    return {};
  });
}

}  // extern "C"
