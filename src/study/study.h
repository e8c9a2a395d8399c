#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "registry/registry.h"
#include "study/ranking_options.h"

namespace ks {

/// The newest version of the study document this program knows; what it writes.
constexpr int study_version = 1;

/// Where a model or a picture comes from.
struct Source {
  enum class Kind {
    builtin,   // text: an id that comes with the program ("pink-fusarium")
    url,       // text: an https address; sha256 of its bytes
    file,      // text: a path, relative to the study's file; on this machine only
    data,      // text: base64 of a JPEG or PNG
    generate,  // recipe: the grain renderer's parameters; the picture comes with its mask
  };
  Kind kind = Kind::builtin;
  std::string text = {};
  std::string sha256 = {};
  json recipe = {};

  bool operator==(const Source&) const = default;
};
const char* to_string(Source::Kind kind);

struct StudyImage {
  std::string id;  // letters, digits, '.', '_', '-'; unique: also the name of its figures
  Source source;
  /// The annotation: a path for a file, else base64 of a PNG; white is inside. Empty: none (a generated picture has its
  /// own).
  std::string mask = {};

  bool operator==(const StudyImage&) const = default;
};

struct StudyMethod {
  std::string name;
  json params = json::object();  // as given; what is left out has the registry's default
  std::string label = {};        // for people; empty: the registry's title

  bool operator==(const StudyMethod&) const = default;
};

struct StudyMetric {
  std::string name;
  json params = json::object();

  bool operator==(const StudyMetric&) const = default;
};

/// How the maps are looked at; nothing of it is computed again when it changes.
struct StudyView {
  std::string pooling = "sum";
  std::string normalisation = "max-abs";
  std::string colormap = "seismic";
  double opacity = 0.6;  // of the heatmap over the picture, 0 to 1
  bool annotation = true;
  std::string selected_image = {};  // an id; empty: none
  int selected_method = 0;
  std::string panel = {};

  bool operator==(const StudyView&) const = default;
};

/// The study document: what is explained, how, how it is measured, and how it is looked at. The app edits it,
/// `kernelscope run` runs it, a link carries it.
struct Study {
  std::string title = {};
  Source model = {};
  std::vector<StudyImage> images = {};
  /// "predicted", the name of a class, or the index of one.
  std::variant<std::string, int> target = "predicted";
  std::vector<StudyMethod> methods = {};
  std::vector<StudyMetric> metrics = {};
  StudyRanking ranking = {};
  StudyView view = {};
  int64_t seed = 1;  // of all randomness, 0 to 2^32-1

  bool operator==(const Study&) const = default;
};

/// Reads a document. Throws Error naming the place ("images[2].generate.seed") for anything that is missing, unknown,
/// of the wrong type or out of range, and for a version newer than this program's. Names of methods and so on are
/// check_study's business (study/check.h).
Study read_study(const json& document);

/// Parses and reads. `where` names the text in messages: a file, "the link". Throws Error.
Study parse_study(const std::string& text, const std::string& where);

/// JSON text to a value; at most 32 levels deep. Throws Error with line and column.
json parse_json(const std::string& text, const std::string& where);

/// The document of a study. What has its default value is left out, so that links stay short.
json write_study(const Study& study);

}  // namespace ks
