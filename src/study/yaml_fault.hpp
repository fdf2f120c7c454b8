#pragma once
#include <string>
#include <utility>

#include "fortet/study/deck.hpp"

namespace fortet::study {

/// What a user has to mend where the YAML reader gave up at `position` with `message`: where a bracket or quote was
/// opened that nothing closes, or the tab in an indentation, instead of the place where that was noticed.
std::pair<Position, std::string> yaml_fault(const std::string& text, Position position, const std::string& message);

/// The quote that is still open at the end of the text; line 0: there is none.
Position open_quote(const std::string& text);

}  // namespace fortet::study
