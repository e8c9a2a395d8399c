#include <algorithm>
#include <array>
#include <cmath>

#include "explain/evaluate.h"
#include "metric/explainer.h"
#include "metric/localisation.h"
#include "tensor/error.h"
#include "tensor/random.h"

// Focus: whether an explanation of a mosaic of four images points at those of the class that is explained. Its
// annotation is made, not drawn: it needs no mask.
namespace ks {

namespace {

using Quadrants = std::array<bool, 4>;  // top left, top right, bottom left, bottom right

/// A quadrant's rows or columns: the first half is the smaller one of an odd number.
struct Half {
  int64_t begin, size;
  Half(int64_t length, bool second) : begin(second ? length / 2 : 0), size(second ? length - length / 2 : length / 2) {}
};

/// Share of the positive relevance that lies in the marked quadrants.
double focused_share(const Maps& maps, int64_t n, const Quadrants& marked) {
  double inside = 0, sum = 0;
  const double* a = maps.sample(n);
  for (int64_t row = 0; row < maps.channels * maps.height; ++row)
    for (size_t side = 0; side < 2; ++side) {
      double positive = 0;
      for (const double* end = a + Half(maps.width, side == 1).size; a != end; ++a) positive += *a + std::fabs(*a);
      positive /= 2;  // v + |v| is 2 v or 0, without a branch on signs that nobody can predict
      sum += positive;
      if (marked[(row % maps.height >= maps.height / 2 ? 2 : 0) + side]) inside += positive;
    }
  return inside / (sum + 1e-9);
}

std::vector<Quadrants> read_quadrants(const json& given, int64_t images) {
  const auto wrong = [&] {
    throw Error(
        "'quadrants' is " + given.dump(), "focus",
        "it must be null, or for each image a list of four 0 or 1: top left, top right, bottom left, bottom right");
  };
  std::vector<Quadrants> out;
  if (!given.is_array() || static_cast<int64_t>(given.size()) != images) wrong();
  for (const json& four : given) {
    if (!four.is_array() || four.size() != 4) wrong();
    Quadrants marked;
    for (size_t q = 0; q < 4; ++q) {
      if (four[q] != 0 && four[q] != 1) wrong();
      marked[q] = four[q] == 1;
    }
    out.push_back(marked);
  }
  return out;
}

/// A score, unless the map says nothing.
double focus_of(const PreparedMaps& maps, int64_t n, const Quadrants& marked, MapDefect& worst) {
  const MapDefect defect = maps.defect(n);
  if (defect == MapDefect::none || defect == MapDefect::constant) return focused_share(maps.maps(), n, marked);
  worst = defect;
  return kUndefined;
}

void warn_of_defect(MapDefect defect, int64_t n, int64_t count, const char* which, MetricResult& out) {
  if (defect == MapDefect::zero)
    out.warnings.push_back(image_warning(n, count, std::string(which) + " is zero everywhere, so it points nowhere"));
  if (defect == MapDefect::undefined)
    out.warnings.push_back(image_warning(n, count, std::string(which) + " holds NaN or infinity"));
}

MetricResult of_given_quadrants(const MetricRequest& r, const Params& p) {
  const std::shared_ptr<const PreparedMaps> maps = prepared(r, p);
  const int64_t count = maps->maps().count;
  const std::vector<Quadrants> marked = read_quadrants(p.value("quadrants"), count);
  MetricResult out;
  for (int64_t n = 0; n < count; ++n) {
    MapDefect defect = MapDefect::none;
    out.scores.push_back(focus_of(*maps, n, marked[static_cast<size_t>(n)], defect));
    warn_of_defect(defect, n, count, "the map", out);
  }
  return out;
}

/// How much each of `from` positions in a row goes into each of `to`: what of it lies under it.
std::vector<std::vector<std::pair<int64_t, float>>> shares_of_area(int64_t from, int64_t to) {
  std::vector<std::vector<std::pair<int64_t, float>>> out(static_cast<size_t>(to));
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  for (int64_t i = 0; i < to; ++i) {
    const double begin = static_cast<double>(i) * scale, end = begin + scale;
    for (int64_t k = static_cast<int64_t>(begin); k < from && static_cast<double>(k) < end - 1e-9; ++k) {
      const double covered = std::min(end, static_cast<double>(k + 1)) - std::max(begin, static_cast<double>(k));
      if (covered > 1e-9) out[static_cast<size_t>(i)].emplace_back(k, static_cast<float>(covered / scale));
    }
  }
  return out;
}

/// Puts an image, [C,H,W], into one quadrant of another of the same size: the mean over the area of each of its pixels.
void place(const float* image, int64_t channels, int64_t height, int64_t width, size_t quadrant, float* mosaic) {
  const Half rows(height, quadrant >= 2), columns(width, quadrant % 2 == 1);
  const auto down = shares_of_area(height, rows.size), across = shares_of_area(width, columns.size);
  for (int64_t c = 0; c < channels; ++c, image += height * width, mosaic += height * width)
    for (int64_t y = 0; y < rows.size; ++y)
      for (int64_t x = 0; x < columns.size; ++x) {
        float sum = 0;
        for (const auto& [from_y, share_y] : down[static_cast<size_t>(y)])
          for (const auto& [from_x, share_x] : across[static_cast<size_t>(x)])
            sum += share_y * share_x * image[from_y * width + from_x];
        mosaic[(rows.begin + y) * width + columns.begin + x] = sum;
      }
}

/// The class that the network finds in each image.
std::vector<int> found_classes(const MetricRequest& r) {
  const int64_t count = r.inputs->dim(0);
  std::vector<std::vector<float>> logits(static_cast<size_t>(count));
  Evaluator evaluator(*r.classifier, Output::logits, r.forwards);
  for (int64_t n = 0; n < count; ++n)
    std::copy_n(r.inputs->sample(n), r.inputs->stride(), evaluator.next(&logits[static_cast<size_t>(n)]));
  evaluator.finish();
  std::vector<int> out;
  for (const std::vector<float>& row : logits)
    out.push_back(static_cast<int>(std::max_element(row.begin(), row.end()) - row.begin()));
  return out;
}

/// Four images of a mosaic and which quadrants show the class that is explained.
struct Mosaic {
  std::array<int64_t, 4> images;
  Quadrants marked = {};
};

Mosaic draw_mosaic(int64_t image, const std::vector<int64_t>& alike, const std::vector<int64_t>& others,
                   Random random) {
  const auto one_of = [&](const std::vector<int64_t>& images) {
    return images[random.below(static_cast<uint32_t>(images.size()))];
  };
  const int64_t partner = one_of(alike), first = one_of(others);
  int64_t second = first;
  while (second == first) second = one_of(others);
  std::vector<int64_t> order = {image, partner, first, second};
  random.shuffle(order);
  Mosaic out;
  for (size_t q = 0; q < 4; ++q) {
    out.images[q] = order[q];
    out.marked[q] = order[q] == image || order[q] == partner;
  }
  return out;
}

MetricResult of_mosaics(const MetricRequest& r, const Params& p) {
  const Explainer explainer(r, p, "focus");
  const Tensor& x = *r.inputs;
  const int64_t count = x.dim(0), rounds = p.integer("mosaics");
  const std::vector<int> classes = found_classes(r);
  MetricResult out;
  out.scores.assign(static_cast<size_t>(count), kUndefined);
  std::vector<int64_t> usable;
  std::vector<std::vector<int64_t>> alike(static_cast<size_t>(count)), others(static_cast<size_t>(count));
  for (int64_t n = 0; n < count; ++n) {
    for (int64_t other = 0; other < count; ++other)
      if (other != n)
        (classes[static_cast<size_t>(other)] == classes[static_cast<size_t>(n)] ? alike
                                                                                : others)[static_cast<size_t>(n)]
            .push_back(other);
    if (!alike[static_cast<size_t>(n)].empty() && others[static_cast<size_t>(n)].size() >= 2)
      usable.push_back(n);
    else
      out.warnings.push_back(image_warning(
          n, count,
          "a mosaic needs another image in which the network finds the same class, and two in which it finds another"));
  }
  std::vector<double> sums(usable.size());
  std::vector<int> targets;
  for (const int64_t n : usable) targets.push_back(classes[static_cast<size_t>(n)]);
  for (int64_t round = 0; round < rounds && !usable.empty(); ++round) {
    Shape shape = x.shape;
    shape[0] = static_cast<int64_t>(usable.size());
    Tensor pictures(shape);
    std::vector<Mosaic> mosaics;
    for (size_t k = 0; k < usable.size(); ++k) {
      const size_t n = static_cast<size_t>(usable[k]);
      mosaics.push_back(
          draw_mosaic(usable[k], alike[n], others[n], Random(mix_seed(r.seed, n), static_cast<uint64_t>(round))));
      for (size_t q = 0; q < 4; ++q)
        place(x.sample(mosaics[k].images[q]), x.dim(1), x.dim(2), x.dim(3), q,
              pictures.sample(static_cast<int64_t>(k)));
    }
    const PreparedMaps maps(
        prepare(explainer(*r.classifier, pictures, targets, mix_seed(r.seed, static_cast<uint64_t>(round))), p));
    for (size_t k = 0; k < usable.size(); ++k) {
      MapDefect defect = MapDefect::none;
      sums[k] += focus_of(maps, static_cast<int64_t>(k), mosaics[k].marked, defect);
      warn_of_defect(defect, usable[k], count, "the map of a mosaic", out);
    }
    if (r.progress) r.progress(static_cast<double>(round + 1) / static_cast<double>(rounds));
  }
  for (size_t k = 0; k < usable.size(); ++k)
    out.scores[static_cast<size_t>(usable[k])] = sums[k] / static_cast<double>(rounds);
  return out;
}

bool makes_mosaics(const Params& p) {
  return p.value("quadrants").is_null();
}

MetricResult focus(const MetricRequest& r, const Params& p) {
  return makes_mosaics(p) ? of_mosaics(r, p) : of_given_quadrants(r, p);
}

}  // namespace

Metric focus_metric() {
  using enum ParameterType;
  PreparationDefaults raw;
  raw.absolute = false;
  std::vector<Parameter> own = {{"quadrants", value, nullptr,
                                 "null: makes mosaics; for each image four of 0 or 1 (top left, top right, bottom "
                                 "left, bottom right): the attributions are "
                                 "of mosaics already, and 1 marks the class"},
                                {"mosaics", integer, 1, "Mosaics of each image, whose mean counts", 1, 64, "mosaics"}};
  own = joined({own, explainer_parameters()});
  Metric m{
      {"focus", "Focus", "localisation",
       "A. Arias-Duart, F. Parés, D. Garcia-Gasulla, V. Gimenez-Abalos: Focus! Rating XAI methods and finding biases, "
       "FUZZ-IEEE 2022.",
       "Explains a mosaic of four images at half their size, two of a class and two of others as the network finds "
       "them: the "
       "share of the positive relevance that lies in the two of the class. 0.5 for a map that cannot tell.",
       with_preparation(raw, std::move(own)),
       "A mosaic is nothing the network was trained on, and its images are half as large: damage of a few pixels may "
       "be gone. "
       "A network that tells classes apart by the background scores as well as one that looks at the kernel.",
       "Σ over the quadrants of the class of aᵢ⁺ / Σ over the mosaic of aᵢ⁺"},
      Direction::higher,
      true,
      false,
      focus};
  m.compares_images = m.makes_pictures = makes_mosaics;
  m.needs_classifier_with = makes_mosaics;
  return m;
}

}  // namespace ks
