#pragma once
/// Coefficients of a process where a grid evaluates them: what is not finite is found before anything is computed.
#include "fortet/densities/density.hpp"

namespace fortet::densities {

/// Centres of up to 4096 cells spread over the whole grid, those of its corners among them. Not collective.
PointArray sampled_centres(const Grid& grid);

/// Throws ParameterError("process") naming component, point and time where a coefficient is not finite at a sample of
/// the centres and faces of the grid. Processes that hold something that is computed later are left out. Not
/// collective.
void check_coefficients(const DensitySettings& settings, bool is_steady);

/// Throws ParameterError for a stretched grid or a tensor that is not positive definite at a sample of the cells. Not
/// collective.
void check_cross_terms(const DensitySettings& settings, bool is_steady);

/// Throws DivergedError naming the component and the first of these points where it is not finite.
[[noreturn]] void throw_not_finite(const processes::Process& process, double t, ConstPoints x, int axis);

}  // namespace fortet::densities
