#pragma once
#include <optional>
#include <string>
#include <vector>

#include "app/model.h"

namespace ks::app {

struct Task {
  size_t image = 0, method = 0;
  std::optional<size_t> metric;  // none: the explanation itself
};

/// What to compute next: the selected cell, then the explanations by methods that share a pass, image by image, then
/// the others (quick methods first), then the scores (quick metrics first). None when everything the study asks for is
/// there.
std::optional<Task> next_task(const Model& model);

/// The methods whose explanations the core had better compute together with a task's, its own among them; none where it
/// is better alone: the first map of all, which should be there at once.
std::vector<size_t> methods_of_pass(const Model& model, const Task& task);

/// Seconds that the rest may take, from what has been computed so far; negative while nothing is known.
double seconds_left(const Model& model);

bool needs_cell(const Model& model, const std::string& key);
bool needs_score(const Model& model, const std::string& key);

/// Lets go of maps and scores that no longer belong to the study, once there are many of them (they serve undo).
void forget_unused(Model& model);

/// `id`, or `id` with a number, so that no other image of the study has it.
std::string free_image_id(const Study& study, const std::string& id);

}  // namespace ks::app
