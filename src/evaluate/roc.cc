#include "evaluate/roc.h"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>
#include <functional>

#include "base/error.h"
#include "base/try.h"

namespace visavis {
namespace {

constexpr double kZ95 = 1.959963984540054;  // 97.5th percentile of the standard normal

Status CheckScores(std::span<const double> scores, const char* which) {
  if (scores.empty()) return MakeError(ErrorCode::kInvalidArgument, "roc: no {} pairs", which);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (!std::isfinite(scores[i])) {
      return MakeError(ErrorCode::kInvalidArgument, "roc: similarity of {} pair {} is not finite",
                       which, i);
    }
  }
  return {};
}

// How many of the falling `scores` are >= threshold.
std::int64_t CountAtLeast(const std::vector<double>& scores, double threshold) {
  return std::upper_bound(scores.begin(), scores.end(), threshold, std::greater<>()) -
         scores.begin();
}

}  // namespace

Interval WilsonInterval(std::int64_t successes, std::int64_t trials) {
  if (trials <= 0) return {};
  const auto n = static_cast<double>(trials);
  const double p = static_cast<double>(successes) / n;
  const double z2 = kZ95 * kZ95;
  const double centre = (p + z2 / (2 * n)) / (1 + z2 / n);
  const double half = kZ95 * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n);
  return {successes == 0 ? 0 : std::max(0.0, centre - half),
          successes == trials ? 1 : std::min(1.0, centre + half)};
}

Interval ClopperPearsonInterval(std::int64_t successes, std::int64_t trials) {
  if (trials <= 0) return {};
  const auto k = static_cast<double>(successes);
  const auto n = static_cast<double>(trials);
  Interval interval;
  if (successes > 0) interval.low = boost::math::ibeta_inv(k, n - k + 1, 0.025);
  if (successes < trials) interval.high = boost::math::ibeta_inv(k + 1, n - k, 0.975);
  return interval;
}

Result<Roc> Roc::Create(std::vector<double> genuine, std::vector<double> impostor) {
  VISAVIS_RETURN_IF_ERROR(CheckScores(genuine, "genuine"));
  VISAVIS_RETURN_IF_ERROR(CheckScores(impostor, "impostor"));
  Roc roc;
  roc.genuine_ = std::move(genuine);
  roc.impostor_ = std::move(impostor);
  std::sort(roc.genuine_.begin(), roc.genuine_.end(), std::greater<>());
  std::sort(roc.impostor_.begin(), roc.impostor_.end(), std::greater<>());
  return roc;
}

OperatingPoint Roc::Point(double threshold, std::int64_t true_accepts,
                          std::int64_t false_accepts) const {
  OperatingPoint point;
  point.threshold = threshold;
  point.true_accepts = true_accepts;
  point.false_accepts = false_accepts;
  point.tar = static_cast<double>(true_accepts) / static_cast<double>(genuine_count());
  point.fmr = static_cast<double>(false_accepts) / static_cast<double>(impostor_count());
  return point;
}

OperatingPoint Roc::At(double threshold) const {
  return Point(threshold, CountAtLeast(genuine_, threshold), CountAtLeast(impostor_, threshold));
}

OperatingPoint Roc::AtFmr(double fmr) const {
  // The allowed impostors are the best `allowed`; the threshold must stay above the next one.
  auto allowed = static_cast<std::int64_t>(
      std::floor(fmr * static_cast<double>(impostor_count()) * (1 + 1e-12)));
  allowed = std::clamp<std::int64_t>(allowed, 0, impostor_count());
  const double lowest = std::min(genuine_.back(), impostor_.back());
  if (allowed == impostor_count()) return At(lowest);
  const double refused = impostor_[static_cast<std::size_t>(allowed)];
  // The smallest similarity in the data above it; beyond all data the threshold is the next number.
  double threshold = std::nextafter(refused, std::numeric_limits<double>::infinity());
  const auto above = [&](const std::vector<double>& scores) {
    const auto end = std::lower_bound(scores.begin(), scores.end(), refused, std::greater<>());
    return end == scores.begin() ? std::numeric_limits<double>::infinity() : *(end - 1);
  };
  const double next = std::min(above(genuine_), above(impostor_));
  if (std::isfinite(next)) threshold = next;
  return At(threshold);
}

bool Roc::Supports(double fmr) const {
  return fmr > 0 && static_cast<double>(impostor_count()) * fmr >= 3;
}

std::vector<OperatingPoint> Roc::Points() const {
  std::vector<OperatingPoint> points;
  ForEachPoint([&](const OperatingPoint& point) { return points.push_back(point), true; });
  return points;
}

double Roc::EqualErrorRate() const {
  double rate = 1;
  OperatingPoint last{.threshold = 0, .false_accepts = 0, .true_accepts = 0, .fmr = 0, .tar = 0};
  ForEachPoint([&](const OperatingPoint& point) {
    const double before = (1 - last.tar) - last.fmr;  // FNMR - FMR, falling from 1 to -1
    const double after = (1 - point.tar) - point.fmr;
    if (after > 0) return last = point, true;
    const double share = before == after ? 0 : before / (before - after);
    rate = last.fmr + share * (point.fmr - last.fmr);
    return false;
  });
  return rate;
}

double Roc::Auc() const {
  // Over falling thresholds: each genuine beats the impostors below it, and half of those equal to
  // it.
  double wins = 0;
  std::size_t above = 0;
  std::size_t not_below = 0;
  for (const double g : genuine_) {
    while (above < impostor_.size() && impostor_[above] > g) ++above;
    not_below = std::max(not_below, above);
    while (not_below < impostor_.size() && impostor_[not_below] >= g) ++not_below;
    wins += static_cast<double>(impostor_.size() - not_below) +
            0.5 * static_cast<double>(not_below - above);
  }
  return wins / (static_cast<double>(genuine_count()) * static_cast<double>(impostor_count()));
}

}  // namespace visavis
