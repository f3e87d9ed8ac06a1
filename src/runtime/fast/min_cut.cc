#include "runtime/fast/min_cut.h"

#include <algorithm>
#include <cstddef>

namespace visavis {
namespace {

constexpr int kSource = 0;
constexpr int kSink = 1;
constexpr int kTerminals = 2;
constexpr int kNotReached = -1;
constexpr int kStart = -2;
// What rounding leaves of a capacity that is used up, as a share of the costs seen in practice.
constexpr double kNothing = 1e-18;

std::size_t At(int i) { return static_cast<std::size_t>(i); }

}  // namespace

int MinCut::AddNode(double cost_on_a, double cost_on_b) {
  const auto node = static_cast<int>(edges_of_.size());
  edges_of_.emplace_back();
  // Side A is that of the source: who leaves it cuts the edge from there.
  AddEdge(kSource, node, cost_on_b);
  AddEdge(node, kSink, cost_on_a);
  return node - kTerminals;
}

void MinCut::AddArc(int a, int b, double cost) { AddEdge(a + kTerminals, b + kTerminals, cost); }

void MinCut::AddEdge(int from, int to, double capacity) {
  edges_of_[At(from)].push_back(static_cast<int>(edges_.size()));
  edges_.push_back({to, capacity});
  edges_of_[At(to)].push_back(static_cast<int>(edges_.size()));
  edges_.push_back({from, 0});
}

bool MinCut::Augment() {
  reached_by_.assign(edges_of_.size(), kNotReached);
  reached_by_[kSource] = kStart;
  std::vector<int> queue = {kSource};
  for (std::size_t next = 0; next < queue.size() && reached_by_[kSink] == kNotReached; ++next) {
    for (const int edge : edges_of_[At(queue[next])]) {
      const Edge& e = edges_[At(edge)];
      if (e.left <= kNothing || reached_by_[At(e.to)] != kNotReached) continue;
      reached_by_[At(e.to)] = edge;
      queue.push_back(e.to);
    }
  }
  if (reached_by_[kSink] == kNotReached) return false;
  const auto walk = [&](auto&& visit) {
    for (int node = kSink; node != kSource;) {
      const int edge = reached_by_[At(node)];
      visit(edge);
      node = edges_[At(edge ^ 1)].to;
    }
  };
  double flow = kNever;
  walk([&](int edge) { flow = std::min(flow, edges_[At(edge)].left); });
  walk([&](int edge) {
    edges_[At(edge)].left -= flow;
    edges_[At(edge ^ 1)].left += flow;
  });
  return true;
}

std::vector<bool> MinCut::Solve() && {
  while (Augment()) {
  }
  std::vector<bool> on_a;
  for (std::size_t node = kTerminals; node < edges_of_.size(); ++node) {
    on_a.push_back(reached_by_[node] != kNotReached);
  }
  return on_a;
}

}  // namespace visavis
