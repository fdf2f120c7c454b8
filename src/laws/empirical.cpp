/// Kind empirical: the points of a file or samples of another law, each with the same weight, optionally smoothed.
#include "fortet/io/table.hpp"
#include "fortet/laws/gaussian_mixture.hpp"

namespace fortet::laws {

namespace {
PointArray file_points(const Parameters& p, const LawContext& context) {
  io::TableSelection selection;
  if (p.has("dataset")) selection.dataset = p.text("dataset");
  if (p.has("columns")) selection.columns = p.texts("columns");
  return io::read_table(context.directory / p.text("file"), selection);
}

PointArray law_points(const Parameters& p, const LawContext& context) {
  for (const char* of_files : {"dataset", "columns"}) {
    if (p.has(of_files)) throw ParameterError(of_files, "belongs to `file`, but the points are those of a law");
  }
  const LawPtr law = context.law(p.text("of"));
  if (!law->capabilities().sample) throw ParameterError("of", "the law cannot be sampled");
  if (!p.has("points")) throw ParameterError("points", "is needed: how many samples of the law");
  PointArray points(p.integer("points"), law->dimension());
  law->sample(parallel::Stream(context.seed, parallel::Purpose::law_sample, "laws." + p.name()), 0, points);
  return points;
}

void standardise(PointArray& points) {
  const double count = static_cast<double>(points.size());
  for (int k = 0; k < points.dimension(); ++k) {
    double mean = 0, square = 0;
    for (Index i = 0; i < points.size(); ++i) mean += points(i, k) / count;
    for (Index i = 0; i < points.size(); ++i) square += (points(i, k) - mean) * (points(i, k) - mean) / count;
    if (!(square > 0)) throw ParameterError("standardise", fmt::format("column {} is constant", k + 1));
    for (Index i = 0; i < points.size(); ++i) points(i, k) = (points(i, k) - mean) / std::sqrt(square);
  }
}

LawPtr make_empirical(const Parameters& p, const LawContext& context) {
  if (p.has("file") == p.has("of")) throw ParameterError("", "takes its points from either `file` or `of`, a law");
  if (p.has("file") && p.has("points")) throw ParameterError("points", "belongs to `of`; of a file all rows are taken");
  PointArray points = p.has("file") ? file_points(p, context) : law_points(p, context);
  const int d = points.dimension();
  if (p.boolean("standardise")) standardise(points);
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
  const std::size_t count = static_cast<std::size_t>(points.size());
  std::vector<double> rows(count * static_cast<std::size_t>(d));
  for (std::size_t i = 0; i < count; ++i) {
    for (int k = 0; k < d; ++k) rows[i * d + k] = points(static_cast<Index>(i), k);
  }
  points = PointArray();
  return GaussianMixture::equal(std::vector<double>(count, 1.0), std::move(rows), std::move(covariance));
}

const Registered<LawFactory> empirical{
    {"laws",
     "empirical",
     "Points of a file, or fixed samples of a law, with equal weights: sum_i N(x_i, bandwidth^2)/n, without a "
     "bandwidth "
     "point masses",
     "",
     {optional("file", {Type::text}, ".csv, .txt, .dat, .npy, .h5 or .hdf5, rows are points; relative to the deck"),
      optional("of", {Type::reference}, "instead of a file: the law of which the points are samples").of("laws"),
      optional("points", {Type::integer}, "number of samples of that law; which ones follows from the study's seed")
          .at_least(1),
      optional("dataset", {Type::text}, "dataset of an HDF5 file, needed when there are several"),
      optional("columns", {Type::texts}, "columns to take: names of a CSV header, or numbers from 1; default: all"),
      optional("bandwidth", {Type::reals},
               "standard deviation of a normal kernel around each point, one or one per column")
          .positive(),
      defaulted("standardise", {Type::boolean}, false, "shift and scale each column to mean 0 and variance 1 first")}},
    make_empirical};
}  // namespace

}  // namespace fortet::laws
