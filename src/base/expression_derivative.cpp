#include <numbers>

#include "expression_node.hpp"

namespace fortet {

namespace {
class Derivative {
 public:
  explicit Derivative(int coordinate) : coordinate_(coordinate) {}

  NodePtr operator()(const NodePtr& root) {
    for (const NodePtr& node : in_order(root)) known_.emplace(node.get(), derive(*node, node));
    return of(root);
  }

 private:
  const NodePtr& of(const NodePtr& operand) const { return known_.at(operand.get()); }
  static NodePtr call(Operation operation, const NodePtr& a) { return make_node(operation, {a}); }
  static NodePtr raise(const NodePtr& a, const NodePtr& b) { return make_node(Operation::power, {a, b}); }
  static NodePtr square(const NodePtr& a) { return raise(a, make_constant(2)); }

  NodePtr derive(const Expression::Node& node, const NodePtr& self) {
    using enum Operation;
    const auto& x = node.operands;
    const NodePtr one = make_constant(1), zero = make_constant(0), two = make_constant(2);
    switch (node.operation) {
      case constant:
        return zero;
      case coordinate:
        return node.coordinate == coordinate_ ? one : zero;
      case time:
        return coordinate_ < 0 ? one : zero;
      case add:
        return of(x[0]) + of(x[1]);
      case subtract:
        return of(x[0]) - of(x[1]);
      case multiply:
        return of(x[0]) * x[1] + x[0] * of(x[1]);
      case divide:
        return of(x[0]) / x[1] - self * of(x[1]) / x[1];
      case negate:
        return -of(x[0]);
      case power:
        return derive_power(x[0], x[1], self);
      case less:
      case less_equal:
      case greater:
      case greater_equal:
      case sign:
      case step:
        return zero;
      case min:
        return make_node(select, {make_node(less_equal, {x[0], x[1]}), of(x[0]), of(x[1])});
      case max:
        return make_node(select, {make_node(greater_equal, {x[0], x[1]}), of(x[0]), of(x[1])});
      case select:
        return make_node(select, {x[0], of(x[1]), of(x[2])});
      case atan2:
        return (x[1] * of(x[0]) - x[0] * of(x[1])) / (square(x[0]) + square(x[1]));
      default:
        return slope(node.operation, x[0], self) * of(x[0]);
    }
  }

  NodePtr derive_power(const NodePtr& base, const NodePtr& exponent, const NodePtr& self) {
    const NodePtr base_slope = of(base), exponent_slope = of(exponent), one = make_constant(1);
    const NodePtr from_base = exponent * raise(base, exponent - one) * base_slope;
    return from_base + self * call(Operation::log, base) * exponent_slope;
  }

  /// f'(a) of a function of one variable; self = f(a).
  static NodePtr slope(Operation operation, const NodePtr& a, const NodePtr& self) {
    using enum Operation;
    const NodePtr one = make_constant(1), two = make_constant(2);
    switch (operation) {
      case sqrt:
        return one / (two * self);
      case exp:
        return self;
      case log:
        return one / a;
      case log1p:
        return one / (one + a);
      case expm1:
        return call(exp, a);
      case abs:
        return call(sign, a);
      case sin:
        return call(cos, a);
      case cos:
        return -call(sin, a);
      case tan:
        return one + square(self);
      case asin:
        return one / call(sqrt, one - square(a));
      case acos:
        return -(one / call(sqrt, one - square(a)));
      case atan:
        return one / (one + square(a));
      case sinh:
        return call(cosh, a);
      case cosh:
        return call(sinh, a);
      case tanh:
        return one - square(self);
      case erf:
        return make_constant(2 * std::numbers::inv_sqrtpi) * call(exp, -square(a));
      case erfc:
        return make_constant(-2 * std::numbers::inv_sqrtpi) * call(exp, -square(a));
      default:
        return make_constant(0);
    }
  }

  int coordinate_;
  std::unordered_map<const Expression::Node*, NodePtr> known_;
};
}  // namespace

NodePtr differentiate(const NodePtr& node, int coordinate) { return Derivative(coordinate)(node); }

}  // namespace fortet
