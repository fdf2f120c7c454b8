#include "fortet/base/expression.hpp"

#include <gtest/gtest.h>

#include <complex>
#include <numbers>
#include <random>

using fortet::Expression;
using fortet::ExpressionError;

namespace {
const std::vector<std::string> plane{"x", "y"};

double value(const std::string& text, double x = 0.3, double y = -0.7, double t = 0.25) {
  return Expression::parse(text, plane)(t, {x, y});
}

std::pair<int, std::string> error_of(const std::string& text, const std::map<std::string, double>& constants = {}) {
  try {
    Expression::parse(text, plane, constants);
  } catch (const ExpressionError& error) {
    return {error.column, error.what()};
  }
  return {0, "parsed"};
}

/// A random formula as text and as a function of complex arguments, for derivatives by the complex step (exact to
/// rounding).
using Complex = std::complex<double>;
struct Formula {
  std::string text;
  std::function<Complex(Complex, Complex)> function;
};

Formula random_formula(std::mt19937& engine, int depth) {
  const auto pick = [&](int n) { return static_cast<int>(engine() % n); };
  if (depth == 0 || pick(8) == 0) {
    switch (pick(3)) {
      case 0:
        return {"x", [](Complex x, Complex) { return x; }};
      case 1:
        return {"y", [](Complex, Complex y) { return y; }};
      default: {
        const double c = (1 + pick(30)) / 8.0;
        return {std::to_string(c), [c](Complex, Complex) { return Complex(c); }};
      }
    }
  }
  const Formula a = random_formula(engine, depth - 1);
  const auto f = a.function;
  const auto unary = [&](const std::string& name, auto g) {
    return Formula{name + "(" + a.text + ")", [f, g](Complex x, Complex y) { return g(f(x, y)); }};
  };
  switch (pick(16)) {
    case 0:
      return unary("sin", [](Complex z) { return std::sin(z); });
    case 1:
      return unary("cos", [](Complex z) { return std::cos(z); });
    case 2:
      return unary("tanh", [](Complex z) { return std::tanh(z); });
    case 3:
      return unary("atan", [](Complex z) { return std::atan(z); });
    case 4:
      return {"exp(-(" + a.text + ")^2)", [f](Complex x, Complex y) {
                const Complex z = f(x, y);
                return std::exp(-z * z);
              }};
    case 5:
      return {"log(2 + (" + a.text + ")^2)", [f](Complex x, Complex y) {
                const Complex z = f(x, y);
                return std::log(2.0 + z * z);
              }};
    case 6:
      return {"sqrt(1 + (" + a.text + ")^4)", [f](Complex x, Complex y) {
                const Complex z = f(x, y);
                return std::sqrt(1.0 + z * z * z * z);
              }};
    case 7:
      return {"-" + ("(" + a.text + ")"), [f](Complex x, Complex y) { return -f(x, y); }};
    case 8:
      return {"(1 + (" + a.text + ")^2)^(-1.5)", [f](Complex x, Complex y) {
                const Complex z = f(x, y);
                return std::exp(-1.5 * std::log(1.0 + z * z));
              }};
    case 9:
      return {"(" + a.text + ")^3", [f](Complex x, Complex y) {
                const Complex z = f(x, y);
                return z * z * z;
              }};
    default:
      break;
  }
  const Formula b = random_formula(engine, depth - 1);
  const auto g = b.function;
  switch (pick(6)) {
    case 0:
      return {"(" + a.text + ") + " + b.text, [f, g](Complex x, Complex y) { return f(x, y) + g(x, y); }};
    case 1:
      return {"(" + a.text + ") - (" + b.text + ")", [f, g](Complex x, Complex y) { return f(x, y) - g(x, y); }};
    case 2:
      return {"(" + a.text + ")/(1 + (" + b.text + ")^2)", [f, g](Complex x, Complex y) {
                const Complex z = g(x, y);
                return f(x, y) / (1.0 + z * z);
              }};
    case 3:
      return {"(1 + (" + a.text + ")^2)^sin(" + b.text + ")", [f, g](Complex x, Complex y) {
                const Complex z = f(x, y);
                return std::exp(std::sin(g(x, y)) * std::log(1.0 + z * z));
              }};
    default:
      return {"(" + a.text + ")*(" + b.text + ")", [f, g](Complex x, Complex y) { return f(x, y) * g(x, y); }};
  }
}
}  // namespace

TEST(Expression, FollowsTheGrammar) {
  EXPECT_DOUBLE_EQ(value("1 + 2*3"), 7);
  EXPECT_DOUBLE_EQ(value("2^3^2"), 512);
  EXPECT_DOUBLE_EQ(value("-2^2"), -4);
  EXPECT_DOUBLE_EQ(value("2^-1"), 0.5);
  EXPECT_DOUBLE_EQ(value("8/4/2"), 1);
  EXPECT_DOUBLE_EQ(value("5-3-1"), 1);
  EXPECT_DOUBLE_EQ(value("x1 + 10*x2"), 0.3 - 7);
  EXPECT_DOUBLE_EQ(value("t*4"), 1);
  EXPECT_DOUBLE_EQ(value("x < 1"), 1);
  EXPECT_DOUBLE_EQ(value("if(x > y, 2, 3) + step(y) + min(x, y) + max(x, y)"), 2 - 0.4);
  EXPECT_DOUBLE_EQ(value("1e-3 + .5 + 2.E2"), 200.501);
  EXPECT_DOUBLE_EQ(value("pi + e"), std::numbers::pi + std::numbers::e);
  EXPECT_DOUBLE_EQ(Expression::parse("a*x", plane, {{"a", 3.0}})(0, {2, 0}), 6);
  EXPECT_DOUBLE_EQ(Expression()(0), 0);
}

TEST(Expression, FunctionsAgreeWithTheLibrary) {
  const std::vector<std::pair<const char*, double (*)(double)>> functions{
      {"sqrt", std::sqrt}, {"exp", std::exp},   {"log", std::log}, {"log1p", std::log1p}, {"expm1", std::expm1},
      {"sin", std::sin},   {"cos", std::cos},   {"tan", std::tan}, {"atan", std::atan},   {"sinh", std::sinh},
      {"cosh", std::cosh}, {"tanh", std::tanh}, {"erf", std::erf}, {"erfc", std::erfc},   {"abs", std::abs}};
  for (const auto& [name, function] : functions) {
    const auto formula = Expression::parse(std::string(name) + "(x)", plane);
    for (double x : {1e-9, 0.1, 0.5, 1.0, 2.0, 3.14159, 12.5, 1e3 / 7, 3e4, 1e8}) {
      const double expected = function(x);
      if (!std::isfinite(expected)) continue;
      // Values are bounded by the larger of the result and, for angles, the unit circle: 2 units in the last place.
      const double scale = std::string(name) == "sin" || std::string(name) == "cos" ? 1.0 : std::abs(expected);
      EXPECT_NEAR(formula(0, {x, 0}), expected, 4.5e-16 * scale) << name << "(" << x << ")";
    }
  }
}

TEST(Expression, DerivativesOfRandomFormulasAreExact) {
  std::mt19937 engine(1);
  int compared = 0;
  for (int trial = 0; trial < 1500; ++trial) {
    const Formula formula = random_formula(engine, 4);
    const Expression parsed = Expression::parse(formula.text, plane);
    const Expression again = Expression::parse(parsed.text(), plane);
    const Expression slope[2] = {parsed.derivative(0), parsed.derivative(1)};
    const double x = -1 + 0.013 * (trial % 151), y = 0.9 - 0.011 * (trial % 163);
    const double expected = formula.function(x, y).real();
    if (!std::isfinite(expected) || std::abs(expected) > 100) continue;
    EXPECT_NEAR(parsed(0, {x, y}), expected, 1e-11 * (1 + std::abs(expected))) << formula.text;
    EXPECT_NEAR(again(0, {x, y}), expected, 1e-11 * (1 + std::abs(expected))) << parsed.text();
    constexpr double h = 1e-30;
    const double exact[2] = {formula.function(Complex(x, h), y).imag() / h,
                             formula.function(x, Complex(y, h)).imag() / h};
    for (int k = 0; k < 2; ++k) {
      if (std::abs(exact[k]) > 1e4) continue;
      // Rounding errors grow by the condition of each of at most a few dozen operations.
      EXPECT_NEAR(slope[k](0, {x, y}), exact[k], 1e-10 * (1 + std::abs(exact[k])))
          << "d/dx" << k + 1 << " of " << formula.text;
      ++compared;
    }
  }
  EXPECT_GT(compared, 2000);
}

TEST(Expression, DerivativesOfTheOtherFunctions) {
  // Sixth-order central differences: error h^6 f^(7)/140 + rounding/h.
  for (const char* text :
       {"exp(x)",    "log(x)",       "log1p(x)",    "expm1(x)",    "asin(x)",           "acos(x)",
        "tan(x)",    "sinh(x)",      "cosh(x)",     "erf(x)",      "erfc(x)",           "atan2(x, 1 + x)",
        "pow(x, x)", "abs(x - 1)",   "max(x, x^2)", "min(x, x^2)", "if(x < 1, x^3, 2)", "x^2.5",
        "2^x",       "sqrt(x)/x^-3", "sign(x)*x",   "step(x)*x^2"}) {
    const auto f = Expression::parse(text, {"x"});
    const auto slope = f.derivative(0);
    constexpr double x = 0.437, h = 2e-3;
    const auto at = [&](int k) { return f(0, {x + k * h}); };
    const double difference = (45 * (at(1) - at(-1)) - 9 * (at(2) - at(-2)) + (at(3) - at(-3))) / (60 * h);
    EXPECT_NEAR(slope(0, {x}), difference, 1e-11) << text << " -> " << slope.text();
  }
  EXPECT_DOUBLE_EQ(Expression::parse("x*t^2", {"x"}).time_derivative()(3, {2}), 12);
}

TEST(Expression, Simplifies) {
  const auto text = [](const char* formula) { return Expression::parse(formula, plane).text(); };
  EXPECT_EQ(text("0*x + 1*y"), "x2");
  EXPECT_EQ(text("x - x"), "0");
  EXPECT_EQ(text("2*3*x"), "6*x1");
  EXPECT_EQ(Expression::parse("(x^2-1)^2/4", plane).derivative(1).is_zero(), true);
  EXPECT_EQ(Expression::parse("x^2", plane).derivative(0).text(), "2*x1");
  EXPECT_TRUE(Expression::parse("t + 1", plane).is_uniform());
  EXPECT_TRUE(Expression::parse("t + 1", plane).depends_on_time());
  EXPECT_FALSE(Expression::parse("x + 1", plane).depends_on(1));
  EXPECT_TRUE(Expression::parse("x + y", plane).depends_on(1));
}

TEST(Expression, BlocksGiveTheSameBitsAsPoints) {
  const auto formula = Expression::parse("sin(3*x)*exp(-y^2) + (x-y)^5 + tanh(x*y) + x^1.5", plane);
  const fortet::Index n = 777;
  fortet::PointArray points(n, 2);
  for (fortet::Index i = 0; i < n; ++i)
    points(i, 0) = 0.01 * static_cast<double>(i), points(i, 1) = std::cos(static_cast<double>(i));
  std::vector<double> values(n), part(n);
  formula.evaluate(0, points, values.data());
  for (fortet::Index begin : {0, 1, 63, 129, 700}) {
    formula.evaluate(0, fortet::ConstPoints(points).slice(begin, n - begin), part.data());
    for (fortet::Index i = begin; i < n; ++i) EXPECT_EQ(values[i], part[i - begin]);
  }
  for (fortet::Index i = 0; i < n; ++i) EXPECT_EQ(values[i], formula(0, {points(i, 0), points(i, 1)}));
}

TEST(Expression, ExplainsFaults) {
  EXPECT_EQ(error_of("x + dirft", {{"drift", 1.0}}),
            std::pair(5, std::string("unknown name 'dirft'; known are x, y, t, drift, pi, e; did you mean 'drift'?")));
  EXPECT_NE(error_of("sqr(x)").second.find("did you mean 'sqrt'?"), std::string::npos);
  EXPECT_EQ(error_of("x + ").second, "expected a number, a name or '(', found the end");
  EXPECT_EQ(error_of("").second, "expected a formula, found nothing");
  EXPECT_EQ(error_of("(x").second, "expected ')'");
  EXPECT_EQ(error_of("x y").first, 3);
  EXPECT_EQ(error_of("2x").second, "expected an operator or the end; a product is written with *");
  EXPECT_EQ(error_of("x**2").second, "a power is written x^2, not x**2");
  EXPECT_EQ(error_of("min(x)").second, "min takes 2 arguments, found 1");
  EXPECT_EQ(error_of("1e999").second, "the number is too large or too small for double precision");
  EXPECT_EQ(error_of("1.2.3").second, "expected an operator, found a second '.' in a number");
  EXPECT_EQ(error_of("x", {{"x", 1.0}}).second, "the parameter 'x' has the name of a coordinate");
  EXPECT_EQ(error_of("x $ y").second, "expected an operator or the end, found '$'");
  EXPECT_EQ(error_of(std::string(5000, '(') + "x").second, "the formula is nested more than 200 levels deep");
  EXPECT_EQ(error_of(std::string(5000, '-') + "x").second, "the formula is nested more than 200 levels deep");
  EXPECT_NE(error_of(std::string(30000, '1')).second.find("more than 10000"), std::string::npos);
}

TEST(Expression, SurvivesRandomBytes) {
  std::mt19937 engine(7);
  const std::string alphabet = "xyt0123456789.+-*/^(),<>= episncoqrtaml";
  int parsed = 0;
  for (int trial = 0; trial < 20000; ++trial) {
    std::string text;
    for (std::size_t length = 1 + engine() % 24; length > 0; --length) text += alphabet[engine() % alphabet.size()];
    try {
      const auto formula = Expression::parse(text, plane);
      Expression::parse(formula.derivative(0).text(), plane)(0, {0.5, 0.5});
      ++parsed;
    } catch (const ExpressionError&) {
    }
  }
  EXPECT_GT(parsed, 50);
}

TEST(Expression, LongSumsAndRepeatedDerivativesStayCheap) {
  std::string text = "x";
  for (int i = 0; i < 2000; ++i) text += "+x*y";
  Expression long_sum = Expression::parse(text, plane);
  EXPECT_DOUBLE_EQ(long_sum.derivative(1)(0, {1, 1}), 2000);
  Expression nested = Expression::parse("sin(exp(cos(x*y)))", plane);
  for (int i = 0; i < 5; ++i) nested = nested.derivative(0);
  EXPECT_TRUE(std::isfinite(nested(0, {0.3, 0.2})));
}
