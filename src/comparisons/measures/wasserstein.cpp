// Empirical Wasserstein distance of order 2.
#include "fortet/couplings/assignment.hpp"
#include "samples.hpp"

namespace fortet::comparisons {
namespace {

class WassersteinMeasure : public Measure {
 public:
  explicit WassersteinMeasure(Parameters parameters) : parameters_(std::move(parameters)) {}

  std::vector<Measurement> evaluate(const MeasureContext& context,
                                    const parallel::Communicator& communicator) override {
    const auto distance = [](ConstPoints first, ConstPoints second, const std::string&) {
      return std::sqrt(couplings::assign(first, second).cost / static_cast<double>(first.size()));
    };
    return measure_samples(parameters_, context, "w2", distance, communicator);
  }

 private:
  Parameters parameters_;
};

const RegisteredMeasure registered_wasserstein_measure{
    Schema{"measures", "wasserstein",
           "W_2 of two samples: the root of the mean squared distance under their optimal assignment, beside the same "
           "number for two samples of one law",
           "Tong et al. 2024", sample_parameters()},
    [](const Parameters& parameters, const MeasureContext& context) -> std::unique_ptr<Measure> {
      check_samples(parameters, context);
      return std::make_unique<WassersteinMeasure>(parameters);
    }};

}  // namespace
}  // namespace fortet::comparisons
