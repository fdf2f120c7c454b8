#include "study_schema.hpp"

namespace fortet::study {

const Schema& study_schema() {
  static const Schema schema{
      "study",
      "",
      "Keys at the top of a deck, beside the sections laws, processes, models, grids, bridges, densities, "
      "ensembles, measures, checks and sweep.",
      "",
      {required("study", {Type::text}, "title of the study"),
       defaulted("seed", {Type::integer}, 0, "seed of all random streams").between(0, 4294967295.0),
       required("output", {Type::text}, "folder of the results, relative to the working directory"),
       defaulted("false_alarm_rate", {Type::real}, 0.01,
                 "probability that a study in which all routes agree is told that one disagrees (Holm over all checks)")
           .between(1e-12, 0.5),
       defaulted("checkpoint_interval", {Type::real}, 600,
                 "seconds of wall time between checkpoints; 0: only when the run is stopped")
           .nonnegative(),
       defaulted("checkpoints_kept", {Type::integer}, 2, "states of the running object that are kept").at_least(1)}};
  return schema;
}

namespace {
[[maybe_unused]] const bool registered_study_schema = (SchemaCatalogue::instance().add(study_schema()), true);
}

}  // namespace fortet::study
