#include "fortet/base/expression.hpp"

#include <unordered_set>

#include "expression_node.hpp"

namespace fortet {

namespace {
template <class Predicate>
bool any_node(const NodePtr& root, Predicate predicate) {
  std::vector<const Expression::Node*> stack{root.get()};
  std::unordered_set<const Expression::Node*> seen{root.get()};
  while (!stack.empty()) {
    const Expression::Node* node = stack.back();
    stack.pop_back();
    if (predicate(*node)) return true;
    for (const NodePtr& operand : node->operands) {
      if (seen.insert(operand.get()).second) stack.push_back(operand.get());
    }
  }
  return false;
}

/// Binding strength: comparison 1, sum 2, product 3, sign 4, power 5, rest 6.
std::pair<std::string, int> print(const NodePtr& node) {
  using enum Operation;
  const auto& x = node->operands;
  const auto wrapped = [&](std::size_t i, int least) {
    auto [text, strength] = print(x[i]);
    return strength < least ? "(" + text + ")" : text;
  };
  const auto binary = [&](const char* symbol, int strength, int left, int right) {
    return std::pair{wrapped(0, left) + symbol + wrapped(1, right), strength};
  };
  switch (node->operation) {
    case constant:
      return {fmt::format("{}", node->value), node->value < 0 ? 4 : 6};
    case coordinate:
      return {fmt::format("x{}", node->coordinate + 1), 6};
    case time:
      return {"t", 6};
    case add:
      return binary(" + ", 2, 2, 3);
    case subtract:
      return binary(" - ", 2, 2, 3);
    case multiply:
      return binary("*", 3, 3, 4);
    case divide:
      return binary("/", 3, 3, 4);
    case power:
      return binary("^", 5, 6, 4);
    case negate:
      return {fmt::format("-{}", wrapped(0, 4)), 4};
    case less:
      return binary(" < ", 1, 2, 2);
    case less_equal:
      return binary(" <= ", 1, 2, 2);
    case greater:
      return binary(" > ", 1, 2, 2);
    case greater_equal:
      return binary(" >= ", 1, 2, 2);
    default:
      break;
  }
  std::string text;
  for (const FunctionName& function : function_names()) {
    if (function.operation == node->operation) text = function.name;
  }
  text += "(";
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (i) text += ", ";
    text += print(x[i]).first;
  }
  text += ")";
  return {text, 6};
}
}  // namespace

std::string formula_text(const NodePtr& node) { return print(node).first; }

Expression::Expression() : Expression(make_constant(0)) {}
Expression::Expression(std::shared_ptr<const Node> node) : node_(std::move(node)), program_(compile(node_)) {}

Expression Expression::parse(std::string_view text, const std::vector<std::string>& coordinates,
                             const std::map<std::string, double>& constants) {
  return Expression(parse_formula(text, coordinates, constants));
}

std::vector<std::string> Expression::default_coordinates(int dimension) {
  if (dimension <= 3) {
    const std::vector<std::string> names{"x", "y", "z"};
    return {names.begin(), names.begin() + std::max(0, dimension)};
  }
  std::vector<std::string> names;
  for (int k = 1; k <= dimension; ++k) names.push_back(fmt::format("x{}", k));
  return names;
}

Expression Expression::derivative(int coordinate) const { return Expression(differentiate(node_, coordinate)); }
Expression Expression::time_derivative() const { return Expression(differentiate(node_, -1)); }

bool Expression::depends_on(int coordinate) const {
  return any_node(node_, [&](const Node& node) {
    return node.operation == Operation::coordinate && node.coordinate == coordinate;
  });
}
bool Expression::depends_on_time() const {
  return any_node(node_, [](const Node& node) { return node.operation == Operation::time; });
}
bool Expression::is_uniform() const {
  return !any_node(node_, [](const Node& node) { return node.operation == Operation::coordinate; });
}
bool Expression::is_zero() const { return node_->operation == Operation::constant && node_->value == 0; }
Smoothness Expression::smoothness() const {
  const auto is_sharp = [](const NodePtr& node, std::initializer_list<Operation> kinds) {
    return std::find(kinds.begin(), kinds.end(), node->operation) != kinds.end() &&
           any_node(node, [](const Node& part) { return part.operation == Operation::coordinate; });
  };
  using enum Operation;
  Smoothness worst = Smoothness::smooth;
  for (const NodePtr& node : in_order(node_)) {
    if (is_sharp(node, {select, step, sign, less, less_equal, greater, greater_equal, Operation::atan2}))
      return Smoothness::jumping;
    if (is_sharp(node, {Operation::abs, Operation::min, Operation::max})) worst = Smoothness::kinked;
  }
  return worst;
}
std::string Expression::text() const { return formula_text(node_); }

void Expression::evaluate(double t, ConstPoints x, double* out) const { run(*program_, t, x, out); }

double Expression::operator()(double t, const std::vector<double>& x) const {
  double result = 0;
  run(*program_, t, ConstPoints(x.data(), 1, static_cast<int>(x.size())), &result);
  return result;
}

Expression operator+(const Expression& a, const Expression& b) { return Expression(a.node_ + b.node_); }
Expression operator-(const Expression& a, const Expression& b) { return Expression(a.node_ - b.node_); }
Expression operator*(const Expression& a, const Expression& b) { return Expression(a.node_ * b.node_); }
Expression operator/(const Expression& a, const Expression& b) { return Expression(a.node_ / b.node_); }

}  // namespace fortet
