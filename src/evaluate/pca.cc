#include "evaluate/pca.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace visavis {

Result<Pca> Pca::Fit(const EmbeddingRows& rows, int components) {
  const auto n = static_cast<Eigen::Index>(rows.rows());
  const auto d = static_cast<Eigen::Index>(rows.dimension);
  if (components < 1 || components > n || components > d) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "pca: {} components of {} rows of {} values, want no more than either",
                     components, rows.rows(), rows.dimension);
  }
  if (!std::all_of(rows.values.begin(), rows.values.end(),
                   [](float v) { return std::isfinite(v); })) {
    return MakeError(ErrorCode::kInvalidArgument, "pca: a value is not finite");
  }
  using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Eigen::MatrixXd data = Eigen::Map<const Matrix>(rows.values.data(), n, d).cast<double>();
  const Eigen::RowVectorXd mean = data.colwise().mean();
  data.rowwise() -= mean;
  Eigen::MatrixXd covariance = Eigen::MatrixXd::Zero(d, d);
  covariance.selfadjointView<Eigen::Lower>().rankUpdate(data.transpose());
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(covariance);

  Pca pca;
  pca.components_ = components;
  pca.mean_.assign(mean.data(), mean.data() + d);
  for (Eigen::Index c = 0; c < components; ++c) {
    const auto direction = solver.eigenvectors().col(d - 1 - c);  // eigenvalues rise
    pca.directions_.insert(pca.directions_.end(), direction.data(), direction.data() + d);
  }
  return pca;
}

std::vector<float> Pca::Transform(std::span<const float> row) const {
  std::vector<float> out(static_cast<std::size_t>(components_));
  for (std::size_t c = 0; c < out.size(); ++c) {
    double sum = 0;
    for (std::size_t k = 0; k < row.size(); ++k) {
      sum += (row[k] - mean_[k]) * directions_[c * mean_.size() + k];
    }
    out[c] = static_cast<float>(sum);
  }
  return out;
}

}  // namespace visavis
