// Kinds of the category "networks".
#include "fortet/base/error.hpp"
#include "fortet/base/registry.hpp"
#include "fortet/networks/network.hpp"
#include "names.hpp"

namespace fortet::networks {

namespace {
std::vector<Parameter> common_parameters(const std::string& activation, std::vector<Parameter> parameters) {
  parameters.push_back(defaulted("activation", {Type::choice}, activation,
                                 "Of the hidden layers; gelu is x times the normal distribution function, without "
                                 "approximation")
                           .one_of(names_of(activation_names)));
  parameters.push_back(defaulted("time", {Type::choice}, "raw",
                                 "Time as input: raw t; fourier: sin and cos of 2 pi f t with normal frequencies f; "
                                 "sinusoidal: sin and cos of f t with frequencies spaced geometrically over four "
                                 "decades; none")
                           .one_of(names_of(time_names)));
  parameters.push_back(
      defaulted("time_features", {Type::integer}, 16, "Number of fourier or sinusoidal features (even)")
          .between(2, 4096));
  parameters.push_back(optional("time_scale", {Type::real},
                                "fourier: standard deviation of the frequencies (default 1); sinusoidal: largest "
                                "frequency (default 1000)")
                           .positive());
  parameters.push_back(defaulted("precision", {Type::choice}, "float", "Of the weights and of all arithmetic")
                           .one_of({"float", "double"}));
  return parameters;
}

using ArchitectureFactory = std::function<void(const Parameters&, Architecture&)>;

const Registered<ArchitectureFactory> mlp{
    {"networks", "mlp", "h_l = f(W_l h_{l-1} + b_l) from h_0 = (x, features of t), and a linear last layer",
     "Rumelhart, Hinton and Williams 1986",
     common_parameters("selu", {defaulted("hidden", {Type::integers}, Json::array({64, 64, 64}),
                                          "Widths of the hidden layers; an empty list is a linear map")
                                    .between(1, 65536)
                                    .or_empty()})},
    [](const Parameters& parameters, Architecture& architecture) {
      for (const long width : parameters.integers("hidden")) {
        if (width < 1) throw ParameterError("hidden", fmt::format("expected widths of at least 1, found {}", width));
        architecture.hidden.push_back(static_cast<int>(width));
      }
    }};

const Registered<ArchitectureFactory> residual_mlp{
    {"networks", "residual_mlp",
     "h_0 = f(W_0 (x, features of t) + b_0), h_l = h_{l-1} + f(W_l h_{l-1} + b_l), and a linear last layer",
     "He et al. 2016",
     common_parameters("silu",
                       {defaulted("width", {Type::integer}, 128, "Of every hidden layer").between(1, 65536),
                        defaulted("blocks", {Type::integer}, 3, "Number of residual layers").between(1, 1000)})},
    [](const Parameters& parameters, Architecture& architecture) {
      architecture.residual = true;
      architecture.hidden.assign(static_cast<std::size_t>(parameters.integer("blocks") + 1),
                                 static_cast<int>(parameters.integer("width")));
    }};
}  // namespace

Architecture make_architecture(const Parameters& parameters, int inputs, int outputs) {
  Architecture architecture;
  architecture.inputs = inputs;
  architecture.outputs = outputs;
  architecture.activation = value_of<Activation>(activation_names, parameters.text("activation"));
  architecture.time = value_of<TimeFeatures>(time_names, parameters.text("time"));
  architecture.precision = parameters.text("precision");
  const long count = parameters.integer("time_features");
  if (count % 2) throw ParameterError("time_features", fmt::format("expected an even number, found {}", count));
  architecture.time_count = static_cast<int>(count);
  architecture.time_scale = parameters.has("time_scale")                    ? parameters.real("time_scale")
                            : architecture.time == TimeFeatures::sinusoidal ? 1000
                                                                            : 1;
  Registry<ArchitectureFactory>::instance().find("networks", parameters.kind())(parameters, architecture);
  return architecture;
}

}  // namespace fortet::networks
