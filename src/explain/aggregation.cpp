#include "explain/aggregation.h"

#include <algorithm>
#include <cmath>

#include "explain/aggregate.h"
#include "picture/pooling.h"
#include "tensor/error.h"

// Aggregates: one map from those of several methods. Each is a method like any other, so that it can be measured and
// ranked beside its members.
namespace ks {

namespace {

constexpr size_t most_members = 32;
constexpr const char* aggregation_family = "aggregation";

/// Methods of different kinds that agree in what their sign says: support for the class. All are one graph each.
const json usual_members = {"input-x-gradient",      "guided-backprop", "lrp-epsilon-plus-flat",
                            "lrp-epsilon-gamma-box", "grad-cam",        "layer-cam"};

/// A member as its full object, {"name", "params"}, with its defaults.
json complete_member(const json& given, const std::string& where) {
  const bool object = given.is_object() && given.contains("name") && given.at("name").is_string();
  if (!given.is_string() && !object)
    throw Error("a member is " + given.dump(), where,
                "give a method's name, or an object of its \"name\" and \"params\"");
  if (object)
    for (const auto& [key, value] : given.items())
      if (key != "name" && key != "params")
        throw Error("a member has '" + key + "'", where, "it takes name and params");
  const std::string name = object ? given.at("name").get<std::string>() : given.get<std::string>();
  try {
    const Method& method = methods().at(name);
    if (method.family == aggregation_family)
      throw Error("'" + name + "' is an aggregate itself and cannot be a member", where, "list its members instead");
    return {
        {"name", name},
        {"params", check_parameters(method, object && given.contains("params") ? given.at("params") : json()).all()}};
  } catch (const Error& e) {
    if (e.where() == where) throw;
    throw Error((e.where().empty() ? "" : e.where() + ": ") + e.problem(), where, e.hint());
  }
}

void complete_members(const Method& method, json& values) {
  json& members = values.at("members");
  if (members.empty() || members.size() > most_members)
    throw Error("has " + std::to_string(members.size()) + " members", method.name,
                "give from 1 to " + std::to_string(most_members) + " methods");
  for (json& member : members) member = complete_member(member, method.name);
}

/// The members' maps, each [N,1,H,W]: channels are added up.
std::vector<Tensor> member_maps(const ExplainRequest& r, const Params& p) {
  const std::vector<ChosenMethod> members = members_of(p);
  std::vector<Tensor> maps(members.size());
  std::vector<ChosenMethod> missing;
  std::vector<size_t> positions;
  const auto take = [&](size_t k, const Tensor& raw) {
    maps[k] = pool_channels(raw, poolings().at("sum"));
    if (!std::all_of(maps[k].data.begin(), maps[k].data.end(), [](float v) { return std::isfinite(v); }))
      throw Error("its map has values that are no numbers", members[k].method->name, "leave it out of the members");
  };
  for (size_t k = 0; k < members.size(); ++k) {
    const Tensor* known = r.known ? r.known(members[k].method->name, members[k].params.all()) : nullptr;
    if (known) {
      take(k, *known);
    } else {
      missing.push_back(members[k]);
      positions.push_back(k);
    }
  }
  if (missing.empty()) return maps;
  const std::vector<Tensor> made = explain_together(missing, r);
  for (size_t k = 0; k < made.size(); ++k) take(positions[k], made[k]);
  return maps;
}

using AggregateStatistic = void (*)(const Members&, int64_t size, float* out);

/// Divides every image's map by its scale.
void bring_to_scale(Tensor& maps, MemberScale scale) {
  for (int64_t n = 0; n < maps.dim(0); ++n) {
    const double by = member_scale(maps.sample(n), maps.stride(), scale);
    for (float* v = maps.sample(n); v != maps.sample(n) + maps.stride(); ++v) *v = static_cast<float>(*v / by);
  }
}

template <AggregateStatistic statistic>
Tensor aggregated(const ExplainRequest& r, const Params& p) {
  std::vector<Tensor> maps = member_maps(r, p);
  if (p.has("member_scale")) {
    const std::string scale = p.text("member_scale");
    for (Tensor& map : maps)
      bring_to_scale(map, scale == "max"    ? MemberScale::max
                          : scale == "none" ? MemberScale::none
                                            : MemberScale::second_moment);
  }
  Tensor out(maps[0].shape);
  for (int64_t n = 0; n < out.dim(0); ++n) {
    Members members;
    for (const Tensor& map : maps) members.push_back(map.sample(n));
    statistic(members, out.stride(), out.sample(n));
  }
  return out;
}

template <AggregateStatistic statistic>
Method aggregate(const char* name, const char* title, const char* citation, const char* description,
                 const char* misleads, const char* formula, bool scaled) {
  std::vector<Parameter> parameters = {
      {"members", ParameterType::list, usual_members,
       "The methods whose maps are aggregated: names, or objects {\"name\": ..., \"params\": {...}}"}};
  if (scaled)
    parameters.push_back(
        {"member_scale",
         ParameterType::choice,
         "second-moment",
         "What each member's map is divided by first: root of the mean square, largest magnitude, nothing",
         {},
         {},
         "",
         {"second-moment", "max", "none"}});
  Method m;
  static_cast<Entry&>(m) = {name,     title,  aggregation_family, citation, description, std::move(parameters),
                            misleads, formula};
  m.explain = aggregated<statistic>;
  m.complete = complete_members;
  return m;
}

const char* const rieger_aggregation =
    "L. Rieger, L. K. Hansen: Aggregating explanation methods for stable and robust explainability, arXiv 1903.00519, "
    "2020.";

}  // namespace

std::vector<ChosenMethod> members_of(const Params& p) {
  std::vector<ChosenMethod> out;
  if (p.has("members"))
    for (const json& member : p.value("members"))
      out.emplace_back(member.at("name").get<std::string>(), member.at("params"));
  return out;
}

std::vector<Method> aggregation_methods() {
  return {
      aggregate<mean_of_members>("aggregate-mean", "Mean of methods", rieger_aggregation,
                                 "Mean of the members' maps, each brought to the same scale first.",
                                 "Members that are alike count several times: three LRP rules outvote one CAM. One "
                                 "member with a single huge pixel is "
                                 "scaled down to almost nothing and its vote is lost.",
                                 "Σₘ Rᵐᵢ / (M · sₘ),  sₘ² = Σᵢ (Rᵐᵢ)² / n,  m: one of the M members", true),
      aggregate<median_of_members>(
          "aggregate-median", "Median of methods",
          "U. Bhatt, A. Weller, J. M. F. Moura: Evaluating and aggregating feature-based "
          "model explanations, IJCAI 2020 (aggregates of explanations).",
          "Median of the members' values at each pixel, each member brought to the same scale first.",
          "What fewer than half of the members see is gone, also where they are right: fine damage that only the "
          "gradients resolve "
          "disappears behind coarse CAMs.",
          "medianₘ (Rᵐᵢ / sₘ),  m: one of the members, sₘ: its scale", true),
      aggregate<strongest_of_members>("aggregate-max", "Strongest of methods",
                                      "U. Bhatt, A. Weller, J. M. F. Moura: Evaluating and aggregating feature-based "
                                      "model explanations, IJCAI 2020 (aggregates of explanations).",
                                      "At each pixel the member's value of largest magnitude, with its sign, each "
                                      "member brought to the same scale first.",
                                      "The union of all errors: whatever any member lights up is lit, and the noisiest "
                                      "member shapes the map. Use it to see "
                                      "what was found by any method, not what is sure.",
                                      "Rᵏᵢ / sₖ  with k = argmaxₘ |Rᵐᵢ| / sₘ,  m: one of the members, sₘ: its scale",
                                      true),
      aggregate<variance_weighted_mean_of_members>(
          "aggregate-variance-weighted", "Variance-weighted mean of methods", rieger_aggregation,
          "Mean of the members divided by how much they differ at the pixel: where they agree, it counts more.",
          "Agreement is no proof: methods of one family share their faults, and where none of them sees anything they "
          "agree best.",
          "μᵢ / (σᵢ + mean of σ over the image),  μᵢ, σᵢ: mean and standard deviation over the members of Rᵐᵢ / sₘ",
          true),
      aggregate<rank_mean_of_members>(
          "aggregate-rank-mean", "Rank mean of methods",
          "U. Bhatt, A. Weller, J. M. F. Moura: Evaluating and aggregating feature-based model explanations, IJCAI "
          "2020 (aggregates "
          "of explanations); ranks after C. Dwork, R. Kumar, M. Naor, D. Sivakumar: Rank aggregation methods for the "
          "web, WWW 2001.",
          "Mean of the ranks of the members' magnitudes, from 0 to 1, with their signs: scale and shape of a member's "
          "values do not "
          "matter.",
          "Ranks rise evenly, so half of the image is above 0.5: the map looks full, and weak noise weighs as much as "
          "the step from "
          "a strong pixel to the strongest.",
          "Σₘ sign(Rᵐᵢ) · rank(|Rᵐᵢ|) / (n · M),  m: one of the M members, n: number of pixels", false),
      aggregate<aligned_mean_of_members>(
          "aggregate-distribution-aligned", "Distribution-aligned mean of methods",
          "Quantile normalisation: B. M. Bolstad, R. A. Irizarry, M. Åstrand, T. P. Speed: A comparison of "
          "normalization methods "
          "for high density oligonucleotide array data based on variance and bias, Bioinformatics 2003; of magnitudes, "
          "and with "
          "medians over the members.",
          "Moves the magnitudes of every member to one distribution, the members' typical one, keeps their signs, and "
          "takes the "
          "mean: methods whose values differ by orders of magnitude or in shape weigh alike, and no outlier dominates.",
          "It gives a member that found nothing, only noise, the same strong pixels as one that found the damage. "
          "Zeros stay zero, "
          "so a CAM with much of the image at zero speaks less of it.",
          "Σₘ sign(Rᵐᵢ) · Q(rank |Rᵐᵢ|) / M,  m: one of the M members\n"
          "Q(k) = medianₘ (the k-th smallest |Rᵐᵢ| / the median of those above 0)",
          false),
  };
}

}  // namespace ks
