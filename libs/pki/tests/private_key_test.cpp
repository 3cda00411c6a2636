#include <openssl/pem.h>

#include "forge.h"

namespace latchkey::pki::test {
namespace {

using DigestPtr = OsslPtr<EVP_MD_CTX, EVP_MD_CTX_free>;

SecretBytes secret(std::string_view text) { return SecretBytes::copy_of(as_bytes(text)); }

std::string pem_of(EVP_PKEY* key, bool sec1, const char* passphrase = nullptr) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  const EVP_CIPHER* cipher = passphrase == nullptr ? nullptr : EVP_aes_256_cbc();
  auto* text = reinterpret_cast<const unsigned char*>(passphrase);
  const int size = passphrase == nullptr ? 0 : static_cast<int>(std::string_view(passphrase).size());
  EXPECT_EQ(sec1 ? PEM_write_bio_PrivateKey_traditional(out.get(), key, cipher, text, size, nullptr, nullptr)
                 : PEM_write_bio_PKCS8PrivateKey(out.get(), key, cipher, passphrase, size, nullptr, nullptr),
            1);
  return std::string(as_text(written(out.get())));
}

TEST(PrivateKey, comes_back_from_its_pem) {
  const auto key = PrivateKey::generate().value();
  const auto again = PrivateKey::from_pem(key.to_pem()).value();
  EXPECT_EQ(key.public_spki(), again.public_spki());
  EXPECT_EQ(key.public_spki().size(), 91U);
}

TEST(PrivateKey, sec1_pkcs8_and_parameters_before_the_key_are_read) {
  const auto entity = forge(cse_spec());
  const auto certificate = entity.certificate();
  const std::string parameters =
      "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
  for (const auto& pem : {pem_of(entity.key.get(), true), pem_of(entity.key.get(), false),
                          parameters + pem_of(entity.key.get(), true)}) {
    const auto key = PrivateKey::from_pem(secret(pem));
    expect_ok(key);
    EXPECT_TRUE(key->matches(certificate));
  }
}

TEST(PrivateKey, encrypted_needs_the_right_passphrase) {
  const auto entity = forge(cse_spec());
  const auto right = secret("correct horse");
  const auto wrong = secret("battery");
  for (const bool sec1 : {true, false}) {
    const auto pem = secret(pem_of(entity.key.get(), sec1, "correct horse"));
    expect_ok(PrivateKey::from_pem(pem, &right));
    expect_refused(PrivateKey::from_pem(pem, &wrong), ErrorCode::invalid_argument, "wrong passphrase");
    expect_refused(PrivateKey::from_pem(pem), ErrorCode::invalid_argument, "wrong passphrase");
  }
}

TEST(PrivateKey, other_curve_or_algorithm_is_refused) {
  cover({"10.1.1.1-03"});
  for (const auto kind : {KeyKind::p384, KeyKind::rsa}) {
    Spec spec = cse_spec();
    spec.key = kind;
    expect_refused(PrivateKey::from_pem(secret(pem_of(forge(spec).key.get(), false))),
                   ErrorCode::invalid_argument, "not on secp256r1");
  }
}

TEST(PrivateKey, compressed_public_part_is_handed_out_uncompressed) {
  cover({"10.1.1.1-04"});
  Spec spec = cse_spec();
  spec.key = KeyKind::p256_compressed;
  const auto key = PrivateKey::from_pem(secret(pem_of(forge(spec).key.get(), false))).value();
  EXPECT_EQ(key.public_spki().size(), 91U);
}

TEST(PrivateKey, damaged_text_is_refused) {
  const auto pem = pem_of(forge(cse_spec()).key.get(), false);
  for (const auto& bad :
       {std::string(), std::string("hello"), pem.substr(0, pem.size() / 2), forge(cse_spec()).pem()}) {
    expect_refused(PrivateKey::from_pem(secret(bad)), ErrorCode::invalid_argument, "no private key");
  }
  expect_refused(PrivateKey::from_pem(secret(std::string((16U << 10U) + 1, 'x'))), ErrorCode::limit,
                 "16 KiB");
}

TEST(PrivateKey, matches_its_own_certificate_only) {
  const auto entity = forge(cse_spec());
  const auto key = PrivateKey::from_pem(secret(entity.key_pem())).value();
  EXPECT_TRUE(key.matches(entity.certificate()));
  EXPECT_FALSE(key.matches(forge(cse_spec()).certificate()));
}

TEST(PrivateKey, signature_verifies_over_the_same_octets_only) {
  const auto entity = forge(cse_spec());
  const auto key = PrivateKey::from_pem(secret(entity.key_pem())).value();
  const auto signature = key.sign(as_bytes("message")).value();
  const auto verifies = [&](std::string_view text) {
    const DigestPtr context(EVP_MD_CTX_new());
    return EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, entity.key.get()) == 1 &&
           EVP_DigestVerify(context.get(), signature.data(), signature.size(), as_bytes(text).data(),
                            text.size()) == 1;
  };
  EXPECT_TRUE(verifies("message"));
  EXPECT_FALSE(verifies("massage"));
}

}  // namespace
}  // namespace latchkey::pki::test
