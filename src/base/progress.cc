#include "base/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace visavis {
namespace {

std::string FormatCount(double count, ProgressUnit unit) {
  if (unit == ProgressUnit::kItems) return fmt::format("{:.0f}", count);
  if (count < 1e6) return fmt::format("{:.0f} kB", count / 1e3);
  return fmt::format("{:.1f} MB", count / 1e6);
}

std::string FormatRate(double rate, ProgressUnit unit) {
  if (unit == ProgressUnit::kBytes) return FormatCount(rate, unit) + "/s";
  return fmt::format("{:.{}f}/s", rate, rate < 10 ? 2 : rate < 1000 ? 1 : 0);
}

std::string FormatDuration(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds + 0.5);
  if (whole >= 3600) {
    return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  }
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

}  // namespace

std::string FormatProgress(const std::string& label, std::int64_t done, std::int64_t total,
                           double rate, ProgressUnit unit) {
  const auto count = static_cast<double>(done);
  std::string line = label;
  if (total > 0) {
    constexpr int kWidth = 24;
    const auto filled =
        static_cast<int>(kWidth * std::clamp(count / static_cast<double>(total), 0.0, 1.0));
    line +=
        fmt::format("  [{}{}]  {}/{}", std::string(filled, '#'), std::string(kWidth - filled, '.'),
                    FormatCount(count, unit), FormatCount(static_cast<double>(total), unit));
  } else {
    line += "  " + FormatCount(count, unit);
  }
  if (rate > 0) {
    line += "  " + FormatRate(rate, unit);
    if (total > done) line += "  ETA " + FormatDuration(static_cast<double>(total - done) / rate);
  }
  return line;
}

ProgressBar::ProgressBar(std::string label, std::int64_t total, ProgressUnit unit)
    : label_(std::move(label)),
      total_(total),
      unit_(unit),
      enabled_(::isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()),
      last_draw_(start_) {}

ProgressBar::~ProgressBar() { Clear(); }

void ProgressBar::Update(std::int64_t done) {
  if (!enabled_) return;
  const auto now = std::chrono::steady_clock::now();
  if (done_at_start_ < 0) done_at_start_ = done;
  if (now - last_draw_ < std::chrono::milliseconds(100)) return;
  last_draw_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double rate = static_cast<double>(done - done_at_start_) / seconds;
  const std::string line = FormatProgress(label_, done, total_, rate, unit_);
  std::fprintf(stderr, "\r\033[K%s", line.c_str());
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressBar::Clear() {
  if (!drawn_) return;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace visavis
