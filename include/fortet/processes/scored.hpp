#pragma once
/// Processes that know the score of their own laws.
#include "fortet/processes/process.hpp"

namespace fortet::processes {

/// Score of the laws of a process together with the clock it runs on.
struct OwnScore {
  FieldPtr field;  ///< grad log p_t
  double horizon;  ///< the field's times lie in [0, horizon]
};

/// A process whose drift holds a score of its laws in its own time (kind `flow`) says so by this base.
class Scored {
 public:
  virtual ~Scored() = default;
  virtual FieldPtr score() const = 0;  ///< null when none was given
};

/// The score inside of a process: that of a time reversal, in the noising time, or of a Scored process, in its own.
/// Its field is null when there is none.
OwnScore own_score(const Process& process);

}  // namespace fortet::processes
