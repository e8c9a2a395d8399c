#pragma once
#include <string>

#include "picture/image.h"
#include "registry/registry.h"
#include "study/study.h"

namespace ks {

/// The parts that pages of the reference have in common, as HTML.

/// A whole page. `up`: "" for a page at the top, "../" for one in a folder. `section`: the file of the section it
/// belongs to.
std::string reference_page(const std::string& title, const std::string& up, const std::string& section,
                           const std::string& body, const std::string& program);

/// "Perturbation"; a short family is an abbreviation: "CAM".
std::string family_title(std::string family);

/// A value as a person writes it: a text without its quotes.
std::string value_text(const json& value);

std::string parameter_table(const Entry& entry);
/// What an entry says of itself; nothing where it says nothing.
std::string formula_html(const Entry& entry);
std::string misleads_html(const Entry& entry);
std::string citation_html(const Entry& entry);

std::string figure_html(const std::string& picture, const std::string& caption);
std::string image_html(const Image& picture, const std::string& alt);

/// How maps are drawn.
StudyView reference_view();

/// Links to the pages before and after an entry of a list, in the same folder; null: there is none.
std::string neighbours_html(const Entry* before, const Entry* after);

}  // namespace ks
