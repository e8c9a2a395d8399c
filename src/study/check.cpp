#include "study/check.h"

#include "explain/method.h"
#include "metric/metric.h"
#include "picture/colormap.h"
#include "picture/normalisation.h"
#include "picture/pooling.h"
#include "rank/rank.h"
#include "study/pictures.h"
#include "tensor/error.h"

namespace ks {

namespace {

/// Runs a check and says in its Error that it was `place` that failed.
template <class F>
void at_place(const std::string& place, const F& check) {
  try {
    check();
  } catch (const Error& e) {
    throw Error(e.where().empty() ? e.problem() : e.where() + " " + e.problem(), place, e.hint());
  }
}

template <class T, class U>
void check_choices(const char* list, const std::vector<T>& choices, const Registry<U>& registry) {
  for (size_t i = 0; i < choices.size(); ++i)
    at_place(std::string(list) + "[" + std::to_string(i) + "]",
             [&] { check_parameters(registry.at(choices[i].name), choices[i].params); });
}

}  // namespace

void check_study(const Study& study) {
  for (size_t i = 0; i < study.images.size(); ++i)
    if (study.images[i].source.kind == Source::Kind::generate)
      at_place("images[" + std::to_string(i) + "]",
               [&] { check_parameters(recipe_entry(), study.images[i].source.recipe); });
  check_choices("methods", study.methods, methods());
  check_choices("metrics", study.metrics, metrics());
  at_place("ranking.overall", [&] { overall_rankings().at(study.ranking.rank.overall); });
  at_place("ranking.weights", [&] { check_rank_options(study.ranking.rank); });
  at_place("view.pooling", [&] { poolings().at(study.view.pooling); });
  at_place("view.normalisation", [&] { normalisations().at(study.view.normalisation); });
  at_place("view.colormap", [&] { colormaps().at(study.view.colormap); });
}

}  // namespace ks
