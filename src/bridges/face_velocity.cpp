#include "face_velocity.hpp"

#include "fortet/parallel/node_shared.hpp"

namespace fortet::bridges {

namespace {

/// The two values around a point along one axis. A value of weight 0 may have any number.
struct Pair {
  Index low, high;
  double low_weight, high_weight;
};

class FaceVelocity final : public processes::Field {
 public:
  FaceVelocity(densities::GridPtr grid, Index intervals, const std::vector<std::vector<double>>& values)
      : grid_(std::move(grid)),
        intervals_(intervals),
        count_(grid_->cell_count() * intervals),
        values_(grid_->communicator(), grid_->dimension() * count_) {
    for (int k = 0; k < grid_->dimension(); ++k) {
      values_.write(k * count_ + grid_->slab().begin * grid_->layer_size() * intervals, values[k]);
    }
    values_.complete();
  }
  int input_dimension() const override { return grid_->dimension(); }
  int output_dimension() const override { return grid_->dimension(); }

  void evaluate(double t, ConstPoints x, Points out) const override {
    const int d = grid_->dimension();
    const Pair time = in_time(t);
    for (Index i = 0; i < x.size(); ++i) {
      Pair faces[3], centres[3];
      for (int k = 0; k < d; ++k) {
        const double position = (x(i, k) - grid_->edges(k).front()) / grid_->width(k, 0);
        faces[k] = between_faces(position, grid_->cells(k));
        centres[k] = between_centres(position, grid_->cells(k));
      }
      for (int k = 0; k < d; ++k) {
        std::swap(faces[k], centres[k]);
        const double* values = values_.values().data() + k * count_;
        out(i, k) = time.low_weight * interpolate(values, centres, time.low) +
                    time.high_weight * interpolate(values, centres, time.high);
        std::swap(faces[k], centres[k]);
      }
    }
  }

 private:
  Pair in_time(double t) const {
    const double position = t * static_cast<double>(intervals_) - 0.5;
    const Index low = std::clamp<Index>(static_cast<Index>(std::floor(position)), 0, intervals_ - 2);
    const double part = position - static_cast<double>(low);
    return {low, low + 1, 1 - part, part};
  }
  /// Face f is the upper face of cell f - 1.
  static Pair between_faces(double position, Index cells) {
    const double inside = std::clamp(position, 0.0, static_cast<double>(cells));
    const Index cell = std::min(static_cast<Index>(inside), cells - 1);
    const double part = inside - static_cast<double>(cell);
    return {std::max<Index>(cell - 1, 0), cell, cell > 0 ? 1 - part : 0, cell + 1 < cells ? part : 0};
  }
  static Pair between_centres(double position, Index cells) {
    const double inside = std::clamp(position - 0.5, 0.0, static_cast<double>(cells - 1));
    const Index cell = std::clamp<Index>(static_cast<Index>(inside), 0, std::max<Index>(cells - 2, 0));
    const double part = inside - static_cast<double>(cell);
    return {cell, std::min(cell + 1, cells - 1), 1 - part, part};
  }
  double interpolate(const double* values, const Pair* at, Index interval) const {
    const int d = grid_->dimension();
    const Index layer = grid_->layer_size(), row = grid_->cells(0);
    const auto along_x = [&](Index start) {
      return at[0].low_weight * values[start + at[0].low] + at[0].high_weight * values[start + at[0].high];
    };
    const auto plane = [&](Index last) {
      const Index start = (last * intervals_ + interval) * layer;
      if (d == 1) return values[start];
      if (d == 2) return along_x(start);
      return at[1].low_weight * along_x(start + at[1].low * row) +
             at[1].high_weight * along_x(start + at[1].high * row);
    };
    return at[d - 1].low_weight * plane(at[d - 1].low) + at[d - 1].high_weight * plane(at[d - 1].high);
  }

  densities::GridPtr grid_;
  Index intervals_, count_;
  parallel::NodeShared values_;  ///< axis by axis
};

}  // namespace

processes::FieldPtr face_velocity(densities::GridPtr grid, Index intervals,
                                  const std::vector<std::vector<double>>& values) {
  return std::make_shared<FaceVelocity>(std::move(grid), intervals, values);
}

}  // namespace fortet::bridges
