#pragma once
/// A network read as a field.
#include <atomic>

#include "fortet/base/error.hpp"
#include "fortet/networks/network.hpp"
#include "fortet/processes/divergence_estimate.hpp"
#include "fortet/processes/field.hpp"
#include "objective.hpp"

namespace fortet::training {

template <class Real>
class LearnedField : public processes::Field, public processes::DivergenceEstimate {
 public:
  LearnedField(std::string model, Head head, std::shared_ptr<const networks::Network<Real>> network)
      : model_(std::move(model)), head_(std::move(head)), network_(std::move(network)), id_(next_id()) {}

  int input_dimension() const override { return network_->architecture().inputs; }
  int output_dimension() const override { return network_->architecture().outputs; }
  bool has_divergence() const override { return true; }
  void set_trained() { trained_ = true; }
  bool is_trained() const { return trained_; }

  void evaluate(double t, ConstPoints x, Points out) const override { run(t, x, &out, nullptr); }
  void divergence(double t, ConstPoints x, double* out) const override { run(t, x, nullptr, out); }
  void estimate_divergence(double t, ConstPoints x, ConstPoints probe, double* out) const override {
    run(t, x, nullptr, out, &probe);
  }

 private:
  struct Scratch {
    std::uint64_t id = 0;
    std::unique_ptr<typename networks::Network<Real>::Workspace, void (*)(typename networks::Network<Real>::Workspace*)>
        workspace{nullptr, nullptr};
    std::vector<Real> input, time, output, divergence, probe, change;
  };

  static std::uint64_t next_id() {
    static std::atomic<std::uint64_t> count{0};
    return ++count;
  }

  /// Each thread keeps the scratch memory of the last fields it evaluated.
  Scratch& scratch() const {
    thread_local std::array<Scratch, 4> recent;
    thread_local std::size_t oldest = 0;
    for (Scratch& candidate : recent) {
      if (candidate.id == id_) return candidate;
    }
    Scratch& mine = recent[oldest++ % recent.size()];
    mine.workspace = network_->workspace(block_size);
    mine.input.resize(block_size * input_dimension());
    mine.output.resize(block_size * output_dimension());
    mine.time.resize(block_size);
    mine.divergence.resize(block_size);
    mine.id = id_;
    return mine;
  }

  /// `probe`: the divergence is estimated along it.
  void run(double t, ConstPoints x, Points* values, double* divergence, const ConstPoints* probe = nullptr) const {
    if (!trained_)
      throw NotComputedYet("the " + head_.name + " of models." + model_ + " is used before it was trained");
    const Decoding decoding = head_.decoding(t);
    const int d = input_dimension(), m = output_dimension();
    const auto centre = [&](int k) { return head_.centre.size() > 0 ? head_.centre[k] : 0.0; };
    const auto standard = [&](int k) { return head_.standard ? head_.standard(t, k) : Standard{centre(k), 1, 0, 1}; };
    Scratch& s = scratch();
    for (Index begin = 0; begin < x.size(); begin += block_size) {
      const Index n = std::min(block_size, x.size() - begin);
      for (int k = 0; k < d; ++k) {
        const double* from = x.coordinate(k) + begin;
        Real* to = s.input.data() + k * block_size;
        const Standard of = standard(k);
        const double factor = decoding.input / of.deviation;
        for (Index i = 0; i < n; ++i) to[i] = static_cast<Real>(factor * (from[i] - of.centre));
      }
      std::fill_n(s.time.data(), n, static_cast<Real>(decoding.time));
      const networks::Batch<const Real> input{s.input.data(), n, d, block_size};
      const networks::Batch<Real> output{s.output.data(), n, m, block_size};
      if (divergence && probe) {
        estimate(t, decoding, probe->slice(begin, n), divergence + begin, s);
        continue;
      }
      if (divergence && head_.standard) {
        standard_divergence(t, decoding, n, divergence + begin, s);
        continue;
      }
      if (divergence) {
        network_->divergence(input, s.time.data(), output, s.divergence.data(), *s.workspace);
        for (Index i = 0; i < n; ++i) {
          divergence[begin + i] =
              d * decoding.skip + decoding.gain * decoding.input * static_cast<double>(s.divergence[i]);
        }
        continue;
      }
      network_->evaluate(input, s.time.data(), output, *s.workspace);
      for (int k = 0; k < m; ++k) {
        const double* from = x.coordinate(k) + begin;
        const Real* learned = output.feature(k);
        double* to = values->coordinate(k) + begin;
        const double gain = decoding.gain * standard(k).scale;
        for (Index i = 0; i < n; ++i) {
          to[i] = decoding.skip * (from[i] - centre(k)) + gain * static_cast<double>(learned[i]);
        }
        if (!head_.standard) continue;
        const double offset = decoding.gain * standard(k).offset;
        for (Index i = 0; i < n; ++i) to[i] += offset;
      }
    }
  }

  /// probe . (df/dx) probe at the scratch's inputs, by one derivative of the network along its part of the probe.
  void estimate(double t, const Decoding& decoding, ConstPoints probe, double* out, Scratch& s) const {
    const int d = input_dimension();
    const Index n = probe.size();
    s.probe.resize(block_size * d);
    s.change.resize(block_size * d);
    const auto standard = [&](int k) { return head_.standard ? head_.standard(t, k) : Standard{}; };
    for (int k = 0; k < d; ++k) {
      const double factor = decoding.input / standard(k).deviation;
      for (Index i = 0; i < n; ++i) s.probe[k * block_size + i] = static_cast<Real>(factor * probe(i, k));
    }
    network_->forward_tangent({s.input.data(), n, d, block_size}, s.time.data(), {s.probe.data(), n, d, block_size},
                              {s.output.data(), n, d, block_size}, {s.change.data(), n, d, block_size}, *s.workspace);
    std::fill_n(out, n, 0.0);
    for (int k = 0; k < d; ++k) {
      const double factor = decoding.gain * standard(k).scale;
      for (Index i = 0; i < n; ++i) {
        const double v = probe(i, k);
        out[i] += v * (decoding.skip * v + factor * static_cast<double>(s.change[k * block_size + i]));
      }
    }
  }

  /// The sum over the coordinates of scale / deviation dF_k/dy_k at the scratch's inputs, one tangent for each.
  void standard_divergence(double t, const Decoding& decoding, Index n, double* out, Scratch& s) const {
    const int d = input_dimension();
    s.probe.assign(block_size * d, Real(0));
    std::fill_n(out, n, d * decoding.skip);
    for (int k = 0; k < d; ++k) {
      std::fill_n(s.probe.data() + k * block_size, n, Real(1));
      network_->divergence_estimate({s.input.data(), n, d, block_size}, s.time.data(),
                                    {s.probe.data(), n, d, block_size}, {s.output.data(), n, d, block_size},
                                    s.divergence.data(), *s.workspace);
      std::fill_n(s.probe.data() + k * block_size, n, Real(0));
      const Standard of = head_.standard(t, k);
      const double factor = decoding.gain * decoding.input * of.scale / of.deviation;
      for (Index i = 0; i < n; ++i) out[i] += factor * static_cast<double>(s.divergence[i]);
    }
  }

  std::string model_;
  Head head_;
  std::shared_ptr<const networks::Network<Real>> network_;
  std::uint64_t id_;
  bool trained_ = false;
};

}  // namespace fortet::training
