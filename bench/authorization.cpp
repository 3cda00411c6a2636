// Decisions with what roles, tokens and contexts add (TS-0003 7.1.5, 7.3.2.5, 7.4.3), the validation of a
// token, the Policy Enforcement Point of a CSE among unrelated policies, and what compiled rules weigh. Every
// row is a multiple of something bare in the same run: one SHA-256 over 64 octets, one ECDSA verification, a
// CSE with ten policies.
#include <malloc.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "access.h"
#include "base_resources.h"
#include "dynamic_authorization.h"
#include "latchkey/authz/grants.h"
#include "latchkey/authz/pdp.h"
#include "latchkey/authz/token_issuer.h"
#include "latchkey/authz/token_verifier.h"
#include "latchkey/crypto/crypto.h"
#include "latchkey/crypto/keys.h"
#include "measure.h"
#include "support/memory_store.h"

namespace {

using namespace latchkey;
using boost::json::array;
using boost::json::object;
using boost::json::value;

constexpr int kRounds = 9;

const CseId& cse() {
  static const CseId id = CseId::parse("/in-cse", SpId::parse("//home.example").value()).value();
  return id;
}
EntityId entity(const std::string& text) { return parse_entity_id(text, cse().sp()).value(); }
std::shared_ptr<const authz::RuleSet> compiled(const value& acrs) {
  return authz::RuleSet::compile(acrs, cse().sp(), cse()).value();
}

/// Processor seconds of one call, over so many.
template <class Call>
double each(int calls, const Call& call) {
  const auto clock = bench::CpuClock::of_this_process();
  const double begin = clock.seconds();
  for (int i = 0; i < calls; ++i) call();
  return (clock.seconds() - begin) / calls;
}

void sha256_once() {
  static const Bytes data(64, 0x5a);
  if (crypto::sha256(data).empty()) bench::give_up("no digest");
}

template <class Call>
void row(const std::string& work, double limit, const std::string& target, const Call& call) {
  const auto pair = bench::take_turns(
      kRounds, [&] { return each(20'000, call); }, [] { return each(20'000, sha256_once); });
  bench::print_row(work, bench::in_microseconds(pair.ours),
                   bench::in_microseconds(pair.reference) + " SHA-256 of 64 octets",
                   bench::number(pair.ratio(), 2), target, pair.ours.median() < limit);
}

void must(bool permits) {
  if (!permits) bench::give_up("the decision is not the one to be measured");
}

void many_rules() {
  array rules;
  for (int i = 0; i < 10'000; ++i)
    rules.emplace_back(object{{"acor", array{"/mn-cse/Clock-" + std::to_string(i)}}, {"acop", 34}});
  const auto set = compiled(object{{"acr", std::move(rules)}});
  const std::array sets{set.get()};
  const auto from = entity("/mn-cse/Clock-9999");
  authz::RequestContext request;
  request.originator = &from;
  row("access decision, one policy of 10,000 rules, originator in the last", 2e-6, "under 2 us",
      [&] { must(authz::decide(request, sets).permit); });
}

void all_contexts() {
  const auto set = compiled(boost::json::parse(
      R"({"acr":[{"acor":["/in-cse/Cphone"],"acop":2,"acco":[{"actw":["* * 0-23 * * * *"],
          "acip":{"ipv4":["10.0.0.0/8","192.0.2.0/24"]},"aclr":{"accr":[48.85,2.35,200]}}]}]})"));
  const std::array sets{set.get()};
  const auto from = entity("/in-cse/Cphone");
  authz::RequestContext request;
  request.originator = &from;
  request.rq_time = *parse_timestamp("20261128T120000");
  authz::IpAddress ip{};
  ip[10] = ip[11] = 0xff;
  ip[12] = 192, ip[14] = 2, ip[15] = 7;
  request.rq_ip = ip;
  authz::Location place;
  place.coordinates = {48.8501, 2.3501};
  request.rq_loc = place;
  row("access decision with time, address and circle", 1e-6, "under 1 us",
      [&] { must(authz::decide(request, sets).permit); });
}

/// A CSE whose names are what they are.
class Names final : public authz::ResourceNames {
 public:
  [[nodiscard]] std::optional<std::string> normalise(const ResourceAddress& address) const override {
    return address.segments.empty() ? std::optional<std::string>() : address.segments.back();
  }
};

struct Tokens {
  crypto::PrivateKey signing = generate();
  authz::Authority authority{EntityId(Fqdn::parse("das.example").value()),
                             {Fqdn::parse("das.example").value()}};
  authz::TokenIssuer issuer{authority,
                            authz::SignatureOnly{"k", jose::SigningKey(signing, jose::SignatureAlg::es256)}};
  Names names;
  authz::TokenVerifier verifier{cse(), names};
  EntityId holder = entity("/in-cse/Cphone");
  TimePoint now = *parse_timestamp("20261128T120000");
  std::string jwt;

  Tokens() {
    trust();
    authz::TokenClaimSet claims{.token_id = "t1@das.example",
                                .holder = holder,
                                .issuer = authority.id,
                                .not_before = now - std::chrono::hours(1),
                                .not_after = now + std::chrono::hours(1),
                                .token_name = {},
                                .audience = {"//home.example/in-cse"},
                                .permissions = {},
                                .extension = {}};
    authz::TokenPermission roles;
    for (int i = 0; i < 20; ++i) roles.role_ids.push_back("role-" + std::to_string(980 + i) + "@das.example");
    claims.permissions = {roles};
    jwt = issuer.issue(claims).value();
  }
  /// Also forgets every token.
  void trust() {
    authz::TrustedIssuer trusted{.authority = authority,
                                 .classes = {authz::TokenClass::signature_only},
                                 .verification_keys = {},
                                 .shared_keys = {}};
    trusted.verification_keys.emplace(
        "k", jose::VerificationKey(signing.public_key(), {jose::SignatureAlg::es256}));
    if (!verifier.configure({.issuers = {trusted}, .own_keys = {}})) bench::give_up("trust");
  }
  static crypto::PrivateKey generate() {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    BIO* memory = BIO_new(BIO_s_mem());
    PEM_write_bio_PKCS8PrivateKey(memory, key, nullptr, nullptr, 0, nullptr, nullptr);
    char* text = nullptr;
    const long size = BIO_get_mem_data(memory, &text);
    auto pem = SecretBytes::copy_of(as_bytes({text, static_cast<std::size_t>(size)}));
    BIO_free(memory);
    EVP_PKEY_free(key);
    return crypto::PrivateKey::from_pem(pem).value();
  }
};

void roles(Tokens& tokens) {
  array rules;
  for (int i = 0; i < 1'000; ++i)
    rules.emplace_back(object{{"acor", array{"role-" + std::to_string(i) + "@das.example"}}, {"acop", 34}});
  const auto set = compiled(object{{"acr", std::move(rules)}});
  const auto token = tokens.verifier.verify(tokens.jwt, tokens.holder, tokens.now).value();
  const std::array<std::string_view, 2> names{"cse/door/state", "cnt17"};
  row("access decision, 1,000 roles, a token with 20 of them", 2e-6, "under 2 us", [&] {
    authz::Grants grants;
    grants.add(token, names);
    authz::RequestContext request;
    request.originator = &tokens.holder;
    request.roles = grants.roles();
    std::vector<const authz::RuleSet*> sets{set.get()};
    sets.insert(sets.end(), grants.sets().begin(), grants.sets().end());
    must(authz::decide(request, sets).permit);
  });
}

void validation(Tokens& tokens) {
  row("validation of a token that is known", 1e-6, "under 1 us",
      [&] { must(tokens.verifier.verify(tokens.jwt, tokens.holder, tokens.now).has_value()); });

  const auto message = as_bytes(std::string_view(tokens.jwt).substr(0, tokens.jwt.rfind('.')));
  EVP_PKEY* const key = tokens.signing.public_key().native();
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  std::vector<unsigned char> signature(static_cast<std::size_t>(EVP_PKEY_get_size(key)));
  std::size_t size = signature.size();
  EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, tokens.signing.native());
  if (EVP_DigestSign(context, signature.data(), &size, message.data(), message.size()) != 1)
    bench::give_up("signing");
  EVP_MD_CTX_free(context);
  const auto bare = [&] {
    EVP_MD_CTX* verifying = EVP_MD_CTX_new();
    EVP_DigestVerifyInit(verifying, nullptr, EVP_sha256(), nullptr, key);
    must(EVP_DigestVerify(verifying, signature.data(), size, message.data(), message.size()) == 1);
    EVP_MD_CTX_free(verifying);
  };
  const auto first_use = [&] {
    tokens.trust();
    must(tokens.verifier.verify(tokens.jwt, tokens.holder, tokens.now).has_value());
  };
  const auto pair = bench::take_turns(
      kRounds, [&] { return each(300, first_use); }, [&] { return each(300, bare); });
  bench::print_row("validation of a token (ES256), first use", bench::in_microseconds(pair.ours),
                   bench::in_microseconds(pair.reference) + " bare ECDSA verification",
                   bench::number(pair.ratio(), 2), "at most 1.5", pair.ratio() <= 1.5);
}

// The Policy Enforcement Point of a CSE, as a request on its way calls it.

class Nobody final : public cse::Peers {
 public:
  bind::RequestSender* cse(const CseId&, const std::vector<std::string>&) override { return nullptr; }
  bind::RequestSender* url(std::string_view, const std::string&) override { return nullptr; }
};

class NoAudit final : public AuditSink {
 public:
  void record(AuditEvent) override {}
};

/// A CSE with `unrelated` policies, each of two rules, compiled and in use by the one container that names
/// it.
class Enforcement {
 public:
  explicit Enforcement(int unrelated)
      : core_({.type = cse::CseType::in, .cse_id = cse()}, store_, executor_, clock_, audit_, nobody_) {
    core_.access = std::make_unique<cse::PolicyEnforcement>(core_);
    core_.subscriptions = cse::make_subscriptions(core_);
    core_.groups = cse::make_groups(core_);
    core_.polling = cse::make_polling_channels(core_);
    core_.router = cse::make_router(core_);
    core_.authorization = std::make_unique<cse::DynamicAuthorization>(core_);
    if (!cse::prepare_base(core_)) bench::give_up("no CSEBase");
    for (int i = 0; i <= unrelated; ++i) {
      const auto number = std::to_string(i);
      const auto policy = "policy-" + number, box = "box-" + number;
      const object rules{{"acr", array{rule("/mn-cse/Clock-" + number), rule("/in-cse/Cphone-" + number)}}};
      create(codec::Ty::acp, "m2m:acp", {{"rn", policy}, {"pv", rules}, {"pvs", rules}});
      create(codec::Ty::cnt, "m2m:cnt", {{"rn", box}, {"acpi", array{"cse/" + policy}}});
      must(permits(retrieval("cse/" + box, "/in-cse/Cphone-" + number)));
    }
    executor_.run_posted();
    request_ = retrieval("cse/box-" + std::to_string(unrelated / 2),
                         "/in-cse/Cphone-" + std::to_string(unrelated / 2));
    target_ = core_.tree.resolve(request_.primitive().to);
  }
  /// The decision on one request, found and made anew.
  bool decide() { return core_.access->permits(request_, target_, authz::Op::retrieve); }

 private:
  static object rule(const std::string& originator) { return {{"acor", array{originator}}, {"acop", 34}}; }
  void create(codec::Ty type, const char* name, object attributes) {
    cse::Request request;
    request.in.primitive.op = codec::Operation::create;
    request.in.primitive.to = "cse";
    request.in.primitive.rqi = "c";
    request.in.primitive.ty = static_cast<std::uint32_t>(type);
    request.in.primitive.pc = object{{name, std::move(attributes)}};
    request.in.security = security_;
    request.originator = EntityId(cse());
    request.administrator = true;
    bool created = false;
    core_.dispatch(std::move(request), [&](const codec::ResponsePrimitive& response) {
      created = response.rsc == codec::Rsc::created;
    });
    executor_.run_posted();
    must(created);
  }
  cse::Request retrieval(const std::string& to, const std::string& from) const {
    cse::Request request;
    request.in.primitive.op = codec::Operation::retrieve;
    request.in.primitive.to = to;
    request.in.security = security_;
    request.in.received = clock_.now();
    request.originator = entity(from);
    request.rq_authn = true;
    return request;
  }
  bool permits(cse::Request request) {
    return core_.access->permits(request, core_.tree.resolve(request.primitive().to), authz::Op::retrieve);
  }

  cse::test::MemoryStore store_;
  ManualExecutor executor_;
  ManualClock clock_{*parse_timestamp("20261128T120000")};
  NoAudit audit_;
  Nobody nobody_;
  tls::SecurityContextPtr security_ = std::make_shared<const tls::SecurityContext>();
  cse::Core core_;
  cse::Request request_;
  cse::Target target_;
};

/// The least of each side: what else runs on the machine only ever adds.
void unrelated_policies() {
  Enforcement few(10);
  for (const int count : {1'000, 100'000}) {
    Enforcement many(count);
    const auto pair = bench::take_turns(
        2 * kRounds, [&] { return each(20'000, [&] { must(many.decide()); }); },
        [&] { return each(20'000, [&] { must(few.decide()); }); });
    const double ratio = pair.ours.least() / pair.reference.least();
    bench::print_row("enforced decision among " + std::to_string(count) + " unrelated policies (least)",
                     bench::in_microseconds(pair.ours.least()),
                     bench::in_microseconds(pair.reference.least()) + " among 10", bench::number(ratio, 2),
                     "at most 1.2", ratio <= 1.2);
  }
}

/// Octets of the heap, with what the allocator adds, for each rule of `policies` policies of `rules` rules.
double octets_per_rule(int policies, int rules) {
  std::vector<value> texts;
  for (int p = 0; p < policies; ++p) {
    array acrs;
    for (int r = 0; r < rules; ++r)
      acrs.emplace_back(object{{"acor", array{"/mn-cse-" + std::to_string(r % 50) + "/Clock-" +
                                              std::to_string(100'000 + p * rules + r)}},
                               {"acop", 34}});
    texts.emplace_back(object{{"acr", std::move(acrs)}});
  }
  std::vector<std::shared_ptr<const authz::RuleSet>> sets(texts.size());
  malloc_trim(0);
  const auto before = mallinfo2().uordblks;
  for (std::size_t i = 0; i < texts.size(); ++i) sets[i] = compiled(texts[i]);
  return static_cast<double>(mallinfo2().uordblks - before) / (policies * rules);
}

void memory() {
  const auto print = [](const std::string& work, double octets) {
    bench::print_row("memory of a compiled rule with an exact id, " + work, bench::number(octets, 0) + " B",
                     "-", "-", "under 200 B", octets < 200);
  };
  print("one policy of 10,000", octets_per_rule(1, 10'000));
  print("10,000 policies of 3", octets_per_rule(10'000, 3));
}

}  // namespace

int main() {
  many_rules();
  all_contexts();
  Tokens tokens;
  roles(tokens);
  validation(tokens);
  unrelated_policies();
  memory();
  return 0;
}
