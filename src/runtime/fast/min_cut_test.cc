#include "runtime/fast/min_cut.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <tuple>

namespace visavis {
namespace {

struct Problem {
  std::vector<std::pair<double, double>> nodes;
  std::vector<std::tuple<int, int, double>> arcs;

  double CostOf(const std::vector<bool>& on_a) const {
    double cost = 0;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      cost += on_a[i] ? nodes[i].first : nodes[i].second;
    }
    for (const auto& [a, b, c] : arcs) {
      if (on_a[static_cast<std::size_t>(a)] && !on_a[static_cast<std::size_t>(b)]) cost += c;
    }
    return cost;
  }
  std::vector<bool> Solve() const {
    MinCut cut;
    for (const auto& [a, b] : nodes) cut.AddNode(a, b);
    for (const auto& [a, b, c] : arcs) cut.AddArc(a, b, c);
    return std::move(cut).Solve();
  }
};

TEST(MinCut, NodesWithoutArcsTakeTheirCheaperSideAndTiesB) {
  const Problem p{{{1, 2}, {2, 1}, {1, 1}, {0, 0}}, {}};
  EXPECT_EQ(p.Solve(), (std::vector<bool>{true, false, false, false}));
}

TEST(MinCut, ACostlyArcKeepsNodesTogether) {
  const Problem loose{{{1, 3}, {3, 1}}, {{0, 1, 1}}};
  EXPECT_EQ(loose.Solve(), (std::vector<bool>{true, false}));
  const Problem tight{{{1, 3}, {3, 1.5}}, {{0, 1, 9}}};
  EXPECT_EQ(tight.Solve(), (std::vector<bool>{true, true}));
  // An arc costs one way only.
  const Problem other_way{{{1, 3}, {3, 1.5}}, {{1, 0, 9}}};
  EXPECT_EQ(other_way.Solve(), (std::vector<bool>{true, false}));
}

TEST(MinCut, NeverHolds) {
  const Problem p{{{MinCut::kNever, 0}, {0, 5}}, {{1, 0, MinCut::kNever}}};
  EXPECT_EQ(p.Solve(), (std::vector<bool>{false, false}));
}

TEST(MinCut, NoDivisionOfSmallGraphsIsCheaper) {
  std::mt19937 random(5);
  for (int trial = 0; trial < 200; ++trial) {
    Problem p;
    const int count = 1 + static_cast<int>(random() % 8);
    const auto cost = [&] { return static_cast<double>(random() % 50); };
    for (int i = 0; i < count; ++i) p.nodes.emplace_back(cost(), cost());
    for (int i = 0; i < 2 * count; ++i) {
      const int a = static_cast<int>(random() % static_cast<unsigned>(count));
      const int b = static_cast<int>(random() % static_cast<unsigned>(count));
      if (a != b) p.arcs.emplace_back(a, b, cost());
    }
    double least = 1e9;
    for (int bits = 0; bits < 1 << count; ++bits) {
      std::vector<bool> on_a;
      for (int i = 0; i < count; ++i) on_a.push_back((bits >> i & 1) != 0);
      least = std::min(least, p.CostOf(on_a));
    }
    EXPECT_DOUBLE_EQ(p.CostOf(p.Solve()), least) << "trial " << trial;
  }
}

}  // namespace
}  // namespace visavis
