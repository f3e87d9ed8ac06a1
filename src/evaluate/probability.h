// Fits the map from similarity to the probability that two faces are the same person.
#pragma once

#include <span>
#include <vector>

#include "visavis/match.h"
#include "visavis/result.h"

namespace visavis {

/// Fits the map to labelled similarities. Each class is weighted so that same-person pairs have
/// total weight `prior`, whatever their number in the data. Logistic: maximum likelihood by
/// Newton's method with Platt's target smoothing, so that separable data stay finite (Platt 1999;
/// Lin, Lin and Weng 2007). Isotonic: pool adjacent violators (Ayer et al. 1955), knots at the
/// centres of the pools. Errors: kInvalidArgument if a class is empty, a similarity is not finite,
/// or prior is not in (0,1).
Result<ProbabilityMap> FitProbability(std::span<const double> genuine,
                                      std::span<const double> impostor, ProbabilityModel model,
                                      double prior = 0.5);

/// One bar of a reliability plot.
struct ReliabilityBin {
  double mean_probability = 0;  ///< what the map said
  double observed = 0;          ///< weighted share that were the same person
  double weight = 0;            ///< share of all pairs, classes weighted by the prior
  std::int64_t pairs = 0;
};
/// Pairs grouped by predicted probability into `bins` equal parts of [0,1]; empty groups are left
/// out.
std::vector<ReliabilityBin> Reliability(const ProbabilityMap& map, std::span<const double> genuine,
                                        std::span<const double> impostor, int bins = 10);

/// The same for probabilities that are known already, of same-person pairs and of pairs of
/// different people, whatever map each came from.
std::vector<ReliabilityBin> ReliabilityOf(std::span<const double> genuine,
                                          std::span<const double> impostor, double prior,
                                          int bins = 10);

}  // namespace visavis
