#pragma once
#include <string>

#include "app/model.h"
#include "app/ranking.h"

namespace ks::app {

// What the page's window.kernelscope reads and does: thin views of the model, for tests and for people with a console.

/// {"study": document, "phase", "runtime", "network", "images": [...], "cells": [{"image","method","state",...}],
///  "scores": [...], "banners": [...], "toast", "undo", "redo", "work",
///  "places", "redrawn": {"draws", "low", "high", "first"}}
json describe_state(const Model& model, RedrawnOrder& redrawn);

/// Sets the value at a JSON pointer ("/view/normalisation") of the study document. Throws Error when the result is no
/// study.
void set_in_study(Model& model, const std::string& pointer, const json& value);

}  // namespace ks::app
