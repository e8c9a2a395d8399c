#include "cli/places.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "study/url.h"
#include "tensor/error.h"
#include "tensor/file.h"

namespace ks::cli {

namespace fs = std::filesystem;

namespace {

/// Files of a folder with one of the extensions, without them.
std::vector<std::string> names_in(const fs::path& folder, const std::vector<std::string>& extensions) {
  std::vector<std::string> names;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(folder, ec))
    if (std::find(extensions.begin(), extensions.end(), entry.path().extension()) != extensions.end())
      names.push_back(entry.path().stem());
  std::sort(names.begin(), names.end());
  return names;
}

std::string find_builtin(const std::string& kind, const std::string& name, const fs::path& folder,
                         const std::vector<std::string>& extensions) {
  for (const std::string& extension : extensions)
    if (fs::exists(folder / (name + extension))) return folder / (name + extension);
  throw_unknown_name("built-in " + kind, name, names_in(folder, extensions));
}

}  // namespace

std::string home_folder() {
  if (const char* home = std::getenv("KERNELSCOPE_HOME")) return home;
  std::error_code ec;
  const fs::path program = fs::read_symlink("/proc/self/exe", ec);
  if (!ec) {
    const fs::path shared = program.parent_path().parent_path() / "share" / "kernelscope";
    if (fs::is_directory(shared, ec)) return shared;
  }
  return KERNELSCOPE_SOURCE_DIR;
}

OpenedStudy open_study(const std::string& named) {
  if (has_study(named)) return {study_from_url(named), "."};
  std::error_code ec;
  const bool is_name = named.find_first_of("/.") == std::string::npos;
  if (is_name && !fs::exists(named, ec)) {
    const fs::path folder = fs::path(home_folder()) / "web" / "studies";
    const std::string path = find_builtin("study", named, folder, {".json"});
    return {parse_study(read_file(path), path), folder};
  }
  const fs::path folder = fs::path(named).parent_path();
  return {parse_study(read_file(named), named), folder.empty() ? "." : folder.string()};
}

Loader local_loader(const std::string& folder) {
  return [folder](const std::string& what, const Source& source) -> std::string {
    switch (source.kind) {
      case Source::Kind::file:
        return read_file(fs::path(source.text).is_absolute() ? source.text : (fs::path(folder) / source.text).string());
      case Source::Kind::builtin: {
        const fs::path home = home_folder();
        return read_file(what == "model"
                             ? find_builtin("model", source.text, home / "models", {".onnx"})
                             : find_builtin("image", source.text, home / "web" / "images", {".jpg", ".png"}));
      }
      case Source::Kind::url:
        throw Error("is on the network, from which the command line fetches nothing", source.text,
                    "download it and name it as \"file\" in the study");
      default:
        throw std::logic_error("the loader was asked for something embedded");
    }
  };
}

CellStore folder_store(const std::string& folder) {
  return {.load = [folder](const std::string& key) -> std::optional<std::string> {
            const fs::path path = fs::path(folder) / key;
            std::error_code ec;
            if (!fs::exists(path, ec)) return {};
            return read_file(path);
          },
          .save = [folder](const std::string& key,
                           const std::string& bytes) { write_file(fs::path(folder) / key, bytes); }};
}

}  // namespace ks::cli
