#include "latchkey/crypto/derivation.h"

#include <gtest/gtest.h>

#include <numeric>
#include <type_traits>

#include "cover.h"
#include "reference_hmac.h"
#include "vector_file.h"

namespace latchkey::crypto {
namespace {

using test::cover;
using test::reference_hmac;
using test::vectors_of;

constexpr const char* kFile = "derivation.vec";

Bytes octets(const SecretBytes& secret) { return {secret.reveal().begin(), secret.reveal().end()}; }
std::string text(const Bytes& bytes) { return std::string(as_text(bytes)); }
Ke ke_of(const Bytes& bytes) { return Ke(SecretBytes::copy_of(bytes)); }
Bytes message(std::string_view label, std::string_view id) {
  const std::string joined = std::string(label) + std::string(id);
  return {as_bytes(joined).begin(), as_bytes(joined).end()};
}
SpId home() { return SpId::parse("//m2m.sp.example").value(); }

TEST(KeyExport, LabelsAndLength) {
  cover({"10.3.1-T01", "10.3.1-T02", "10.3.1-T03"});
  EXPECT_EQ(kExporterBootstrap, "EXPORTER-oneM2M-Bootstrap");
  EXPECT_EQ(kExporterConnection, "EXPORTER-oneM2M-Connection");
  EXPECT_EQ(kExporterEsCertKe, "EXPORTER-oneM2M-ESCertKE");
  EXPECT_EQ(kExportedOctets, 48U);
  Bytes exported(kExportedOctets);
  std::iota(exported.begin(), exported.end(), std::uint8_t{0});
  const auto split = split_exported(SecretBytes::copy_of(exported)).value();
  EXPECT_EQ(Bytes(split.id.begin(), split.id.end()), Bytes(exported.begin(), exported.begin() + 16));
  EXPECT_EQ(octets(split.key), Bytes(exported.begin() + 16, exported.end()));
}

TEST(KeyExport, KcIdAndKcOfTr0038A4) {
  cover({"TR-A.4-02", "TR-A.4-03"});
  const auto shown = from_hex(
                         "FF15D84E3E38D6974B0EB3E5606C85FE37F61D5A7FEA1E9CFD8DB76D2F8B6230"
                         "130EF8A84F9F9F967DA385867984EED0")
                         .value();
  const auto split = split_exported(SecretBytes::copy_of(shown)).value();
  EXPECT_EQ(Bytes(split.id.begin(), split.id.end()), from_hex("FF15D84E3E38D6974B0EB3E5606C85FE").value());
  EXPECT_EQ(octets(split.key),
            from_hex("37F61D5A7FEA1E9CFD8DB76D2F8B6230130EF8A84F9F9F967DA385867984EED0").value());
}

TEST(KeyExport, OtherLengthsAreRefused) {
  for (const std::size_t size : {0U, 32U, 47U, 49U, 64U}) {
    const auto split = split_exported(SecretBytes(size));
    ASSERT_FALSE(split.has_value()) << size;
    EXPECT_EQ(split.error().code, ErrorCode::invalid_argument);
    EXPECT_NE(split.error().detail.find("48 octets"), std::string::npos);
  }
}

TEST(MasterCredential, VectorsOfOpenssl) {
  cover({"10.3.2-01", "10.3.2-02", "10.3.2-03", "10.3.2-T01"});
  for (const auto& vector : vectors_of(kFile, "km")) {
    SCOPED_TRACE(vector.name);
    EXPECT_EQ(octets(derive_km(ke_of(vector.fields[0]), text(vector.fields[1])).value().bytes()),
              vector.fields[2]);
  }
}

TEST(ProvisionedSecureConnectionKey, VectorsOfOpenssl) {
  cover({"10.3.3-01", "10.3.3-02", "10.3.3-03", "10.3.3-T01"});
  for (const auto& vector : vectors_of(kFile, "kpsa")) {
    SCOPED_TRACE(vector.name);
    EXPECT_EQ(octets(derive_kpsa(ke_of(vector.fields[0]), text(vector.fields[1])).value().bytes()),
              vector.fields[2]);
  }
}

TEST(UsageConstrainedKey, VectorsOfOpenssl) {
  cover({"10.3.7-01", "10.3.7-02", "10.3.7-04", "10.3.7-T01"});
  for (const auto& vector : vectors_of(kFile, "usage")) {
    SCOPED_TRACE(vector.name);
    const auto suid = Suid::from(vector.fields[1].at(0)).value();
    const auto key = derive_usage_constrained(ke_of(vector.fields[0]), suid, text(vector.fields[2]));
    EXPECT_EQ(octets(key.value()), vector.fields[3]);
  }
}

TEST(EndToEndMasterKey, VectorsOfOpenssl) {
  cover({"10.3.6.1-01", "10.3.6.1-03", "10.3.6.1-T01", "9.2.3.1-01", "9.2.3.1-T02"});
  for (const auto& vector : vectors_of(kFile, "ke2e_master")) {
    SCOPED_TRACE(vector.name);
    const Kpsa kpsa(SecretBytes::copy_of(vector.fields[1]));
    EXPECT_EQ(octets(derive_ke2e_master(vector.fields[0], kpsa)), vector.fields[2]);
  }
  for (const auto& vector : vectors_of(kFile, "ke2e_master_512")) {
    SCOPED_TRACE(vector.name);
    const auto base = SecretBytes::copy_of(vector.fields[1]);
    EXPECT_EQ(octets(derive_ke2e_master(vector.fields[0], base, Hash::sha512)), vector.fields[2]);
  }
}

TEST(EndToEndMasterKey, ExpandsToFourKeys) {
  cover({"10.3.6.2-T01", "10.3.6.2-T02", "10.3.6.2-T03", "10.3.6.2-T04"});
  for (const auto& [function, hash] :
       {std::pair{"expand_ke2e", Hash::sha256}, std::pair{"expand_ke2e_512", Hash::sha512}})
    for (const auto& vector : vectors_of(kFile, function)) {
      const auto keys = expand_ke2e(SecretBytes::copy_of(vector.fields[0]), hash);
      EXPECT_EQ(octets(keys.msg_auth), vector.fields[1]);
      EXPECT_EQ(octets(keys.msg_conf), vector.fields[2]);
      EXPECT_EQ(octets(keys.att_auth), vector.fields[3]);
      EXPECT_EQ(octets(keys.att_conf), vector.fields[4]);
    }
}

TEST(SessionEsPrimKey, VectorsOfOpenssl) {
  cover({"10.3.8.2-T01"});
  for (const auto& vector : vectors_of(kFile, "session")) {
    const auto pairwise = SecretBytes::copy_of(vector.fields[0]);
    EXPECT_EQ(octets(derive_session_esprim_key(pairwise, vector.fields[1], vector.fields[2])),
              vector.fields[3]);
    EXPECT_NE(octets(derive_session_esprim_key(pairwise, vector.fields[2], vector.fields[1])),
              vector.fields[3])
        << "receiver's object comes first";
  }
}

// The same formulas over our second, independent HMAC, for keys and identifiers that nobody chose.
TEST(Derivations, AgreeWithTheReferenceForRandomInput) {
  for (int round = 0; round < 100; ++round) {
    const Bytes key = random_bytes(static_cast<std::size_t>(round % 80 + 1));
    const std::string id = "id-" + to_hex(random_bytes(static_cast<std::size_t>(round % 40)));
    const Ke ke = ke_of(key);
    EXPECT_EQ(octets(derive_km(ke, id).value().bytes()),
              reference_hmac(key, message("oneM2M Enrolment Key to Master Credential derivation", id)));
    EXPECT_EQ(octets(derive_kpsa(ke, id).value().bytes()),
              reference_hmac(
                  key, message("oneM2M Enrolment Key to Provisioned Secure Connection Key derivation", id)));
    EXPECT_EQ(octets(derive_usage_constrained(ke, Suid::from(32).value(), id).value()),
              reference_hmac(
                  key, message("oneM2M Enrolment Key to Usage-Constrained Symmetric Key derivation32", id)));
    EXPECT_EQ(octets(derive_session_esprim_key(SecretBytes::copy_of(key), as_bytes(id), as_bytes("o"))),
              reference_hmac(key, message(id, "ooneM2M HMAC-SHA256 sessionESPrimKey derivation algorithm")));
  }
}

TEST(Derivations, EqualNormalFormsGiveEqualKeys) {
  const Ke ke(random_secret(32));
  EXPECT_EQ(derive_km(ke, "\xEF\xAC\x81rst.example").value(), derive_km(ke, "first.example").value());
  EXPECT_EQ(derive_kpsa(ke, "\xEF\xBD\x8D\xEF\xBD\x81\xEF\xBD\x86").value(), derive_kpsa(ke, "maf").value());
  EXPECT_FALSE(derive_km(ke, "MAF.example").value() == derive_km(ke, "maf.example").value())
      << "NFKC folds no case";
}

TEST(Derivations, EachSuidAndTargetHasItsOwnKey) {
  const Ke ke(random_secret(32));
  const auto key = [&](int suid, std::string_view target) {
    return octets(derive_usage_constrained(ke, Suid::from(suid).value(), target).value());
  };
  EXPECT_NE(key(32, "in-cse.sp.example"), key(33, "in-cse.sp.example"));
  EXPECT_NE(key(32, "in-cse.sp.example"), key(32, "mn-cse.sp.example"));
}

TEST(Derivations, BadIdentifiersAreRefused) {
  const Ke ke(random_secret(32));
  for (const std::string_view bad : {"\xFF", "\xC0\xAF", "\xED\xA0\x80", "ab\xE2\x82", "\xF4\x90\x80\x80"}) {
    const auto km = derive_km(ke, bad);
    ASSERT_FALSE(km.has_value());
    EXPECT_EQ(km.error().code, ErrorCode::invalid_argument);
    EXPECT_NE(km.error().detail.find("not UTF-8"), std::string::npos);
    EXPECT_FALSE(derive_kpsa(ke, bad).has_value());
    EXPECT_FALSE(derive_usage_constrained(ke, Suid::from(32).value(), bad).has_value());
  }
  EXPECT_FALSE(derive_km(ke, "").has_value());
  EXPECT_FALSE(derive_km(Ke(), "maf.example").has_value()) << "an empty Ke is no key";
}

TEST(Derivations, KeysOfOneKindDoNotFitWhereAnotherGoes) {
  static_assert(!std::is_convertible_v<Km, Kpsa>);
  static_assert(!std::is_constructible_v<Kpsa, Km>);
  static_assert(!std::is_invocable_v<decltype(derive_km), const Kc&, std::string_view>);
}

TEST(EnrolmentTargetFqdn, OfEachKindOfEntity) {
  cover({"10.3.7-03"});
  const auto in_cse = CseId::from_stem(home(), "in-cse").value();
  const auto mn_cse = CseId::from_stem(home(), "mn1").value();
  EXPECT_EQ(enrolment_target_fqdn(in_cse, std::nullopt).value(), "in-cse.m2m.sp.example");
  EXPECT_EQ(enrolment_target_fqdn(mn_cse, in_cse).value(), "mn1.in-cse.m2m.sp.example");
  const auto c_type = AeId::from_stem("Clock", mn_cse).value();
  EXPECT_EQ(enrolment_target_fqdn(c_type, in_cse).value(), "Clock.mn1.in-cse.m2m.sp.example");
  const auto c_type_of_in = AeId::from_stem("Clock", in_cse).value();
  EXPECT_EQ(enrolment_target_fqdn(c_type_of_in, std::nullopt).value(), "Clock.in-cse.m2m.sp.example");
  EXPECT_EQ(enrolment_target_fqdn(c_type_of_in, in_cse).value(), "Clock.in-cse.m2m.sp.example");
  const auto s_type = AeId::from_stem("Slock", mn_cse).value();
  EXPECT_EQ(enrolment_target_fqdn(s_type, in_cse).value(), "Slock.m2m.sp.example");
  EXPECT_EQ(enrolment_target_fqdn(Fqdn::parse("myMAF.provider.org").value(), std::nullopt).value(),
            "myMAF.provider.org");
}

TEST(EnrolmentTargetFqdn, RefusesWhatHasNone) {
  const auto in_cse = CseId::from_stem(home(), "in-cse").value();
  const auto device = M2mDeviceId::parse("0.2.481.1.100.3030.10011").value();
  EXPECT_EQ(enrolment_target_fqdn(device, std::nullopt).error().code, ErrorCode::invalid_argument);
  for (const char* stem : {"with.dot", "with_underscore", "-dash"}) {
    EXPECT_FALSE(enrolment_target_fqdn(CseId::from_stem(home(), stem).value(), std::nullopt).has_value())
        << stem;
    EXPECT_FALSE(enrolment_target_fqdn(AeId::from_stem(std::string("C") + stem + "_", in_cse).value(), in_cse)
                     .has_value())
        << stem;
  }
  // Else it would be the name of an AE "Ca" below a CSE "b", whose key would be the same.
  EXPECT_FALSE(enrolment_target_fqdn(AeId::from_stem("Ca.b", in_cse).value(), std::nullopt).has_value());
  const auto foreign = CseId::from_stem(SpId::parse("//other.example").value(), "in").value();
  EXPECT_FALSE(enrolment_target_fqdn(in_cse, foreign).has_value());
}

}  // namespace
}  // namespace latchkey::crypto
