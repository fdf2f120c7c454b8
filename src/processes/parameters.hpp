#pragma once
/// Parameters that several kinds of processes share, and formulas evaluated on blocks.
#include "fortet/base/expression.hpp"
#include "fortet/laws/gaussian_mixture.hpp"
#include "fortet/processes/process.hpp"

namespace fortet::processes {

Parameter dimension_parameter();
Parameter horizon_parameter();
int dimension_of(const Parameters& p);

/// `key` as a vector of `size` numbers; the origin when it is absent.
Eigen::VectorXd vector_parameter(const Parameters& p, const std::string& key, int size);
/// `key` as a matrix; throws ParameterError for rows of different length.
Eigen::MatrixXd matrix_parameter(const Parameters& p, const std::string& key);

/// Formulas in the coordinates of `dimension` dimensions, t and the numbers under `parameters`; a fault names the key.
Expression parse_formula(const Parameters& p, const std::string& key, int dimension);
std::vector<Expression> parse_formulas(const Parameters& p, const std::string& key, int dimension);
/// One formula of each of these keys; the faults of all are found in one pass.
std::vector<Expression> parse_each(const Parameters& p, const std::vector<std::string>& keys, int dimension);
Parameter constants_parameter();

/// Marginal at t of a process with normal transitions: `transported` moves a mixture to time t. Null for a law that is
/// no mixture; throws UsageError for one of another dimension.
laws::LawPtr mixture_marginal(const Process& process, const laws::LawPtr& initial, double t,
                              const std::function<laws::LawPtr(const laws::GaussianMixture& mixture)>& transported);

/// Evaluates a list of formulas into the columns of a block.
void evaluate_all(const std::vector<Expression>& formulas, double t, ConstPoints x, Points out);

/// Record `score` with exactly one of law, density and model, as a field in the time of `forward`. `of` says whose
/// score it is, `when` when the record may not be left out.
Parameter score_schema();
Parameter optional_score_schema(const std::string& of, const std::string& when);
FieldPtr score_parameter(const Parameters& p, const ProcessContext& context, const ProcessPtr& forward);

}  // namespace fortet::processes
