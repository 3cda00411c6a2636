// ESPrim against cjose on the same octets (TS-0003 8.4): what a primitive of 1 KiB costs in a session whose
// key is cached, and what the session costs. Ours is the whole step, with the primitive written or read, the
// header, the session looked up and, at the Receiver, identity and replay checked; cjose's is the JWE alone.
#include <cjose/cjose.h>
#include <openssl/evp.h>

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "bare_tls.h"
#include "latchkey/crypto/crypto.h"
#include "latchkey/e2e/escertke.h"
#include "latchkey/e2e/esdata.h"
#include "latchkey/e2e/originator.h"
#include "latchkey/e2e/receiver.h"
#include "latchkey/e2e/security_info.h"
#include "latchkey/pki/authority.h"
#include "measure.h"

namespace {

using namespace latchkey;
namespace json = boost::json;

constexpr int kRounds = 9;
constexpr int kCalls = 1'000;

/// Processor seconds of one call, over so many.
template <class Call>
double each(int calls, const Call& call) {
  const auto clock = bench::CpuClock::of_this_process();
  const double begin = clock.seconds();
  for (int i = 0; i < calls; ++i) call(i);
  return (clock.seconds() - begin) / calls;
}

void must(bool holds) {
  if (!holds) bench::give_up("ESPrim");
}

EntityId entity(const char* text) {
  return parse_entity_id(text, SpId::parse("//sp.example").value()).value();
}
SecretBytes secret() { return SecretBytes::copy_of(Bytes(32, 0x42)); }
e2e::PairwiseEsPrimKey::Shared pairwise(const char* peer) {
  return e2e::PairwiseEsPrimKey::from_secret(
             {.id = "K1@sp.example", .peer = entity(peer), .suid = Suid::from(13).value()}, secret())
      .value();
}

/// A Create of 1 KiB.
codec::RequestPrimitive request(int number) {
  codec::RequestPrimitive out;
  out.op = codec::Operation::create;
  out.to = "/lock-cse/door/log";
  out.from = "/in-cse/Cphone";
  out.rqi = "request-" + std::to_string(1'000'000 + number);
  out.ty = 4;
  out.pc = json::value{{"m2m:cin", {{"cnf", "text/plain:0"}, {"con", std::string(858, 'x')}}}};
  return out;
}

/// The same octets through cjose with `dir` and A128GCM: the header and the key are made once.
class Cjose {
 public:
  explicit Cjose(std::size_t payload) : payload_(payload, 'x') {
    const Bytes key(16, 0x42);
    cjose_err error;
    key_ = cjose_jwk_create_oct_spec(key.data(), key.size(), &error);
    header_ = cjose_header_new(&error);
    must(key_ != nullptr && header_ != nullptr &&
         cjose_header_set(header_, CJOSE_HDR_ALG, CJOSE_HDR_ALG_DIR, &error) &&
         cjose_header_set(header_, CJOSE_HDR_ENC, "A128GCM", &error) &&
         cjose_header_set(header_, CJOSE_HDR_KID, "K1@sp.example", &error) &&
         cjose_header_set(header_, CJOSE_HDR_CTY, "vnd.onem2m-preq+json", &error) &&
         cjose_header_set(header_, "ori", "U-abcdefghijklmnop", &error) &&
         cjose_header_set(header_, "rri", "S-abcdefghijklmnop", &error));
    text_ = seal();
  }
  ~Cjose() {
    cjose_header_release(header_);
    cjose_jwk_release(key_);
  }
  Cjose(const Cjose&) = delete;
  Cjose& operator=(const Cjose&) = delete;

  [[nodiscard]] std::string seal() const {
    cjose_err error;
    cjose_jwe_t* jwe = cjose_jwe_encrypt(
        key_, header_, reinterpret_cast<const std::uint8_t*>(payload_.data()), payload_.size(), &error);
    char* text = jwe != nullptr ? cjose_jwe_export(jwe, &error) : nullptr;
    must(text != nullptr);
    std::string out(text);
    cjose_get_dealloc()(text);
    cjose_jwe_release(jwe);
    return out;
  }
  void open() const {
    cjose_err error;
    cjose_jwe_t* jwe = cjose_jwe_import(text_.data(), text_.size(), &error);
    must(jwe != nullptr);
    std::size_t size = 0;
    std::uint8_t* plain = cjose_jwe_decrypt(jwe, key_, &size, &error);
    must(plain != nullptr && size == payload_.size());
    cjose_get_dealloc()(plain);
    cjose_jwe_release(jwe);
  }

 private:
  std::string payload_, text_;
  cjose_jwk_t* key_;
  cjose_header_t* header_;
};

/// Phone and lock, with a session that both have.
struct World {
  TimePoint now = *parse_timestamp("20261128T120000");
  std::unique_ptr<e2e::EsPrimReceiver> receiver =
      e2e::EsPrimReceiver::make({.self = entity("/lock-cse"), .requests_per_session = 1'000'000}).value();
  std::shared_ptr<e2e::EsPrimOriginator> originator =
      e2e::EsPrimOriginator::make({.receiver_address = "/lock-cse",
                                   .encs = {jose::Enc::a128gcm},
                                   .requests_per_session = 100'000'000},
                                  pairwise("/lock-cse"))
          .value();
  int number = 0;

  World() {
    must(receiver->add_key(pairwise("/in-cse/Cphone")).has_value());
    e2e::EsPrimExchange first(originator, request(++number));
    must(std::holds_alternative<e2e::EsPrimExchange::RetrieveSecInfo>(first.start(now)));
    const json::value esi = e2e::to_json(e2e::E2eSecInfo{
        .features = {Suid::from(13).value()}, .certificates = {}, .shared = receiver->shared_object(now)});
    auto action = first.on_sec_info(&esi, now);
    const auto opened = open(object_of(action));
    codec::ResponsePrimitive response, outer;
    response.rsc = outer.rsc = codec::Rsc::created;
    response.rqi = request(number).rqi;
    outer.pc =
        e2e::to_security_info(e2e::EsPrimObject{receiver->seal(opened.context, response, now).value()});
    must(std::holds_alternative<e2e::EsPrimExchange::Finished>(first.on_answer(outer, now)));
  }
  static std::string object_of(const e2e::EsPrimExchange::Action& action) {
    const auto* send = std::get_if<e2e::EsPrimExchange::Send>(&action);
    must(send != nullptr);
    return std::string(send->outer.pc.at("m2m:seci").at("epo").as_string());
  }
  [[nodiscard]] std::string seal() {
    e2e::EsPrimExchange exchange(originator, request(++number));
    return object_of(exchange.start(now));
  }
  e2e::EsPrimReceiver::Opened open(const std::string& object) {
    auto result = receiver->open(object, "/in-cse/Cphone", now);
    auto* opened = std::get_if<e2e::EsPrimReceiver::Opened>(&result);
    must(opened != nullptr);
    return std::move(*opened);
  }
};

void row(const std::string& work, const bench::Pair& pair, double limit) {
  bench::print_row(work, bench::in_microseconds(pair.ours), bench::in_microseconds(pair.reference) + " cjose",
                   bench::number(pair.ratio(), 2), "at most " + bench::number(limit, 1),
                   pair.ratio() <= limit);
}

void primitives() {
  World world;
  const Cjose reference(codec::to_text(codec::to_json(request(1))).size());
  // An exchange owns its request: what it is given is made before the clock runs.
  const auto seal = [&] {
    std::vector<e2e::EsPrimExchange> exchanges;
    exchanges.reserve(kCalls);
    for (int i = 0; i < kCalls; ++i) exchanges.emplace_back(world.originator, request(++world.number));
    return each(kCalls, [&](int i) {
      must(std::holds_alternative<e2e::EsPrimExchange::Send>(
          exchanges[static_cast<std::size_t>(i)].start(world.now)));
    });
  };
  row("ESPrim: seal a request of 1 KiB, session cached",
      bench::take_turns(kRounds, seal,
                        [&] { return each(kCalls, [&](int) { must(!reference.seal().empty()); }); }),
      0.9);
  const auto open = [&] {
    std::vector<std::string> objects;
    for (int i = 0; i < kCalls; ++i) objects.push_back(world.seal());
    return each(kCalls, [&](int i) { static_cast<void>(world.open(objects[static_cast<std::size_t>(i)])); });
  };
  row("ESPrim: open a request of 1 KiB, session cached",
      bench::take_turns(kRounds, open, [&] { return each(kCalls, [&](int) { reference.open(); }); }), 0.8);
}

void session_key() {
  const std::array encs{jose::Enc::a256gcm, jose::Enc::a192gcm, jose::Enc::a128gcm};
  const TimePoint now = *parse_timestamp("20261128T120000");
  const std::string receiver(
      as_text(e2e::ReceiverRandObject::make(true, now + std::chrono::hours(1), encs).octets()));
  const std::string originator(
      as_text(e2e::OriginatorRandObject::make(now + std::chrono::hours(1), encs).octets()));
  const auto key = pairwise("/lock-cse");
  bench::Series series;
  for (int round = 0; round < kRounds; ++round)
    series.values.push_back(each(10'000, [&](int) {
      const auto r = e2e::ReceiverRandObject::read(codec::parse_json(receiver, {}).value(), now);
      const auto o = e2e::OriginatorRandObject::read(codec::parse_json(originator, {}).value(), now);
      must(key->session_key(r->octets(), o->octets()).has_value());
    }));
  bench::print_row("ESPrim: session key, both rand objects parsed", bench::in_microseconds(series), "-", "-",
                   "under 5 us", series.median() < 5e-6);
}

void esdata_row(const std::string& work, const bench::Pair& pair, const std::string& reference,
                double limit) {
  bench::print_row(work, bench::in_microseconds(pair.ours),
                   bench::in_microseconds(pair.reference) + " " + reference, bench::number(pair.ratio(), 2),
                   "at most " + bench::number(limit, 1), pair.ratio() <= limit);
}

e2e::EsDataCredential credential(const std::string& kid, int suid) {
  return {.kid = kid, .suid = Suid::from(suid).value()};
}

/// One ECDSA of libcrypto over the octets that a compact envelope of `payload` signs.
class BareEcdsa {
 public:
  BareEcdsa(const crypto::PrivateKey& key, std::string_view envelope)
      : key_(key.public_key().native()),
        pair_(key.native()),
        input_(envelope.substr(0, envelope.rfind('.'))) {
    signature_.resize(static_cast<std::size_t>(EVP_PKEY_get_size(key_)));
    sign();
  }
  void sign() {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    size_ = signature_.size();
    must(EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, pair_) == 1 &&
         EVP_DigestSign(context, signature_.data(), &size_, octets(), input_.size()) == 1);
    EVP_MD_CTX_free(context);
  }
  void verify() const {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    must(EVP_DigestVerifyInit(context, nullptr, EVP_sha256(), nullptr, key_) == 1 &&
         EVP_DigestVerify(context, signature_.data(), size_, octets(), input_.size()) == 1);
    EVP_MD_CTX_free(context);
  }

 private:
  [[nodiscard]] const unsigned char* octets() const {
    return reinterpret_cast<const unsigned char*>(input_.data());
  }
  EVP_PKEY *key_, *pair_;
  std::string input_;
  std::vector<unsigned char> signature_;
  std::size_t size_ = 0;
};

void signatures() {
  const TimePoint now = *parse_timestamp("20261128T120000");
  const auto pair = crypto::PrivateKey::generate(crypto::KeyKind::p256);
  const std::string payload(1'024, 'x');
  const auto source =
      e2e::EsDataSource::make(
          {.security_class = e2e::EsDataClass::signature_only,
           .signers = {{credential("s", 45), jose::SigningKey(pair, jose::SignatureAlg::es256)}}})
          .value();
  const auto target =
      e2e::EsDataTarget::make(
          {.classes = {e2e::EsDataClass::signature_only}, .signatures = {jose::SignatureAlg::es256}},
          {{credential("s", 45), jose::VerificationKey(pair.public_key(), {jose::SignatureAlg::es256})}}, {})
          .value();
  const std::string text = source->protect(as_bytes(payload), now).value();
  BareEcdsa bare(pair, text);
  esdata_row(
      "ESData: compact, sign ES256, 1 KiB",
      bench::take_turns(
          kRounds,
          [&] { return each(500, [&](int) { must(source->protect(as_bytes(payload), now).has_value()); }); },
          [&] { return each(500, [&](int) { bare.sign(); }); }),
      "ECDSA of libcrypto", 1.3);
  esdata_row("ESData: compact, verify ES256, 1 KiB",
             bench::take_turns(
                 kRounds,
                 [&] {
                   return each(500, [&](int) {
                     must(target->open(e2e::EsDataForm::compact, text, now).has_value());
                   });
                 },
                 [&] { return each(500, [&](int) { bare.verify(); }); }),
             "ECDSA of libcrypto", 1.3);
}

void recipients() {
  const TimePoint now = *parse_timestamp("20261128T120000");
  const std::string payload(64 * 1'024, 'x');
  std::vector<SecretBytes> keys;
  e2e::EsDataSourceConfig config{.security_class = e2e::EsDataClass::encryption_only,
                                 .form = e2e::EsDataForm::json};
  for (int i = 0; i < 10; ++i) {
    keys.push_back(crypto::random_secret(32));
    config.recipients.push_back(
        {credential("k" + std::to_string(i), 14),
         jose::EncryptionKey(std::make_shared<const SecretBytes>(keys.back().duplicate()),
                             jose::KeyAlg::a256kw, jose::Enc::a256gcm)});
  }
  const auto source = e2e::EsDataSource::make(std::move(config)).value();
  const auto bare = [&](int) {
    const auto key = crypto::random_secret(32);
    const auto sealed = crypto::aes_gcm_seal(key, crypto::random_bytes(12), {}, as_bytes(payload)).value();
    std::size_t size = to_base64url(sealed).size();
    for (const auto& wrapping : keys)
      size += to_base64url(crypto::aes_key_wrap(wrapping, key).value()).size();
    must(size > payload.size());
  };
  esdata_row(
      "ESData: JWE to 10 recipients with A256KW, 64 KiB",
      bench::take_turns(
          kRounds,
          [&] { return each(200, [&](int) { must(source->protect(as_bytes(payload), now).has_value()); }); },
          [&] { return each(200, bare); }),
      "AES-GCM, 10 key wraps, base64url", 1.5);
}

/// Certificates of two end-points below one root.
struct Certified {
  explicit Certified(const std::string& folder) {
    auto root = pki::Authority::create_root(folder + "/root", "Root", {{"sp.example"}, {"sp.example"}, {}},
                                            std::chrono::days(100))
                    .value();
    phone = of(root, "/in-cse/Cphone");
    lock = of(root, "/mn-cse/Clock");
    trust = pki::TrustStore::make({{root.certificate(), {}}}, {}).value();
  }
  static std::shared_ptr<const tls::OwnCertificate> of(pki::Authority& root, const char* id) {
    auto key = pki::PrivateKey::generate().value();
    pki::SubjectRequest subject;
    subject.flavour = pki::Flavour::ae_id;
    subject.ae_id = std::get<AeId>(entity(id));
    const auto issued = root.issue(subject, key.public_spki(), std::chrono::days(30)).value();
    return std::make_shared<const tls::OwnCertificate>(
        tls::OwnCertificate{pki::Certificate::chain_from_pem(issued.chain_pem).value(), std::move(key)});
  }
  std::shared_ptr<const tls::OwnCertificate> phone, lock;
  std::shared_ptr<const pki::TrustStore> trust;
};

bench::CertificateEnd bare_end(const tls::OwnCertificate& own) {
  std::string chain;
  for (const auto& certificate : own.chain) chain += certificate.to_pem();
  const SecretBytes key = own.key.to_pem();
  return {std::move(chain), std::string(as_text(key.reveal()))};
}

struct NoAudit final : AuditSink {
  void record(AuditEvent) override {}
};

/// ESCertKE (8.7), both ends: four messages, path validation and exporter at each, against GnuTLS alone,
/// which looks at no certificate and exports nothing.
void key_establishment() {
  std::string folder = (std::filesystem::temp_directory_path() / "latchkey-bench-XXXXXX").string();
  must(mkdtemp(folder.data()) != nullptr);
  const Certified certified(folder);
  std::filesystem::remove_all(folder);
  NoAudit audit;
  const ManualClock clock(system_clock().now() + std::chrono::seconds(5));
  const SpId home = SpId::parse("//sp.example").value();
  const EntityId phone = entity("/in-cse/Cphone"), lock = entity("/mn-cse/Clock");
  const e2e::EsCertKeCredentials of_phone{.own = certified.phone, .trust = certified.trust, .home = home};
  auto terminator = e2e::EsCertKeTerminator::make(
                        {.own = certified.lock, .trust = certified.trust, .home = home},
                        [&](const EntityId& id) { return e2e::EsCertKePeer{.id = id}; }, audit, clock)
                        .value();
  const auto establish = [&](int) {
    auto initiator = e2e::EsCertKeInitiator::start(of_phone, {.id = lock}, audit, clock).value();
    const auto second = terminator.receive(phone, initiator.message_1());
    const auto third = initiator.message_3(second.message).value();
    const auto fourth = terminator.receive(phone, third);
    must(fourth.key && initiator.finish(fourth.message).value().id == fourth.key->id);
  };
  const auto client = bare_end(*certified.phone), server = bare_end(*certified.lock);
  const auto bare = [&](int) {
    const auto one = client.session(GNUTLS_CLIENT), other = server.session(GNUTLS_SERVER);
    bench::handshake_in_memory(one.get(), other.get());
  };
  establish(0);
  bare(0);
  esdata_row("ESCertKE, both ends, one key",
             bench::take_turns(
                 kRounds, [&] { return each(50, establish); }, [&] { return each(50, bare); }),
             "GnuTLS handshake, both ends", 1.2);
}

}  // namespace

int main() {
  primitives();
  session_key();
  signatures();
  recipients();
  key_establishment();
}
