#pragma once
#include <string>

#include "study/figures.h"
#include "study/runner.h"

namespace ks {

/// What the report says beside the results.
struct ReportNotes {
  std::string program;       // "kernelscope 0.1.0"
  std::string command_line;  // that made it; may be empty
  std::string share_url;     // opens the study in the app; may be empty, then `no_share` says why
  std::string no_share;
  std::string date;  // may be empty
};

/// The report: one HTML page with everything in it (styles, pictures), to read, print and send.
std::string report_html(const StudyResults& results, const Figures& figures, const ReportNotes& notes);

/// The colours of a view in words: a colour bar from "against the class" to "for it", pooling, normalisation,
/// annotation.
std::string legend_html(const StudyView& view);

/// "higher is better ↑"
const char* direction_text(Direction direction);

/// The style sheet of reports, and of the reference.
extern const char* const report_css;

}  // namespace ks
