#include <algorithm>
#include <cmath>
#include <numeric>

#include "backward/explainer.h"
#include "explain/evaluate.h"
#include "explain/mask_grid.h"
#include "explain/network.h"
#include "explain/perturbation.h"
#include "explain/reference.h"
#include "graph/builder.h"
#include "graph/simplify.h"
#include "tensor/random.h"

// R. Fong, A. Vedaldi: Interpretable explanations of black boxes by meaningful perturbation, ICCV 2017: the smallest
// smooth mask that takes the target's output away, found by gradient descent. A mask m is 1 where the image shows and 0
// where the reference does; the network sees b + m (x - b).
namespace ks {

namespace {

constexpr double kTvPower = 3;  // beta of section 4.3
// Adam (D. Kingma, J. Ba, ICLR 2015), its authors' constants.
constexpr double kFirstDecay = 0.9, kSecondDecay = 0.999, kAdamEpsilon = 1e-8;
constexpr int kRadii = 10;            // circles tried as a start
constexpr double kSuppressed = 0.99;  // of the output: the start's circle hides so much (section 4.3)

struct Grid {
  int width, height, columns, rows;
  std::vector<Between> across, down;

  Grid(int w, int h, int cell)
      : width(w),
        height(h),
        columns((w + cell - 1) / cell),
        rows((h + cell - 1) / cell),
        across(cells_along(w, columns, w)),
        down(cells_along(h, rows, h)) {}
  size_t cells() const { return static_cast<size_t>(columns) * static_cast<size_t>(rows); }

  /// Calls act(pixel, cell, weight) for the up to four cells each pixel is made of.
  template <class Act>
  void for_each(const Act& act) const {
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        const Between &h = across[static_cast<size_t>(x)], &v = down[static_cast<size_t>(y)];
        const size_t pixel = static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x);
        const size_t cell = static_cast<size_t>(v.cell) * static_cast<size_t>(columns) + static_cast<size_t>(h.cell);
        const size_t right = columns > 1 ? 1 : 0, below = rows > 1 ? static_cast<size_t>(columns) : 0;
        act(pixel, cell, (1 - h.share) * (1 - v.share));
        act(pixel, cell + right, h.share * (1 - v.share));
        act(pixel, cell + below, (1 - h.share) * v.share);
        act(pixel, cell + below + right, h.share * v.share);
      }
  }
  std::vector<double> upsampled(const std::vector<double>& mask) const {
    std::vector<double> out(static_cast<size_t>(width) * static_cast<size_t>(height));
    for_each([&](size_t pixel, size_t cell, double weight) { out[pixel] += weight * mask[cell]; });
    return out;
  }
};

/// One image's search.
struct Search {
  const float* x;
  Tensor reference;
  std::vector<double> mask, first, second;  // the mask and Adam's moments, by cell
  Random random;
  int shift_x = 0, shift_y = 0;  // of the picture under the mask, px
};

/// Calls act(pixel, position of what the moved picture shows there); its borders are repeated.
template <class Act>
void for_each_moved(const Search& s, const Grid& g, const Act& act) {
  std::vector<size_t> columns;
  for (int x = 0; x < g.width; ++x) columns.push_back(static_cast<size_t>(std::clamp(x - s.shift_x, 0, g.width - 1)));
  size_t pixel = 0;
  for (int y = 0; y < g.height; ++y) {
    const size_t row = static_cast<size_t>(std::clamp(y - s.shift_y, 0, g.height - 1)) * columns.size();
    for (const size_t column : columns) act(pixel++, row + column);
  }
}

void write_masked(const Search& s, const Grid& g, const std::vector<double>& mask, float* out) {
  const std::vector<double> m = g.upsampled(mask);
  for (size_t begin = 0; begin < s.reference.data.size(); begin += m.size())
    for_each_moved(s, g, [&](size_t pixel, size_t from) {
      const double b = s.reference.data[begin + from];
      out[begin + pixel] = static_cast<float>(b + m[pixel] * (s.x[begin + from] - b));
    });
}

/// Adds the gradient of tv * sum over cells of |forward difference of m|^kTvPower.
void add_variation(const Grid& g, const std::vector<double>& m, double tv, std::vector<double>& gradient) {
  const size_t columns = static_cast<size_t>(g.columns);
  for (int r = 0; r < g.rows; ++r)
    for (int c = 0; c < g.columns; ++c) {
      const size_t i = static_cast<size_t>(r) * columns + static_cast<size_t>(c);
      const double right = c + 1 < g.columns ? m[i + 1] - m[i] : 0, below = r + 1 < g.rows ? m[i + columns] - m[i] : 0;
      const double slope = tv * kTvPower * std::pow(right * right + below * below, kTvPower / 2 - 1);
      if (c + 1 < g.columns) gradient[i + 1] += slope * right;
      if (r + 1 < g.rows) gradient[i + columns] += slope * below;
      gradient[i] -= slope * (right + below);
    }
}

/// One step of Adam on one image's mask: `input_gradient` is that of the output with respect to the network's input.
void step(Search& s, const Grid& g, const float* input_gradient, int iteration, const Params& p) {
  // d output / d mask at a pixel, then at the cells: the chain rule through b + m (x - b) and the upsampling.
  std::vector<double> by_pixel(static_cast<size_t>(g.width) * static_cast<size_t>(g.height)), by_cell(g.cells());
  for (size_t begin = 0; begin < s.reference.data.size(); begin += by_pixel.size())
    for_each_moved(s, g, [&](size_t pixel, size_t from) {
      by_pixel[pixel] += static_cast<double>(input_gradient[begin + pixel]) *
                         (static_cast<double>(s.x[begin + from]) - s.reference.data[begin + from]);
    });
  g.for_each([&](size_t pixel, size_t cell, double weight) { by_cell[cell] += weight * by_pixel[pixel]; });
  for (double& v : by_cell) v -= p.number("l1");  // of l1 * sum(1 - m)
  add_variation(g, s.mask, p.number("tv"), by_cell);
  const double first_bias = 1 - std::pow(kFirstDecay, iteration + 1),
               second_bias = 1 - std::pow(kSecondDecay, iteration + 1);
  for (size_t i = 0; i < by_cell.size(); ++i) {
    s.first[i] = kFirstDecay * s.first[i] + (1 - kFirstDecay) * by_cell[i];
    s.second[i] = kSecondDecay * s.second[i] + (1 - kSecondDecay) * by_cell[i] * by_cell[i];
    const double move = s.first[i] / first_bias / (std::sqrt(s.second[i] / second_bias) + kAdamEpsilon);
    s.mask[i] = std::clamp(s.mask[i] - p.number("learning_rate") * move, 0.0, 1.0);
  }
}

/// The mask that hides a circle in the middle, of a share of the way to the corners.
std::vector<double> circle(const Grid& g, double share) {
  std::vector<double> out;
  for (int r = 0; r < g.rows; ++r)
    for (int c = 0; c < g.columns; ++c) {
      const double across = (c + 0.5) / g.columns - 0.5, down = (r + 0.5) / g.rows - 0.5;
      out.push_back(across * across + down * down < share * share / 2 ? 0.0 : 1.0);
    }
  return out;
}

/// Every search starts from the smallest circle that takes nearly all of the output away, as the paper's does: where
/// the network is certain, the whole image has no gradient to start from.
void set_starts(std::vector<Search>& searches, const Grid& g, const ExplainRequest& r, int64_t begin, Output output) {
  std::vector<std::vector<double>> answers(searches.size(), std::vector<double>(kRadii + 1));
  Evaluator evaluator(r.classifier, output);
  for (size_t i = 0; i < searches.size(); ++i)
    for (int k = 0; k <= kRadii; ++k)
      write_masked(searches[i], g, circle(g, static_cast<double>(k) / kRadii),
                   evaluator.next(r.targets[static_cast<size_t>(begin) + i], &answers[i][static_cast<size_t>(k)]));
  evaluator.finish();
  for (size_t i = 0; i < searches.size(); ++i) {
    const double whole = answers[i].front(), wanted = kSuppressed * (whole - answers[i].back());
    int k = 1;
    while (k < kRadii && whole - answers[i][static_cast<size_t>(k)] < wanted) ++k;
    searches[i].mask = circle(g, static_cast<double>(k) / kRadii);
  }
}

/// The network with the gradient of the target's probability: seed_input stays 1 at the target, and the seed of the
/// backward pass becomes dp/dz = p_t (1 at t - p), computed from the logits before it.
graph::Model probability_gradient(const Classifier& c) {
  graph::Model model = methods().at("gradient").network(c, Params());
  const std::string logits = model.outputs[0].name, seed = "probability/seed";
  graph::replace_reads(model, backward::seed_input, seed);
  graph::build_after(model, logits, [&](graph::Builder& b) {
    const std::string p = b.add("Softmax", {logits}, {{"axis", int64_t{1}}}, "probability");
    const std::string ones = b.constant(graph::Array::of(Tensor({c.classes(), 1}, 1.0f)), "ones");
    const std::string of_target = b.add("MatMul", {b.add("Mul", {p, backward::seed_input}), ones});
    b.add_named("Mul", {of_target, b.add("Sub", {backward::seed_input, p})}, seed);
  });
  graph::check(model, c.where());
  return model;
}

Session& gradient_session(Classifier& c, Output output) {
  if (output == Output::logits) return network_session(c, methods().at("gradient"), Params());
  return c.derived("gradient of the probability", [&] { return probability_gradient(c); });
}

Tensor meaningful_perturbation(const ExplainRequest& r, const Params& p) {
  const Grid grid(r.classifier.width(), r.classifier.height(), p.integer("cell"));
  const Output output = output_of(p);
  Session& session = gradient_session(r.classifier, output);
  const int iterations = p.integer("iterations");
  const uint32_t jitter = static_cast<uint32_t>(p.integer("jitter"));
  const int64_t images = r.inputs.dim(0);
  Tensor out({images, 1, r.inputs.dim(2), r.inputs.dim(3)});
  for (int64_t begin = 0; begin < images; begin += r.classifier.batch_size()) {
    const int64_t end = std::min<int64_t>(images, begin + r.classifier.batch_size());
    std::vector<Search> searches;
    for (int64_t n = begin; n < end; ++n)
      searches.push_back({r.inputs.sample(n),
                          reference_input(r, n, p),
                          {},
                          std::vector<double>(grid.cells()),
                          std::vector<double>(grid.cells()),
                          Random(r.sample_seed(n))});
    set_starts(searches, grid, r, begin, output);
    const std::vector<int> targets(r.targets.begin() + begin, r.targets.begin() + end);
    Tensor batch({end - begin, r.inputs.dim(1), r.inputs.dim(2), r.inputs.dim(3)});
    for (int i = 0; i < iterations; ++i) {
      for (int64_t k = 0; k < end - begin; ++k) {
        Search& s = searches[static_cast<size_t>(k)];
        s.shift_x = static_cast<int>(s.random.below(jitter + 1)) - static_cast<int>(jitter / 2);
        s.shift_y = static_cast<int>(s.random.below(jitter + 1)) - static_cast<int>(jitter / 2);
        write_masked(s, grid, s.mask, batch.sample(k));
      }
      const Tensor gradient = run_explainer(r.classifier, session, batch, targets);
      for (int64_t k = 0; k < end - begin; ++k) step(searches[static_cast<size_t>(k)], grid, gradient.sample(k), i, p);
      if (r.progress)
        r.progress((static_cast<double>(begin) + static_cast<double>(end - begin) * (i + 1) / iterations) /
                   static_cast<double>(images));
    }
    for (int64_t n = begin; n < end; ++n) {
      const std::vector<double> mask = grid.upsampled(searches[static_cast<size_t>(n - begin)].mask);
      for (size_t i = 0; i < mask.size(); ++i) out.sample(n)[i] = static_cast<float>(1 - mask[i]);
    }
  }
  return out;
}

}  // namespace

Method meaningful_perturbation_method() {
  Method m;
  m.name = "meaningful-perturbation";
  m.title = "Meaningful perturbation";
  m.family = "perturbation";
  m.citation = "R. Fong, A. Vedaldi: Interpretable explanations of black boxes by meaningful perturbation, ICCV 2017.";
  m.description =
      "Searches by gradient descent for the smallest smooth region whose replacement by the baseline takes the "
      "target's probability away; the map is 1 where the image must be hidden and 0 where it may stay.";
  m.misleads =
      "Blurring does not take a smooth damage away: a pink patch stays pink, and the search then hides something "
      "else; the baseline mean finds it. Where either of two spots would do, the mask may show one, and a fine mask "
      "can find artefacts that fool the network. It says nothing against the class, and its values are places, not "
      "amounts.";
  m.formula =
      "R = 1 − argmin_m  f_c(b + m (x − b)) + l1 · Σ |1 − m| + tv · Σ |∇m|³,  m ∈ [0,1] interpolated between cells";
  using enum ParameterType;
  m.parameters = {
      {"iterations", integer, 300, "Steps of the search", 1, 5000, "steps"},
      {"learning_rate", number, 0.1, "Of Adam", 1e-4, 1},
      {"cell", integer, 8, "Side of a cell of the mask, which is interpolated between cells", 1, 64, "px"},
      {"l1", number, 1e-4, "Price of hiding, per cell", 0, 100},
      {"tv", number, 1e-2, "Price of rough masks, per cell", 0, 100},
      {"jitter", integer, 4, "The image moves under the mask by up to so much in each step, against artefacts", 0, 32,
       "px"},
  };
  for (Parameter& q : reference_parameters("blur")) m.parameters.push_back(std::move(q));
  m.parameters.push_back(output_parameter("softmax"));
  m.explain = meaningful_perturbation;
  return m;
}

}  // namespace ks
