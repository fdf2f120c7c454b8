#pragma once
/// Measures (section and category "measures", one per .cpp): numbers that a study prints without a verdict, beside the
/// floor that plain sampling noise puts under them and beside published figures.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fortet/base/registry.hpp"
#include "fortet/comparisons/check.hpp"

namespace fortet::comparisons {

struct Measurement {
  std::string measure;   ///< name in the deck; filled in by the caller
  std::string quantity;  ///< what the number is: "w2", "path_energy", ...
  double time = 0;
  double value = 0;
  std::optional<double> floor;                           ///< mean of the same number when nothing but sampling is wrong
  std::optional<double> floor_deviation;                 ///< its standard deviation
  std::optional<double> published, published_deviation;  ///< filled in by the caller from the deck
  std::string note;
};

/// What a measure may ask for. During validation results are missing: paths have grids, processes, dimensions, the
/// times and number of their particles and whether these have weights; `quantities` of a density has the names of those
/// that it will have, `work` of an ensemble the path energy's name if it will be summed. Times `at` were recorded by
/// every side.
struct MeasureContext {
  /// An object by "section.name": a law, density, ensemble; of a process only `process` is set.
  std::function<Side(const std::string& target)> side;
  std::uint64_t seed = 0;
};

class Measure {
 public:
  virtual ~Measure() = default;
  /// Collective; same numbers on every rank.
  virtual std::vector<Measurement> evaluate(const MeasureContext& context,
                                            const parallel::Communicator& communicator) = 0;
};

/// The factory checks all that can be known before anything is computed and throws ParameterError.
using MeasureFactory = std::function<std::unique_ptr<Measure>(const Parameters&, const MeasureContext&)>;

/// Registers a kind of measure; its schema gains the parameter `published`, which every measure has.
struct RegisteredMeasure : Registered<MeasureFactory> {
  RegisteredMeasure(Schema schema, MeasureFactory factory);
};

std::unique_ptr<Measure> make_measure(const Parameters& parameters, const MeasureContext& context);

/// measure.evaluate, with the name and the published figure of the deck's entry filled in (of its first quantity).
std::vector<Measurement> run_measure(Measure& measure, const Parameters& parameters, const MeasureContext& context,
                                     const parallel::Communicator& communicator);

}  // namespace fortet::comparisons
