#include "measure.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace latchkey::bench {
namespace {

double seconds_of(clockid_t clock) {
  timespec now{};
  if (clock_gettime(clock, &now) != 0) give_up("a clock cannot be read");
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

}  // namespace

void give_up(std::string_view what) {
  std::fprintf(stderr, "benchmark: %.*s\n", static_cast<int>(what.size()), what.data());
  std::exit(1);
}

CpuClock CpuClock::of_process(pid_t pid) {
  clockid_t clock{};
  if (clock_getcpuclockid(pid, &clock) != 0) give_up("no processor clock of that process");
  return CpuClock(clock);
}

CpuClock CpuClock::of_thread(pthread_t thread) {
  clockid_t clock{};
  if (pthread_getcpuclockid(thread, &clock) != 0) give_up("no processor clock of that thread");
  return CpuClock(clock);
}

double CpuClock::seconds() const { return seconds_of(clock_); }

double wall_seconds() { return seconds_of(CLOCK_MONOTONIC); }

double Series::median() const {
  if (values.empty()) give_up("nothing was measured");
  auto sorted = values;
  std::sort(sorted.begin(), sorted.end());
  const std::size_t middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
double Series::least() const { return *std::min_element(values.begin(), values.end()); }
double Series::most() const { return *std::max_element(values.begin(), values.end()); }

Pair take_turns(int rounds, const std::function<double()>& ours, const std::function<double()>& reference) {
  Pair pair;
  for (int round = 0; round < rounds; ++round) {
    pair.reference.values.push_back(reference());
    pair.ours.values.push_back(ours());
  }
  return pair;
}

std::string number(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

std::string in_microseconds(double seconds) { return number(seconds * 1e6, seconds < 1e-6 ? 3 : 1) + " us"; }

std::string in_microseconds(const Series& seconds) {
  return in_microseconds(seconds.median()) + " (" + number(seconds.least() * 1e6, 1) + " to " +
         number(seconds.most() * 1e6, 1) + ")";
}

void print_row(std::string_view work, std::string_view ours, std::string_view reference,
               std::string_view ratio, std::string_view target, bool reached) {
  std::string line = "| ";
  for (const auto cell : {work, ours, reference, ratio, target}) line.append(cell).append(" | ");
  line += reached ? "reached |" : "MISSED |";
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

ScratchFolder::ScratchFolder() : path_(std::filesystem::temp_directory_path() / "latchkey-bench-XXXXXX") {
  if (::mkdtemp(path_.data()) == nullptr) give_up("cannot make a folder " + path_);
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace latchkey::bench
