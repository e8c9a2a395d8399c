#pragma once
#include "study/study.h"

namespace ks {

/// Checks every name and parameter of a study against the registries. Throws Error with the place ("methods[1].params")
/// and, for an unknown name, the nearest known one.
void check_study(const Study& study);

/// The JSON schema (draft 2020-12) of the study document, made from the registries.
json study_schema();

}  // namespace ks
