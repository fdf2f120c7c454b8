#pragma once
/// Symbolic trees of Expression. Equal subtrees are one object (hash consing), so that comparing is comparing pointers,
/// derivatives of shared parts are taken once and common subexpressions are evaluated once.
#include <unordered_map>

#include "fortet/base/expression.hpp"

namespace fortet {

enum class Operation : std::uint8_t {
  constant,
  coordinate,
  time,
  add,
  subtract,
  multiply,
  divide,
  power,
  negate,
  less,
  less_equal,
  greater,
  greater_equal,
  sqrt,
  exp,
  log,
  log1p,
  expm1,
  abs,
  sign,
  sin,
  cos,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  tanh,
  erf,
  erfc,
  step,
  min,
  max,
  atan2,
  select,
};

struct Expression::Node {
  Operation operation;
  double value = 0;    ///< of a constant
  int coordinate = 0;  ///< of a coordinate
  std::vector<std::shared_ptr<const Node>> operands;
};

using NodePtr = std::shared_ptr<const Expression::Node>;

/// Nodes after constant folding and simplification (x + 0, 1 x, x - x, powers, signs). Nothing is folded to a value
/// that is not finite.
NodePtr make_constant(double value);
NodePtr make_coordinate(int coordinate);
NodePtr make_time();
NodePtr make_node(Operation operation, std::vector<NodePtr> operands);

inline NodePtr operator+(const NodePtr& a, const NodePtr& b) { return make_node(Operation::add, {a, b}); }
inline NodePtr operator-(const NodePtr& a, const NodePtr& b) { return make_node(Operation::subtract, {a, b}); }
inline NodePtr operator*(const NodePtr& a, const NodePtr& b) { return make_node(Operation::multiply, {a, b}); }
inline NodePtr operator/(const NodePtr& a, const NodePtr& b) { return make_node(Operation::divide, {a, b}); }
inline NodePtr operator-(const NodePtr& a) { return make_node(Operation::negate, {a}); }

/// All nodes of a formula, operands before the nodes that use them. Not recursive: a sum of many terms is as deep as it
/// is long.
std::vector<NodePtr> in_order(const NodePtr& root);

/// Value of an operation on numbers.
double apply(Operation operation, double a, double b, double c);

/// Derivative with respect to a coordinate, or to the time for coordinate -1.
NodePtr differentiate(const NodePtr& node, int coordinate);

NodePtr parse_formula(std::string_view text, const std::vector<std::string>& coordinates,
                      const std::map<std::string, double>& constants);

/// The formula with coordinates named x1, x2, ..
std::string formula_text(const NodePtr& node);

struct FunctionName {
  const char* name;
  Operation operation;
  int operands;
};
const std::vector<FunctionName>& function_names();

std::shared_ptr<const Expression::Program> compile(const NodePtr& node);
void run(const Expression::Program& program, double t, ConstPoints x, double* out);

}  // namespace fortet
