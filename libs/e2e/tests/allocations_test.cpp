// What a protected request costs in memory requests: a bound, so that nothing creeps onto the hot path.
#include <atomic>
#include <cstdlib>
#include <new>

#include "world.h"

namespace {
std::atomic<std::size_t> allocations{0};
}

void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
/// std::stable_sort asks with it; what it gets is given back by the operator below.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace latchkey::e2e {
namespace {

template <class Call>
std::size_t counted(const Call& call) {
  const auto before = allocations.load();
  call();
  return allocations.load() - before;
}

/// Of an Update with a little content in a session that is known to both; measured: 30, 38, 9, 28.
TEST(Allocations, OfAProtectedRequestAndItsAnswerAreFew) {
  test::World world;
  world.must_exchange(test::request("warm-1"));
  world.must_exchange(test::request("warm-2"));
  codec::ResponsePrimitive response;
  response.rsc = codec::Rsc::updated;
  response.rqi = "measured";
  EsPrimExchange exchange(world.originator, test::request("measured"));
  EsPrimExchange::Action action;
  const auto sealing = counted([&] { action = exchange.start(world.now); });
  ASSERT_TRUE(std::holds_alternative<EsPrimExchange::Send>(action));
  auto outer = std::get<EsPrimExchange::Send>(action).outer;
  const auto message = read_esprim_message(outer.pc, world.now);
  const auto& object = std::get<EsPrimObject>(*message).text;
  std::optional<EsPrimReceiver::OpenResult> opened;
  const auto opening = counted([&] { opened = world.receiver->open(object, test::kPhone, world.now); });
  ASSERT_TRUE(std::holds_alternative<EsPrimReceiver::Opened>(*opened));
  EsPrimResult<std::string> sealed;
  const auto answering = counted([&] {
    sealed = world.receiver->seal(std::get<EsPrimReceiver::Opened>(*opened).context, response, world.now);
  });
  ASSERT_TRUE(sealed);
  codec::ResponsePrimitive answer;
  answer.rsc = codec::Rsc::ok;
  answer.pc = to_security_info(EsPrimObject{*sealed});
  const auto finishing = counted([&] { action = exchange.on_answer(answer, world.now); });
  ASSERT_TRUE(std::holds_alternative<EsPrimExchange::Finished>(action));
  RecordProperty("allocations", std::to_string(sealing) + " " + std::to_string(opening) + " " +
                                    std::to_string(answering) + " " + std::to_string(finishing));
  EXPECT_LE(sealing, 34U);
  EXPECT_LE(opening, 42U);
  EXPECT_LE(answering, 12U);
  EXPECT_LE(finishing, 32U);
}

/// However many requests a session has carried.
TEST(Allocations, DoNotGrowWithTheSession) {
  test::World world;
  const auto cost = [&](int number) {
    return counted([&] { world.must_exchange(test::request("r" + std::to_string(1'000 + number))); });
  };
  static_cast<void>(cost(0));
  const auto early = cost(1);
  for (int i = 2; i < 200; ++i) static_cast<void>(cost(i));
  EXPECT_LE(cost(200), early + 8);
}

}  // namespace
}  // namespace latchkey::e2e
