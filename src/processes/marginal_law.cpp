/// Law kind marginal: the closed-form law of a process at one time, as a reference for checks. It lives here since laws
/// know no time.
#include "fortet/processes/process.hpp"

namespace fortet::processes {

namespace {
const Registered<laws::LawFactory> marginal{
    {"laws",
     "marginal",
     "Law of X_t for a process started from a law, where it has a closed form; for the reversal of that process "
     "compare s with time = horizon - s",
     "",
     {required("process", {Type::reference}, "the process").of("processes"),
      required("initial", {Type::reference}, "law of X_0").of("laws"),
      required("time", {Type::real}, "the time t").nonnegative().unit("time")}},
    [](const Parameters& p, const laws::LawContext& context) -> laws::LawPtr {
      if (!context.marginal) throw ParameterError("process", "laws of processes are available in a study only");
      return context.marginal(p.text("process"), context.law(p.text("initial")), p.real("time"));
    }};
}  // namespace

laws::LawPtr closed_form_marginal(const Process& process, const laws::LawPtr& initial, double time) {
  if (time > process.horizon()) {
    throw ParameterError("time", fmt::format("expected a time in [0, {}], the horizon of the process, found {}",
                                             process.horizon(), time));
  }
  laws::LawPtr law = process.marginal(initial, time);
  if (!law) throw ParameterError("process", "the process has no closed-form marginal for this initial law");
  return law;
}

}  // namespace fortet::processes
