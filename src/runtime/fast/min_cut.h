// The cheapest way to divide things in two.
#pragma once

#include <limits>
#include <vector>

namespace visavis {

/// Finds the assignment of nodes to two sides, A and B, with the least sum of costs: what each node
/// costs on its side, and what an arc costs whose ends are on different sides. Where several are as
/// cheap, the one with the fewest nodes on side A. Exact, by the theorem of Ford and Fulkerson;
/// flows are found by shortest augmenting paths (Edmonds and Karp 1972).
class MinCut {
 public:
  static constexpr double kNever = std::numeric_limits<double>::infinity();

  /// A node, by number: 0, 1, ... Costs are not negative; kNever on one side at most.
  int AddNode(double cost_on_a, double cost_on_b);
  /// Costs `cost` if `a` is on side A and `b` on side B; the other way round is free.
  void AddArc(int a, int b, double cost);

  /// By node: true if it is on side A.
  std::vector<bool> Solve() &&;

 private:
  struct Edge {
    int to;
    double left;  // capacity
  };
  void AddEdge(int from, int to, double capacity);
  bool Augment();

  // Terminals first; edge i and i ^ 1 are each other's reverse.
  std::vector<std::vector<int>> edges_of_{{}, {}};
  std::vector<Edge> edges_;
  std::vector<int> reached_by_;
};

}  // namespace visavis
