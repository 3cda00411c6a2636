#pragma once
/// What every benchmark measures with: processor time, medians, and one row of the table of scripts/bench.
#include <pthread.h>
#include <sys/types.h>

#include <ctime>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace latchkey::bench {

/// Ends the program: a benchmark that cannot be what it says measures nothing.
[[noreturn]] void give_up(std::string_view what);

/// Processor seconds, user and system, of one process or thread: what else runs on the machine is not in it.
class CpuClock {
 public:
  [[nodiscard]] static CpuClock of_this_process() { return CpuClock(CLOCK_PROCESS_CPUTIME_ID); }
  /// All threads of another process of ours.
  [[nodiscard]] static CpuClock of_process(pid_t pid);
  [[nodiscard]] static CpuClock of_thread(pthread_t thread);
  [[nodiscard]] double seconds() const;

 private:
  explicit CpuClock(clockid_t clock) : clock_(clock) {}
  clockid_t clock_;
};

/// Monotonic wall clock, seconds.
[[nodiscard]] double wall_seconds();

/// One thing that is measured again and again.
struct Series {
  std::vector<double> values;
  [[nodiscard]] double median() const;
  [[nodiscard]] double least() const;
  [[nodiscard]] double most() const;
};

/// Both sides `rounds` times, taking turns, so that both meet the same machine. Each call returns one value.
struct Pair {
  Series ours, reference;
  [[nodiscard]] double ratio() const { return ours.median() / reference.median(); }
};
[[nodiscard]] Pair take_turns(int rounds, const std::function<double()>& ours,
                              const std::function<double()>& reference);

/// "12.3 us" of seconds.
[[nodiscard]] std::string in_microseconds(double seconds);
/// "12.3 us (11.9 to 13.0)": median and spread.
[[nodiscard]] std::string in_microseconds(const Series& seconds);
[[nodiscard]] std::string number(double value, int decimals);

/// One line of the table: work, ours, reference, ratio, target, whether it is reached.
void print_row(std::string_view work, std::string_view ours, std::string_view reference,
               std::string_view ratio, std::string_view target, bool reached);

/// A folder of its own, mode 0700, in TMPDIR or the system's temporary one; removed at the end.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

}  // namespace latchkey::bench
