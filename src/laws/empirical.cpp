/// Kind empirical: the points of a file, each with the same weight, optionally smoothed.
#include "fortet/io/table.hpp"
#include "fortet/laws/gaussian_mixture.hpp"

namespace fortet::laws {

namespace {
LawPtr make_empirical(const Parameters& p, const LawContext& context) {
  io::TableSelection selection;
  if (p.has("dataset")) selection.dataset = p.text("dataset");
  if (p.has("columns")) selection.columns = p.texts("columns");
  const PointArray points = io::read_table(context.directory / p.text("file"), selection);
  const int d = points.dimension();
  std::vector<Eigen::VectorXd> means;
  for (Index i = 0; i < points.size(); ++i) {
    means.emplace_back(d);
    for (int k = 0; k < d; ++k) means.back()[k] = points(i, k);
  }
  if (p.boolean("standardise")) {
    for (int k = 0; k < d; ++k) {
      double mean = 0, square = 0;
      for (const auto& point : means) mean += point[k] / static_cast<double>(means.size());
      for (const auto& point : means)
        square += (point[k] - mean) * (point[k] - mean) / static_cast<double>(means.size());
      if (!(square > 0)) throw ParameterError("standardise", fmt::format("column {} is constant", k + 1));
      for (auto& point : means) point[k] = (point[k] - mean) / std::sqrt(square);
    }
  }
  Eigen::MatrixXd covariance = Eigen::MatrixXd::Zero(d, d);
  if (p.has("bandwidth")) {
    const auto widths = p.reals("bandwidth");
    if (widths.size() != 1 && static_cast<int>(widths.size()) != d) {
      throw ParameterError("bandwidth",
                           fmt::format("expected one number or {}, one per column, found {}", d, widths.size()));
    }
    for (int k = 0; k < d; ++k) {
      const double width = widths[widths.size() == 1 ? 0 : k];
      if (!(width > 0)) throw ParameterError("bandwidth", fmt::format("expected a positive number, found {}", width));
      covariance(k, k) = width * width;
    }
  }
  const std::size_t count = means.size();
  return std::make_shared<GaussianMixture>(std::vector<double>(count, 1.0), std::move(means),
                                           std::vector<Eigen::MatrixXd>(count, covariance));
}

const Registered<LawFactory> empirical{
    {"laws",
     "empirical",
     "Points of a file with equal weights: sum_i N(x_i, bandwidth^2)/n, without a bandwidth point masses",
     "",
     {required("file", {Type::text}, ".csv, .txt, .dat, .npy, .h5 or .hdf5, rows are points; relative to the deck"),
      optional("dataset", {Type::text}, "dataset of an HDF5 file, needed when there are several"),
      optional("columns", {Type::texts}, "columns to take: names of a CSV header, or numbers from 1; default: all"),
      optional("bandwidth", {Type::reals},
               "standard deviation of a normal kernel around each point, one or one per column")
          .positive(),
      defaulted("standardise", {Type::boolean}, false, "shift and scale each column to mean 0 and variance 1 first")}},
    make_empirical};
}  // namespace

}  // namespace fortet::laws
