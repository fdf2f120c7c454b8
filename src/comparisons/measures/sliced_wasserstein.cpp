// Empirical sliced Wasserstein distance of order 2.
#include "fortet/couplings/transport.hpp"
#include "samples.hpp"

namespace fortet::comparisons {
namespace {

class SlicedWasserstein : public Measure {
 public:
  explicit SlicedWasserstein(Parameters parameters) : parameters_(std::move(parameters)) {}

  std::vector<Measurement> evaluate(const MeasureContext& context,
                                    const parallel::Communicator& communicator) override {
    const long projections = parameters_.integer("projections");
    const auto distance = [&](ConstPoints first, ConstPoints second, const std::string& name) {
      const parallel::Stream directions(context.seed, parallel::Purpose::projection, name);
      return std::sqrt(couplings::sliced_cost(first, second, projections, directions));
    };
    return measure_samples(parameters_, context, "sliced_w2", distance, communicator);
  }

 private:
  Parameters parameters_;
};

const RegisteredMeasure registered_sliced_wasserstein{
    [] {
      Schema schema{"measures", "sliced_wasserstein",
                    "Root mean square over random directions of W_2 of the projected samples, beside the same number "
                    "for two samples of one law",
                    "Rabin, Peyre, Delon, Bernot 2011", sample_parameters()};
      schema.parameters.push_back(
          defaulted("projections", {Type::integer}, 200, "Number of random directions").between(1, 100000));
      return schema;
    }(),
    [](const Parameters& parameters, const MeasureContext& context) -> std::unique_ptr<Measure> {
      check_samples(parameters, context);
      return std::make_unique<SlicedWasserstein>(parameters);
    }};

}  // namespace
}  // namespace fortet::comparisons
