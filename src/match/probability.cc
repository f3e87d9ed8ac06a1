#include <algorithm>

#include "match/sigmoid.h"
#include "visavis/match.h"

namespace visavis {

double ProbabilityMap::At(double similarity) const {
  if (model == ProbabilityModel::kLogistic) return Sigmoid(slope * similarity + intercept);
  if (knots.empty()) return prior;
  const auto above =
      std::upper_bound(knots.begin(), knots.end(), similarity,
                       [](double s, const Knot& knot) { return s < knot.similarity; });
  if (above == knots.begin()) return knots.front().probability;
  if (above == knots.end()) return knots.back().probability;
  const Knot& below = *(above - 1);
  const double share = (similarity - below.similarity) / (above->similarity - below.similarity);
  return below.probability + share * (above->probability - below.probability);
}

}  // namespace visavis
