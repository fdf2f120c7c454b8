#pragma once
/// Names of activations and time features in decks and files.
#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace fortet::networks {

inline constexpr std::array<std::string_view, 5> activation_names{"selu", "silu", "gelu", "tanh", "softplus"};
inline constexpr std::array<std::string_view, 4> time_names{"none", "raw", "fourier", "sinusoidal"};

template <std::size_t count>
std::vector<std::string> names_of(const std::array<std::string_view, count>& names) {
  return {names.begin(), names.end()};
}

/// The enumerator whose name stands at its place in `names`; the schema has checked that there is one.
template <class Enum, std::size_t count>
Enum value_of(const std::array<std::string_view, count>& names, std::string_view name) {
  return static_cast<Enum>(std::find(names.begin(), names.end(), name) - names.begin());
}

template <class Enum, std::size_t count>
std::string name_of(const std::array<std::string_view, count>& names, Enum value) {
  return std::string(names[static_cast<std::size_t>(value)]);
}

}  // namespace fortet::networks
