/// latchkey esprim, latchkey esdata: end-to-end security on the command line (TS-0003 8.4, 8.5).

#include <charconv>
#include <cstdio>

#include "cli.h"
#include "credential_file.h"
#include "latchkey/crypto/crypto.h"
#include "latchkey/e2e/esdata.h"
#include "latchkey/e2e/esprim.h"

namespace latchkey::cli {

namespace {

namespace json = codec::json;
using e2e::EsDataClass;
using e2e::EsDataForm;

std::string trimmed_text(std::string text) {
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.pop_back();
  return text;
}

// --- esprim ---

json::object shown(const e2e::RandObject& object, TimePoint now) {
  json::object out = object.members();
  out["shared"] = object.shared();
  out["expired"] = object.end() <= now;
  return out;
}

std::string line(const std::string& name, const e2e::RandObject& object, TimePoint now) {
  std::string out = "\n" + name + ": " + object.id() + ", ends " + format_timestamp(object.end()) +
                    (object.end() <= now ? " (expired)" : "") + ", algorithms";
  for (const auto alg : object.protocol_and_algs()) out += " " + std::to_string(alg);
  return out;
}

int inspect_esprim(const std::string& path) {
  const auto text = read_text(path);
  if (!text) return failed(text.error());
  const std::string object = trimmed_text(*text);
  const TimePoint now = system_clock().now();
  const auto parts = jose::split_jwe(object, {.octets = e2e::kEsPrimOctetsMax});
  if (!parts) return failed(parts.error());
  const auto header = e2e::EsPrimHeader::read(parts->header, now);
  if (!header)
    return failed({ErrorCode::invalid_argument, header.error().detail + " (a Receiver answers " +
                                                    std::to_string(static_cast<int>(header.error().rsc())) +
                                                    ")"});
  const auto ciphertext = from_base64url(parts->ciphertext);
  if (!ciphertext) return failed(ciphertext.error());
  json::object out{{"enc", jose::to_string(header->enc)},
                   {"kid", header->kid},
                   {"ori", header->ori},
                   {"rri", header->rri},
                   {"innerOctets", ciphertext->size()}};
  if (header->cty) out["cty"] = *header->cty;
  if (header->oro) out["oro"] = shown(*header->oro, now);
  if (header->rro) out["rro"] = shown(*header->rro, now);
  std::string lines = "key " + header->kid + ", " + std::string(jose::to_string(header->enc)) +
                      (header->cty ? ", " + *header->cty : "") + "\noriginator object " + header->ori +
                      ", receiver object " + header->rri + "\ninner primitive of " +
                      std::to_string(ciphertext->size()) + " octets";
  if (header->oro) lines += line("oro", *header->oro, now);
  if (header->rro) lines += line("rro", *header->rro, now);
  print(out, lines);
  return 0;
}

// --- esdata ---

/// KID,SUID,ALG,FILE of one credential; inspect takes none of the file.
struct CredentialArgument {
  e2e::EsDataCredential credential;
  std::string alg, file;
  [[nodiscard]] bool symmetric() const { return credential.option() != e2e::EsDataOption::certificate; }
};

Result<CredentialArgument> parse_credential(std::string_view text, bool with_file) {
  std::vector<std::string> fields;
  const std::size_t wanted = with_file ? 4 : 3;
  while (fields.size() + 1 < wanted) {
    const auto comma = text.find(',');
    if (comma == std::string_view::npos) break;
    fields.emplace_back(text.substr(0, comma));
    text.remove_prefix(comma + 1);
  }
  fields.emplace_back(text);
  if (fields.size() != wanted)
    return fail(ErrorCode::invalid_argument,
                std::string("a credential is KID,SUID,ALG") + (with_file ? ",FILE" : ""));
  std::int64_t number = 0;
  const auto& digits = fields[1];
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size())
    return fail(ErrorCode::invalid_argument, "credential " + fields[0] + ": SUID is no number");
  const auto suid = Suid::from(number);
  if (!suid) return fail("credential " + fields[0], suid.error());
  return CredentialArgument{
      {.kid = fields[0], .suid = *suid}, fields[2], with_file ? fields[3] : std::string()};
}

Result<std::shared_ptr<const SecretBytes>> symmetric_key(const CredentialArgument& it) {
  auto key = read_hex_secret(it.file);
  if (!key) return fail(key.error());
  return std::make_shared<const SecretBytes>(std::move(*key));
}
Result<crypto::PrivateKey> private_key(const CredentialArgument& it) {
  const auto pem = read_secret(it.file);
  if (!pem) return fail(pem.error());
  auto key = crypto::PrivateKey::from_pem(*pem);
  if (!key) return fail(it.file, key.error());
  return key;
}
/// Of a certificate its key: whose it is the caller says (8.5.2.2.4.1), by naming the file.
Result<crypto::PublicKey> public_key(const CredentialArgument& it) {
  const auto pem = read_text(it.file);
  if (!pem) return fail(pem.error());
  if (pem->find("-----BEGIN CERTIFICATE-----") == std::string::npos) {
    auto key = crypto::PublicKey::from_pem(*pem);
    if (!key) return fail(it.file, key.error());
    return key;
  }
  const auto chain = pki::Certificate::chain_from_pem(*pem);
  if (!chain) return fail(it.file, chain.error());
  auto key = crypto::PublicKey::from_spki(chain->front().spki());
  if (!key) return fail(it.file, key.error());
  return key;
}

template <class Alg>
Result<Alg> known(const CredentialArgument& it, std::optional<Alg> alg) {
  if (alg) return *alg;
  return fail(ErrorCode::invalid_argument, "credential " + it.credential.kid + ": ALG is none of TS-0003");
}

Result<e2e::EsDataSigner> signer(const std::string& text) {
  const auto it = parse_credential(text, true);
  if (!it) return fail(it.error());
  const auto alg = known(*it, jose::named_signature_alg(it->alg));
  if (!alg) return fail(alg.error());
  if (it->symmetric()) {
    auto key = symmetric_key(*it);
    if (!key) return fail(key.error());
    return e2e::EsDataSigner{it->credential, jose::SigningKey(std::move(*key), *alg)};
  }
  auto key = private_key(*it);
  if (!key) return fail(key.error());
  return e2e::EsDataSigner{it->credential, jose::SigningKey(std::move(*key), *alg)};
}

Result<e2e::EsDataRecipient> recipient(const std::string& text, jose::Enc enc) {
  const auto it = parse_credential(text, true);
  if (!it) return fail(it.error());
  const auto alg = known(*it, jose::key_alg(it->alg));
  if (!alg) return fail(alg.error());
  if (it->symmetric()) {
    auto key = symmetric_key(*it);
    if (!key) return fail(key.error());
    return e2e::EsDataRecipient{it->credential, jose::EncryptionKey(std::move(*key), *alg, enc)};
  }
  auto key = public_key(*it);
  if (!key) return fail(key.error());
  return e2e::EsDataRecipient{it->credential, jose::EncryptionKey(std::move(*key), *alg, enc)};
}

/// A key that is never used: inspect asks what the policy says before keys matter.
std::shared_ptr<const SecretBytes> no_secret() {
  return std::make_shared<const SecretBytes>(crypto::random_secret(32));
}
crypto::PrivateKey no_pair(crypto::KeyKind curve = crypto::KeyKind::p256) {
  return crypto::PrivateKey::generate(curve);
}
/// The curve decides what ECDSA with SHA-256 means in XML.
crypto::KeyKind curve_of(jose::SignatureAlg alg) {
  return alg == jose::SignatureAlg::es256_brainpool_p256r1 ? crypto::KeyKind::brainpool_p256r1
         : alg == jose::SignatureAlg::es256_frp256v1       ? crypto::KeyKind::frp256v1
                                                           : crypto::KeyKind::p256;
}

Result<e2e::EsDataVerifier> verifier(const CredentialArgument& it, jose::SignatureAlg alg) {
  if (it.symmetric()) {
    auto key = it.file.empty() ? no_secret() : symmetric_key(it);
    if (!key) return fail(key.error());
    return e2e::EsDataVerifier{it.credential, jose::VerificationKey(std::move(*key), {alg})};
  }
  auto key =
      it.file.empty() ? Result<crypto::PublicKey>(no_pair(curve_of(alg)).public_key()) : public_key(it);
  if (!key) return fail(key.error());
  return e2e::EsDataVerifier{it.credential, jose::VerificationKey(std::move(*key), {alg})};
}

Result<e2e::EsDataOpener> opener(const CredentialArgument& it, jose::KeyAlg alg,
                                 jose::Permitted<jose::Enc> encs) {
  if (it.symmetric()) {
    auto key = it.file.empty() ? no_secret() : symmetric_key(it);
    if (!key) return fail(key.error());
    return e2e::EsDataOpener{it.credential, jose::DecryptionKey(std::move(*key), {alg}, encs)};
  }
  auto key = it.file.empty() ? Result<crypto::PrivateKey>(no_pair()) : private_key(it);
  if (!key) return fail(key.error());
  return e2e::EsDataOpener{it.credential, jose::DecryptionKey(std::move(*key), {alg}, encs)};
}

struct Options {
  std::string file = "-", form, enc = "A256GCM", media_type, aad_file;
  std::vector<std::string> signers, recipients;  ///< of a source
  std::vector<std::string> verifiers, openers;   ///< of a target
  std::vector<std::string> classes, encs;
  std::string credential, self;  ///< an end-to-end credential of a TEF, and which of its targets we are
  unsigned needed = 1;
  bool any_source = false;
  bool as_printed = false;  ///< identifiers of XML as the standard prints them
};

Result<EsDataForm> form_of(const std::string& name) {
  if (name == "compact") return EsDataForm::compact;
  if (name == "json") return EsDataForm::json;
  if (name == "base64") return EsDataForm::json_base64;
  if (name == "xml") return EsDataForm::xml;
  if (name == "xml-base64") return EsDataForm::xml_base64;
  return fail(ErrorCode::invalid_argument, "--form: compact, json, base64, xml or xml-base64");
}
/// What is said, or what it looks like.
Result<EsDataForm> form_of(const Options& options, std::string_view text) {
  if (!options.form.empty()) return form_of(options.form);
  if (const auto guess = e2e::guess_form(text)) return *guess;
  return fail(ErrorCode::invalid_argument, "no ESData envelope of any form");
}

Result<e2e::EsDataSourceConfig> source_config(const Options& options) {
  e2e::EsDataSourceConfig config{.security_class = options.recipients.empty() ? EsDataClass::signature_only
                                                   : options.signers.empty()
                                                       ? EsDataClass::encryption_only
                                                       : EsDataClass::sign_then_encrypt};
  const bool several = std::max(options.signers.size(), options.recipients.size()) > 1;
  const auto form = form_of(!options.form.empty() ? options.form : several ? "json" : "compact");
  if (!form) return fail(form.error());
  config.form = *form;
  if (options.signers.size() > 1) config.inner_form = EsDataForm::json;
  config.media_type = options.media_type;
  const auto enc = jose::enc(options.enc);
  if (!enc) return fail(ErrorCode::invalid_argument, "--enc: A128GCM, A192GCM or A256GCM");
  for (const auto& text : options.signers) {
    auto one = signer(text);
    if (!one) return fail(std::move(one.error()));
    config.signers.push_back(std::move(*one));
  }
  for (const auto& text : options.recipients) {
    auto one = recipient(text, *enc);
    if (!one) return fail(std::move(one.error()));
    config.recipients.push_back(std::move(*one));
  }
  return config;
}

/// 8.6: what the TEF's parameters say, and nothing else.
int protect_with_credential(const Options& options) {
  const auto credential = read_credential(options.credential);
  if (!credential) return failed(credential.error());
  const auto form = form_of(options.form.empty() ? "compact" : options.form);
  if (!form) return failed(form.error());
  auto source = credential->data_source(options.media_type, *form);
  if (!source) return failed(source.error());
  const auto payload = read_text(options.file);
  if (!payload) return failed(payload.error());
  const auto text = source->protect(as_bytes(*payload), system_clock().now());
  if (!text) return failed(text.error());
  print(json::object{{"envelope", *text}, {"contentInfo", source->content_info()}}, *text);
  return 0;
}

int protect(const Options& options) {
  if (!options.credential.empty()) return protect_with_credential(options);
  auto config = source_config(options);
  if (!config) return failed(config.error());
  auto source = e2e::EsDataSource::make(std::move(*config));
  if (!source) return failed(source.error());
  const auto payload = read_text(options.file);
  if (!payload) return failed(payload.error());
  std::string aad;
  if (!options.aad_file.empty()) {
    auto read = read_text(options.aad_file);
    if (!read) return failed(read.error());
    aad = std::move(*read);
  }
  const auto text =
      (*source)->protect(as_bytes(*payload), system_clock().now(),
                         options.aad_file.empty() ? std::nullopt : std::optional<ByteView>(as_bytes(aad)));
  if (!text) return failed(text.error());
  print(json::object{{"envelope", *text}}, *text);
  return 0;
}

Result<EsDataClass> class_of(const std::string& name) {
  for (const auto value :
       {EsDataClass::encryption_only, EsDataClass::signature_only, EsDataClass::sign_then_encrypt})
    if (name == e2e::to_string(value)) return value;
  return fail(ErrorCode::invalid_argument, "--class: encryption-only, signature-only or sign-then-encrypt");
}

/// What the credentials on the command line are for is what the policy accepts, and no more.
Result<std::unique_ptr<e2e::EsDataTarget>> target_of(const Options& options, bool with_keys) {
  e2e::EsDataPolicy policy{.signatures_needed = options.needed,
                           .source_verified = !options.any_source,
                           .printed_identifiers = options.as_printed};
  // The form is that of the text at hand, or the one that --form says.
  policy.forms = {EsDataForm::compact, EsDataForm::json, EsDataForm::json_base64, EsDataForm::xml,
                  EsDataForm::xml_base64};
  for (const auto& name : options.classes) {
    const auto value = class_of(name);
    if (!value) return fail(value.error());
    policy.classes.add(*value);
  }
  if (options.classes.empty())
    policy.classes.add(options.openers.empty()     ? EsDataClass::signature_only
                       : options.verifiers.empty() ? EsDataClass::encryption_only
                                                   : EsDataClass::sign_then_encrypt);
  for (const auto& name : options.encs) {
    const auto enc = jose::enc(name);
    if (!enc) return fail(ErrorCode::invalid_argument, "--enc: A128GCM, A192GCM or A256GCM");
    policy.encs.add(*enc);
  }
  if (options.encs.empty()) policy.encs = {jose::Enc::a128gcm, jose::Enc::a192gcm, jose::Enc::a256gcm};
  std::vector<e2e::EsDataVerifier> verifiers;
  for (const auto& text : options.verifiers) {
    const auto it = parse_credential(text, with_keys);
    if (!it) return fail(it.error());
    const auto alg = known(*it, jose::named_signature_alg(it->alg));
    if (!alg) return fail(alg.error());
    auto one = verifier(*it, *alg);
    if (!one) return fail(std::move(one.error()));
    policy.signatures.add(*alg);
    verifiers.push_back(std::move(*one));
  }
  std::vector<e2e::EsDataOpener> openers;
  for (const auto& text : options.openers) {
    const auto it = parse_credential(text, with_keys);
    if (!it) return fail(it.error());
    const auto alg = known(*it, jose::key_alg(it->alg));
    if (!alg) return fail(alg.error());
    auto one = opener(*it, *alg, policy.encs);
    if (!one) return fail(std::move(one.error()));
    policy.key_algs.add(*alg);
    openers.push_back(std::move(*one));
  }
  return e2e::EsDataTarget::make(policy, std::move(verifiers), std::move(openers));
}

std::string refused(const e2e::EsDataRefusal& refusal) {
  return std::string(e2e::to_string(refusal.defect)) + ": " + refusal.detail;
}

int show(const e2e::EsDataResult<e2e::EsDataOpened>& opened) {
  if (!opened) return failed({ErrorCode::authentication, refused(opened.error())});
  json::array verified;
  std::string by;
  for (const auto& one : opened->verified) {
    verified.emplace_back(one.kid);
    by += (by.empty() ? "" : ", ") + one.kid;
  }
  const auto payload = as_text(opened->payload.reveal());
  if (json_output) {
    print(json::object{{"class", e2e::to_string(opened->security_class)},
                       {"verified", std::move(verified)},
                       {"nonRepudiation", opened->non_repudiation},
                       {"aad", to_base64(opened->aad)},
                       {"payload", to_base64(opened->payload.reveal())}},
          {});
    return 0;
  }
  // The payload alone goes where it may be piped on.
  std::fprintf(stderr, "latchkey: %s, %s\n", std::string(e2e::to_string(opened->security_class)).c_str(),
               by.empty() ? "source not verified" : ("verified by " + by).c_str());
  std::fwrite(payload.data(), 1, payload.size(), stdout);
  return 0;
}

int open_with_credential(const Options& options, EsDataForm form, const std::string& text) {
  const auto credential = read_credential(options.credential);
  if (!credential) return failed(credential.error());
  const auto self = absolute_id(options.self);
  if (!self) return failed({ErrorCode::invalid_argument, "--as: " + self.error().detail});
  const auto target = credential->data_target(*self, options.any_source);
  if (!target) return failed(target.error());
  return show(target->open(form, text, system_clock().now()));
}

int open(const Options& options) {
  const auto read = read_text(options.file);
  if (!read) return failed(read.error());
  const std::string text = trimmed_text(*read);
  const auto form = form_of(options, text);
  if (!form) return failed(form.error());
  if (!options.credential.empty()) return open_with_credential(options, *form, text);
  const auto target = target_of(options, true);
  if (!target) return failed(target.error());
  return show((*target)->open(*form, text, system_clock().now()));
}

std::string in_words(const json::object& seen) {
  std::string out = std::string(std::string_view(seen.at("kind").get_string()));
  const bool sealed = seen.contains("recipients");
  out += sealed ? " of " + codec::to_text(seen.at("ciphertextOctets")) + " octets" +
                      (seen.at("nested").get_bool() ? ", nested" : "")
                : " over " + codec::to_text(seen.at("payloadOctets")) + " octets";
  for (const auto& one : seen.at(sealed ? "recipients" : "signatures").get_array())
    out += std::string("\n") + (sealed ? "recipient " : "signature ") + codec::to_text(one.at("header"));
  return out;
}

int inspect(const Options& options) {
  const auto read = read_text(options.file);
  if (!read) return failed(read.error());
  const std::string text = trimmed_text(*read);
  const auto form = form_of(options, text);
  if (!form) return failed(form.error());
  auto seen = e2e::inspect_esdata(*form, text);
  if (!seen) return failed(seen.error());
  std::string words = in_words(*seen);
  if (!options.verifiers.empty() || !options.openers.empty()) {
    const auto target = target_of(options, false);
    if (!target) return failed(target.error());
    const auto refusal = (*target)->preview(*form, text, system_clock().now());
    const std::string verdict = refusal ? "refused, " + refused(*refusal) : "accepted, if its keys say so";
    (*seen)["policy"] = verdict;
    words += "\npolicy: " + verdict;
  }
  print(*seen, words);
  return 0;
}

CLI::App* verb(CLI::App& esdata, const char* name, const char* help,
               const std::shared_ptr<Options>& options) {
  auto* command = esdata.add_subcommand(name, help);
  command->add_option("file", options->file, "what to read; - is standard input");
  command->add_option("--form", options->form, "compact, json, base64 (JSON in base64), xml or xml-base64");
  return command;
}

/// An option that may stand several times, each time with one value.
void repeated(CLI::App& command, const char* name, std::vector<std::string>& values, const char* help,
              const char* type = "TEXT", bool required = false) {
  command.add_option(name, values, help)->allow_extra_args(false)->type_name(type)->required(required);
}
constexpr const char* kCredential = "KID,SUID,ALG,FILE";

/// Instead of keys that are named one by one, the credential that a TEF gave.
CLI::Option* credential_option(CLI::App& command, const std::shared_ptr<Options>& options,
                               std::initializer_list<const char*> others) {
  auto* option =
      command.add_option("--credential", options->credential,
                         "file of an end-to-end credential (latchkey maf provision-e2e, retrieve-e2e)");
  for (const char* other : others) option->excludes(command.get_option(other));
  return option;
}
void need_one_of(const CLI::Option* a, const CLI::Option* b) {
  if (a->count() + b->count() == 0) throw CLI::RequiredError(a->get_name() + " or " + b->get_name());
}

void add_source_options(CLI::App& command, const std::shared_ptr<Options>& options) {
  command.add_option("--media-type", options->media_type, "of the payload, as cty or MimeType");
}

void add_target_options(CLI::App& command, const std::shared_ptr<Options>& options) {
  repeated(
      command, "--class", options->classes,
      "accepted: encryption-only, signature-only, sign-then-encrypt; left out: what the credentials are for");
  command.add_option("--needed", options->needed, "signatures that must verify");
  command.add_flag("--as-printed", options->as_printed,
                   "accept XML algorithm identifiers also without their hyphens, as TS-0003 prints them");
}

void add_esdata(CLI::App& app, int& status) {
  auto* esdata = app.add_subcommand("esdata", "end-to-end security of data (TS-0003 8.5)");
  esdata->footer(
      "A credential is KID,SUID,ALG,FILE. SUID: 14, 24 encryption and 15, 25 MIC with a provisioned key; 34, "
      "35 "
      "with one of a TEF; 44, 45 with a certificate. ALG: as in JOSE; for XML also ES256-brainpoolP256r1 and "
      "ES256-FRP256v1. FILE: a key in hex, or a key or "
      "certificate in PEM; secret ones are owner-only.");
  esdata->require_subcommand(1);
  auto sealing = std::make_shared<Options>();
  auto* seal = verb(*esdata, "seal", "encrypt a payload; with --sign, sign it first", sealing);
  repeated(*seal, "--to", sealing->recipients, "a recipient, one or more", kCredential);
  repeated(*seal, "--sign", sealing->signers, "a signer, with the private key of a certificate", kCredential);
  seal->add_option("--enc", sealing->enc, "A128GCM, A192GCM or A256GCM");
  seal->add_option("--aad", sealing->aad_file, "file with data to be authenticated only; JSON forms");
  add_source_options(*seal, sealing);
  const auto* made_by = credential_option(*seal, sealing, {"--to", "--sign", "--enc", "--aad"});
  seal->callback([sealing, made_by, to = seal->get_option("--to"), &status] {
    need_one_of(to, made_by);
    status = protect(*sealing);
  });

  auto signing = std::make_shared<Options>();
  auto* sign = verb(*esdata, "sign", "sign a payload, or make a MIC of it", signing);
  repeated(*sign, "--with", signing->signers, "a signer, one or more", kCredential, true);
  add_source_options(*sign, signing);
  sign->callback([signing, &status] { status = protect(*signing); });

  auto opening = std::make_shared<Options>();
  auto* open_one = verb(*esdata, "open", "decrypt an envelope, and verify what is signed inside", opening);
  repeated(*open_one, "--with", opening->openers, "a key to decrypt with, one or more", kCredential);
  repeated(*open_one, "--verify", opening->verifiers, "a key to verify a nested signature with", kCredential);
  repeated(*open_one, "--enc", opening->encs, "accepted; left out: A128GCM, A192GCM and A256GCM");
  open_one->add_flag("--any-source", opening->any_source, "accept what does not prove who made it");
  add_target_options(*open_one, opening);
  auto* given = credential_option(*open_one, opening, {"--with", "--verify", "--enc", "--class"});
  open_one->add_option("--as", opening->self, "which target of the credential: absolute AE-ID or CSE-ID")
      ->needs(given);
  open_one->callback([opening, given, with = open_one->get_option("--with"), &status] {
    need_one_of(with, given);
    status = open(*opening);
  });

  auto verifying = std::make_shared<Options>();
  auto* verify = verb(*esdata, "verify", "verify signatures or MICs, and print the payload", verifying);
  repeated(*verify, "--with", verifying->verifiers, "a key to verify with, one or more", kCredential, true);
  add_target_options(*verify, verifying);
  verify->callback([verifying, &status] { status = open(*verifying); });

  auto inspecting = std::make_shared<Options>();
  auto* look =
      verb(*esdata, "inspect",
           "show headers, recipients and key ids without keys, and what a policy says to them", inspecting);
  repeated(*look, "--with", inspecting->openers, "what the policy has for decryption", "KID,SUID,ALG");
  repeated(*look, "--verify", inspecting->verifiers, "what it has for verification", "KID,SUID,ALG");
  repeated(*look, "--enc", inspecting->encs, "accepted by the policy; left out: all");
  look->add_flag("--any-source", inspecting->any_source, "the policy accepts what proves no source");
  add_target_options(*look, inspecting);
  look->callback([inspecting, &status] { status = inspect(*inspecting); });
  add_peer_key(*esdata, status);
}

}  // namespace

void add_e2e(CLI::App& app, int& status) {
  auto* esprim = app.add_subcommand("esprim", "end-to-end security of primitives (TS-0003 8.4)");
  esprim->require_subcommand(1);
  auto* look = esprim->add_subcommand("inspect", "show the header of an ESPrim Object, without keys");
  auto file = std::make_shared<std::string>("-");
  look->add_option("file", *file, "the object; - is standard input");
  look->callback([file, &status] { status = inspect_esprim(*file); });
  add_esdata(app, status);
}

}  // namespace latchkey::cli
