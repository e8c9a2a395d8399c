#pragma once
#include <string>

#include "study/engine.h"

namespace ks::cli {

/// Where the program's own models, pictures and studies are: $KERNELSCOPE_HOME, else share/kernelscope beside the
/// program's folder, else the source tree it was built from.
std::string home_folder();

/// Where the page is when nothing else is said: what scripts/serve serves.
constexpr const char* default_page = "http://localhost:8080/";

/// A study that a user names: a file, a link (with #s=), or the name of a built-in study.
struct OpenedStudy {
  Study study;
  std::string folder;  // what its file names are relative to
};
/// Throws Error.
OpenedStudy open_study(const std::string& named);

/// Loads built-in things from home_folder() and files relative to `folder`. It fetches nothing from the network, and
/// says so.
Loader local_loader(const std::string& folder);

/// Cells as files of a folder.
CellStore folder_store(const std::string& folder);

}  // namespace ks::cli
