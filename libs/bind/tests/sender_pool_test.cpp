/// Who names a peer cannot take the ways to the peers of others.
#include "latchkey/bind/sender_pool.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace latchkey::bind::test {
namespace {

using std::chrono::milliseconds;

/// Keeps the requests until they are answered; tells when it goes.
class SlowSender final : public RequestSender {
 public:
  SlowSender(std::string name, std::map<std::string, SlowSender*>& all) : name_(std::move(name)), all_(all) {
    all_[name_] = this;
  }
  ~SlowSender() override {
    all_.erase(name_);
    for (auto& done : std::exchange(waiting, {})) done(fail(ErrorCode::unavailable, "gone"));
  }
  void send(codec::RequestPrimitive, milliseconds, Done done) override { waiting.push_back(std::move(done)); }
  void answer() {
    auto done = std::move(waiting.front());
    waiting.erase(waiting.begin());
    done(codec::ResponsePrimitive{});
  }
  std::vector<Done> waiting;

 private:
  std::string name_;
  std::map<std::string, SlowSender*>& all_;
};

class Pool : public testing::Test {
 protected:
  RequestSender* get(const std::string& owner, const std::string& key) {
    return pool->get(owner, key, [&] {
      ++made;
      return std::make_unique<SlowSender>(key, senders);
    });
  }
  void ask(const std::string& owner, const std::string& key) {
    auto* const sender = get(owner, key);
    ASSERT_NE(sender, nullptr) << key;
    sender->send({}, milliseconds(1),
                 [this](Result<codec::ResponsePrimitive> response) { ++(response ? answers : failures); });
  }

  std::map<std::string, SlowSender*> senders;
  std::unique_ptr<SenderPool> pool =
      std::make_unique<SenderPool>(SenderPoolLimits{.senders = 4, .of_owner = 3});
  int made = 0, answers = 0, failures = 0;
};

TEST_F(Pool, keeps_one_sender_for_an_owner_and_key) {
  ask("a", "one");
  ask("a", "one");
  EXPECT_EQ(made, 1);
  EXPECT_EQ(senders.at("one")->waiting.size(), 2U);
  EXPECT_NE(get("b", "one"), get("a", "one")) << "a full queue of another owner must not count";
}

TEST_F(Pool, the_least_recently_used_idle_one_makes_room) {
  for (const auto* key : {"one", "two", "three"}) ASSERT_NE(get("a", key), nullptr);
  ASSERT_NE(get("a", "one"), nullptr);
  ASSERT_NE(get("a", "four"), nullptr);
  EXPECT_TRUE(senders.contains("one"));
  EXPECT_FALSE(senders.contains("two"));
  EXPECT_EQ(pool->size(), 3U);
}

TEST_F(Pool, one_in_use_is_never_given_up) {
  ask("a", "one");
  for (const auto* key : {"two", "three", "four", "five"}) ASSERT_NE(get("a", key), nullptr);
  ASSERT_TRUE(senders.contains("one"));
  senders["one"]->answer();
  EXPECT_EQ(answers, 1);
  EXPECT_EQ(failures, 0);
}

TEST_F(Pool, an_owner_exhausts_its_own_share_only) {
  for (const auto* key : {"one", "two", "three"}) ask("a", key);
  EXPECT_EQ(get("a", "four"), nullptr);
  ask("b", "other");
  senders["two"]->answer();
  EXPECT_NE(get("a", "four"), nullptr) << "an answer makes room";
}

TEST_F(Pool, a_full_pool_gives_up_idle_ones_of_any_owner) {
  ask("a", "one");
  ASSERT_NE(get("a", "two"), nullptr);
  ask("b", "three");
  ask("b", "four");
  ASSERT_NE(get("c", "five"), nullptr);
  EXPECT_FALSE(senders.contains("two"));
  ask("c", "five");
  EXPECT_EQ(get("d", "six"), nullptr) << "all are in use";
  EXPECT_EQ(pool->size(), 4U);
}

TEST_F(Pool, an_answer_may_give_up_its_own_sender) {
  for (const auto* key : {"two", "three"}) ask("a", key);
  auto* const one = get("a", "one");
  one->send({}, milliseconds(1),
            [&](Result<codec::ResponsePrimitive>) { EXPECT_NE(get("a", "four"), nullptr); });
  senders["one"]->answer();
  EXPECT_FALSE(senders.contains("one"));
}

TEST_F(Pool, one_that_goes_with_the_pool_answers_what_was_asked) {
  ask("a", "one");
  pool.reset();
  EXPECT_EQ(failures, 1);
}

TEST_F(Pool, what_cannot_be_made_takes_no_place) {
  const auto none = [] { return std::unique_ptr<RequestSender>(); };
  EXPECT_EQ(pool->get("a", "x", none), nullptr);
  EXPECT_EQ(pool->size(), 0U);
}

}  // namespace
}  // namespace latchkey::bind::test
