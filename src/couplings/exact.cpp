#include <lemon/list_graph.h>
#include <lemon/network_simplex.h>

#include "fortet/base/error.hpp"
#include "fortet/couplings/transport.hpp"

namespace fortet::couplings {

TransportPlan exact_plan(std::span<const double> source, std::span<const double> target, std::span<const double> cost) {
  using Simplex = lemon::NetworkSimplex<lemon::ListDigraph, std::int64_t, std::int64_t>;
  std::vector<int> rows, columns;
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] > 0) rows.push_back(static_cast<int>(i));
  }
  for (std::size_t j = 0; j < target.size(); ++j) {
    if (target[j] > 0) columns.push_back(static_cast<int>(j));
  }
  // Integer supplies, so that the simplex keeps exact balances; what rounding leaves over goes to the largest entry.
  constexpr std::int64_t total = std::int64_t{1} << 40;
  const auto integers = [&](std::span<const double> masses, const std::vector<int>& chosen) {
    const double sum = std::accumulate(masses.begin(), masses.end(), 0.0);
    std::vector<std::int64_t> result(chosen.size());
    std::int64_t rest = total;
    for (std::size_t i = 0; i < chosen.size(); ++i) rest -= result[i] = std::llround(masses[chosen[i]] / sum * total);
    *std::max_element(result.begin(), result.end()) += rest;
    return result;
  };
  if (rows.empty() || columns.empty()) throw DivergedError("optimal transport between laws without mass");
  const std::vector<std::int64_t> supply = integers(source, rows), demand = integers(target, columns);
  lemon::ListDigraph graph;
  graph.reserveNode(static_cast<int>(rows.size() + columns.size()));
  graph.reserveArc(static_cast<int>(rows.size() * columns.size()));
  std::vector<lemon::ListDigraph::Node> left, right;
  for (std::size_t i = 0; i < rows.size(); ++i) left.push_back(graph.addNode());
  for (std::size_t j = 0; j < columns.size(); ++j) right.push_back(graph.addNode());
  lemon::ListDigraph::NodeMap<std::int64_t> balance(graph);
  lemon::ListDigraph::ArcMap<std::int64_t> arc_cost(graph);
  for (std::size_t i = 0; i < rows.size(); ++i) balance[left[i]] = supply[i];
  for (std::size_t j = 0; j < columns.size(); ++j) balance[right[j]] = -demand[j];
  // Integer costs too: with rounded potentials the simplex can cycle for ever between degenerate bases.
  double largest = 0;
  for (const double c : cost) largest = std::max(largest, std::abs(c));
  const double scale = largest > 0 ? static_cast<double>(total) / largest : 1;
  const auto cost_of = [&](std::size_t i, std::size_t j) { return cost[rows[i] * target.size() + columns[j]]; };
  std::vector<lemon::ListDigraph::Arc> arcs;
  arcs.reserve(rows.size() * columns.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = 0; j < columns.size(); ++j) {
      arcs.push_back(graph.addArc(left[i], right[j]));
      arc_cost[arcs.back()] = std::llround(cost_of(i, j) * scale);
    }
  }
  Simplex simplex(graph);
  simplex.supplyMap(balance).costMap(arc_cost);
  if (simplex.run() != Simplex::OPTIMAL) throw DivergedError("the network simplex found no optimal transport plan");
  TransportPlan plan;
  double sum = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = 0; j < columns.size(); ++j) {
      const std::int64_t flow = simplex.flow(arcs[i * columns.size() + j]);
      if (flow <= 0) continue;
      sum += static_cast<double>(flow) * cost_of(i, j);
      plan.entries.push_back({rows[i], columns[j], static_cast<double>(flow) / static_cast<double>(total)});
    }
  }
  plan.cost = sum / static_cast<double>(total);
  return plan;
}

double exact_cost(std::span<const double> source, std::span<const double> target, std::span<const double> cost) {
  return exact_plan(source, target, cost).cost;
}

}  // namespace fortet::couplings
