// XML Signature and XML Encryption as TS-0003 8.5.3 has them: what is written, what is read, and what of
// outside documents is refused.
#include <gmock/gmock.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <thread>

#include "cover.h"
#include "latchkey/crypto/crypto.h"
#include "latchkey/xmlsec/encryption.h"
#include "latchkey/xmlsec/signature.h"

namespace latchkey::xmlsec {
namespace {

using crypto::KeyKind;
using crypto::PrivateKey;
using jose::Enc;
using jose::KeyAlg;
using jose::SignatureAlg;
using latchkey::test::cover;
using ::testing::HasSubstr;

constexpr std::string_view kPayload = "21 degrees <&> \"";

std::string file(const std::string& name) {
  std::ifstream in(std::string(LATCHKEY_TEST_DATA) + "/xmlenc11/" + name, std::ios::binary);
  EXPECT_TRUE(in.is_open()) << name;
  return {std::istreambuf_iterator<char>(in), {}};
}
std::shared_ptr<const SecretBytes> octets(std::size_t size, std::uint8_t first = 0) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(first + i);
  return std::make_shared<const SecretBytes>(SecretBytes::take(std::move(out)));
}
const PrivateKey& pair(KeyKind kind) {
  static std::map<KeyKind, PrivateKey> keys;
  const auto found = keys.find(kind);
  if (found != keys.end()) return found->second;
  return keys
      .emplace(kind, kind == KeyKind::rsa ? PrivateKey::generate_rsa(2048) : PrivateKey::generate(kind))
      .first->second;
}
/// Replaces the only occurrence.
std::string changed(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  EXPECT_EQ(text.find(from, at + 1), std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}
std::string between(std::string_view text, std::string_view first, std::string_view last) {
  const auto begin = text.find(first);
  const auto end = text.find(last, begin) + last.size();
  return std::string(text.substr(begin, end - begin));
}

// --- signatures ---

struct SignatureCase {
  SignatureAlg alg;
  std::optional<KeyKind> key;  ///< none: symmetric
  const char* uri;             ///< of the W3C, written out: what the test is about
  const char* printed;         ///< of the table
  const char* covers;
};
const std::vector<SignatureCase>& signature_cases() {
  static const std::vector<SignatureCase> rows = {
      {SignatureAlg::hs256,
       {},
       "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
       "http://www.w3.org/2001/04/xmldsigmore#hmacsha256",
       "8.5.3.3-T01"},
      {SignatureAlg::hs384,
       {},
       "http://www.w3.org/2001/04/xmldsig-more#hmac-sha384",
       "http://www.w3.org/2001/04/xmldsigmore#hmacsha384",
       "8.5.3.3-T02"},
      {SignatureAlg::hs512,
       {},
       "http://www.w3.org/2001/04/xmldsig-more#hmac-sha512",
       "http://www.w3.org/2001/04/xmldsigmore#hmacsha512",
       "8.5.3.3-T03"},
      {SignatureAlg::rs256, KeyKind::rsa, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
       "http://www.w3.org/2001/04/xmldsigmore#rsasha256", "8.5.3.3-T04"},
      {SignatureAlg::rs384, KeyKind::rsa, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
       "http://www.w3.org/2001/04/xmldsigmore#rsasha384", "8.5.3.3-T05"},
      {SignatureAlg::rs512, KeyKind::rsa, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
       "http://www.w3.org/2001/04/xmldsigmore#rsasha512", "8.5.3.3-T06"},
      {SignatureAlg::es256, KeyKind::p256, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
       "http://www.w3.org/2001/04/xmldsigmore#ecdsasha256", "8.5.3.3-T07"},
      {SignatureAlg::es384, KeyKind::p384, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
       "http://www.w3.org/2001/04/xmldsigmore#ecdsasha384", "8.5.3.3-T08"},
      {SignatureAlg::es512, KeyKind::p521, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
       "http://www.w3.org/2001/04/xmldsigmore#ecdsasha512", "8.5.3.3-T09"},
      {SignatureAlg::es256_frp256v1, KeyKind::frp256v1, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
       "http://www.w3.org/2001/04/xmldsigmore#ecdsasha256", "8.5.3.3-T10"},
      {SignatureAlg::es256_brainpool_p256r1, KeyKind::brainpool_p256r1,
       "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
       "http://www.w3.org/2001/04/xmldsigmore#ecdsasha256", "8.5.3.3-T11"}};
  return rows;
}
jose::SigningKey signing_key(const SignatureCase& it) {
  return it.key ? jose::SigningKey(pair(*it.key), it.alg) : jose::SigningKey(octets(64), it.alg);
}
jose::VerificationKey verification_key(const SignatureCase& it, jose::Permitted<SignatureAlg> algs) {
  return it.key ? jose::VerificationKey(pair(*it.key).public_key(), algs)
                : jose::VerificationKey(octets(64), algs);
}

class Signatures : public ::testing::TestWithParam<SignatureCase> {};
TEST_P(Signatures, AreWrittenWithTheIdentifierOfTheW3cAndVerify) {
  cover({GetParam().covers});
  const auto key = signing_key(GetParam());
  const auto text = sign(std::array{Signer{&key, "k"}}, "text/plain", as_bytes(kPayload));
  ASSERT_TRUE(text) << text.error().detail;
  EXPECT_THAT(*text, HasSubstr("<ds:SignatureMethod Algorithm=\"" + std::string(GetParam().uri) + "\">"));
  const auto read = parse_signed(*text);
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(as_text(read->payload), kPayload);
  EXPECT_EQ(read->media_type, "text/plain");
  const auto& it = read->signatures.at(0);
  EXPECT_EQ(it.key_name, "k");
  EXPECT_TRUE(it.digests_hold && it.key_info_signed);
  EXPECT_THAT(it.algs, ::testing::Contains(GetParam().alg));
  EXPECT_TRUE(
      verification_key(GetParam(), {GetParam().alg}).verify(GetParam().alg, it.signing_input, it.value));
  EXPECT_FALSE(verification_key(GetParam(), {}).verify(GetParam().alg, it.signing_input, it.value));
  EXPECT_FALSE(verification_key(GetParam(), {GetParam().alg})
                   .verify(GetParam().alg, it.signing_input + " ", it.value));
}
TEST_P(Signatures, WithTheIdentifierOfTheTableAreReadOnRequestOnly) {
  cover({GetParam().covers});
  const auto key = signing_key(GetParam());
  const auto right = sign(std::array{Signer{&key, "k"}}, {}, as_bytes(kPayload)).value();
  // What somebody makes who follows the table to the letter: the identifier is signed with the rest.
  const auto info = between(right, "<ds:SignedInfo>", "</ds:SignedInfo>");
  const auto printed = changed(info, GetParam().uri, GetParam().printed);
  auto input =
      changed(printed, "<ds:SignedInfo>", "<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">");
  const auto value = key.signature(input).value();
  auto text = changed(right, info, printed);
  text = changed(text, between(text, "<ds:SignatureValue>", "</ds:SignatureValue>"),
                 "<ds:SignatureValue>" + to_base64(value) + "</ds:SignatureValue>");
  EXPECT_TRUE(parse_signed(text)->signatures.at(0).algs.empty());
  const auto read = parse_signed(text, {.printed_identifiers = true}).value();
  const auto& it = read.signatures.at(0);
  EXPECT_THAT(it.algs, ::testing::Contains(GetParam().alg));
  EXPECT_TRUE(
      verification_key(GetParam(), {GetParam().alg}).verify(GetParam().alg, it.signing_input, it.value));
}
INSTANTIATE_TEST_SUITE_P(Table_8_5_3_3_1, Signatures, ::testing::ValuesIn(signature_cases()),
                         [](const auto& row) {
                           std::string name(to_string(row.param.alg));
                           std::erase(name, '-');
                           return name;
                         });

std::string signed_text(int signers = 1) {
  const jose::SigningKey mac(octets(32), SignatureAlg::hs256), ec(pair(KeyKind::p256), SignatureAlg::es256);
  std::vector<Signer> list{{&mac, "mac"}};
  if (signers > 1) list.push_back({&ec, "ec"});
  return sign(list, "text/plain", as_bytes(kPayload)).value();
}
bool mac_verifies(const Result<SignedXml>& read) {
  if (!read) return false;
  const auto& it = read->signatures.at(0);
  return it.key_name == "mac" && it.digests_hold &&
         jose::VerificationKey(octets(32), {SignatureAlg::hs256})
             .verify(SignatureAlg::hs256, it.signing_input, it.value)
             .has_value();
}

TEST(Signature, SeveralOfOnePayload) {
  const auto read = parse_signed(signed_text(2));
  ASSERT_TRUE(read) << read.error().detail;
  ASSERT_EQ(read->signatures.size(), 2U);
  EXPECT_TRUE(mac_verifies(read));
  const auto& second = read->signatures[1];
  EXPECT_EQ(second.key_name, "ec");
  EXPECT_TRUE(second.digests_hold);
  EXPECT_TRUE(jose::VerificationKey(pair(KeyKind::p256).public_key(), {SignatureAlg::es256})
                  .verify(SignatureAlg::es256, second.signing_input, second.value));
}

TEST(Signature, AnyFlippedBitIsRefused) {
  const auto text = signed_text();
  for (std::size_t i = 0; i < text.size(); ++i)
    for (unsigned bit = 0; bit < 8; ++bit) {
      auto other = text;
      other[i] = static_cast<char>(static_cast<unsigned char>(other[i]) ^ (1U << bit));
      ASSERT_FALSE(mac_verifies(parse_signed(other))) << i << " " << bit << "\n" << other;
    }
}

TEST(Signature, LineBreaksAndAnXmlDeclarationDoNoHarm) {
  auto text = signed_text();
  text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + text + "\n";
  const auto value = between(text, "<ds:SignatureValue>", "</ds:SignatureValue>");
  auto broken = value;
  broken.insert(broken.size() - 30, "\r\n ");
  EXPECT_TRUE(mac_verifies(parse_signed(changed(text, value, broken))));
}

struct Attack {
  const char* name;
  std::function<std::string(std::string)> change;
  ErrorCode code;
  const char* reason;
};
// What XML security is attacked with. In each the signature itself is left as it was, and would verify.
const std::vector<Attack>& attacks() {
  const auto replaced = [](std::string from, std::string to) {
    return [from = std::move(from), to = std::move(to)](std::string text) {
      return changed(std::move(text), from, to);
    };
  };
  // Another payload in front; the signed one goes where nobody looks.
  const auto wrapped = [](std::string_view place) {
    return [place](std::string text) {
      const auto object = between(text, "<ds:Object ", "</ds:Object>");
      const std::string evil =
          "<ds:Object Encoding=\"http://www.w3.org/2000/09/xmldsig#base64\" Id=\"evil\">ZXZpbA==</ds:Object>";
      if (place == "behind") return changed(text, object, evil + object);
      if (place == "inside") return changed(text, object, evil + "<ds:Object>" + object + "</ds:Object>");
      if (place == "before") return changed(text, object, object + "<ds:Object>" + evil + "</ds:Object>");
      return changed(text, object, changed(evil, "Id=\"evil\"", "Id=\"payload\"") + object);
    };
  };
  static const std::vector<Attack> rows = {
      {"wrapping_signed_object_behind", wrapped("behind"), ErrorCode::invalid_argument,
       "neither the payload"},
      {"wrapping_signed_object_inside", wrapped("inside"), ErrorCode::invalid_argument,
       "neither the payload"},
      {"wrapping_evil_object_behind", wrapped("before"), ErrorCode::invalid_argument, "without Signature"},
      {"wrapping_same_id", wrapped("same"), ErrorCode::invalid_argument, "Id stands twice"},
      {"id_in_another_case", replaced("<ds:SignatureValue>", "<ds:SignatureValue Id=\"payload\">"),
       ErrorCode::invalid_argument, "Id stands twice"},
      {"payload_inside_another_root",
       [](std::string text) { return "<evil xmlns=\"urn:x\">" + text + "</evil>"; },
       ErrorCode::invalid_argument, "no Signature"},
      {"payload_not_covered",
       [](std::string text) {
         const auto reference = between(text, "<ds:Reference URI=\"#payload\">", "</ds:Reference>");
         return changed(std::move(text), reference, "");
       },
       ErrorCode::invalid_argument, "does not cover the payload"},
      {"signature_of_nothing", replaced("URI=\"#payload\"", "URI=\"#key-1\""), ErrorCode::invalid_argument,
       "two References"},
      {"whole_document", replaced("URI=\"#payload\"", "URI=\"\""), ErrorCode::unsupported, "not to an Id"},
      {"xpointer", replaced("URI=\"#payload\"", "URI=\"#xpointer(id('payload'))\""), ErrorCode::unsupported,
       "not to an Id"},
      {"remote_reference", replaced("URI=\"#payload\"", "URI=\"http://evil.example/x\""),
       ErrorCode::unsupported, "not to an Id"},
      {"file_reference", replaced("URI=\"#payload\"", "URI=\"file:///etc/passwd\""), ErrorCode::unsupported,
       "not to an Id"},
      {"xslt",
       [](std::string text) {
         const auto at = text.find("<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"");
         return text.replace(at, 65,
                             "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"");
       },
       ErrorCode::unsupported, "Transform is not one of"},
      {"enveloped",
       [](std::string text) {
         const auto at = text.find("<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"");
         return text.replace(
             at, 65, "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"");
       },
       ErrorCode::unsupported, "Transform is not one of"},
      {"two_transforms",
       [](std::string text) {
         const auto transform =
             "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:Transform>";
         const auto at = text.find(transform);
         return text.insert(at, transform);
       },
       ErrorCode::unsupported, "more than one Transform"},
      {"canonicalization_with_comments",
       replaced(
           "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">",
           "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#WithComments\">"),
       ErrorCode::unsupported, "canonical"},
      {"cut_hmac",
       replaced("hmac-sha256\"></ds:SignatureMethod>",
                "hmac-sha256\"><ds:HMACOutputLength>8</ds:HMACOutputLength></ds:SignatureMethod>"),
       ErrorCode::unsupported, "HMACOutputLength"},
      {"sha1_digest",
       [](std::string text) {
         const auto at = text.find("http://www.w3.org/2001/04/xmlenc#sha256");
         return text.replace(at, 39, "http://www.w3.org/2000/09/xmldsig#sha1");
       },
       ErrorCode::unsupported, "DigestMethod"},
      {"retrieval_method",
       replaced("<ds:KeyName>mac</ds:KeyName>", "<ds:RetrievalMethod URI=\"#x\"></ds:RetrievalMethod>"),
       ErrorCode::unsupported, "RetrievalMethod"},
      {"key_info_reference",
       replaced("<ds:KeyName>mac</ds:KeyName>",
                "<d:KeyInfoReference xmlns:d=\"http://www.w3.org/2009/xmldsig11#\" URI=\"#x\"/>"),
       ErrorCode::unsupported, "KeyInfoReference"},
      {"two_key_names",
       replaced("<ds:KeyName>mac</ds:KeyName>", "<ds:KeyName>mac</ds:KeyName><ds:KeyName>x</ds:KeyName>"),
       ErrorCode::invalid_argument, "two KeyNames"},
      {"manifest", replaced("</ds:Object>", "</ds:Object><ds:Object><ds:Manifest></ds:Manifest></ds:Object>"),
       ErrorCode::invalid_argument, "without Signature"},
      {"elements_as_payload", replaced("\">MjEg", "\"><x xmlns=\"urn:x\"/>MjEg"), ErrorCode::invalid_argument,
       "element inside"},
      {"entity",
       [](std::string text) {
         return "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>" + changed(text, "MjEg", "&e;");
       },
       ErrorCode::invalid_argument, "DTD"},
      {"entity_bomb",
       [](std::string text) {
         return "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a \"aa\"><!ENTITY b \"&a;&a;\">]>" + text;
       },
       ErrorCode::invalid_argument, "DTD"},
      {"undeclared_entity", replaced("MjEg", "&e;"), ErrorCode::invalid_argument, "well-formed"},
      {"comment_in_the_payload", replaced("MjEg", "Mj<!-- -->Eg"), ErrorCode::invalid_argument, "comment"},
      {"cdata_in_the_payload", replaced("MjEg", "<![CDATA[MjEg]]>"), ErrorCode::invalid_argument, "CDATA"},
      {"processing_instruction", replaced("<ds:SignatureValue>", "<?x y?><ds:SignatureValue>"),
       ErrorCode::invalid_argument, "processing instruction"},
      {"zero_octet", [](std::string text) { return text + std::string(1, '\0'); },
       ErrorCode::invalid_argument, "zero octet"},
      {"unbound_prefix", replaced("<ds:SignatureValue>", "<ds:SignatureValue e:x=\"\">"),
       ErrorCode::invalid_argument, "well-formed"},
      {"relative_namespace", replaced("<ds:SignedInfo>", "<ds:SignedInfo xmlns:r=\"r\" r:x=\"\">"),
       ErrorCode::invalid_argument, "attribute"},
      {"text_between_elements", replaced("</ds:SignedInfo>", "</ds:SignedInfo>x"),
       ErrorCode::invalid_argument, "text inside"},
      {"two_roots", [](std::string text) { return text + text; }, ErrorCode::invalid_argument, "well-formed"},
      {"utf_16",
       [](std::string text) {
         std::string wide;
         for (const char c : text) wide += {c, '\0'};
         return wide;
       },
       ErrorCode::invalid_argument, "zero octet"},
      {"utf_7",
       [](std::string text) { return "<?xml version=\"1.0\" encoding=\"UTF-7\"?>+ADw-!DOCTYPE x>" + text; },
       ErrorCode::invalid_argument, "well-formed"},
      {"deep",
       [](std::string text) {
         std::string in, out;
         for (int i = 0; i < 20; ++i) in += "<x>", out += "</x>";
         return changed(std::move(text), "</ds:Object>", in + out + "</ds:Object>");
       },
       ErrorCode::limit, "depth"},
      {"wide",
       [](std::string text) {
         std::string many;
         for (std::size_t i = 0; i < kSignatureBounds.elements; ++i) many += "<x/>";
         return changed(std::move(text), "</ds:Object>", many + "</ds:Object>");
       },
       ErrorCode::limit, "too many elements"},
      {"many_namespaces",
       [](std::string text) {
         std::string many;
         for (std::size_t i = 0; i < 3; ++i) {
           many += "<x";
           for (std::size_t k = 0; k < 200; ++k) many += " xmlns:a" + std::to_string(k) + "='a'";
           many += "/>";
         }
         return changed(std::move(text), "</ds:Object>", many + "</ds:Object>");
       },
       ErrorCode::limit, "too many namespaces"},
      {"many_attributes",
       [](std::string text) {
         std::string many;
         for (int i = 0; i < 1000; ++i) many += " a" + std::to_string(i) + "=''";
         return changed(std::move(text), "<ds:SignatureValue>", "<ds:SignatureValue" + many + ">");
       },
       ErrorCode::limit, "tag of excessive length"},
      {"long", [](std::string text) { return text + std::string(8 * 1024 * 1024, ' '); }, ErrorCode::limit,
       "excessive length"},
  };
  return rows;
}
class Attacks : public ::testing::TestWithParam<Attack> {};
TEST_P(Attacks, AreRefused) {
  ASSERT_TRUE(mac_verifies(parse_signed(signed_text())));
  const auto read = parse_signed(GetParam().change(signed_text()));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, GetParam().code) << read.error().detail;
  EXPECT_THAT(read.error().detail, HasSubstr(GetParam().reason));
}
INSTANTIATE_TEST_SUITE_P(Signature, Attacks, ::testing::ValuesIn(attacks()),
                         [](const auto& row) { return row.param.name; });

TEST(Signature, KeysInTheDocumentAreNotLookedAt) {
  // Signed by a stranger with his own key, which he brings along, under a name that we know.
  const jose::SigningKey stranger(PrivateKey::generate(KeyKind::p256), SignatureAlg::es256);
  const auto text =
      changed(sign(std::array{Signer{&stranger, "ec"}}, {}, as_bytes("evil")).value(), "</ds:KeyInfo>",
              "<ds:KeyValue><ds:RSAKeyValue/></ds:KeyValue><ds:X509Data/></ds:KeyInfo>");
  const auto read = parse_signed(text);
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_FALSE(read->signatures[0].digests_hold) << "KeyInfo is signed here";
  EXPECT_FALSE(
      jose::VerificationKey(pair(KeyKind::p256).public_key(), {SignatureAlg::es256})
          .verify(SignatureAlg::es256, read->signatures[0].signing_input, read->signatures[0].value));
}

TEST(Signature, AFalseDigestOfAStrangerIsHisAlone) {
  auto text = signed_text(2);
  const auto other = between(text, "<ds:Signature>", "</ds:Signature>");
  auto broken = other;
  const auto at = broken.find("<ds:DigestValue>") + 17;
  broken[at] = broken[at] == 'A' ? 'B' : 'A';
  const auto read = parse_signed(changed(text, other, broken));
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_TRUE(mac_verifies(read));
  EXPECT_FALSE(read->signatures[1].digests_hold);
}

TEST(Signature, WhatCannotBeWritten) {
  const jose::SigningKey mac(octets(32), SignatureAlg::hs256), unfit(octets(32), SignatureAlg::es256);
  EXPECT_FALSE(sign({}, {}, as_bytes("a")));
  EXPECT_FALSE(sign(std::array{Signer{&mac, "a\n"}}, {}, as_bytes("a")));
  EXPECT_FALSE(sign(std::array{Signer{&mac, "a"}}, "text/\x80", as_bytes("a")));
  EXPECT_EQ(sign(std::array{Signer{&unfit, "a"}}, {}, as_bytes("a")).error().code, ErrorCode::unsupported);
  EXPECT_FALSE(sign(std::vector<Signer>(kXmlSignaturesMax + 1, Signer{&mac, "a"}), {}, as_bytes("a")));
  const auto odd = sign(std::array{Signer{&mac, "<&>\"'"}}, "x/<&>\"'", as_bytes(""));
  const auto read = parse_signed(odd.value());
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(read->signatures[0].key_name, "<&>\"'");
  EXPECT_EQ(read->media_type, "x/<&>\"'");
  EXPECT_TRUE(read->signatures[0].digests_hold);
  EXPECT_TRUE(read->payload.empty());
}

TEST(Signature, ANestedOneIsToldByItsContent) {
  EXPECT_TRUE(holds_signature(as_bytes(signed_text())));
  EXPECT_FALSE(holds_signature(as_bytes("text about http://www.w3.org/2000/09/xmldsig#")));
  EXPECT_FALSE(holds_signature(as_bytes("<a xmlns=\"http://www.w3.org/2000/09/xmldsig#\"/>")));
}

// What the limits leave room for is done in no time that would matter.
TEST(Signature, TheCostliestDocumentWithinTheLimits) {
  std::string many = "<ds:KeyValue";
  for (std::size_t i = 1; i < kSignatureBounds.namespaces; ++i)
    many += " xmlns:a" + std::to_string(i) + "='urn:a'";
  many += "><x>";
  for (std::size_t i = 40; i < kSignatureBounds.elements; ++i) many += "<y/>";
  many += "</x></ds:KeyValue></ds:KeyInfo>";
  auto text = changed(signed_text(), "</ds:KeyInfo>", many);
  const std::string exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
  for (auto at = text.find(exclusive); at != std::string::npos; at = text.find(exclusive))
    text.replace(at, exclusive.size(), "http://www.w3.org/TR/2001/REC-xml-c14n-20010315");
  const auto start = std::chrono::steady_clock::now();
  const auto read = parse_signed(text);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_FALSE(mac_verifies(read));
  EXPECT_LT(took.count(), 2.0);
  RecordProperty("seconds", std::to_string(took.count()));
}

TEST(Signature, FromManyThreads) {
  const auto text = signed_text(2);
  std::vector<std::thread> threads;
  std::atomic<int> verified = 0;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int k = 0; k < 25; ++k) verified += mac_verifies(parse_signed(text)) ? 1 : 0;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(verified, 100);
}

// --- encryption ---

struct EncryptionCase {
  const char* name;
  KeyAlg alg;
  std::size_t octets;  ///< of a symmetric key; 0: `key`; 1: as many as enc has
  std::optional<KeyKind> key;
  const char *uri, *printed;  ///< of the key's EncryptionMethod; nullptr: there is none
  const char* covers;
};
const std::vector<EncryptionCase>& encryption_cases() {
  static const std::vector<EncryptionCase> rows = {
      {"direct", KeyAlg::dir, 1, {}, nullptr, nullptr, "8.5.3.2-T01"},
      {"kw128",
       KeyAlg::a128kw,
       16,
       {},
       "http://www.w3.org/2001/04/xmlenc#kw-aes128",
       "http://www.w3.org/2001/04/xmlenc#kwaes128",
       "8.5.3.2-T02"},
      {"kw192",
       KeyAlg::a192kw,
       24,
       {},
       "http://www.w3.org/2001/04/xmlenc#kw-aes192",
       "http://www.w3.org/2001/04/xmlenc#kwaes192",
       "8.5.3.2-T03"},
      {"kw256",
       KeyAlg::a256kw,
       32,
       {},
       "http://www.w3.org/2001/04/xmlenc#kw-aes256",
       "http://www.w3.org/2001/04/xmlenc#kwaes256",
       "8.5.3.2-T04"},
      {"rsa", KeyAlg::rsa_oaep_256, 0, KeyKind::rsa, "http://www.w3.org/2009/xmlenc11#rsa-oaep",
       "http://www.w3.org/2009/xmlenc11#rsa-oaep", "8.5.3.2-T05"},
      {"ecdh128", KeyAlg::ecdh_es_a128kw, 0, KeyKind::p256, "http://www.w3.org/2001/04/xmlenc#kw-aes128",
       "http://www.w3.org/2001/04/xmlenc#kwaes128", "8.5.3.2-T06"},
      {"ecdh192", KeyAlg::ecdh_es_a192kw, 0, KeyKind::p384, "http://www.w3.org/2001/04/xmlenc#kw-aes192",
       "http://www.w3.org/2001/04/xmlenc#kwaes192", "8.5.3.2-T07"},
      {"ecdh256", KeyAlg::ecdh_es_a256kw, 0, KeyKind::p521, "http://www.w3.org/2001/04/xmlenc#kw-aes256",
       "http://www.w3.org/2001/04/xmlenc#kwaes256", "8.5.3.2-T08"}};
  return rows;
}
struct ContentCase {
  Enc enc;
  const char *uri, *printed, *covers;
};
constexpr std::array<ContentCase, 3> kContents = {
    {{Enc::a128gcm, "http://www.w3.org/2009/xmlenc11#aes128-gcm", "http://www.w3.org/2009/xmlenc11#aes128gcm",
      "8.5.3.2-T09"},
     {Enc::a192gcm, "http://www.w3.org/2009/xmlenc11#aes192-gcm", "http://www.w3.org/2009/xmlenc11#aes192gcm",
      "8.5.3.2-T10"},
     {Enc::a256gcm, "http://www.w3.org/2009/xmlenc11#aes256-gcm", "http://www.w3.org/2009/xmlenc11#aes256gcm",
      "8.5.3.2-T11"}}};

std::shared_ptr<const SecretBytes> secret_of(const EncryptionCase& it, Enc enc) {
  return it.octets == 1 ? octets(jose::key_bytes(enc), 7) : octets(it.octets);
}
jose::EncryptionKey encryption_key(const EncryptionCase& it, Enc enc) {
  return it.key ? jose::EncryptionKey(pair(*it.key).public_key(), it.alg, enc)
                : jose::EncryptionKey(secret_of(it, enc), it.alg, enc);
}
jose::DecryptionKey decryption_key(const EncryptionCase& it, Enc enc, jose::Permitted<KeyAlg> algs,
                                   jose::Permitted<Enc> encs) {
  return it.key ? jose::DecryptionKey(pair(*it.key), algs, encs)
                : jose::DecryptionKey(secret_of(it, enc), algs, encs);
}
std::string sealed_text(const EncryptionCase& it, Enc enc, bool element = false) {
  return ContentKey::make({{encryption_key(it, enc), "k"}})->seal(as_bytes(kPayload), element).value();
}
std::string opened(const Result<SealedXml>& read, const jose::DecryptionKey& key) {
  if (!read) return read.error().detail;
  const auto plaintext = open(*read, 0, key);
  return plaintext ? std::string(as_text(plaintext->reveal())) : plaintext.error().detail;
}

class Encryption : public ::testing::TestWithParam<std::tuple<EncryptionCase, ContentCase>> {};
TEST_P(Encryption, WritesTheIdentifiersOfTheW3cAndOpens) {
  const auto& [row, content] = GetParam();
  cover({row.covers, content.covers});
  const auto text = sealed_text(row, content.enc);
  EXPECT_EQ(text.find(kPayload), std::string::npos);
  EXPECT_THAT(text, HasSubstr("<xenc:EncryptionMethod Algorithm=\"" + std::string(content.uri) + "\">"));
  if (row.uri != nullptr)
    EXPECT_THAT(text, HasSubstr("<xenc:EncryptedKey><xenc:EncryptionMethod Algorithm=\"" +
                                std::string(row.uri) + "\">"));
  else
    EXPECT_THAT(text, HasSubstr("</xenc:EncryptionMethod><ds:KeyInfo><ds:KeyName>k</ds:KeyName></ds:KeyInfo>"
                                "<xenc:CipherData>"));
  EXPECT_EQ(text.find("EncryptedKey") == std::string::npos, row.alg == KeyAlg::dir);
  EXPECT_EQ(text.find("<xenc:AgreementMethod Algorithm=\"http://www.w3.org/2009/xmlenc11#ECDH-ES\">") ==
                std::string::npos,
            row.alg < KeyAlg::ecdh_es_a128kw);
  if (row.alg == KeyAlg::rsa_oaep_256) {
    EXPECT_THAT(text, HasSubstr("<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\">"));
    EXPECT_THAT(text, HasSubstr("<xenc11:MGF Algorithm=\"http://www.w3.org/2009/xmlenc11#mgf1sha256\">"));
  }
  const auto read = parse_sealed(text);
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(read->enc, content.enc);
  EXPECT_EQ(read->recipients.at(0).alg, row.alg);
  EXPECT_EQ(read->recipients.at(0).key_name, "k");
  EXPECT_EQ(opened(read, decryption_key(row, content.enc, {row.alg}, {content.enc})), kPayload);
  const auto other = row.alg == KeyAlg::dir ? KeyAlg::a128kw : KeyAlg::dir;
  EXPECT_EQ(open(*read, 0, decryption_key(row, content.enc, {other}, {content.enc})).error().code,
            ErrorCode::unsupported);
  EXPECT_EQ(open(*read, 0, decryption_key(row, content.enc, {row.alg}, {})).error().code,
            ErrorCode::unsupported);
  // As the table prints the identifiers.
  auto printed = changed(text, content.uri, content.printed);
  if (row.uri != nullptr && row.printed != std::string_view(row.uri))
    printed = changed(printed, "\"" + std::string(row.uri) + "\">", "\"" + std::string(row.printed) + "\">");
  EXPECT_EQ(parse_sealed(printed)->enc, std::nullopt);
  EXPECT_EQ(opened(parse_sealed(printed, {.printed_identifiers = true}),
                   decryption_key(row, content.enc, {row.alg}, {content.enc})),
            kPayload);
}
INSTANTIATE_TEST_SUITE_P(Tables_8_5_3_2, Encryption,
                         ::testing::Combine(::testing::ValuesIn(encryption_cases()),
                                            ::testing::ValuesIn(kContents)),
                         [](const auto& row) {
                           return std::get<0>(row.param).name + std::string("_") +
                                  std::string(to_string(std::get<1>(row.param).enc));
                         });

TEST(Encryption, AnyFlippedBitIsRefused) {
  for (const std::size_t index : {0U, 1U, 5U}) {
    const auto& row = encryption_cases()[index];
    const auto key = decryption_key(row, Enc::a128gcm, {row.alg}, {Enc::a128gcm});
    const auto text = sealed_text(row, Enc::a128gcm, true);
    for (std::size_t i = 0; i < text.size(); ++i)
      for (unsigned bit = 0; bit < 8; ++bit) {
        auto other = text;
        other[i] = static_cast<char>(static_cast<unsigned char>(other[i]) ^ (1U << bit));
        const auto read = parse_sealed(other);
        // The name of the key is of a recipient that we do not have; everything else does not open.
        ASSERT_FALSE(read && read->element && read->recipients.at(0).key_name == "k" && open(*read, 0, key))
            << i << " " << bit << "\n"
            << other;
      }
  }
}

TEST(Encryption, AWrongContentKeyAndAWrongTagLookTheSame) {
  const auto& row = encryption_cases()[1];
  const auto key = decryption_key(row, Enc::a256gcm, {row.alg}, {Enc::a256gcm});
  auto sealed = parse_sealed(sealed_text(row, Enc::a256gcm)).value();
  auto wrapped = sealed;
  wrapped.recipients[0].encrypted_key[3] ^= 1U;
  auto tag = sealed;
  tag.sealed.back() ^= 1U;
  // A content key of another length than the algorithm has: what a changed EncryptionMethod comes to.
  auto shorter = sealed;
  shorter.enc = Enc::a128gcm;
  const auto all = decryption_key(row, Enc::a256gcm, {row.alg}, {Enc::a128gcm, Enc::a256gcm});
  for (const auto* it : {&wrapped, &tag, &shorter}) {
    const auto result = open(*it, 0, all);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::authentication);
    EXPECT_EQ(result.error().detail, open(tag, 0, key).error().detail);
  }
}

TEST(Encryption, KeysOfAnotherKindDoNotFit) {
  const auto& rows = encryption_cases();
  const jose::Permitted<KeyAlg> all = {
      KeyAlg::dir,          KeyAlg::a128kw,         KeyAlg::a192kw,         KeyAlg::a256kw,
      KeyAlg::rsa_oaep_256, KeyAlg::ecdh_es_a128kw, KeyAlg::ecdh_es_a192kw, KeyAlg::ecdh_es_a256kw};
  for (const auto& row : rows)
    for (const auto& other : rows) {
      if (&row == &other) continue;
      const auto read = parse_sealed(sealed_text(row, Enc::a192gcm)).value();
      const auto result = open(read, 0, decryption_key(other, Enc::a192gcm, all, {Enc::a192gcm}));
      EXPECT_FALSE(result) << row.name << " " << other.name;
    }
}

TEST(Encryption, WhatCannotBeWritten) {
  const auto& rows = encryption_cases();
  EXPECT_FALSE(ContentKey::make({}));
  EXPECT_THAT(ContentKey::make({{encryption_key(rows[0], Enc::a128gcm), "a"},
                                {encryption_key(rows[1], Enc::a128gcm), "b"}})
                  .error()
                  .detail,
              HasSubstr("dir"));
  EXPECT_FALSE(ContentKey::make(
      {{encryption_key(rows[1], Enc::a128gcm), "a"}, {encryption_key(rows[2], Enc::a256gcm), "b"}}));
  EXPECT_FALSE(ContentKey::make({{encryption_key(rows[1], Enc::a128gcm), "a\t"}}));
  for (const auto kind : {KeyKind::brainpool_p256r1, KeyKind::frp256v1, KeyKind::rsa})
    EXPECT_EQ(ContentKey::make(
                  {{jose::EncryptionKey(pair(kind).public_key(), KeyAlg::ecdh_es_a128kw, Enc::a128gcm), "a"}})
                  .error()
                  .code,
              ErrorCode::unsupported);
  EXPECT_EQ(
      ContentKey::make({{jose::EncryptionKey(octets(16), KeyAlg::a256kw, Enc::a128gcm), "a"}}).error().code,
      ErrorCode::unsupported);
  std::vector<ContentKey::Recipient> many(kXmlRecipientsMax + 1,
                                          {encryption_key(rows[1], Enc::a128gcm), "a"});
  EXPECT_FALSE(ContentKey::make(many));
  many.pop_back();
  const auto most = ContentKey::make(many)->seal(as_bytes("x"), false).value();
  EXPECT_EQ(parse_sealed(most)->recipients.size(), kXmlRecipientsMax);
}

const std::vector<Attack>& bad_encryptions() {
  const auto replaced = [](std::string from, std::string to) {
    return [from = std::move(from), to = std::move(to)](std::string text) {
      return changed(std::move(text), from, to);
    };
  };
  static const std::vector<Attack> rows = {
      {"cipher_reference",
       [](std::string text) {
         const auto at = text.rfind("<xenc:CipherValue>");
         const auto end = text.rfind("</xenc:CipherValue>") + 19;
         return text.replace(at, end - at, "<xenc:CipherReference URI=\"http://evil.example/\"/>");
       },
       ErrorCode::unsupported, "CipherReference"},
      {"retrieval_method",
       replaced("<ds:KeyInfo><xenc:EncryptedKey>",
                "<ds:KeyInfo><ds:RetrievalMethod URI=\"#x\"/><xenc:EncryptedKey>"),
       ErrorCode::unsupported, "RetrievalMethod"},
      {"retrieval_method_in_the_key",
       replaced("<ds:KeyName>k</ds:KeyName>", "<ds:RetrievalMethod URI=\"http://evil.example/\"/>"),
       ErrorCode::unsupported, "RetrievalMethod"},
      {"encryption_properties",
       replaced("</xenc:EncryptedData>", "<xenc:EncryptionProperties/></xenc:EncryptedData>"),
       ErrorCode::unsupported, "EncryptionProperties"},
      {"carried_key_name",
       replaced("</xenc:EncryptedKey>", "<xenc:CarriedKeyName>x</xenc:CarriedKeyName></xenc:EncryptedKey>"),
       ErrorCode::unsupported, "CarriedKeyName"},
      {"content_type",
       replaced("<xenc:EncryptedData ",
                "<xenc:EncryptedData Type=\"http://www.w3.org/2001/04/xmlenc#Content\" "),
       ErrorCode::unsupported, "Type"},
      {"direct_beside_a_wrapped_key",
       replaced("</xenc:EncryptedKey>", "</xenc:EncryptedKey><ds:KeyName>d</ds:KeyName>"),
       ErrorCode::invalid_argument, "direct mode"},
      {"wrapped_key_beside_direct",
       replaced("<ds:KeyInfo><xenc:EncryptedKey>",
                "<ds:KeyInfo><ds:KeyName>d</ds:KeyName><xenc:EncryptedKey>"),
       ErrorCode::invalid_argument, "direct mode"},
      {"two_names",
       replaced("<ds:KeyName>k</ds:KeyName>", "<ds:KeyName>k</ds:KeyName><ds:KeyName>l</ds:KeyName>"),
       ErrorCode::invalid_argument, "two keys"},
      {"no_key",
       [](std::string text) {
         const auto key = between(text, "<xenc:EncryptedKey>", "</xenc:EncryptedKey>");
         return changed(std::move(text), key, "");
       },
       ErrorCode::invalid_argument, "without a key"},
      {"parameters_of_the_content", replaced("aes128-gcm\">", "aes128-gcm\"><xenc:KeySize>64</xenc:KeySize>"),
       ErrorCode::unsupported, "KeySize"},
      {"short_content",
       [](std::string text) {
         const auto at = text.rfind("<xenc:CipherValue>");
         const auto end = text.rfind("</xenc:CipherValue>");
         return text.replace(at, end - at, "<xenc:CipherValue>AAAA");
       },
       ErrorCode::invalid_argument, "wrong length"},
      {"dtd", [](std::string text) { return "<!DOCTYPE x SYSTEM \"http://evil.example/\">" + text; },
       ErrorCode::invalid_argument, "DTD"},
  };
  return rows;
}
class BadEncryption : public ::testing::TestWithParam<Attack> {};
TEST_P(BadEncryption, IsRefused) {
  const auto read = parse_sealed(GetParam().change(sealed_text(encryption_cases()[1], Enc::a128gcm)));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, GetParam().code) << read.error().detail;
  EXPECT_THAT(read.error().detail, HasSubstr(GetParam().reason));
}
INSTANTIATE_TEST_SUITE_P(Encryption, BadEncryption, ::testing::ValuesIn(bad_encryptions()),
                         [](const auto& row) { return row.param.name; });

TEST(Agreement, BadOnes) {
  const auto& row = encryption_cases()[5];
  const auto key = decryption_key(row, Enc::a128gcm, {row.alg}, {Enc::a128gcm});
  const auto text = sealed_text(row, Enc::a128gcm);
  ASSERT_EQ(opened(parse_sealed(text), key), kPayload);
  const auto party = between(text, "PartyVInfo=\"", "\"");
  for (const auto& [from, to, reason] :
       {std::tuple{"urn:oid:1.2.840.10045.3.1.7", "urn:oid:1.3.36.3.3.2.8.1.1.7", "another curve"},
        std::tuple{"urn:oid:1.2.840.10045.3.1.7", "urn:oid:1.3.132.0.34", "wrong form"},
        std::tuple{"xmlenc11#ConcatKDF", "xmlenc11#pbkdf2", "ConcatKDF"},
        std::tuple{"xmlenc11#ECDH-ES", "xmlenc#dh", "ECDH-ES"},
        std::tuple{"PartyUInfo=\"00\"", "PartyUInfo=\"03\"", "broken octets"},
        std::tuple{"PartyUInfo=\"00\"", "PartyUInfo=\"0\"", "no hex"},
        std::tuple{"PartyUInfo=\"00\"", "PartyUInfo=\"00ab\"", "one case"}})
    EXPECT_THAT(opened(parse_sealed(changed(text, from, to)), key), HasSubstr(reason)) << to;
  EXPECT_THAT(opened(parse_sealed(changed(text, "PartyUInfo=\"00\"", "PartyUInfo=\"00AB\"")), key),
              HasSubstr("does not open"));
  // A point that is not on the curve says something of the private key if it is used.
  const auto point = between(text, "<dsig11:PublicKey>", "</dsig11:PublicKey>");
  auto off = point;
  off[40] = off[40] == 'A' ? 'B' : 'A';
  EXPECT_THAT(opened(parse_sealed(changed(text, point, off)), key), HasSubstr("not on the curve"));
}

class Vectors : public ::testing::TestWithParam<const char*> {};
TEST_P(Vectors, OfTheW3cOpen) {
  const std::string name = GetParam();
  const auto key = PrivateKey::from_pem(SecretBytes::copy_of(as_bytes(file("ecdh-" + name + ".key"))));
  ASSERT_TRUE(key) << key.error().detail;
  const auto read = parse_sealed(file("ecdh-" + name + ".xml"));
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(read->recipients.at(0).key_name, "EC-" + name);
  const auto text = opened(
      read,
      jose::DecryptionKey(*key, {KeyAlg::ecdh_es_a128kw, KeyAlg::ecdh_es_a192kw, KeyAlg::ecdh_es_a256kw},
                          {Enc::a128gcm, Enc::a192gcm, Enc::a256gcm}));
  const auto wanted = file("ecdh-" + name + ".data");
  EXPECT_THAT(text, HasSubstr("<PaymentInfo>"));
  // The plaintext is the canonical form of what the file holds.
  EXPECT_THAT(changed(wanted, "Year=\"2005\"/>", "Year=\"2005\"></Expires>"), HasSubstr(text));
}
INSTANTIATE_TEST_SUITE_P(Ecdh, Vectors, ::testing::Values("P256", "P384", "P521"),
                         [](const auto& row) { return row.param; });

TEST(Vectors, DirectKey) {
  const auto read = parse_sealed(file("gcm.xml"));
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(read->recipients.at(0).key_name, "Test Key 1\n    ") << "white space counts";
  const auto key = std::make_shared<const SecretBytes>(SecretBytes::copy_of(as_bytes(file("gcm.key"))));
  EXPECT_EQ(opened(read, jose::DecryptionKey(key, {KeyAlg::dir}, {Enc::a128gcm})), file("gcm.data"));
}

TEST(Vectors, OtherParametersOfRsaOaepAreNotThoseOfTheTable) {
  for (const auto* name : {"rsa-oaep-mgf1p.xml", "rsa-oaep-sha384-mgf1sha1.xml"}) {
    const auto read = parse_sealed(file(name));
    ASSERT_TRUE(read) << name << read.error().detail;
    EXPECT_EQ(read->recipients.at(0).alg, std::nullopt) << name;
  }
  EXPECT_EQ(parse_sealed(file("rsa-oaep-psource.xml")).error().code, ErrorCode::unsupported);
}

}  // namespace
}  // namespace latchkey::xmlsec
