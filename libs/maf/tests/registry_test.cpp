/// The MAF's records in memory: their indexes stay as small as what they index.
#include "registry.h"

#include <gtest/gtest.h>

namespace latchkey::maf {
namespace {

using std::chrono::hours;

class RegistryTest : public testing::Test {
 protected:
  std::string put_client(const char* client = "//sp.org/Cone") {
    ClientRegistration record{.client = client, .admin_fqdn = "admin.org", .expires = now + hours(10)};
    registry.put_new(record, batch);
    return record.id;
  }
  void put_key(const std::string& parent, const char* id) {
    KeyRegistration record{.id = id, .parent = parent, .client = "//sp.org/Cone", .expires = now + hours(9)};
    registry.put_new(record, batch);
  }

  TimePoint now = *parse_timestamp("20171113T110000");
  store::Batch batch;
  Registry registry;
};

TEST_F(RegistryTest, a_record_that_is_updated_again_and_again_waits_for_one_end) {
  const auto id = put_client();
  put_key(id, "AA");
  for (int i = 0; i < 100; ++i) {
    auto client = *registry.client(id, now);
    client.expires += hours(i % 3);
    registry.update(client, batch);
    auto key = *registry.key("AA", now);
    key.expires -= std::chrono::minutes(i % 2);
    registry.update(key, batch);
    ASSERT_EQ(registry.due_count(), 2U);
  }
}

TEST_F(RegistryTest, a_record_that_is_removed_leaves_no_end_behind) {
  for (int i = 0; i < 100; ++i) {
    const auto id = put_client();
    put_key(id, "AA");
    put_key(id, "BB");
    registry.remove_key("AA", batch);
    ASSERT_EQ(registry.due_count(), 2U);
    registry.remove_client(id, batch);
    ASSERT_EQ(registry.due_count(), 0U);
  }
}

TEST_F(RegistryTest, a_record_ends_at_its_updated_time_and_not_before) {
  const auto id = put_client();
  put_key(id, "AA");
  auto key = *registry.key("AA", now);
  key.expires = now + hours(2);
  registry.update(key, batch);
  auto client = *registry.client(id, now);
  client.expires = now + hours(12);
  registry.update(client, batch);
  EXPECT_EQ(registry.expire(now + hours(2) - std::chrono::seconds(1), 10, batch), 0U);
  EXPECT_EQ(registry.expire(now + hours(2), 10, batch), 1U);
  EXPECT_EQ(registry.key_count(), 0U);
  EXPECT_EQ(registry.expire(now + hours(11), 10, batch), 0U);
  EXPECT_EQ(registry.expire(now + hours(12), 10, batch), 1U);
  EXPECT_EQ(registry.client_count(), 0U);
}

TEST_F(RegistryTest, no_more_than_the_limit_ends_at_once) {
  put_client("//sp.org/Cone");
  put_client("//sp.org/Ctwo");
  put_client("//sp.org/Cthree");
  EXPECT_EQ(registry.expire(now + hours(10), 2, batch), 2U);
  EXPECT_EQ(registry.expire(now + hours(10), 2, batch), 1U);
  EXPECT_EQ(registry.due_count(), 0U);
}

}  // namespace
}  // namespace latchkey::maf
