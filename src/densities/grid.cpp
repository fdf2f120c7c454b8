#include "fortet/densities/grid.hpp"

namespace fortet::densities {

namespace {

bool all_equal_widths(const std::vector<double>& edges) {
  const double cells = static_cast<double>(edges.size() - 1), width = (edges.back() - edges.front()) / cells;
  const double scale = std::max(std::abs(edges.front()), std::abs(edges.back()));
  for (std::size_t i = 0; i < edges.size(); ++i) {
    // An edge computed as lower + i * width is off by a few units in the last place of the largest coordinate.
    if (std::abs(edges[i] - (edges.front() + width * static_cast<double>(i))) > 8e-16 * scale + 1e-12 * width)
      return false;
  }
  return true;
}

}  // namespace

Grid::Grid(const parallel::Communicator& communicator, std::vector<std::vector<double>> edges,
           std::vector<std::array<Boundary, 2>> boundaries)
    : communicator_(communicator), edges_(std::move(edges)), boundaries_(std::move(boundaries)) {
  if (edges_.empty() || edges_.size() > 3) {
    throw UsageError("a grid has 1 to 3 axes, found " + std::to_string(edges_.size()));
  }
  if (boundaries_.size() != edges_.size()) throw UsageError("a grid needs a boundary for each axis");
  for (std::size_t k = 0; k < edges_.size(); ++k) {
    const std::string axis = "axis " + std::to_string(k) + " of a grid ";
    if (edges_[k].size() < 2) throw UsageError(axis + "needs at least one cell");
    for (std::size_t i = 0; i + 1 < edges_[k].size(); ++i) {
      if (!(edges_[k][i] < edges_[k][i + 1]) || !std::isfinite(edges_[k][i + 1] - edges_[k][i])) {
        throw UsageError(axis + "has edges that do not increase");
      }
    }
    if ((boundaries_[k][0] == Boundary::periodic) != (boundaries_[k][1] == Boundary::periodic)) {
      throw UsageError(axis + "is periodic on one side only");
    }
    centres_.emplace_back();
    for (std::size_t i = 0; i + 1 < edges_[k].size(); ++i)
      centres_[k].push_back(0.5 * (edges_[k][i] + edges_[k][i + 1]));
    uniform_.push_back(all_equal_widths(edges_[k]));
  }
  const Index last = cells(dimension() - 1);
  if (last < communicator_.size()) {
    throw UsageError("the last axis of a grid has " + std::to_string(last) + " cells for " +
                     std::to_string(communicator_.size()) + " ranks; each rank needs at least one");
  }
  slab_ = communicator_.share(last);
}

Index Grid::layer_size() const {
  Index size = 1;
  for (int k = 0; k + 1 < dimension(); ++k) size *= cells(k);
  return size;
}

Index Grid::cell_count() const { return layer_size() * cells(dimension() - 1); }
Index Grid::local_count() const { return layer_size() * slab_.size(); }

std::shared_ptr<const Grid> Grid::refined() const {
  std::vector<std::vector<double>> finer(edges_.size());
  for (std::size_t k = 0; k < edges_.size(); ++k) {
    const std::vector<double>& e = edges_[k];
    const std::size_t n = e.size() - 1;
    for (std::size_t i = 0; i < n; ++i) {
      finer[k].push_back(e[i]);
      double middle = 0.5 * (e[i] + e[i + 1]);
      if (!uniform_[k] && n >= 3) {
        // Cubic interpolation of the map from index to edge: plain halving would make the widths jump at every second
        // edge.
        const std::size_t first = std::min(i > 0 ? i - 1 : 0, n - 3);
        const double s = static_cast<double>(i - first) + 0.5;
        double value = 0;
        for (int a = 0; a < 4; ++a) {
          double weight = 1;
          for (int b = 0; b < 4; ++b) {
            if (b != a) weight *= (s - b) / (a - b);
          }
          value += weight * e[first + a];
        }
        if (value > e[i] && value < e[i + 1]) middle = value;
      }
      finer[k].push_back(middle);
    }
    finer[k].push_back(e.back());
  }
  return std::make_shared<Grid>(communicator_, std::move(finer), boundaries_);
}

bool Grid::can_be_coarsened() const {
  for (int k = 0; k < dimension(); ++k) {
    if (cells(k) % 2 != 0) return false;
  }
  return cells(dimension() - 1) / 2 >= communicator_.size();
}

std::shared_ptr<const Grid> Grid::coarsened() const {
  if (!can_be_coarsened()) throw UsageError("a grid with an odd number of cells cannot be coarsened");
  std::vector<std::vector<double>> coarser(edges_.size());
  for (std::size_t k = 0; k < edges_.size(); ++k) {
    for (std::size_t i = 0; i < edges_[k].size(); i += 2) coarser[k].push_back(edges_[k][i]);
  }
  return std::make_shared<Grid>(communicator_, std::move(coarser), boundaries_);
}

std::vector<std::vector<double>> Grid::local_edges() const {
  std::vector<std::vector<double>> local = edges_;
  std::vector<double>& last = local.back();
  last.assign(edges_.back().begin() + slab_.begin, edges_.back().begin() + slab_.end + 1);
  return local;
}

std::vector<double> Grid::local_volumes() const {
  std::vector<double> volumes{1.0};
  const std::vector<std::vector<double>> edges = local_edges();
  for (const std::vector<double>& e : edges) {
    std::vector<double> product;
    product.reserve(volumes.size() * (e.size() - 1));
    for (std::size_t i = 0; i + 1 < e.size(); ++i) {
      for (double volume : volumes) product.push_back(volume * (e[i + 1] - e[i]));
    }
    volumes = std::move(product);
  }
  return volumes;
}

void Grid::local_centres(Index begin, Points out) const {
  for (Index i = 0; i < out.size(); ++i) {
    Index rest = begin + i;
    for (int k = 0; k + 1 < dimension(); ++k) {
      out(i, k) = centres_[k][rest % cells(k)];
      rest /= cells(k);
    }
    out(i, dimension() - 1) = centres_.back()[slab_.begin + rest];
  }
}

PointArray Grid::local_centres() const {
  PointArray centres(local_count(), dimension());
  local_centres(0, centres.view());
  return centres;
}

Index Grid::locate(int axis, double x) const {
  const std::vector<double>& e = edges_[axis];
  const Index n = cells(axis);
  const double length = e.back() - e.front();
  if (is_periodic(axis) && !(x >= e.front() && x < e.back())) {
    x -= length * std::floor((x - e.front()) / length);
    if (x >= e.back()) x = e.front();  // a tiny negative offset rounds up to the length
  }
  if (!(x >= e.front() && x <= e.back())) return -1;  // also for a NaN
  if (!uniform_[axis]) return std::min<Index>(n - 1, std::upper_bound(e.begin(), e.end(), x) - e.begin() - 1);
  Index cell = std::min<Index>(n - 1, static_cast<Index>((x - e.front()) * (static_cast<double>(n) / length)));
  if (x < e[cell]) --cell;  // rounding of the product; the stored edges decide
  if (cell + 1 < n && x >= e[cell + 1]) ++cell;
  return cell;
}

void Grid::locate(ConstPoints x, std::int64_t* cell) const {
  for (Index i = 0; i < x.size(); ++i) cell[i] = 0;
  std::int64_t stride = 1;
  for (int k = 0; k < dimension(); ++k) {
    const double* coordinate = x.coordinate(k);
    for (Index i = 0; i < x.size(); ++i) {
      const Index index = cell[i] < 0 ? -1 : locate(k, coordinate[i]);
      cell[i] = index < 0 ? -1 : cell[i] + stride * index;
    }
    stride *= cells(k);
  }
}

}  // namespace fortet::densities
