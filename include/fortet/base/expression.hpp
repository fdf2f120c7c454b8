#pragma once
/// Formulas of a deck ("(x^2-1)^2 + y^2/2") with exact derivatives, evaluated on blocks of points.
///
/// Grammar: numbers, named constants (parameters, pi, e), coordinates, t, + - * / ^ (right associative, binds tighter
/// than unary minus), parentheses, comparisons < <= > >= (1 or 0), and functions
///   sqrt exp log log1p expm1 abs sign sin cos tan asin acos atan sinh cosh tanh erf erfc min max pow atan2 if(c, a, b)
///   step
/// Derivatives are symbolic and simplified; abs, min, max, step and if are differentiated piecewise.
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fortet/base/error.hpp"
#include "fortet/base/points.hpp"

namespace fortet {

/// A formula that does not parse: `column` counts from 1 within the formula; the message says what was expected, and
/// for an unknown name lists the names there are and the nearest one.
struct ExpressionError : UsageError {
  ExpressionError(int column_in_text, const std::string& message) : UsageError(message), column(column_in_text) {}
  int column;
};

/// kinked: continuous, its derivative may jump (abs, min, max); jumping: may jump (if, step, sign, comparisons, atan2).
enum class Smoothness { smooth, kinked, jumping };

class Expression {
 public:
  /// The zero formula.
  Expression();
  /// `coordinates`: names of coordinates 0..d-1 ("x", "y", "z" or others). Besides them the names x1..xd always mean
  /// the coordinates, and t the time. `constants` are folded in.
  static Expression parse(std::string_view text, const std::vector<std::string>& coordinates,
                          const std::map<std::string, double>& constants = {});
  /// Default names: x, y, z for d <= 3, x1..xd beyond.
  static std::vector<std::string> default_coordinates(int dimension);

  /// Exact derivative with respect to a coordinate.
  Expression derivative(int coordinate) const;
  Expression time_derivative() const;
  bool depends_on(int coordinate) const;
  bool depends_on_time() const;
  /// True when no coordinate occurs (time may).
  bool is_uniform() const;
  bool is_zero() const;
  /// As a function of the coordinates, by the functions that occur.
  Smoothness smoothness() const;
  std::string text() const;  ///< simplified formula, parsable again

  /// out[i] = value at (x_i, t), i < x.size(). No allocation beyond a thread-local scratch; safe from many threads at
  /// once.
  void evaluate(double t, ConstPoints x, double* out) const;
  double operator()(double t, const std::vector<double>& x = {}) const;

  friend Expression operator+(const Expression&, const Expression&);
  friend Expression operator-(const Expression&, const Expression&);
  friend Expression operator*(const Expression&, const Expression&);
  friend Expression operator/(const Expression&, const Expression&);

  struct Node;     // symbolic tree, immutable and shared
  struct Program;  // straight-line code over blocks

 private:
  explicit Expression(std::shared_ptr<const Node> node);
  std::shared_ptr<const Node> node_;
  std::shared_ptr<const Program> program_;
};

}  // namespace fortet
