#include "evaluate/bootstrap.h"

#include <algorithm>
#include <limits>
#include <random>
#include <unordered_map>

#include "base/error.h"
#include "base/try.h"

namespace visavis {
namespace {

// The pairs with each person's number replaced by 0..people-1.
struct Dyads {
  std::vector<IdentityPair> pairs;
  std::size_t people = 0;
};

Dyads Renumber(std::span<const IdentityPair> pairs) {
  Dyads dyads;
  std::unordered_map<std::int32_t, std::int32_t> number;
  const auto of = [&](std::int32_t person) {
    return number.try_emplace(person, static_cast<std::int32_t>(number.size())).first->second;
  };
  dyads.pairs.assign(pairs.begin(), pairs.end());
  for (IdentityPair& pair : dyads.pairs) {
    pair.person_a = of(pair.person_a);
    pair.person_b = of(pair.person_b);
  }
  dyads.people = number.size();
  return dyads;
}

Result<Roc> WeightedRoc(const Dyads& dyads, const std::vector<int>& times) {
  std::vector<double> genuine;
  std::vector<double> impostor;
  for (const IdentityPair& pair : dyads.pairs) {
    const bool same = pair.person_a == pair.person_b;
    const int a = times[static_cast<std::size_t>(pair.person_a)];
    const int count = same ? a : a * times[static_cast<std::size_t>(pair.person_b)];
    (same ? genuine : impostor)
        .insert((same ? genuine : impostor).end(), static_cast<std::size_t>(count),
                pair.similarity);
  }
  return Roc::Create(std::move(genuine), std::move(impostor));
}

double Quantile(const std::vector<double>& sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (at - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

}  // namespace

Result<BootstrapResult> BootstrapOverPeople(std::span<const IdentityPair> pairs,
                                            const std::function<double(const Roc&)>& statistic,
                                            const BootstrapOptions& options) {
  const Dyads dyads = Renumber(pairs);
  if (dyads.people < 2) {
    return MakeError(ErrorCode::kInvalidArgument, "bootstrap: {} people, want at least 2",
                     dyads.people);
  }
  VISAVIS_ASSIGN_OR_RETURN(const Roc all, WeightedRoc(dyads, std::vector<int>(dyads.people, 1)));

  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> values(static_cast<std::size_t>(options.resamples), kNone);
  ParallelFor(options.pool, options.resamples, [&](std::int64_t i, int) {
    // A generator of its own for every resample: the order of threads does not matter.
    std::seed_seq seed{options.seed, options.seed >> 32, static_cast<std::uint64_t>(i)};
    std::mt19937_64 random(seed);
    std::uniform_int_distribution<std::size_t> draw(0, dyads.people - 1);
    std::vector<int> times(dyads.people);
    for (std::size_t p = 0; p < dyads.people; ++p) ++times[draw(random)];
    // A resample without one of the classes has no such statistic.
    if (const auto roc = WeightedRoc(dyads, times))
      values[static_cast<std::size_t>(i)] = statistic(*roc);
  });
  std::erase_if(values, [](double v) { return v != v; });
  std::sort(values.begin(), values.end());

  BootstrapResult result;
  result.value = statistic(all);
  result.resamples = static_cast<int>(values.size());
  if (!values.empty()) result.interval = {Quantile(values, 0.025), Quantile(values, 0.975)};
  return result;
}

}  // namespace visavis
