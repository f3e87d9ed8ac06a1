// The Winograd (Cook-Toom) matrices, derived from their interpolation points.
//
// For Y = A^T [(G g) o (B^T d)] with points a_0 .. a_{n-2} and infinity, n = m + 2, M(x) the
// product of all (x - a_j):
//   A^T[i][j] = a_j^i                        infinity: 1 in the last row
//   G[j][k]   = a_j^k / prod_{l != j}(a_j - a_l)   infinity: (0, 0, 1)
//   B^T[j]    = coefficients of M(x) / (x - a_j)   infinity: of M(x)
// Source: Winograd, Arithmetic Complexity of Computations, 1980; Lavin and Gray, arXiv:1509.09308.
// The points of F(4x4) are +-sqrt(1/2), +-sqrt(2) and those of F(3x3) +-3/4, 3/2 because their
// rounding error is half that of the textbook's integers (README.md, "Errors").
#pragma once

namespace visavis {

struct WinogradMatrices {
  int m = 0;
  int n = 0;  ///< m + 2
  double at[4][6] = {};
  double g[6][3] = {};
  double bt[6][6] = {};
};

constexpr WinogradMatrices MakeWinogradMatrices(int m) {
  constexpr double kSqrtHalf = 0.70710678118654752440;
  constexpr double kSqrt2 = 1.41421356237309504880;
  constexpr double kPoints[3][5] = {
      {0, 1, -1}, {0, 0.75, -0.75, 1.5}, {0, kSqrtHalf, -kSqrtHalf, kSqrt2, -kSqrt2}};
  const double* points = kPoints[m - 2];
  WinogradMatrices w;
  w.m = m;
  w.n = m + 2;
  const int finite = w.n - 1;
  for (int j = 0; j <= finite; ++j) {
    const bool infinity = j == finite;
    double divisor = 1;
    double polynomial[6] = {1};
    int degree = 0;
    for (int l = 0; l < finite; ++l) {
      if (l == j) continue;
      if (!infinity) divisor *= points[j] - points[l];
      for (int k = ++degree; k >= 0; --k) {
        polynomial[k] = (k > 0 ? polynomial[k - 1] : 0) - points[l] * polynomial[k];
      }
    }
    for (int k = 0; k < w.n; ++k) w.bt[j][k] = polynomial[k];
    double power = 1;
    for (int k = 0; k < w.m || k < 3; ++k) {
      if (k < w.m) w.at[k][j] = infinity ? (k == w.m - 1 ? 1 : 0) : power;
      if (k < 3) w.g[j][k] = infinity ? (k == 2 ? 1 : 0) : power / divisor;
      if (!infinity) power *= points[j];
    }
  }
  return w;
}

/// Floats from one point's tiles to the next in V and the products: `floats` per point, plus a
/// cache line when that is a multiple of 4 KB. Planes that far apart fall into the same cache sets,
/// which made the input transform four times slower.
constexpr long WinogradPlane(long floats) { return floats % 1024 == 0 ? floats + 16 : floats; }

}  // namespace visavis
