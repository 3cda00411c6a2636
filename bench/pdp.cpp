// Cost of one decision (TS-0003 7.1.5) by size and kind of policy. The reference of the same run is one
// SHA-256 over 64 octets: compare multiples of it across machines. Ends with two rows for the table of
// scripts/bench: three rules, and the slowest kind of 1,000 rules.
#include "latchkey/authz/pdp.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <memory>
#include <string>
#include <vector>

#include "latchkey/authz/policy.h"
#include "latchkey/crypto/crypto.h"
#include "measure.h"

namespace {

using namespace latchkey;
using boost::json::array;
using boost::json::object;
using boost::json::value;

const SpId& home() {
  static const SpId sp = SpId::parse("//home.example").value();
  return sp;
}
EntityId entity(const std::string& text) { return parse_entity_id(text, home()).value(); }
std::string lock_id(std::int64_t i) {
  return "/mn-cse-" + std::to_string(i % 50) + "/Clock-" + std::to_string(100'000 + i);
}

std::shared_ptr<const authz::RuleSet> compiled(const value& acrs) {
  return authz::RuleSet::compile(acrs, home()).value();
}
value policy(array rules) { return object{{"acr", std::move(rules)}}; }
object rule(const std::string& originator, int operations) {
  return {{"acor", array{originator.c_str()}}, {"acop", operations}};
}

/// A rule for each of `count` locks, by exact id.
value exact(std::int64_t count) {
  array rules;
  for (std::int64_t i = 0; i < count; ++i) rules.emplace_back(rule(lock_id(i), 34));
  return policy(std::move(rules));
}

/// Every kind of entry and condition; the phone stands in the last rule only.
value mixed(std::int64_t count) {
  array rules;
  for (std::int64_t i = 0; i + 1 < count; ++i) {
    const auto n = std::to_string(i);
    object r;
    switch (i % 5) {
      case 0:
        r = rule("/mn-cse-" + n + "/C*", 63);
        break;
      case 1:
        r = rule("role-" + n + "@roles.example", 63);
        break;
      case 2:
        r = rule("sp" + n + ".example", 63);
        break;
      case 3:
        r = rule("all", 1);
        break;
      default:
        r = rule(lock_id(i), 34);
        break;
    }
    if (i % 3 == 0) r["acaf"] = true;
    if (i % 4 == 0)
      r["acco"] = boost::json::parse(R"([{"actw":["* * 8-17 * * 1-5 *"],"acip":{"ipv4":["10.0.0.0/8"]}}])");
    rules.emplace_back(std::move(r));
  }
  rules.emplace_back(rule("/in-cse/Cphone", 34));
  return policy(std::move(rules));
}

/// A pattern for each rule, all of the same SP, with beginnings of different length.
value patterns(std::int64_t count) {
  array rules;
  for (std::int64_t i = 0; i < count; ++i)
    rules.emplace_back(rule("/mn-*/Clock-" + std::to_string(i) + "-*", 34));
  return policy(std::move(rules));
}

void decide(benchmark::State& state, const value& acrs, const std::string& originator, authz::Op operation,
            bool want) {
  const auto set = compiled(acrs);
  const std::array sets{set.get()};
  const auto from = entity(originator);
  authz::RequestContext request;
  request.originator = &from;
  request.operation = operation;
  request.rq_authn = true;
  if (authz::decide(request, sets).permit != want) {
    state.SkipWithError("the decision is not the one to be measured");
    return;
  }
  for (auto _ : state) benchmark::DoNotOptimize(authz::decide(request, sets));
}

void sha256_of_64_octets(benchmark::State& state) {
  const Bytes data(64, 0x5a);
  for (auto _ : state) benchmark::DoNotOptimize(crypto::sha256(data));
}
BENCHMARK(sha256_of_64_octets);

void three_rules(benchmark::State& state) {
  const auto acrs = boost::json::parse(
      R"({"acr":[{"acor":["/mn-cse-123456"],"acop":63},{"acor":["/in-cse/Cphone"],"acop":34,"acaf":true},
                                                  {"acor":["/mn-cse-123456/Clock-*"],"acop":3}]})");
  decide(state, acrs, "/in-cse/Cphone", authz::Op::retrieve, true);
}
BENCHMARK(three_rules);

void three_rules_denied(benchmark::State& state) {
  const auto acrs = boost::json::parse(
      R"({"acr":[{"acor":["/mn-cse-123456"],"acop":63},{"acor":["/in-cse/Cphone"],"acop":34,"acaf":true},
                                                  {"acor":["/mn-cse-123456/Clock-*"],"acop":3}]})");
  decide(state, acrs, "/in-cse/Cother", authz::Op::retrieve, false);
}
BENCHMARK(three_rules_denied);

void exact_rules_originator_in_the_last(benchmark::State& state) {
  decide(state, exact(state.range(0)), lock_id(state.range(0) - 1), authz::Op::retrieve, true);
}
BENCHMARK(exact_rules_originator_in_the_last)->RangeMultiplier(10)->Range(10, 100'000);

void exact_rules_denied(benchmark::State& state) {
  decide(state, exact(state.range(0)), "/in-cse/Cphone", authz::Op::retrieve, false);
}
BENCHMARK(exact_rules_denied)->RangeMultiplier(10)->Range(10, 100'000);

void mixed_rules_originator_in_the_last(benchmark::State& state) {
  decide(state, mixed(state.range(0)), "/in-cse/Cphone", authz::Op::retrieve, true);
}
BENCHMARK(mixed_rules_originator_in_the_last)->RangeMultiplier(10)->Range(10, 10'000);

void mixed_rules_denied(benchmark::State& state) {
  decide(state, mixed(state.range(0)), "/in-cse/Cother", authz::Op::retrieve, false);
}
BENCHMARK(mixed_rules_denied)->RangeMultiplier(10)->Range(10, 10'000);

void pattern_rules_originator_in_the_last(benchmark::State& state) {
  decide(state, patterns(state.range(0)), "/mn-7/Clock-" + std::to_string(state.range(0) - 1) + "-front",
         authz::Op::retrieve, true);
}
BENCHMARK(pattern_rules_originator_in_the_last)->RangeMultiplier(10)->Range(10, 10'000);

void rules_that_all_name_everybody(benchmark::State& state) {
  array rules(static_cast<std::size_t>(state.range(0)), rule("all", 1));
  decide(state, policy(std::move(rules)), "/in-cse/Cphone", authz::Op::retrieve, false);
}
BENCHMARK(rules_that_all_name_everybody)->Arg(10'000);

void many_policies_originator_in_the_last(benchmark::State& state) {
  std::vector<std::shared_ptr<const authz::RuleSet>> owned;
  std::vector<const authz::RuleSet*> sets;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    array rules;
    for (std::int64_t k = 0; k < 3; ++k) rules.emplace_back(rule(lock_id(i * 3 + k), 34));
    owned.push_back(compiled(policy(std::move(rules))));
    sets.push_back(owned.back().get());
  }
  const auto from = entity(lock_id(state.range(0) * 3 - 1));
  authz::RequestContext request;
  request.originator = &from;
  request.operation = authz::Op::retrieve;
  for (auto _ : state) benchmark::DoNotOptimize(authz::decide(request, sets));
}
BENCHMARK(many_policies_originator_in_the_last)->Arg(1)->Arg(10)->Arg(100);

void compile_exact_rules(benchmark::State& state) {
  const auto acrs = exact(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(compiled(acrs));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(compile_exact_rules)->Arg(3)->Arg(10'000)->Unit(benchmark::kMicrosecond);

/// Prints the medians and keeps the processor time, in seconds, of what the table shows.
class Reporter final : public benchmark::ConsoleReporter {
 public:
  Reporter() : ConsoleReporter(OO_None) {}
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.error_occurred) bench::give_up(run.error_message);
      if (run.run_type != Run::RT_Aggregate || run.aggregate_name != "median") continue;
      ConsoleReporter::ReportRuns({run});
      keep(run);
    }
  }
  double three = 0, thousand = 0, sha256 = 0;
  std::string slowest;

 private:
  void keep(const Run& run) {
    const std::string& name = run.run_name.function_name;
    const double seconds = run.GetAdjustedCPUTime() / benchmark::GetTimeUnitMultiplier(run.time_unit);
    if (name.starts_with("three_rules")) three = std::max(three, seconds);
    if (name.starts_with("sha256")) sha256 = seconds;
    if (run.run_name.args != "1000" || name.find("rules") == std::string::npos) return;
    if (seconds > thousand) slowest = name;
    thousand = std::max(thousand, seconds);
  }
};

void print_row(const std::string& work, double seconds, double limit, const std::string& target,
               double reference) {
  bench::print_row(work, bench::in_microseconds(seconds),
                   bench::in_microseconds(reference) + " SHA-256 of 64 octets",
                   bench::number(seconds / reference, 2), target, seconds < limit);
}

}  // namespace

int main(int argc, char** argv) {
  // Repeated in random order: the medians of all meet the same machine.
  std::string repeat = "--benchmark_repetitions=7", mix = "--benchmark_enable_random_interleaving=true",
              brief = "--benchmark_report_aggregates_only=true", least = "--benchmark_min_time=0.05";
  std::vector<char*> words{argv[0], repeat.data(), mix.data(), brief.data(), least.data()};
  words.insert(words.end(), argv + 1, argv + argc);
  int count = static_cast<int>(words.size());
  benchmark::Initialize(&count, words.data());
  if (benchmark::ReportUnrecognizedArguments(count, words.data())) return 2;
  Reporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  if (reporter.three == 0 || reporter.thousand == 0) return 0;  // a filter left them out
  print_row("access decision, one policy of 3 rules", reporter.three, 0.3e-6, "under 0.3 us",
            reporter.sha256);
  print_row("access decision, 1,000 rules (" + reporter.slowest + ")", reporter.thousand, 20e-6,
            "under 20 us", reporter.sha256);
  return 0;
}
