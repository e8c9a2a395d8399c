#pragma once
#include <string>

#include "study/order_figures.h"
#include "study/runner.h"

namespace ks {

/// "How certain is this order": redraws, who beats whom, critical differences, agreement of the metrics, controls, and
/// annotations drawn otherwise. HTML; empty where nothing was ranked.
std::string certainty_section(const StudyResults& results);

/// The methods of a study for figures.
std::vector<MethodMark> method_marks(const Study& study);

}  // namespace ks
