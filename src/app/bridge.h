#pragma once
#include <map>
#include <optional>
#include <string>

#include "app/model.h"

namespace ks::app {

/// The conversation with the core, which runs in a Worker: requests go out as JSON with at most one buffer, answers
/// fill the model. One computation is under way at a time, so that what the user looks at next always comes next.
class Bridge {
 public:
  /// Asks the core for its registries. Everything else follows from pump().
  void start();
  /// The study to fall back on when the first one (of a link) cannot be opened.
  void set_built_in(Study study) { built_in_ = std::move(study); }
  /// An answer or an event of the worker. Never throws: what does not fit becomes a banner.
  void receive(Model& model, const std::string& text, std::string bytes);
  /// Asks for what the study needs and the model has not; once a frame.
  void pump(Model& model);

  void add_image(const std::string& name, std::string bytes);
  void add_model(const std::string& name, std::string bytes);

 private:
  enum class Kind { init, study, explain, measure, add_image, add_model };
  struct Request {
    Kind kind;
    std::string key;                                                 // cell or score
    std::string name;                                                // file
    std::vector<std::pair<std::string, std::string>> pictures = {};  // id and picture_key of a study's images
    std::optional<Study> study = {};
  };

  int post(Request request, json message, const std::string& bytes = {});
  void post_study(Model& model);
  bool post_next(Model& model);
  void receive_event(Model& model, const json& message);
  void receive_init(Model& model, const json& answer);
  void receive_study(Model& model, const Request& request, const json& answer, const std::string& bytes);
  void receive_cell(Model& model, const Request& request, const json& answer, const std::string& bytes);
  void receive_score(Model& model, const Request& request, const json& answer);
  void fail(Model& model, const Request& request, const json& answer);

  std::map<int, Request> requests_;
  int next_id_ = 1, computing_ = 0, study_pending_ = 0;
  bool core_ready_ = false, cancelling_ = false;
  std::optional<uint64_t> sent_revision_;
  std::optional<Study> accepted_;  // the last study the core could open
  std::optional<Study> built_in_;
};

}  // namespace ks::app
