#include "expression_node.hpp"

#include <bit>
#include <cmath>
#include <mutex>

namespace fortet {

using enum Operation;

namespace {
bool is_constant(const NodePtr& node) { return node->operation == constant; }
bool is_value(const NodePtr& node, double value) { return is_constant(node) && node->value == value; }

std::size_t hash_of(const Expression::Node& node) {
  std::size_t hash = static_cast<std::size_t>(node.operation) * 0x9e3779b97f4a7c15;
  const auto mix = [&](std::size_t value) { hash = (std::rotl(hash, 23) ^ value) * 0xff51afd7ed558ccd; };
  mix(std::bit_cast<std::uint64_t>(node.value));
  mix(static_cast<std::size_t>(node.coordinate));
  for (const NodePtr& operand : node.operands) mix(reinterpret_cast<std::size_t>(operand.get()));
  return hash ^ (hash >> 29);
}

bool same(const Expression::Node& a, const Expression::Node& b) {
  return a.operation == b.operation && std::bit_cast<std::uint64_t>(a.value) == std::bit_cast<std::uint64_t>(b.value) &&
         a.coordinate == b.coordinate && a.operands == b.operands;
}

/// The one object for each distinct node that is alive.
NodePtr unique(Expression::Node node) {
  static std::mutex mutex;
  static auto& table =
      *new std::unordered_multimap<std::size_t, std::weak_ptr<const Expression::Node>>;  // outlives every expression
  static std::size_t limit = 1024;
  const std::size_t hash = hash_of(node);
  const std::lock_guard lock(mutex);
  auto [begin, end] = table.equal_range(hash);
  for (auto entry = begin; entry != end; ++entry) {
    if (const NodePtr known = entry->second.lock(); known && same(*known, node)) return known;
  }
  if (table.size() > limit) {
    std::erase_if(table, [](const auto& entry) { return entry.second.expired(); });
    limit = 2 * table.size() + 1024;
  }
  NodePtr result = std::make_shared<const Expression::Node>(std::move(node));
  table.emplace(hash, result);
  return result;
}

NodePtr raw(Operation operation, std::vector<NodePtr> operands) {
  return unique({operation, 0, 0, std::move(operands)});
}

bool is(const NodePtr& node, Operation operation) { return node->operation == operation; }
bool is_integer(double value) { return value == std::floor(value) && std::abs(value) < 1e9; }

/// base and exponent of a node seen as a power with a constant exponent.
std::pair<NodePtr, double> as_power(const NodePtr& node) {
  if (is(node, power) && is_constant(node->operands[1])) return {node->operands[0], node->operands[1]->value};
  return {node, 1.0};
}

NodePtr simplify_add(const NodePtr& a, const NodePtr& b) {
  if (is_value(a, 0)) return b;
  if (is_value(b, 0)) return a;
  if (a == b) return make_constant(2) * a;
  if (is(b, negate)) return a - b->operands[0];
  if (is(a, negate)) return b - a->operands[0];
  return nullptr;
}

NodePtr simplify_subtract(const NodePtr& a, const NodePtr& b) {
  if (is_value(b, 0)) return a;
  if (is_value(a, 0)) return -b;
  if (a == b) return make_constant(0);
  if (is(b, negate)) return a + b->operands[0];
  return nullptr;
}

NodePtr simplify_multiply(const NodePtr& a, const NodePtr& b) {
  if (is_value(a, 0) || is_value(b, 0)) return make_constant(0);
  if (is_value(a, 1)) return b;
  if (is_value(b, 1)) return a;
  if (is_value(a, -1)) return -b;
  if (is_constant(b)) return b * a;  // constants stand first
  if (is(a, negate)) return -(a->operands[0] * b);
  if (is(b, negate)) return -(a * b->operands[0]);
  if (is_constant(a) && is(b, multiply) && is_constant(b->operands[0])) {
    return make_constant(a->value * b->operands[0]->value) * b->operands[1];
  }
  if (is(b, multiply) && is_constant(b->operands[0])) return b->operands[0] * (a * b->operands[1]);
  if (is(a, multiply) && is_constant(a->operands[0])) return a->operands[0] * (a->operands[1] * b);
  const auto [base_a, power_a] = as_power(a);
  const auto [base_b, power_b] = as_power(b);
  // Positive whole powers only: x^(1/2) x^(1/2) is x for x >= 0 alone, and x x^-1 is 1 except at 0.
  if (base_a == base_b && is_integer(power_a) && is_integer(power_b) && power_a > 0 && power_b > 0) {
    return make_node(power, {base_a, make_constant(power_a + power_b)});
  }
  return nullptr;
}

NodePtr simplify_divide(const NodePtr& a, const NodePtr& b) {
  if (is_value(a, 0) && !is_value(b, 0)) return make_constant(0);
  if (is_value(b, 1)) return a;
  if (is(a, negate)) return -(a->operands[0] / b);
  if (is(b, negate)) return -(a / b->operands[0]);
  return nullptr;
}

NodePtr simplify_power(const NodePtr& a, const NodePtr& b) {
  if (is_value(b, 0)) return make_constant(1);
  if (is_value(b, 1)) return a;
  if (is_value(a, 1)) return make_constant(1);
  if (is(a, power) && is_constant(a->operands[1]) && is_constant(b) && is_integer(b->value) &&
      is_integer(a->operands[1]->value)) {
    return make_node(power, {a->operands[0], make_constant(a->operands[1]->value * b->value)});
  }
  return nullptr;
}

NodePtr simplify(Operation operation, const std::vector<NodePtr>& x) {
  switch (operation) {
    case add:
      return simplify_add(x[0], x[1]);
    case subtract:
      return simplify_subtract(x[0], x[1]);
    case multiply:
      return simplify_multiply(x[0], x[1]);
    case divide:
      return simplify_divide(x[0], x[1]);
    case power:
      return simplify_power(x[0], x[1]);
    case negate:
      if (is(x[0], negate)) return x[0]->operands[0];
      if (is(x[0], subtract)) return x[0]->operands[1] - x[0]->operands[0];
      if (is(x[0], multiply) && is_constant(x[0]->operands[0]))
        return make_constant(-x[0]->operands[0]->value) * x[0]->operands[1];
      return nullptr;
    case min:
    case max:
      return x[0] == x[1] ? x[0] : nullptr;
    case select:
      if (x[1] == x[2]) return x[1];
      if (is_constant(x[0])) return x[0]->value != 0 ? x[1] : x[2];
      return nullptr;
    default:
      return nullptr;
  }
}
}  // namespace

NodePtr make_constant(double value) { return unique({constant, value == 0 ? 0.0 : value, 0, {}}); }
NodePtr make_coordinate(int coordinate_index) { return unique({coordinate, 0, coordinate_index, {}}); }
NodePtr make_time() { return unique({time, 0, 0, {}}); }

NodePtr make_node(Operation operation, std::vector<NodePtr> operands) {
  if (std::all_of(operands.begin(), operands.end(), is_constant)) {
    const auto value = [&](std::size_t i) { return i < operands.size() ? operands[i]->value : 0.0; };
    const double folded = apply(operation, value(0), value(1), value(2));
    if (std::isfinite(folded)) return make_constant(folded);
  }
  if (NodePtr simpler = simplify(operation, operands)) return simpler;
  return raw(operation, std::move(operands));
}

std::vector<NodePtr> in_order(const NodePtr& root) {
  std::vector<NodePtr> order;
  std::vector<std::pair<NodePtr, std::size_t>> stack{{root, 0}};
  std::unordered_map<const Expression::Node*, bool> seen{{root.get(), true}};
  while (!stack.empty()) {
    auto& [node, next] = stack.back();
    if (next == node->operands.size()) {
      order.push_back(node);
      stack.pop_back();
      continue;
    }
    const NodePtr child = node->operands[next++];
    if (seen.emplace(child.get(), true).second) stack.emplace_back(child, 0);
  }
  return order;
}

double apply(Operation operation, double a, double b, double c) {
  switch (operation) {
    case add:
      return a + b;
    case subtract:
      return a - b;
    case multiply:
      return a * b;
    case divide:
      return a / b;
    case power:
      return std::pow(a, b);
    case negate:
      return -a;
    case less:
      return a < b;
    case less_equal:
      return a <= b;
    case greater:
      return a > b;
    case greater_equal:
      return a >= b;
    case Operation::sqrt:
      return std::sqrt(a);
    case Operation::exp:
      return std::exp(a);
    case Operation::log:
      return std::log(a);
    case Operation::log1p:
      return std::log1p(a);
    case Operation::expm1:
      return std::expm1(a);
    case Operation::abs:
      return std::abs(a);
    case sign:
      return a > 0 ? 1.0 : a < 0 ? -1.0 : a;
    case Operation::sin:
      return std::sin(a);
    case Operation::cos:
      return std::cos(a);
    case Operation::tan:
      return std::tan(a);
    case Operation::asin:
      return std::asin(a);
    case Operation::acos:
      return std::acos(a);
    case Operation::atan:
      return std::atan(a);
    case Operation::sinh:
      return std::sinh(a);
    case Operation::cosh:
      return std::cosh(a);
    case Operation::tanh:
      return std::tanh(a);
    case Operation::erf:
      return std::erf(a);
    case Operation::erfc:
      return std::erfc(a);
    case step:
      return a >= 0;
    case min:
      return b < a ? b : a;
    case max:
      return b > a ? b : a;
    case Operation::atan2:
      return std::atan2(a, b);
    case select:
      return a != 0 ? b : c;
    case constant:
    case coordinate:
    case time:
      break;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

const std::vector<FunctionName>& function_names() {
  static const std::vector<FunctionName> names{{"sqrt", Operation::sqrt, 1},
                                               {"exp", Operation::exp, 1},
                                               {"log", Operation::log, 1},
                                               {"log1p", Operation::log1p, 1},
                                               {"expm1", Operation::expm1, 1},
                                               {"abs", Operation::abs, 1},
                                               {"sign", sign, 1},
                                               {"sin", Operation::sin, 1},
                                               {"cos", Operation::cos, 1},
                                               {"tan", Operation::tan, 1},
                                               {"asin", Operation::asin, 1},
                                               {"acos", Operation::acos, 1},
                                               {"atan", Operation::atan, 1},
                                               {"sinh", Operation::sinh, 1},
                                               {"cosh", Operation::cosh, 1},
                                               {"tanh", Operation::tanh, 1},
                                               {"erf", Operation::erf, 1},
                                               {"erfc", Operation::erfc, 1},
                                               {"step", step, 1},
                                               {"min", min, 2},
                                               {"max", max, 2},
                                               {"pow", power, 2},
                                               {"atan2", Operation::atan2, 2},
                                               {"if", select, 3}};
  return names;
}

}  // namespace fortet
