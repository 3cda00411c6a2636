#include "latchkey/crypto/crypto.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "reference_hmac.h"
#include "vector_file.h"

namespace latchkey::crypto {
namespace {

Bytes octets(const SecretBytes& secret) { return {secret.reveal().begin(), secret.reveal().end()}; }

TEST(Sha256, FipsExamples) {
  const auto hex = [](std::string_view text) { return to_hex(sha256(as_bytes(text))); };
  EXPECT_EQ(hex(""), "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855");
  EXPECT_EQ(hex("abc"), "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD");
}

TEST(Sha256, AgreesWithTheReferenceAroundTheBlockSize) {
  for (std::size_t size = 0; size < 200; ++size) {
    const Bytes data = random_bytes(size);
    const auto hash = sha256(data);
    EXPECT_EQ(Bytes(hash.begin(), hash.end()), test::reference_sha256(data)) << size;
  }
}

TEST(HmacSha256, AgreesWithTheReferenceForEveryKeyLength) {
  for (std::size_t size = 0; size < 140; ++size) {
    const Bytes key = random_bytes(size);
    const Bytes data = random_bytes(size / 2);
    EXPECT_EQ(octets(hmac_sha256(key, data)), test::reference_hmac(key, data)) << size;
    EXPECT_EQ(hmac_sha256(SecretBytes::copy_of(key), data), hmac_sha256(key, data));
  }
}

TEST(HmacSha256, ManyThreadsDoNotDisturbEachOther) {
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (std::size_t n = 0; n < wrong.size(); ++n) {
    threads.emplace_back([&wrong, n] {
      const Bytes key(32, static_cast<std::uint8_t>(n)), data(100, static_cast<std::uint8_t>(n));
      const Bytes expected = test::reference_hmac(key, data);
      for (int i = 0; i < 500; ++i) wrong[n] += octets(hmac_sha256(key, data)) == expected ? 0 : 1;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

class AesGcm : public testing::TestWithParam<std::size_t> {
 protected:
  SecretBytes key = random_secret(GetParam());
  Bytes nonce = random_bytes(kGcmNonceBytes);
  Bytes aad = random_bytes(20);
};
INSTANTIATE_TEST_SUITE_P(KeyOctets, AesGcm, testing::Values(16, 24, 32));

TEST_P(AesGcm, OpenGivesWhatWasSealed) {
  for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 64U, 5000U}) {
    const Bytes plaintext = random_bytes(size);
    const Bytes sealed = aes_gcm_seal(key, nonce, aad, plaintext).value();
    EXPECT_EQ(sealed.size(), size + kGcmTagBytes);
    EXPECT_EQ(octets(aes_gcm_open(key, nonce, aad, sealed).value()), plaintext);
  }
}

TEST_P(AesGcm, AnyFlippedBitIsRejected) {
  const Bytes sealed = aes_gcm_seal(key, nonce, aad, random_bytes(24)).value();
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    Bytes bad = sealed;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ 1U << bit % 8);
    const auto opened = aes_gcm_open(key, nonce, aad, bad);
    ASSERT_FALSE(opened.has_value()) << bit;
    EXPECT_EQ(opened.error().code, ErrorCode::authentication);
  }
}

TEST_P(AesGcm, OtherAssociatedDataNonceOrKeyIsRejected) {
  const Bytes sealed = aes_gcm_seal(key, nonce, aad, random_bytes(24)).value();
  EXPECT_FALSE(aes_gcm_open(key, nonce, random_bytes(20), sealed).has_value());
  EXPECT_FALSE(aes_gcm_open(key, nonce, {}, sealed).has_value());
  EXPECT_FALSE(aes_gcm_open(key, random_bytes(kGcmNonceBytes), aad, sealed).has_value());
  EXPECT_FALSE(aes_gcm_open(random_secret(GetParam()), nonce, aad, sealed).has_value());
  EXPECT_TRUE(aes_gcm_open(key, nonce, aad, sealed).has_value()) << "a failure before leaves no trace";
}

TEST_P(AesGcm, ShorterThanATagIsRejected) {
  for (const std::size_t size : {0U, 1U, 15U}) {
    EXPECT_EQ(aes_gcm_open(key, nonce, aad, Bytes(size)).error().code, ErrorCode::authentication);
  }
}

TEST(AesGcmLimits, OtherKeyLengthsAreRefused) {
  for (const std::size_t size : {0U, 8U, 15U, 17U, 31U, 33U, 64U}) {
    const auto sealed = aes_gcm_seal(SecretBytes(size), Bytes(kGcmNonceBytes), {}, {});
    ASSERT_FALSE(sealed.has_value());
    EXPECT_EQ(sealed.error().code, ErrorCode::invalid_argument);
    EXPECT_NE(sealed.error().detail.find("AES key"), std::string::npos);
    EXPECT_FALSE(aes_gcm_open(SecretBytes(size), Bytes(kGcmNonceBytes), {}, Bytes(16)).has_value());
  }
}

TEST(Random, DoesNotRepeat) {
  std::set<Bytes> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random_bytes(16));
  for (int i = 0; i < 1000; ++i) seen.insert(octets(random_secret(16)));
  EXPECT_EQ(seen.size(), 2000U);
  EXPECT_TRUE(random_bytes(0).empty());
  EXPECT_TRUE(random_secret(0).empty());
}

// openssl kdf -keylen 32 -kdfopt pass:'correct horse' -kdfopt hexsalt:000102030405060708090a0b0c0d0e0f
//   -kdfopt n:32768 -kdfopt r:8 -kdfopt p:1 SCRYPT
TEST(Scrypt, ValueOfOpensslAndOfPython) {
  Bytes salt;
  for (std::uint8_t i = 0; i < 16; ++i) salt.push_back(i);
  const auto key = scrypt(SecretBytes::copy_of(as_bytes("correct horse")), salt, 32);
  EXPECT_EQ(to_hex(key.reveal()), "5C662628AC4EB1068A287E2AA2A202AE248E98DB04D61D3327E7342DB6EC7097");
}

// hashlib.scrypt(b"", salt=b"", n=32768, r=8, p=1, maxmem=64 << 20, dklen=32)
TEST(Scrypt, EmptyPassphraseAndSalt) {
  EXPECT_EQ(to_hex(scrypt(SecretBytes(), {}, 32).reveal()),
            "2C804BF5D0CCB28051F20FB0B99BF7E9A45A67496650536018DD8839D9370748");
  EXPECT_TRUE(scrypt(SecretBytes(), {}, 0).empty());
}

TEST(Nfkc, VectorsOfPython) {
  for (const auto& vector : test::vectors_of("nfkc.vec", "nfkc")) {
    SCOPED_TRACE(vector.name);
    const std::string normal = nfkc(as_text(vector.fields[0])).value();
    EXPECT_EQ(normal, as_text(vector.fields[1]));
    EXPECT_EQ(nfkc(normal).value(), normal) << "normalising twice changes nothing";
  }
}

TEST(Nfkc, KeepsAsciiAndZeroOctets) {
  using namespace std::string_view_literals;
  EXPECT_EQ(nfkc("").value(), "");
  EXPECT_EQ(nfkc("a\0b"sv).value(), "a\0b"sv);
  EXPECT_EQ(nfkc("\xEF\xAC\x81\0x"sv).value(), "fi\0x"sv);
}

struct BadText {
  const char* name;
  std::string_view text;
};
class NfkcRefuses : public testing::TestWithParam<BadText> {};
INSTANTIATE_TEST_SUITE_P(InvalidUtf8, NfkcRefuses,
                         testing::Values(BadText{"lone_continuation", "\x80"},
                                         BadText{"overlong_slash", "\xC0\xAF"},
                                         BadText{"surrogate", "\xED\xA0\x80"},
                                         BadText{"beyond_unicode", "\xF4\x90\x80\x80"},
                                         BadText{"truncated", "abc\xE2\x82"}, BadText{"latin_1", "caf\xE9!"}),
                         [](const auto& bad) { return bad.param.name; });
TEST_P(NfkcRefuses, WithInvalidArgument) {
  const auto normal = nfkc(GetParam().text);
  ASSERT_FALSE(normal.has_value());
  EXPECT_EQ(normal.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(normal.error().detail.find("not UTF-8"), std::string::npos);
}

TEST(Nfkc, BothSidesOfTheSizeLimit) {
  constexpr std::size_t limit = 64UL * 1024UL;
  EXPECT_TRUE(nfkc(std::string(limit, 'a')).has_value());
  const auto over = nfkc(std::string(limit + 1, 'a'));
  ASSERT_FALSE(over.has_value());
  EXPECT_EQ(over.error().code, ErrorCode::limit);
  // The character that grows most, as often as fits.
  std::string longest;
  while (longest.size() + 3 <= limit) longest += "\xEF\xB7\xBA";
  EXPECT_GT(nfkc(longest).value().size(), longest.size() * 10);
}

}  // namespace
}  // namespace latchkey::crypto
