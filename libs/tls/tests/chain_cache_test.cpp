#include "chain_cache.h"

#include <gtest/gtest.h>

#include "support/world.h"

namespace latchkey::tls::test {
namespace {

class ChainCacheTest : public ::testing::Test {
 protected:
  static std::vector<ByteView> presented(const Identity& identity) {
    std::vector<ByteView> list;
    for (const auto& certificate : identity.own->chain) list.emplace_back(certificate.der());
    return list;
  }
  std::shared_ptr<const pki::TrustStore> trust = TestPki::instance().trust();
  TimePoint now = system_clock().now() + std::chrono::seconds(5);
};

TEST_F(ChainCacheTest, ASecondLookIsTheSameAnswer) {
  ChainCache cache(10);
  const auto first = cache.verify(presented(mn_cse_identity()), *trust, now, home());
  ASSERT_TRUE(first) << first.error().detail;
  const auto second = cache.verify(presented(mn_cse_identity()), *trust, now + ChainCache::kAgeMax, home());
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(cache.size(), 1U);
}

TEST_F(ChainCacheTest, AgeAndExpiryAndASetBackClockMakeItVerifyAgain) {
  ChainCache cache(10);
  const auto first = cache.verify(presented(mn_cse_identity()), *trust, now, home());
  const auto old = cache.verify(presented(mn_cse_identity()), *trust,
                                now + ChainCache::kAgeMax + std::chrono::microseconds(1), home());
  EXPECT_NE(*first, *old);
  const auto before = cache.verify(presented(mn_cse_identity()), *trust, now, home());
  EXPECT_NE(*old, *before);
  const auto expired = cache.verify(presented(mn_cse_identity()), *trust,
                                    (*first)->verified.valid_until + std::chrono::seconds(1), home());
  ASSERT_FALSE(expired);
  EXPECT_EQ(expired.error().code, ErrorCode::expired);
}

TEST_F(ChainCacheTest, AnotherTrustStoreAsksAgain) {
  ChainCache cache(10);
  ASSERT_TRUE(cache.verify(presented(mn_cse_identity()), *trust, now, home()));
  EXPECT_FALSE(
      cache.verify(presented(mn_cse_identity()), *TestPki::instance().stranger_trust(), now, home()));
  ASSERT_TRUE(cache.verify(presented(mn_cse_identity()), *TestPki::instance().trust_with({}), now, home()));
  EXPECT_EQ(cache.size(), 2U);
}

TEST_F(ChainCacheTest, RefusalsAreNotKept) {
  ChainCache cache(10);
  EXPECT_FALSE(cache.verify(presented(stranger_identity()), *trust, now, home()));
  EXPECT_EQ(cache.size(), 0U);
}

TEST_F(ChainCacheTest, TheOldestGoesWhenItIsFull) {
  ChainCache cache(1);
  const auto first = cache.verify(presented(mn_cse_identity()), *trust, now, home());
  ASSERT_TRUE(cache.verify(presented(in_cse_identity()), *trust, now, home()));
  EXPECT_EQ(cache.size(), 1U);
  EXPECT_NE(*first, *cache.verify(presented(mn_cse_identity()), *trust, now, home()));
  ChainCache none(0);
  ASSERT_TRUE(none.verify(presented(mn_cse_identity()), *trust, now, home()));
  EXPECT_EQ(none.size(), 0U);
}

TEST_F(ChainCacheTest, ListsOfNoOrTooManyOrBrokenCertificatesAreRefused) {
  ChainCache cache(10);
  const Bytes broken(100, 0x30);
  EXPECT_EQ(cache.verify({}, *trust, now, home()).error().code, ErrorCode::invalid_argument);
  const std::vector<ByteView> eleven(11, presented(mn_cse_identity()).front());
  EXPECT_EQ(cache.verify(eleven, *trust, now, home()).error().code, ErrorCode::invalid_argument);
  const std::vector<ByteView> one{broken};
  EXPECT_FALSE(cache.verify(one, *trust, now, home()));
}

}  // namespace
}  // namespace latchkey::tls::test
