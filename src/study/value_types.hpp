#pragma once
// Which values of a deck fit which types of a schema, and how to say what was expected.
#include <functional>
#include <string>

#include "fortet/base/schema.hpp"

namespace fortet::study {

bool is_list_of(const Json& value, const std::function<bool(const Json&)>& entry_fits);
/// True when `value` has the (scalar, list or matrix) type; converts it to its normal form (integers written as reals).
bool fits(Type type, const Parameter& parameter, Json& value);
/// Empty, or what is wrong with the range of a value that fits.
std::string out_of_range(Type type, const Parameter& parameter, const Json& value);
/// "a positive number", "one of no_flux, periodic", "a list of numbers or a number".
std::string expectation(const Parameter& parameter);
/// The value as it would stand in a deck, shortened.
std::string shown(const Json& value);
/// "real", "list of reals": for the reference pages.
std::string type_name(Type type, const Parameter& parameter);
/// "> 0", "[0, 1]" or "".
std::string range_text(const Parameter& parameter);

}  // namespace fortet::study
