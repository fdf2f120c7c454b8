#include "activations.hpp"

#include "fortet/base/error.hpp"

namespace fortet::networks {

namespace {
template <class Real, Activation activation>
constexpr ActivationRows<Real> rows_of() {
  return {[](Real* z, Index rows, Index vectors) {
            each_vector<Real>(rows, vectors,
                              [=](Index i) { store(z + i, activate<activation, Real>(load(z + i)).value); });
          },
          [](Real* z, Real* first, Index rows, Index vectors) {
            each_vector<Real>(rows, vectors, [=](Index i) {
              const ActivationValues<Real> f = activate<activation, Real>(load(z + i));
              store(z + i, f.value);
              store(first + i, f.first);
            });
          },
          [](Real* z, Real* first, Real* second, Index rows, Index vectors) {
            each_vector<Real>(rows, vectors, [=](Index i) {
              const ActivationValues<Real> f = activate<activation, Real>(load(z + i));
              store(z + i, f.value);
              store(first + i, f.first);
              store(second + i, f.second);
            });
          }};
}
}  // namespace

template <class Real>
ActivationRows<Real> activation_rows(Activation activation) {
  switch (activation) {
    case Activation::selu:
      return rows_of<Real, Activation::selu>();
    case Activation::silu:
      return rows_of<Real, Activation::silu>();
    case Activation::gelu:
      return rows_of<Real, Activation::gelu>();
    case Activation::tanh:
      return rows_of<Real, Activation::tanh>();
    case Activation::softplus:
      return rows_of<Real, Activation::softplus>();
  }
  throw Error(ExitCode::internal, "unknown activation");
}

template ActivationRows<float> activation_rows(Activation);
template ActivationRows<double> activation_rows(Activation);

}  // namespace fortet::networks
