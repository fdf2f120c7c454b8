#include "curve_law.hpp"

#include "mixture_law.hpp"
#include "quadrature.hpp"

namespace fortet::laws {

namespace {
/// Along a smooth curve the density is an integral of a normal density of the given deviation. A Gauss-Legendre rule
/// has its widest gaps, pi/2 times the mean one, in the middle; with four nodes per deviation on average they are 0.4
/// deviations, where the error of sampling a normal density, 2 exp(-2 (pi deviation / gap)^2), is far below rounding.
/// The surplus serves points off the curve.
constexpr double nodes_per_deviation = 4;

std::shared_ptr<const GaussianMixture> mixture_on(const std::vector<CurvePiece>& pieces, double deviation) {
  std::vector<double> weights;
  std::vector<Eigen::VectorXd> means;
  for (const CurvePiece& piece : pieces) {
    const int n = 16 + static_cast<int>(nodes_per_deviation * piece.length / deviation);
    const QuadratureRule rule = gauss_legendre(n);
    for (int i = 0; i < n; ++i) {
      const auto [x, y] = piece.point(rule.nodes[i]);
      weights.push_back(piece.weight * rule.weights[i]);
      means.emplace_back(2);
      means.back() << x, y;
    }
  }
  std::vector<Eigen::MatrixXd> covariances(weights.size(), Eigen::MatrixXd::Identity(2, 2) * deviation * deviation);
  return std::make_shared<GaussianMixture>(std::move(weights), std::move(means), std::move(covariances));
}

class CurveLaw : public MixtureLaw {
 public:
  CurveLaw(std::vector<CurvePiece> pieces, double deviation)
      : MixtureLaw(mixture_on(pieces, deviation)), pieces_(std::move(pieces)), deviation_(deviation) {}
  void sample(const parallel::Stream& stream, std::int64_t first, Points out) const override {
    stream.normals(first, 0, out);
    for (Index i = 0; i < out.size(); ++i) {
      double choice = stream.uniform(first + i, 1, 0);
      std::size_t chosen = 0;
      while (chosen + 1 < pieces_.size() && choice >= pieces_[chosen].weight) choice -= pieces_[chosen++].weight;
      const auto [x, y] = pieces_[chosen].point(stream.uniform(first + i, 1, 1));
      out(i, 0) = x + deviation_ * out(i, 0);
      out(i, 1) = y + deviation_ * out(i, 1);
    }
  }

 private:
  std::vector<CurvePiece> pieces_;
  double deviation_;
};
}  // namespace

LawPtr curve_law(std::vector<CurvePiece> pieces, double deviation) {
  return std::make_shared<CurveLaw>(std::move(pieces), deviation);
}

}  // namespace fortet::laws
