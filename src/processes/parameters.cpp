#include "parameters.hpp"

namespace fortet::processes {

using Eigen::MatrixXd;
using Eigen::VectorXd;

Parameter dimension_parameter() {
  return required("dimension", {Type::integer}, "number of coordinates").between(1, laws::most_dimensions);
}
Parameter horizon_parameter() {
  return defaulted("horizon", {Type::real}, 1.0, "times run over [0, horizon]").positive().unit("time");
}
int dimension_of(const Parameters& p) { return static_cast<int>(p.integer("dimension")); }

VectorXd vector_parameter(const Parameters& p, const std::string& key, int size) {
  if (!p.has(key)) return VectorXd::Zero(size);
  const auto values = p.reals(key);
  if (static_cast<int>(values.size()) != size) {
    throw ParameterError(key, fmt::format("expected {} number{}, found {}", size, size == 1 ? "" : "s", values.size()));
  }
  return Eigen::Map<const VectorXd>(values.data(), size);
}

MatrixXd matrix_parameter(const Parameters& p, const std::string& key) {
  const auto rows = p.matrix(key);
  if (rows.empty() || rows.front().empty()) throw ParameterError(key, "expected a matrix, found nothing");
  MatrixXd result(rows.size(), rows.front().size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].size() != rows.front().size()) throw ParameterError(key, "the rows differ in length");
    for (std::size_t j = 0; j < rows[i].size(); ++j) result(i, j) = rows[i][j];
  }
  if (!result.allFinite()) throw ParameterError(key, "the matrix is not finite");
  return result;
}

namespace {
Expression formula(const std::string& key, const std::string& text, int dimension,
                   const std::map<std::string, double>& constants) {
  try {
    return Expression::parse(text, Expression::default_coordinates(dimension), constants);
  } catch (const ExpressionError& error) {
    throw ParameterError(key, fmt::format("{} (column {} of \"{}\")", error.what(), error.column, text));
  }
}
}  // namespace

Expression parse_formula(const Parameters& p, const std::string& key, int dimension) {
  return formula(key, p.text(key), dimension, p.numbers_by_name("parameters"));
}

std::vector<Expression> parse_formulas(const Parameters& p, const std::string& key, int dimension) {
  const std::vector<std::string> texts = p.texts(key);
  std::vector<Expression> result(texts.size());
  ParameterFaults faults;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    faults.attempt([&] {
      result[i] = formula(fmt::format("{}[{}]", key, i), texts[i], dimension, p.numbers_by_name("parameters"));
    });
  }
  faults.raise();
  return result;
}

std::vector<Expression> parse_each(const Parameters& p, const std::vector<std::string>& keys, int dimension) {
  std::vector<Expression> result(keys.size());
  ParameterFaults faults;
  for (std::size_t i = 0; i < keys.size(); ++i)
    faults.attempt([&] { result[i] = parse_formula(p, keys[i], dimension); });
  faults.raise();
  return result;
}

Parameter constants_parameter() {
  return optional("parameters", {Type::numbers_by_name}, "named numbers that the formulas may use");
}

laws::LawPtr mixture_marginal(const Process& process, const laws::LawPtr& initial, double t,
                              const std::function<laws::LawPtr(const laws::GaussianMixture& mixture)>& transported) {
  if (initial->dimension() != process.dimension()) {
    throw UsageError(
        fmt::format("a law in {} dimensions cannot start a process in {}", initial->dimension(), process.dimension()));
  }
  if (t == 0) return initial;
  const auto mixture = initial->as_mixture();
  return mixture ? transported(*mixture) : nullptr;
}

void evaluate_all(const std::vector<Expression>& formulas, double t, ConstPoints x, Points out) {
  for (std::size_t k = 0; k < formulas.size(); ++k) formulas[k].evaluate(t, x, out.coordinate(static_cast<int>(k)));
}

Parameter score_schema() {
  Parameter parameter = optional_score_schema("`of`", "always");
  parameter.is_required = true;
  parameter.doc = "where grad log p_t comes from";
  return parameter;
}

Parameter optional_score_schema(const std::string& of, const std::string& when) {
  return optional("score", {Type::record}, fmt::format("where grad log p_t comes from; needed {}", when))
      .with(
          {optional("law", {Type::reference}, fmt::format("closed form: the marginals of {} started from this law", of))
               .of("laws"),
           optional("density", {Type::reference}, fmt::format("the density of {} on a grid", of)).of("densities"),
           optional("model", {Type::reference}, "a trained score").of("models")});
}

FieldPtr score_parameter(const Parameters& p, const ProcessContext& context, const ProcessPtr& forward) {
  const Parameters score = p.child("score");
  if (score.has("law") + score.has("density") + score.has("model") != 1) {
    throw ParameterError("score", "expected exactly one of `law`, `density` and `model`");
  }
  if (score.has("law")) return marginal_score(forward, context.law(score.text("law")));
  if (!context.score) throw ParameterError("score", "scores from densities and models are available in a study only");
  const FieldPtr field = score.has("density") ? context.score("densities", score.text("density"), forward)
                                              : context.score("models", score.text("model"), forward);
  if (field->input_dimension() != forward->dimension() || field->output_dimension() != forward->dimension()) {
    throw ParameterError(
        "score", fmt::format("expected a score in {} dimensions, found a field from {} to {}", forward->dimension(),
                             field->input_dimension(), field->output_dimension()));
  }
  return field;
}

}  // namespace fortet::processes
