#pragma once
#include "fortet/base/schema.hpp"

namespace fortet::study {
/// Keys at the top of a deck that are not sections.
const Schema& study_schema();
}  // namespace fortet::study
