#include "evaluate/probability.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/try.h"
#include "match/sigmoid.h"

namespace visavis {
namespace {

struct WeightedScore {
  double similarity = 0;
  double target = 0;  // 1 same person, 0 different
  double weight = 0;
};

// Both classes as one list whose weights add up to 1, rising by similarity.
std::vector<WeightedScore> Merge(std::span<const double> genuine, std::span<const double> impostor,
                                 double prior) {
  std::vector<WeightedScore> scores;
  scores.reserve(genuine.size() + impostor.size());
  for (const double s : genuine)
    scores.push_back({s, 1, prior / static_cast<double>(genuine.size())});
  for (const double s : impostor)
    scores.push_back({s, 0, (1 - prior) / static_cast<double>(impostor.size())});
  std::sort(scores.begin(), scores.end(), [](const WeightedScore& a, const WeightedScore& b) {
    return a.similarity < b.similarity;
  });
  return scores;
}

// -log likelihood of one score with target t at logit z, without overflow.
double Loss(double z, double t) {
  return std::max(z, 0.0) - z * t + std::log1p(std::exp(-std::abs(z)));
}

void FitLogistic(std::vector<WeightedScore> scores, double genuine_count, double impostor_count,
                 ProbabilityMap& map) {
  // Platt's smoothed targets: one pseudo-pair of the other class.
  for (WeightedScore& s : scores) {
    s.target = s.target > 0 ? (genuine_count + 1) / (genuine_count + 2) : 1 / (impostor_count + 2);
  }
  const auto total_loss = [&](double slope, double intercept) {
    double loss = 0;
    for (const WeightedScore& s : scores)
      loss += s.weight * Loss(slope * s.similarity + intercept, s.target);
    return loss;
  };
  double slope = 0;
  double intercept = std::log(map.prior / (1 - map.prior));
  double loss = total_loss(slope, intercept);
  constexpr int kMaxIterations = 100;
  constexpr double kRidge =
      1e-12;  // keeps the Hessian positive definite when all similarities are equal
  for (int iteration = 0; iteration < kMaxIterations; ++iteration) {
    double g0 = 0, g1 = 0, h00 = kRidge, h01 = 0, h11 = kRidge;
    for (const WeightedScore& s : scores) {
      const double p = Sigmoid(slope * s.similarity + intercept);
      const double d = s.weight * (p - s.target);
      const double w = s.weight * p * (1 - p);
      g0 += d * s.similarity;
      g1 += d;
      h00 += w * s.similarity * s.similarity;
      h01 += w * s.similarity;
      h11 += w;
    }
    if (std::abs(g0) < 1e-10 && std::abs(g1) < 1e-10) break;
    const double determinant = h00 * h11 - h01 * h01;
    const double step_slope = -(h11 * g0 - h01 * g1) / determinant;
    const double step_intercept = -(h00 * g1 - h01 * g0) / determinant;
    // Halve the step until the loss falls enough (Armijo).
    const double descent = g0 * step_slope + g1 * step_intercept;
    double size = 1;
    for (; size > 1e-10; size /= 2) {
      const double trial = total_loss(slope + size * step_slope, intercept + size * step_intercept);
      if (trial < loss + 1e-4 * size * descent) {
        loss = trial;
        break;
      }
    }
    if (size <= 1e-10) break;
    slope += size * step_slope;
    intercept += size * step_intercept;
  }
  map.slope = std::max(slope, 0.0);
  map.intercept = intercept;
}

void FitIsotonic(const std::vector<WeightedScore>& scores, ProbabilityMap& map) {
  struct Pool {
    double weight = 0;
    double target = 0;      // weighted sum
    double similarity = 0;  // weighted sum
    double mean() const { return target / weight; }
  };
  std::vector<Pool> pools;
  for (std::size_t i = 0; i < scores.size();) {
    Pool pool;
    const double similarity = scores[i].similarity;  // equal similarities must get one probability
    for (; i < scores.size() && scores[i].similarity == similarity; ++i) {
      pool.weight += scores[i].weight;
      pool.target += scores[i].weight * scores[i].target;
      pool.similarity += scores[i].weight * scores[i].similarity;
    }
    while (!pools.empty() && pools.back().mean() >= pool.mean()) {
      pool.weight += pools.back().weight;
      pool.target += pools.back().target;
      pool.similarity += pools.back().similarity;
      pools.pop_back();
    }
    pools.push_back(pool);
  }
  for (const Pool& pool : pools) map.knots.push_back({pool.similarity / pool.weight, pool.mean()});
}

}  // namespace

Result<ProbabilityMap> FitProbability(std::span<const double> genuine,
                                      std::span<const double> impostor, ProbabilityModel model,
                                      double prior) {
  if (!(prior > 0 && prior < 1)) {
    return MakeError(ErrorCode::kInvalidArgument, "calibration: prior {}, want between 0 and 1",
                     prior);
  }
  if (genuine.empty() || impostor.empty()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "calibration: {} same-person and {} different-person pairs, want both",
                     genuine.size(), impostor.size());
  }
  for (const auto& scores : {genuine, impostor}) {
    if (!std::all_of(scores.begin(), scores.end(), [](double s) { return std::isfinite(s); })) {
      return MakeError(ErrorCode::kInvalidArgument, "calibration: a similarity is not finite");
    }
  }
  ProbabilityMap map;
  map.model = model;
  map.prior = prior;
  std::vector<WeightedScore> scores = Merge(genuine, impostor, prior);
  if (model == ProbabilityModel::kLogistic) {
    FitLogistic(std::move(scores), static_cast<double>(genuine.size()),
                static_cast<double>(impostor.size()), map);
  } else {
    FitIsotonic(scores, map);
  }
  return map;
}

std::vector<ReliabilityBin> ReliabilityOf(std::span<const double> genuine,
                                          std::span<const double> impostor, double prior,
                                          int bins) {
  struct Sum {
    double weight = 0;
    double predicted = 0;
    double observed = 0;
    std::int64_t pairs = 0;
  };
  std::vector<Sum> sums(static_cast<std::size_t>(bins));
  for (const WeightedScore& s : Merge(genuine, impostor, prior)) {
    const double p = s.similarity;
    Sum& sum = sums[static_cast<std::size_t>(std::min(p * bins, bins - 1.0))];
    sum.weight += s.weight;
    sum.predicted += s.weight * p;
    sum.observed += s.weight * s.target;
    ++sum.pairs;
  }
  std::vector<ReliabilityBin> result;
  for (const Sum& sum : sums) {
    if (sum.pairs == 0) continue;
    result.push_back(
        {sum.predicted / sum.weight, sum.observed / sum.weight, sum.weight, sum.pairs});
  }
  return result;
}

std::vector<ReliabilityBin> Reliability(const ProbabilityMap& map, std::span<const double> genuine,
                                        std::span<const double> impostor, int bins) {
  const auto probabilities = [&](std::span<const double> similarities) {
    std::vector<double> values;
    for (const double s : similarities) values.push_back(map.At(s));
    return values;
  };
  return ReliabilityOf(probabilities(genuine), probabilities(impostor), map.prior, bins);
}

}  // namespace visavis
