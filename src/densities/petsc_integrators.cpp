// PETSc's time integrators on the assembled generator, as alternatives to the default propagator. Options of each
// object have the prefix density_<name>_, e.g. -density_noising_ts_monitor.
#include <petscts.h>

#include "generator_matrix.hpp"
#include "split_generator.hpp"

namespace fortet::densities {

namespace {

using TsOwner = parallel::PetscObjectOwner<TS, TSDestroy>;

/// TR-BDF2 (Bank et al. 1985) in the form of Giraldo, Kelly, Constantinescu 2013, with its embedded third-order
/// estimate.
void register_tr_bdf2() {
  static bool done = false;
  if (done) return;
  const double root = std::sqrt(2.0), gamma = 2 - root, d = 0.5 * gamma, w = 0.25 * root, a = (3 + 2 * root) / 6;
  const double implicit[9] = {0, 0, 0, d, d, 0, w, w, d}, explicit_part[9] = {0, 0, 0, gamma, 0, 0, 1 - a, a, 0};
  const double weights[3] = {w, w, d}, embedded[3] = {(1 - w) / 3, (3 * w + 1) / 3, d / 3};
  FORTET_PETSC(TSARKIMEXRegister("fortet_tr_bdf2", 2, 3, implicit, weights, nullptr, explicit_part, weights, nullptr,
                                 embedded, embedded, 1, weights, weights));
  done = true;
}

struct Method {
  const char* kind;
  const char* doc;
  const char* reference;
  TSType type;
  int order;
};

class PetscIntegrator final : public Propagator {
 public:
  PetscIntegrator(const Method& method, const Parameters& p, const processes::ProcessPtr& process, const GridPtr& grid)
      : method_(method),
        process_(process),
        grid_(grid),
        clock_(*process),
        generator_(*process, *grid),
        absorbed_(grid->dimension()),
        solution_(make_vector(*grid)),
        adaptive_(p.boolean("adaptive")) {
    if (method_.kind == std::string("tr_bdf2")) register_tr_bdf2();
    const MPI_Comm handle = grid->communicator().handle();
    FORTET_PETSC(TSCreate(handle, ts_.out()));
    FORTET_PETSC(TSSetOptionsPrefix(ts_, ("density_" + p.name() + "_").c_str()));
    FORTET_PETSC(TSSetProblemType(ts_, TS_LINEAR));
    FORTET_PETSC(TSSetType(ts_, method.type));
    if (method_.kind == std::string("bdf2")) FORTET_PETSC(TSBDFSetOrder(ts_, 2));
    if (method_.kind == std::string("tr_bdf2")) FORTET_PETSC(TSARKIMEXSetType(ts_, "fortet_tr_bdf2"));
    build(clock_.is_known() ? clock_.reference() : 0);
    FORTET_PETSC(MatDuplicate(matrix_, MAT_COPY_VALUES, jacobian_.out()));
    FORTET_PETSC(TSSetIFunction(ts_, nullptr, residual, this));
    FORTET_PETSC(TSSetIJacobian(ts_, jacobian_, jacobian_, shifted, this));
    FORTET_PETSC(TSSetApplicationContext(ts_, this));
    FORTET_PETSC(TSSetPostStep(ts_, after_step));
    FORTET_PETSC(TSSetExactFinalTime(ts_, TS_EXACTFINALTIME_MATCHSTEP));
    FORTET_PETSC(TSSetMaxSteps(ts_, std::numeric_limits<PetscInt>::max()));
    TSAdapt adapt = nullptr;
    FORTET_PETSC(TSGetAdapt(ts_, &adapt));
    FORTET_PETSC(TSAdaptSetType(adapt, adaptive_ ? TSADAPTBASIC : TSADAPTNONE));
    FORTET_PETSC(TSSetTolerances(ts_, p.real("absolute_tolerance"), nullptr, p.real("relative_tolerance"), nullptr));
    SNES snes = nullptr;
    FORTET_PETSC(TSGetSNES(ts_, &snes));
    FORTET_PETSC(SNESSetType(snes, SNESKSPONLY));
    KSP ksp = nullptr;
    FORTET_PETSC(SNESGetKSP(snes, &ksp));
    FORTET_PETSC(KSPSetTolerances(ksp, 1e-11, PETSC_DEFAULT, PETSC_DEFAULT, 10000));
    FORTET_PETSC(TSSetFromOptions(ts_));
  }

  void forward(double t0, double t1, long steps, std::span<double> masses) override {
    run(t0, t1, steps, masses, false);
  }
  void backward(double t0, double t1, long steps, std::span<double> values) override {
    run(t0, t1, steps, values, true);
  }
  bool has_transpose() const override { return false; }
  Sides absorbed() const override { return absorbed_; }
  std::vector<double> counters() const override {
    std::vector<double> all;
    for (const auto& axis : absorbed_) all.insert(all.end(), axis.begin(), axis.end());
    return all;
  }
  void set_counters(const std::vector<double>& counters) override {
    for (std::size_t i = 0; i < counters.size(); ++i) absorbed_[i / 2][i % 2] = counters[i];
  }
  void exchange(io::State& state) override {  // every run starts PETSc's integrator afresh
    std::vector<double> all = counters();
    state.span("absorbed", std::span<double>(all));
    set_counters(all);
  }
  bool is_adaptive() const override { return adaptive_; }
  int order() const override { return method_.order; }
  long steps_taken() const override { return steps_taken_; }
  std::string note() const override {
    if (method_.kind != std::string("crank_nicolson") || largest_ratio_ <= 2) return "";
    return "crank_nicolson keeps a density positive only for steps with dt max|L_ii| <= 2; here it reached " +
           std::to_string(largest_ratio_);
  }

 private:
  void run(double t0, double t1, long steps, std::span<double> values, bool is_backward) {
    is_backward_ = is_backward;
    start_ = t0;
    end_ = t1;
    built_at_ = std::numeric_limits<double>::quiet_NaN();
    step_begin_ = t0;
    copy_to(values, solution_);
    last_exit_ = exit_rates(t0);
    FORTET_PETSC(VecSum(solution_, &last_mass_));
    FORTET_PETSC(TSSetTime(ts_, t0));
    FORTET_PETSC(TSSetMaxTime(ts_, t1));
    FORTET_PETSC(TSSetStepNumber(ts_, 0));
    FORTET_PETSC(TSSetTimeStep(ts_, adaptive_ ? (t1 - t0) * 1e-3 : (t1 - t0) / static_cast<double>(steps)));
    FORTET_PETSC(TSRestartStep(ts_));
    const PetscErrorCode code = TSSolve(ts_, solution_);
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
    parallel::check_petsc(code, "TSSolve");
    TSConvergedReason reason{};
    FORTET_PETSC(TSGetConvergedReason(ts_, &reason));
    SNES snes = nullptr;
    KSP ksp = nullptr;
    KSPConvergedReason linear{};
    FORTET_PETSC(TSGetSNES(ts_, &snes));
    FORTET_PETSC(SNESGetKSP(snes, &ksp));
    FORTET_PETSC(KSPGetConvergedReason(ksp, &linear));
    if (reason <= 0 || linear < 0) {
      throw DivergedError(std::string(method_.kind) + ": " +
                          (reason <= 0 ? TSConvergedReasons[reason] : KSPConvergedReasons[linear]));
    }
    copy_from(solution_, values);
  }

  /// Time of the process at which the generator is wanted; a backward run goes from end_ to start_.
  double process_time(double t) const { return is_backward_ ? start_ + end_ - t : t; }
  double factor(double t) const {
    return clock_.is_known() ? process_->clock_rate(process_time(t)) / process_->clock_rate(clock_.reference()) : 1;
  }
  void build(double t) {
    generator_.build(t);
    MatOwner fresh = assemble(*grid_, generator_, is_backward_ ? MatrixForm::transposed : MatrixForm::forward);
    matrix_ = std::move(fresh);
    is_built_backward_ = is_backward_;
  }
  /// Makes matrix_ hold the generator at t (at the reference time of a clock).
  void prepare(double t) {
    if (clock_.is_known()) {
      if (is_built_backward_ != is_backward_) build(clock_.reference());
    } else if (built_at_ != t) {
      build(process_time(t));
      built_at_ = t;
    }
  }
  Sides exit_rates(double t) {
    prepare(t);
    std::vector<parallel::ExactSum> sums(2 * absorbed_.size());
    const double* masses = nullptr;
    FORTET_PETSC(VecGetArrayRead(solution_, &masses));
    for (const Exit& exit : generator_.exits())
      sums[2 * exit.axis + exit.side].add(exit.rate * factor(t) * masses[exit.cell]);
    FORTET_PETSC(VecRestoreArrayRead(solution_, &masses));
    const std::vector<double> totals = grid_->communicator().sum(sums);
    Sides rates(absorbed_.size());
    for (std::size_t i = 0; i < totals.size(); ++i) rates[i / 2][i % 2] = totals[i];
    return rates;
  }

  /// Shares what a step lost between the sides by the trapezoidal rule.
  void count_exits(const Sides& rates) {
    double sum = 0, mass = 0;
    for (std::size_t s = 0; s < 2 * rates.size(); ++s) sum += last_exit_[s / 2][s % 2] + rates[s / 2][s % 2];
    FORTET_PETSC(VecSum(solution_, &mass));
    const double lost = last_mass_ - mass;
    for (std::size_t s = 0; sum > 0 && lost > 0 && s < 2 * rates.size(); ++s)
      absorbed_[s / 2][s % 2] += lost * ((last_exit_[s / 2][s % 2] + rates[s / 2][s % 2]) / sum);
    last_exit_ = rates;
    last_mass_ = mass;
  }

  // Trampolines: no exception may cross PETSc's frames.
  template <class Body>
  static PetscErrorCode guarded(void* context, Body body) {
    auto* self = static_cast<PetscIntegrator*>(context);
    try {
      body(*self);
      return 0;
    } catch (...) {
      self->failure_ = std::current_exception();
      return PETSC_ERR_USER;
    }
  }
  static PetscErrorCode residual(TS, PetscReal t, Vec u, Vec slope, Vec out, void* context) {
    return guarded(context, [&](PetscIntegrator& self) {
      self.prepare(t);
      FORTET_PETSC(MatMult(self.matrix_, u, out));
      FORTET_PETSC(VecAYPX(out, -self.factor(t), slope));
    });
  }
  static PetscErrorCode shifted(TS, PetscReal t, Vec, Vec, PetscReal shift, Mat, Mat jacobian, void* context) {
    return guarded(context, [&](PetscIntegrator& self) {
      self.prepare(t);
      FORTET_PETSC(MatCopy(self.matrix_, jacobian, SAME_NONZERO_PATTERN));
      FORTET_PETSC(MatScale(jacobian, -self.factor(t)));
      FORTET_PETSC(MatShift(jacobian, shift));
    });
  }
  static PetscErrorCode after_step(TS ts) {
    void* context = nullptr;
    if (const PetscErrorCode code = TSGetApplicationContext(ts, &context)) return code;
    return guarded(context, [&](PetscIntegrator& self) {
      PetscReal t = 0;
      FORTET_PETSC(TSGetTime(ts, &t));
      const double step = t - self.step_begin_;
      self.step_begin_ = t;
      ++self.steps_taken_;
      self.largest_ratio_ = std::max(self.largest_ratio_, step * self.factor(t) * self.generator_.largest());
      if (self.is_backward_) return;
      self.count_exits(self.exit_rates(t));
    });
  }

  Method method_;
  processes::ProcessPtr process_;
  GridPtr grid_;
  Clock clock_;
  EdgeGenerator generator_;
  Sides absorbed_, last_exit_;
  MatOwner matrix_, jacobian_;
  VecOwner solution_;
  TsOwner ts_;
  bool adaptive_, is_backward_ = false, is_built_backward_ = false;
  double start_ = 0, end_ = 0, built_at_ = 0, step_begin_ = 0, last_mass_ = 0, largest_ratio_ = 0;
  long steps_taken_ = 0;
  std::exception_ptr failure_;
};

const std::vector<Method>& methods() {
  static const std::vector<Method> all{
      {"backward_euler", "backward Euler: order 1, positive", "", TSBEULER, 1},
      {"crank_nicolson", "Crank-Nicolson: order 2; positive only for dt max|L_ii| <= 2", "Crank and Nicolson 1947",
       TSCN, 2},
      {"bdf2", "two-step backward differentiation: order 2, L-stable", "Gear 1971", TSBDF, 2},
      {"tr_bdf2", "trapezoidal rule and BDF2 in one step: order 2, L-stable", "Bank et al. 1985", TSARKIMEX, 2},
      {"rosenbrock", "Rosenbrock-W (ra34pw2): order 3, L-stable", "Rang and Angermann 2005", TSROSW, 3},
      {"arkimex", "additive Runge-Kutta (order 3), the generator in its implicit part", "Kennedy and Carpenter 2003",
       TSARKIMEX, 3}};
  return all;
}

struct RegisterMethods {
  RegisterMethods() {
    for (const Method& method : methods()) {
      Schema schema{
          "propagators",
          method.kind,
          std::string("PETSc's ") + method.doc +
              ". On the assembled generator (upwind along axes without diffusion); options with the "
              "prefix -density_<name>_ are honoured. Neither positive nor the same bits on all ranks.",
          method.reference,
          {defaulted("adaptive", {Type::boolean}, false, "let PETSc choose the steps by its embedded error estimate"),
           defaulted("relative_tolerance", {Type::real}, 1e-6, "of PETSc's step control").positive(),
           defaulted("absolute_tolerance", {Type::real}, 1e-9, "of PETSc's step control, in mass per cell")
               .positive()}};
      const PropagatorFactory factory = [method](const Parameters& p, const processes::ProcessPtr& process,
                                                 const GridPtr& grid) {
        return std::make_unique<PetscIntegrator>(method, p, process, grid);
      };
      Registry<PropagatorFactory>::instance().add(method.kind, factory);
      SchemaCatalogue::instance().add(std::move(schema));
    }
  }
} const registered_petsc_integrators;

}  // namespace

}  // namespace fortet::densities
