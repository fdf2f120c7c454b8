// A formula: parsed, differentiated, evaluated on a block of points, printed and parsed again to the same values.
#include "fortet/base/expression.hpp"

#include <bit>
#include <cmath>
#include <cstdlib>

#include "support.hpp"

namespace {
constexpr int points = 5;
const double places[2 * points] = {0.3, -0.7, 0, 1e300, -2, 1.5, 0, -0.0, 1e-300, 3};

std::vector<double> values_of(const fortet::Expression& expression) {
  std::vector<double> out(points);
  expression.evaluate(0.25, fortet::ConstPoints(places, points, 2), out.data());
  return out;
}
}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using fortet::Expression;
  static const std::vector<std::string> names{"x", "y"};
  static const std::map<std::string, double> constants{{"a", 1.5}, {"mu", -2}};
  if (size > 400) return -1;  // second derivatives of a longer formula take their time, as they may
  try {
    const Expression formula = Expression::parse(fortet::fuzz::text_of(data, size), names, constants);
    const std::vector<double> values = values_of(formula);
    values_of(formula.derivative(0));
    values_of(formula.derivative(1).derivative(0));
    values_of(formula.time_derivative());
    const std::string text = formula.text();
    const bool is_finite_text = text.find("inf") == std::string::npos && text.find("nan") == std::string::npos;
    if (is_finite_text && text.size() < 5000) {
      const std::vector<double> again = values_of(Expression::parse(text, names, constants));
      for (int i = 0; i < points; ++i) {
        if (values[i] != again[i] && !(std::isnan(values[i]) && std::isnan(again[i]))) std::abort();
      }
    }
  } catch (const fortet::ExpressionError& error) {
    if (error.column < 1 || error.column > static_cast<int>(size) + 1) std::abort();
  }
  return 0;
}
