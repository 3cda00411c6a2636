// Records, batches, order and limits.
#include "latchkey/store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

#include "temp_folder.h"

namespace latchkey::store {
namespace {

using ::testing::ElementsAre;

class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    auto opened = open_sqlite(
        {.folder = folder_.state(), .application = "test", .schema_version = 1, .migrations = {}, .vfs = {}});
    ASSERT_TRUE(opened) << opened.error().detail;
    store_ = std::move(*opened);
  }
  void reopen() {
    store_.reset();
    open();
  }
  std::vector<std::string> keys(std::string_view space) const {
    std::vector<std::string> found;
    EXPECT_TRUE(store_->scan(space, [&](std::string_view key, std::string_view) {
      found.emplace_back(key);
      return true;
    }));
    return found;
  }
  static Batch put(std::string_view space, std::string_view key, std::string value) {
    Batch batch;
    batch.put(space, key, std::move(value));
    return batch;
  }

  test::TempFolder folder_;
  std::unique_ptr<Store> store_;
};

TEST_F(StoreTest, a_record_is_there_after_reopening) {
  ASSERT_TRUE(store_->commit_and_wait(put("res", "k", "v")));
  reopen();
  EXPECT_EQ(store_->get("res", "k").value(), "v");
}

TEST_F(StoreTest, a_missing_record_is_not_found) {
  ASSERT_TRUE(store_->commit_and_wait(put("res", "k", "v")));
  EXPECT_EQ(store_->get("res", "other").error().code, ErrorCode::not_found);
  EXPECT_EQ(store_->get("other", "k").error().code, ErrorCode::not_found);
}

TEST_F(StoreTest, a_put_replaces_and_a_remove_removes) {
  ASSERT_TRUE(store_->commit_and_wait(put("res", "k", "old")));
  ASSERT_TRUE(store_->commit_and_wait(put("res", "k", "new")));
  EXPECT_EQ(store_->get("res", "k").value(), "new");
  Batch removal;
  removal.remove("res", "k");
  removal.remove("res", "was never there");
  ASSERT_TRUE(store_->commit_and_wait(std::move(removal)));
  EXPECT_EQ(store_->get("res", "k").error().code, ErrorCode::not_found);
}

TEST_F(StoreTest, changes_of_a_batch_apply_in_their_order) {
  Batch batch;
  batch.put("res", "a", "1");
  batch.remove("res", "a");
  batch.remove("res", "b");
  batch.put("res", "b", "2");
  ASSERT_TRUE(store_->commit_and_wait(std::move(batch)));
  EXPECT_THAT(keys("res"), ElementsAre("b"));
}

TEST_F(StoreTest, keys_and_values_are_any_octets) {
  const std::string nul("a\0b", 3);
  const std::string octets("\xff\x00\xfe'\";--", 8);
  ASSERT_TRUE(store_->commit_and_wait(put("res", nul, octets)));
  ASSERT_TRUE(store_->commit_and_wait(put("res", "", "")));
  reopen();
  EXPECT_EQ(store_->get("res", nul).value(), octets);
  EXPECT_EQ(store_->get("res", "").value(), "");
  EXPECT_EQ(store_->get("res", "a").error().code, ErrorCode::not_found);
}

TEST_F(StoreTest, a_scan_visits_its_space_in_key_order_and_stops_on_demand) {
  for (const char* key : {"b", "a/2", "a", "\xc3\xa9", "B"})
    ASSERT_TRUE(store_->commit_and_wait(put("res", key, "v")));
  ASSERT_TRUE(store_->commit_and_wait(put("res2", "x", "v")));
  EXPECT_THAT(keys("res"), ElementsAre("B", "a", "a/2", "b", "\xc3\xa9"));
  int visits = 0;
  ASSERT_TRUE(store_->scan("res", [&](auto, auto) { return ++visits < 2; }));
  EXPECT_EQ(visits, 2);
}

TEST_F(StoreTest, a_visitor_may_read_the_store) {
  ASSERT_TRUE(store_->commit_and_wait(put("res", "k", "v")));
  std::string seen;
  ASSERT_TRUE(store_->scan("res", [&](std::string_view key, std::string_view) {
    seen = store_->get("res", key).value_or("");
    return true;
  }));
  EXPECT_EQ(seen, "v");
}

TEST_F(StoreTest, what_is_answered_is_readable_at_once) {
  std::promise<std::string> seen;
  store_->commit(put("res", "k", "v"), [&](Status status) {
    seen.set_value(status ? store_->get("res", "k").value_or("nothing") : "failed");
  });
  EXPECT_EQ(seen.get_future().get(), "v");
}

TEST_F(StoreTest, batches_are_answered_in_the_order_of_the_calls) {
  constexpr int kBatches = 5000;
  std::vector<int> order;
  for (int i = 0; i < kBatches; ++i) {
    store_->commit(put("res", "same", std::to_string(i)), [&order, i](Status) { order.push_back(i); });
  }
  ASSERT_TRUE(store_->commit_and_wait({}));  // an empty batch has its turn behind them
  ASSERT_EQ(order.size(), static_cast<std::size_t>(kBatches));
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_EQ(store_->get("res", "same").value(), std::to_string(kBatches - 1));
  EXPECT_EQ(store_->queue_depth(), 0U);
}

TEST(Batch, takes_over_the_changes_of_a_later_one) {
  Batch batch, later, last;
  later.put("res", "a", "1");
  batch.append(std::move(later));
  last.remove("res", "a");
  last.put("res", "b", "2");
  batch.append(std::move(last));
  ASSERT_EQ(batch.changes().size(), 3U);
  EXPECT_EQ(batch.changes()[0].value, "1");
  EXPECT_TRUE(batch.changes()[1].removed);
  EXPECT_EQ(batch.changes()[2].key, "b");
}

TEST_F(StoreTest, the_queue_depth_counts_what_is_not_yet_durable) {
  std::promise<void> release;
  std::promise<void> entered;
  auto released = release.get_future();
  store_->commit(put("res", "0", "v"), [&](Status) {
    entered.set_value();
    released.wait();
  });
  entered.get_future().wait();
  for (int i = 0; i < 10; ++i) store_->commit(put("res", "k", "v"), {});
  EXPECT_EQ(store_->queue_depth(), 10U);
  release.set_value();
  ASSERT_TRUE(store_->commit_and_wait({}));
  EXPECT_EQ(store_->queue_depth(), 0U);
}

TEST_F(StoreTest, closing_makes_the_queue_durable_and_answers_it) {
  std::atomic<int> answered = 0;
  for (int i = 0; i < 3000; ++i) {
    store_->commit(put("res", std::to_string(i), "v"), [&](Status status) { answered += status ? 1 : 0; });
  }
  reopen();
  EXPECT_EQ(answered, 3000);
  EXPECT_EQ(keys("res").size(), 3000U);
}

TEST_F(StoreTest, waiting_on_the_writer_thread_is_refused_not_a_deadlock) {
  std::promise<ErrorCode> code;
  store_->commit(put("res", "k", "v"),
                 [&](Status) { code.set_value(store_->commit_and_wait({}).error().code); });
  EXPECT_EQ(code.get_future().get(), ErrorCode::internal);
}

TEST_F(StoreTest, a_callback_may_commit) {
  std::promise<bool> done;
  store_->commit(put("res", "a", "v"), [&](Status) {
    store_->commit(put("res", "b", "v"), [&](Status status) { done.set_value(status.has_value()); });
  });
  EXPECT_TRUE(done.get_future().get());
  EXPECT_THAT(keys("res"), ElementsAre("a", "b"));
}

struct LimitCase {
  const char* name;
  std::size_t space, key, value;
  bool accepted;
  ErrorCode code = ErrorCode::internal;
};
class RecordLimits : public StoreTest, public ::testing::WithParamInterface<LimitCase> {};
TEST_P(RecordLimits, hold_and_the_store_goes_on) {
  const auto& p = GetParam();
  const auto status = store_->commit_and_wait(
      put(std::string(p.space, 's'), std::string(p.key, 'k'), std::string(p.value, 'v')));
  EXPECT_EQ(status.has_value(), p.accepted);
  if (!status) {
    EXPECT_EQ(status.error().code, p.code);
  }
  EXPECT_TRUE(store_->commit_and_wait(put("res", "next", "v")));
}
INSTANTIATE_TEST_SUITE_P(
    Sizes, RecordLimits,
    ::testing::Values(LimitCase{"longest_space", kSpaceBytesMax, 1, 1, true},
                      LimitCase{"space_too_long", kSpaceBytesMax + 1, 1, 1, false,
                                ErrorCode::invalid_argument},
                      LimitCase{"no_space", 0, 1, 1, false, ErrorCode::invalid_argument},
                      LimitCase{"longest_key", 1, kKeyBytesMax, 1, true},
                      LimitCase{"key_too_long", 1, kKeyBytesMax + 1, 1, false, ErrorCode::limit},
                      LimitCase{"longest_value", 1, 1, kValueBytesMax, true},
                      LimitCase{"value_too_long", 1, 1, kValueBytesMax + 1, false, ErrorCode::limit}),
    [](const auto& test) { return test.param.name; });

TEST_F(StoreTest, a_refused_batch_changes_nothing_and_takes_no_other_with_it) {
  Batch bad;
  bad.put("res", "bad", "v");
  bad.put("res", std::string(kKeyBytesMax + 1, 'k'), "v");
  std::vector<bool> outcomes;
  store_->commit(put("res", "before", "v"), [&](Status s) { outcomes.push_back(s.has_value()); });
  store_->commit(std::move(bad), [&](Status s) { outcomes.push_back(s.has_value()); });
  store_->commit(put("res", "behind", "v"), [&](Status s) { outcomes.push_back(s.has_value()); });
  ASSERT_TRUE(store_->commit_and_wait({}));
  EXPECT_THAT(outcomes, ElementsAre(true, false, true));
  EXPECT_THAT(keys("res"), ElementsAre("before", "behind"));
}

TEST_F(StoreTest, threads_write_and_read_at_once) {
  constexpr int kThreads = 4, kEach = 300;
  std::atomic<bool> stop = false;
  std::atomic<int> torn = 0;
  // Every batch writes the same number under two keys; a reader must never see two different ones in one
  // scan.
  std::thread reader([&] {
    while (!stop) {
      std::vector<std::string> values;
      static_cast<void>(store_->scan("pair", [&](auto, auto value) {
        values.emplace_back(value);
        return true;
      }));
      if (values.size() == 2 && values[0] != values[1]) ++torn;
      static_cast<void>(store_->get("pair", "a"));
    }
  });
  std::vector<std::thread> writers;
  std::atomic<int> acknowledged = 0;
  for (int t = 0; t < kThreads; ++t) {
    writers.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        const auto number = std::to_string(t * kEach + i);
        Batch batch;
        batch.put("pair", "a", number);
        batch.put("pair", "b", number);
        batch.put("own", number, "v");
        store_->commit(std::move(batch), [&](Status status) { acknowledged += status ? 1 : 0; });
      }
    });
  }
  for (auto& writer : writers) writer.join();
  ASSERT_TRUE(store_->commit_and_wait({}));
  stop = true;
  reader.join();
  EXPECT_EQ(acknowledged, kThreads * kEach);
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(keys("own").size(), static_cast<std::size_t>(kThreads * kEach));
}

TEST_F(StoreTest, a_hundred_thousand_records_are_scanned_in_short_time) {
  constexpr int kRecords = 100000;
  for (int i = 0; i < kRecords; ++i) store_->commit(put("res", std::to_string(i), std::string(300, 'v')), {});
  ASSERT_TRUE(store_->commit_and_wait({}));
  const auto start = std::chrono::steady_clock::now();
  std::size_t records = 0;
  std::size_t octets = 0;
  ASSERT_TRUE(store_->scan("res", [&](std::string_view key, std::string_view value) {
    ++records;
    octets += key.size() + value.size();
    return true;
  }));
  const auto took =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
  RecordProperty("scan_100000_ms", static_cast<int>(took.count()));
  EXPECT_EQ(records, static_cast<std::size_t>(kRecords));
  EXPECT_GT(octets, static_cast<std::size_t>(kRecords) * 300);
  EXPECT_LT(took, std::chrono::seconds(3)) << "about 50 ms are usual; sanitizers take longer";
}

}  // namespace
}  // namespace latchkey::store
