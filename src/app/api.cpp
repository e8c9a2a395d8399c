#include "app/api.h"

#include <cmath>

#include "app/ranking.h"
#include "tensor/error.h"

namespace ks::app {

namespace {

const char* to_string(State state) {
  switch (state) {
    case State::waiting:
      return "waiting";
    case State::running:
      return "running";
    case State::done:
      return "done";
    case State::failed:
      return "failed";
  }
  return "";
}

const char* to_string(Phase phase) {
  switch (phase) {
    case Phase::loading:
      return "loading";
    case Phase::ready:
      return "ready";
    case Phase::closed:
      return "closed";
    case Phase::failed:
      return "failed";
  }
  return "";
}

json number_or_null(double value) {
  return std::isfinite(value) ? json(value) : json();
}

}  // namespace

json describe_state(const Model& model, RedrawnOrder& redrawn) {
  json out;
  out["study"] = write_study(model.study);
  out["phase"] = to_string(model.phase);
  out["status"] = model.loading_text;
  out["runtime"] = {{"provider", model.runtime.provider},
                    {"threads", model.runtime.threads},
                    {"version", model.runtime.version},
                    {"reason", model.runtime.reason}};
  out["network"] = {{"title", model.network.title},
                    {"width", model.network.width},
                    {"height", model.network.height},
                    {"classes", model.network.classes}};
  out["images"] = out["cells"] = out["scores"] = out["banners"] = json::array();
  for (size_t i = 0; i < model.study.images.size(); ++i) {
    const Picture* p = model.picture(i);
    json image = {{"id", model.study.images[i].id}, {"state", to_string(p ? p->state : State::waiting)}};
    if (p && p->state == State::done)
      image.update({{"predicted", p->predicted},
                    {"target", p->target},
                    {"probabilities", p->probabilities},
                    {"annotated", !p->outline.empty()}});
    if (p && !p->error.empty()) image["error"] = p->error;
    out["images"].push_back(image);
    for (size_t m = 0; m < model.study.methods.size(); ++m) {
      const Cell* c = model.cell(i, m);
      json cell = {
          {"image", model.study.images[i].id}, {"method", m}, {"state", to_string(c ? c->state : State::waiting)}};
      if (c && c->state == State::done) cell.update({{"milliseconds", c->milliseconds}, {"serial", c->serial}});
      if (c && !c->error.empty()) cell["error"] = c->error;
      out["cells"].push_back(cell);
    }
  }
  const ScoreSummary table = score_summary(model);
  for (size_t k = 0; k < table.entries.size(); ++k) {
    for (size_t m = 0; m < table.entries[k].size(); ++m) {
      const ScoreSummary::Entry& e = table.entries[k][m];
      out["scores"].push_back({{"metric", model.study.metrics[k].name},
                               {"method", m},
                               {"done", e.done},
                               {"images", e.images},
                               {"mean", number_or_null(e.mean)},
                               {"rank", number_or_null(e.rank)}});
    }
  }
  out["places"] = table.place;
  const MonteCarloOrder& order = redrawn.of(table, model.study);
  out["redrawn"] = {{"draws", order.draws}, {"low", order.low}, {"high", order.high}, {"first", order.first}};
  for (const Banner& banner : model.banners) out["banners"].push_back(banner.text);
  out["toast"] = model.toasts.empty() ? "" : model.toasts.front().text;
  out["undo"] = model.undo.size();
  out["redo"] = model.redo.size();
  const Work work = work_of(model);
  out["work"] = {{"explanations", work.explanations},
                 {"explanations_done", work.explanations_done},
                 {"scores", work.scores},
                 {"scores_done", work.scores_done},
                 {"failed", work.failed},
                 {"finished", work.finished()}};
  return out;
}

void set_in_study(Model& model, const std::string& pointer, const json& value) {
  json document = write_study(model.study);
  try {
    document[json::json_pointer(pointer)] = value;
  } catch (const json::exception&) {
    throw Error("'" + pointer + "' is no place in the study");
  }
  const Study changed = read_study(document);
  edit(model, [&](Study& study) { study = changed; });
}

}  // namespace ks::app
