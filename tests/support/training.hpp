#pragma once
/// Models for tests.
#include "fortet/training/model.hpp"
#include "support/kinds.hpp"
#include "support/world.hpp"

namespace fortet::test {

/// A model of this kind; names of laws and processes in `values` are looked up here.
inline training::ModelPtr model(const std::string& kind, Json values, std::map<std::string, laws::LawPtr> laws,
                                std::map<std::string, processes::ProcessPtr> processes = {}, std::uint64_t seed = 1,
                                const parallel::Communicator& communicator = parallel::Communicator(MPI_COMM_SELF)) {
  const training::ModelContext context{[laws](const std::string& name) { return laws.at(name); },
                                       [processes](const std::string& name) { return processes.at(name); }, ".", seed,
                                       communicator};
  return training::make_model(Parameters::make("models", kind, std::move(values), "model"), context);
}

inline void train(training::Model& model,
                  const parallel::Communicator& communicator = parallel::Communicator(MPI_COMM_SELF)) {
  model.train({communicator, {}, {}, {}});
}

/// Values of a field of dimension d at some fixed points.
inline std::vector<double> values(const processes::Field& field, double t, int d) {
  PointArray x(50, d), out(50, d);
  for (Index i = 0; i < x.size(); ++i) {
    for (int k = 0; k < d; ++k) x(i, k) = std::sin(1.7 * static_cast<double>(i) + k) * 2;
  }
  field.evaluate(t, x, out);
  return {out.view().coordinate(0), out.view().coordinate(0) + 50 * d};
}

}  // namespace fortet::test
