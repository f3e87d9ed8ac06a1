// A progress bar with rate and time left, for people only.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace visavis {

/// How the counted things are printed.
enum class ProgressUnit { kItems, kBytes };

/// "embed  [#####.....]  512/1024  85.1/s  ETA 0:06" on standard error, redrawn in place at most
/// ten times a second. Draws nothing at all when standard error is no terminal. Threads: one at a
/// time.
class ProgressBar {
 public:
  /// `total` 0 means not known.
  ProgressBar(std::string label, std::int64_t total, ProgressUnit unit = ProgressUnit::kItems);
  ~ProgressBar();  ///< clears the line
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void Update(std::int64_t done);
  /// Takes the bar off the screen, so that a line can be printed; the next Update redraws it.
  void Clear();

 private:
  std::string label_;
  std::int64_t total_;
  ProgressUnit unit_;
  bool enabled_;
  bool drawn_ = false;
  std::int64_t done_at_start_ =
      -1;  // work done before the first Update does not count for the rate
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point last_draw_;
};

/// The line that ProgressBar draws. `rate` is per second; 0 or less leaves rate and ETA out.
std::string FormatProgress(const std::string& label, std::int64_t done, std::int64_t total,
                           double rate, ProgressUnit unit);

}  // namespace visavis
