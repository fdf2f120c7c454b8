#include <cmath>
#include <limits>

#include "expression_node.hpp"
#include "fortet/base/vector_math.hpp"

namespace fortet {

namespace {
constexpr Index tile = 128;  // points at a time; a register holds one number for each

constexpr int no_exponent = std::numeric_limits<int>::min();
}  // namespace

/// Straight-line code: registers are reused after their last use; constants fill registers of their own once per call.
struct Expression::Program {
  struct Instruction {
    Operation operation;
    int result, a = 0, b = 0, c = 0;  ///< registers
    int number = 0;                   ///< coordinate, or the whole exponent of a power
  };
  std::vector<Instruction> instructions;
  std::vector<std::pair<int, double>> constants;
  int registers = 0, result = 0, dimension = 0;  ///< dimension: coordinates that occur
};

namespace {
class Compiler {
 public:
  std::shared_ptr<const Expression::Program> operator()(const NodePtr& root) {
    const std::vector<NodePtr> order = in_order(root);
    for (const NodePtr& node : order) {
      for (const NodePtr& operand : node->operands) ++uses_[operand.get()];
    }
    ++uses_[root.get()];
    for (const NodePtr& node : order) emit(*node);
    program_.result = register_of_.at(root.get());
    return std::make_shared<const Expression::Program>(std::move(program_));
  }

 private:
  int allocate() {
    if (free_.empty()) return program_.registers++;
    const int result = free_.back();
    free_.pop_back();
    return result;
  }

  void emit(const Expression::Node& node) {
    if (node.operation == Operation::constant) {
      register_of_[&node] = program_.registers;
      program_.constants.emplace_back(program_.registers++, node.value);
      return;
    }
    Expression::Program::Instruction instruction{node.operation, 0};
    int* slots[3] = {&instruction.a, &instruction.b, &instruction.c};
    for (std::size_t i = 0; i < node.operands.size(); ++i) *slots[i] = register_of_.at(node.operands[i].get());
    if (node.operation == Operation::coordinate) {
      instruction.number = node.coordinate;
      program_.dimension = std::max(program_.dimension, node.coordinate + 1);
    }
    if (node.operation == Operation::power) {
      const Expression::Node& exponent = *node.operands[1];
      const bool is_whole = exponent.operation == Operation::constant && std::abs(exponent.value) <= 64 &&
                            exponent.value == std::floor(exponent.value);
      instruction.number = is_whole ? static_cast<int>(exponent.value) : no_exponent;
    }
    // The result gets a register of its own before the operands give theirs up, so that the loops never alias.
    instruction.result = allocate();
    for (const NodePtr& operand : node.operands) {
      if (--uses_[operand.get()] == 0 && operand->operation != Operation::constant)
        free_.push_back(register_of_[operand.get()]);
    }
    register_of_[&node] = instruction.result;
    program_.instructions.push_back(instruction);
  }

  Expression::Program program_;
  std::unordered_map<const Expression::Node*, int> uses_, register_of_;
  std::vector<int> free_;
};

template <class Function>
inline void map(const double* __restrict a, double* __restrict out, Function function) {
#pragma omp simd
  for (Index i = 0; i < tile; ++i) out[i] = function(a[i]);
}
template <class Function>
inline void map(const double* __restrict a, const double* __restrict b, double* __restrict out, Function function) {
#pragma omp simd
  for (Index i = 0; i < tile; ++i) out[i] = function(a[i], b[i]);
}

void whole_power(const double* __restrict a, int exponent, double* __restrict out) {
  if (exponent == 2) return map(a, out, [](double x) { return x * x; });
  if (exponent == 3) return map(a, out, [](double x) { return x * x * x; });
  alignas(64) double square[tile];
  std::copy_n(a, tile, square);
  std::fill_n(out, tile, 1.0);
  for (unsigned rest = std::abs(exponent); rest; rest >>= 1) {
    if (rest & 1) {
#pragma omp simd
      for (Index i = 0; i < tile; ++i) out[i] *= square[i];
    }
#pragma omp simd
    for (Index i = 0; i < tile; ++i) square[i] *= square[i];
  }
  if (exponent < 0) {
#pragma omp simd
    for (Index i = 0; i < tile; ++i) out[i] = 1 / out[i];
  }
}

/// sin or cos: the angle is reduced by whole turns in three parts of 2 pi, exactly while the number of turns has few
/// digits; the C library takes the rare angles beyond.
template <bool cosine>
void sine(const double* __restrict a, double* __restrict out, Index n) {
  constexpr double limit = 1e5, shift = 0x1.8p52;
#pragma omp simd
  for (Index i = 0; i < tile; ++i) {
    const double turns = (a[i] * 0.15915494309189535 + shift) - shift;
    const double angle = ((a[i] - turns * 0x1.921fb544p+2) - turns * 0x1.0b4611a6p-32) - turns * 0x1.3198a2e037073p-67;
    const auto [s, c] = vectorised::sin_cos_turns(angle * 0.15915494309189535);
    out[i] = cosine ? c : s;
  }
  for (Index i = 0; i < n; ++i) {
    if (!(std::abs(a[i]) < limit)) out[i] = cosine ? std::cos(a[i]) : std::sin(a[i]);
  }
}

void execute(const Expression::Program::Instruction& instruction, double* registers, double t, ConstPoints x,
             Index begin, Index n) {
  using enum Operation;
  double* out = registers + instruction.result * tile;
  const double* a = registers + instruction.a * tile;
  const double* b = registers + instruction.b * tile;
  const double* c = registers + instruction.c * tile;
  switch (instruction.operation) {
    case coordinate:
      std::copy_n(x.coordinate(instruction.number) + begin, n, out);
      std::fill(out + n, out + tile, out[0]);
      return;
    case time:
      std::fill_n(out, tile, t);
      return;
    case add:
      map(a, b, out, [](double p, double q) { return p + q; });
      return;
    case subtract:
      map(a, b, out, [](double p, double q) { return p - q; });
      return;
    case multiply:
      map(a, b, out, [](double p, double q) { return p * q; });
      return;
    case divide:
      map(a, b, out, [](double p, double q) { return p / q; });
      return;
    case negate:
      map(a, out, [](double p) { return -p; });
      return;
    case less:
      map(a, b, out, [](double p, double q) { return p < q ? 1.0 : 0.0; });
      return;
    case less_equal:
      map(a, b, out, [](double p, double q) { return p <= q ? 1.0 : 0.0; });
      return;
    case greater:
      map(a, b, out, [](double p, double q) { return p > q ? 1.0 : 0.0; });
      return;
    case greater_equal:
      map(a, b, out, [](double p, double q) { return p >= q ? 1.0 : 0.0; });
      return;
    case min:
      map(a, b, out, [](double p, double q) { return q < p ? q : p; });
      return;
    case max:
      map(a, b, out, [](double p, double q) { return q > p ? q : p; });
      return;
    case sqrt:
      map(a, out, [](double p) { return std::sqrt(p); });
      return;
    case exp:
      map(a, out, [](double p) { return vectorised::exp(p); });
      return;
    case log:
      map(a, out, [](double p) { return vectorised::log(p); });
      return;
    case abs:
      map(a, out, [](double p) { return std::abs(p); });
      return;
    case sign:
      map(a, out, [](double p) { return p > 0 ? 1.0 : p < 0 ? -1.0 : p; });
      return;
    case step:
      map(a, out, [](double p) { return p >= 0 ? 1.0 : 0.0; });
      return;
    case sin:
      sine<false>(a, out, n);
      return;
    case cos:
      sine<true>(a, out, n);
      return;
    case select:
#pragma omp simd
      for (Index i = 0; i < tile; ++i) out[i] = a[i] != 0 ? b[i] : c[i];
      return;
    case power:
      if (instruction.number != no_exponent) return whole_power(a, instruction.number, out);
      [[fallthrough]];
    default:
      for (Index i = 0; i < n; ++i) out[i] = apply(instruction.operation, a[i], b[i], c[i]);
      std::fill(out + n, out + tile, out[0]);
  }
}
}  // namespace

std::shared_ptr<const Expression::Program> compile(const NodePtr& node) { return Compiler()(node); }

void run(const Expression::Program& program, double t, ConstPoints x, double* out) {
  if (program.dimension > x.dimension()) {
    throw UsageError(
        fmt::format("a formula in {} coordinates was evaluated at points with {}", program.dimension, x.dimension()));
  }
  thread_local std::vector<double> storage;
  if (storage.size() < static_cast<std::size_t>(program.registers) * tile)
    storage.resize(static_cast<std::size_t>(program.registers) * tile);
  for (const auto& [index, value] : program.constants) std::fill_n(storage.data() + index * tile, tile, value);
  for (Index begin = 0; begin < x.size(); begin += tile) {
    const Index n = std::min(tile, x.size() - begin);
    for (const auto& instruction : program.instructions) execute(instruction, storage.data(), t, x, begin, n);
    std::copy_n(storage.data() + program.result * tile, n, out + begin);
  }
}

}  // namespace fortet
