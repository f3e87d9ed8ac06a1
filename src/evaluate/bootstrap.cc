#include "evaluate/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <unordered_map>

#include "base/error.h"

namespace visavis {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// The pairs with each person's number replaced by 0..people-1.
struct Dyads {
  std::vector<PeopleOfPair> pairs;
  std::size_t people = 0;
};

Dyads Renumber(std::span<const PeopleOfPair> pairs) {
  Dyads dyads;
  std::unordered_map<std::int32_t, std::int32_t> number;
  const auto of = [&](std::int32_t person) {
    return number.try_emplace(person, static_cast<std::int32_t>(number.size())).first->second;
  };
  dyads.pairs.reserve(pairs.size());
  for (const PeopleOfPair& pair : pairs) {
    const std::int32_t a = of(pair.a);
    dyads.pairs.push_back({a, of(pair.b)});
  }
  dyads.people = number.size();
  return dyads;
}

// How often each pair counts when each person was drawn so often.
std::vector<std::uint32_t> TimesOfPairs(const Dyads& dyads,
                                        const std::vector<std::uint32_t>& drawn) {
  std::vector<std::uint32_t> times(dyads.pairs.size());
  for (std::size_t i = 0; i < times.size(); ++i) {
    const auto [a, b] = dyads.pairs[i];
    const std::uint32_t times_a = drawn[static_cast<std::size_t>(a)];
    times[i] = a == b ? times_a : times_a * drawn[static_cast<std::size_t>(b)];
  }
  return times;
}

double Quantile(const std::vector<double>& sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (at - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

}  // namespace

Result<std::vector<BootstrapResult>> BootstrapOverPeople(std::span<const PeopleOfPair> pairs,
                                                         const ResampledStatistics& statistics,
                                                         const BootstrapOptions& options) {
  const Dyads dyads = Renumber(pairs);
  if (dyads.people < 2) {
    return MakeError(ErrorCode::kInvalidArgument, "bootstrap: {} people, want at least 2",
                     dyads.people);
  }
  const std::vector<double> whole = statistics(std::vector<std::uint32_t>(pairs.size(), 1));
  std::vector<std::vector<double>> drawn(static_cast<std::size_t>(std::max(options.resamples, 0)));
  ParallelFor(options.pool, std::ssize(drawn), [&](std::int64_t i, int) {
    // A generator of its own for every resample: the order of threads does not matter.
    std::seed_seq seed{options.seed, options.seed >> 32, static_cast<std::uint64_t>(i)};
    std::mt19937_64 random(seed);
    std::uniform_int_distribution<std::size_t> draw(0, dyads.people - 1);
    std::vector<std::uint32_t> times(dyads.people);
    for (std::size_t p = 0; p < dyads.people; ++p) ++times[draw(random)];
    drawn[static_cast<std::size_t>(i)] = statistics(TimesOfPairs(dyads, times));
  });

  std::vector<BootstrapResult> results(whole.size());
  for (std::size_t s = 0; s < whole.size(); ++s) {
    std::vector<double> values;
    for (const std::vector<double>& resample : drawn) {
      if (!std::isnan(resample[s])) values.push_back(resample[s]);
    }
    std::sort(values.begin(), values.end());
    results[s].value = whole[s];
    results[s].resamples = static_cast<int>(values.size());
    if (!values.empty()) results[s].interval = {Quantile(values, 0.025), Quantile(values, 0.975)};
  }
  return results;
}

WeightedErrorRates::WeightedErrorRates(std::span<const double> similarity,
                                       std::span<const std::uint8_t> same) {
  entries_.reserve(similarity.size());
  for (std::size_t i = 0; i < similarity.size(); ++i) {
    entries_.push_back({similarity[i], static_cast<std::uint32_t>(i), same[i] != 0});
  }
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return a.similarity > b.similarity; });
}

std::vector<double> WeightedErrorRates::At(std::span<const double> fmrs,
                                           std::span<const std::uint32_t> times) const {
  double genuine = 0;
  double impostor = 0;
  for (const Entry& entry : entries_) (entry.same ? genuine : impostor) += times[entry.pair];
  std::vector<double> values(2 + fmrs.size(), kNone);
  if (genuine == 0 || impostor == 0) return values;

  // Down the thresholds, equal similarities together. What is accepted so far:
  double true_accepts = 0;
  double false_accepts = 0;
  double wins = 0;
  double fmr_before = 0;
  double gap_before = 1;  // FNMR - FMR
  for (std::size_t f = 0; f < fmrs.size(); ++f) values[2 + f] = 0;
  for (std::size_t i = 0; i < entries_.size();) {
    double genuine_here = 0;
    double impostor_here = 0;
    const double similarity = entries_[i].similarity;
    for (; i < entries_.size() && entries_[i].similarity == similarity; ++i) {
      (entries_[i].same ? genuine_here : impostor_here) += times[entries_[i].pair];
    }
    if (genuine_here == 0 && impostor_here == 0) continue;
    true_accepts += genuine_here;
    false_accepts += impostor_here;
    wins += genuine_here * (impostor - false_accepts + impostor_here / 2);
    const double tar = true_accepts / genuine;
    const double fmr = false_accepts / impostor;
    const double gap = 1 - tar - fmr;
    if (std::isnan(values[0]) && gap <= 0) {
      const double share = gap_before == gap ? 0 : gap_before / (gap_before - gap);
      values[0] = fmr_before + share * (fmr - fmr_before);
    }
    fmr_before = fmr;
    gap_before = gap;
    for (std::size_t f = 0; f < fmrs.size(); ++f) {
      if (false_accepts <= std::floor(fmrs[f] * impostor * (1 + 1e-12))) values[2 + f] = tar;
    }
  }
  values[1] = wins / (genuine * impostor);
  return values;
}

}  // namespace visavis
