/// Kind expression: drift and noise by formulas, all derivatives exact.
#include "parameters.hpp"

namespace fortet::processes {

namespace {
class ExpressionProcess : public Process {
 public:
  /// `noise`: one formula (g I), d formulas (diagonal), or d x m formulas by rows. `reading`: Regularity::reading.
  ExpressionProcess(double horizon, std::vector<Expression> drift, std::vector<Expression> noise, bool is_matrix,
                    double reading)
      : Process(static_cast<int>(drift.size()), horizon), drift_(std::move(drift)), noise_(std::move(noise)) {
    const int d = dimension();
    const auto roughest = [](const std::vector<Expression>& formulas) {
      Smoothness worst = Smoothness::smooth;
      for (const Expression& formula : formulas) worst = std::max(worst, formula.smoothness());
      return worst;
    };
    regularity_ = {roughest(drift_), roughest(noise_), reading};
    const auto all_noise = [&](auto predicate) { return std::all_of(noise_.begin(), noise_.end(), predicate); };
    additive_ = all_noise([](const Expression& g) { return g.is_uniform(); });
    shape_ = all_noise([](const Expression& g) { return g.is_zero(); }) ? NoiseShape::none
             : is_matrix                                                ? NoiseShape::full
             : noise_.size() > 1 || (d == 1 && !additive_)              ? NoiseShape::diagonal
             : additive_                                                ? NoiseShape::uniform
                                                                        : NoiseShape::scalar;
    columns_ = is_matrix ? static_cast<int>(noise_.size()) / d : d;
    homogeneous_ = all_noise([](const Expression& g) { return !g.depends_on_time(); });
    separable_ = !is_matrix;
    if (!additive_ && reading != 0) add_correction(is_matrix, reading);
    for (int i = 0; i < d; ++i) {
      divergence_ = divergence_ + drift_[i].derivative(i);
      homogeneous_ = homogeneous_ && !drift_[i].depends_on_time();
      for (int j = 0; j < d; ++j) {
        if (i != j)
          separable_ = separable_ && !drift_[i].depends_on(j) && !(is_matrix ? noise_[0] : entry(i)).depends_on(j);
      }
    }
    if (additive_) return;
    for (int i = 0; i < d; ++i) {
      if (shape_ == NoiseShape::full) {
        Expression row;
        for (int j = 0; j < d; ++j) {
          Expression a;
          for (int k = 0; k < columns_; ++k) a = a + noise_[i * columns_ + k] * noise_[j * columns_ + k];
          row = row + a.derivative(j);
        }
        diffusion_divergence_.push_back(row);
      } else {
        noise_slopes_.push_back(entry(i).derivative(i));
        diffusion_divergence_.push_back((entry(i) * entry(i)).derivative(i));
      }
    }
  }

  void drift(double t, ConstPoints x, Points out) const override { evaluate_all(drift_, t, x, out); }
  bool has_drift_divergence() const override { return true; }
  void drift_divergence(double t, ConstPoints x, double* out) const override { divergence_.evaluate(t, x, out); }
  NoiseShape noise_shape() const override { return shape_; }
  bool noise_is_additive() const override { return additive_; }
  int noise_count() const override { return columns_; }
  double noise_level(double t) const override {
    return shape_ == NoiseShape::uniform ? noise_[0](t) : Process::noise_level(t);
  }
  void noise(double t, ConstPoints x, Points out) const override {
    if (shape_ <= NoiseShape::uniform) return Process::noise(t, x, out);
    evaluate_all(noise_, t, x, out);
  }
  void noise_derivative(double t, ConstPoints x, Points out) const override {
    if (additive_ || shape_ == NoiseShape::full) return Process::noise_derivative(t, x, out);
    evaluate_all(noise_slopes_, t, x, out);
  }
  void diffusion_divergence(double t, ConstPoints x, Points out) const override {
    if (additive_) return Process::diffusion_divergence(t, x, out);
    evaluate_all(diffusion_divergence_, t, x, out);
  }
  Regularity regularity() const override { return regularity_; }
  bool has_clock() const override { return homogeneous_; }
  bool is_axis_separable() const override { return separable_; }

 private:
  const Expression& entry(int i) const { return noise_[noise_.size() == 1 ? 0 : i]; }
  Expression noise_at(bool is_matrix, int i, int k) const {
    return is_matrix ? noise_[i * columns_ + k] : i == k ? entry(i) : Expression();
  }
  /// From the drift as it was read to that of Ito: + 1/2 sum_jk G_jk dG_ik/dx_j (Stratonovich) or + 1/2 div a (Haenggi
  /// and Klimontovich).
  void add_correction(bool is_matrix, double reading) {
    const int d = dimension();
    const Expression half = Expression::parse("0.5", {});
    for (int i = 0; i < d; ++i) {
      Expression sum;
      for (int j = 0; j < d; ++j) {
        for (int k = 0; k < columns_; ++k) {
          const Expression gi = noise_at(is_matrix, i, k), gj = noise_at(is_matrix, j, k);
          sum = sum + (reading == 1 ? (gi * gj).derivative(j) : gj * gi.derivative(j));
        }
      }
      drift_[i] = drift_[i] + half * sum;
    }
  }

  std::vector<Expression> drift_, noise_, noise_slopes_, diffusion_divergence_;
  Expression divergence_;
  Regularity regularity_;
  NoiseShape shape_ = NoiseShape::none;
  bool additive_ = false, homogeneous_ = false, separable_ = false;
  int columns_ = 0;
};

/// The rows of a matrix one after the other.
std::vector<Expression> noise_matrix(const Parameters& p, int d) {
  const auto rows = p.text_matrix("noise");
  std::vector<Expression> noise;
  ParameterFaults faults;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (static_cast<int>(rows.size()) != d || rows[i].size() != rows.front().size() || rows[i].empty()) {
      throw ParameterError("noise",
                           fmt::format("expected a matrix with {} rows, one per coordinate, all of one length", d));
    }
    const std::string key = fmt::format("noise[{}]", i);
    const Parameters part(
        "", "", Json{{key, rows[i]}, {"parameters", p.has("parameters") ? p.json().at("parameters") : Json::object()}});
    faults.attempt([&] {
      for (Expression& entry : parse_formulas(part, key, d)) noise.push_back(std::move(entry));
    });
  }
  faults.raise();
  return noise;
}

/// One formula, or one per coordinate.
std::vector<Expression> noise_list(const Parameters& p, int d) {
  std::vector<Expression> noise = parse_formulas(p, "noise", d);
  if (noise.size() != 1 && static_cast<int>(noise.size()) != d) {
    throw ParameterError("noise",
                         fmt::format("expected one formula or {}, one per coordinate, found {}", d, noise.size()));
  }
  return noise;
}

const Registered<ProcessFactory> expression{
    {"processes",
     "expression",
     "dX = b(X,t) dt + G(X,t) dW by formulas in x, y, z (or x1, x2, ..) and t",
     "Ito 1944; Stratonovich 1966; Haenggi and Thomas 1982; Klimontovich 1990",
     {horizon_parameter(), required("drift", {Type::expressions}, "components of b, one formula per coordinate"),
      defaulted("noise", {Type::expression, Type::expressions, Type::expression_matrix}, 0.0,
                "G: one formula g (G = g I), one per coordinate (diagonal), or the rows of a matrix"),
      defaulted("convention", {Type::choice}, "ito",
                "how noise that depends on x is read, D = G G^T / 2: ito, current J = b p - div(D p); stratonovich; "
                "haenggi (Klimontovich, isothermal), J = b p - D grad p, Fick's law")
          .one_of({"ito", "stratonovich", "haenggi"}),
      constants_parameter()}},
    [](const Parameters& p, const ProcessContext&) -> ProcessPtr {
      const int d = static_cast<int>(p.texts("drift").size());
      if (d == 0) throw ParameterError("drift", "expected at least one formula");
      const bool is_matrix = p.is_list_of_lists("noise");
      std::vector<Expression> drift, noise;
      ParameterFaults faults;
      faults.attempt([&] { drift = parse_formulas(p, "drift", d); });
      faults.attempt([&] { noise = is_matrix ? noise_matrix(p, d) : noise_list(p, d); });
      faults.raise();
      const std::string convention = p.text("convention");
      const double reading = convention == "haenggi" ? 1 : convention == "stratonovich" ? 0.5 : 0;
      return std::make_shared<ExpressionProcess>(p.real("horizon"), std::move(drift), std::move(noise), is_matrix,
                                                 reading);
    }};
}  // namespace

}  // namespace fortet::processes
