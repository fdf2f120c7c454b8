#pragma once
#include <string>

namespace fortet::study {

/// Draws the pictures and report.html of a results folder with Python (numpy, h5py, matplotlib). Throws UsageError when
/// that folder holds no study, IoError when Python or the drawing fails.
void draw_report(const std::string& folder, bool animation);

}  // namespace fortet::study
