#include <algorithm>
#include <cmath>

#include "explain/cut.h"
#include "explain/evaluate.h"
#include "explain/mask_grid.h"
#include "explain/perturbation.h"
#include "explain/reference.h"
#include "explain/switched_image.h"
#include "tensor/random.h"
#include "tensor/wide.h"

// V. Petsiuk, A. Das, K. Saenko: RISE: Randomized input sampling for explanation of black-box models, BMVC 2018: the
// mean of random masks, each weighted by the network's output for the image under it.
namespace ks {

namespace {

const char* const kSmooth = "none";  // segmentation: the paper's masks, which need none

/// Pixels of a row between the same two columns of cells.
struct Run {
  size_t begin, end;
  int cell;
};

KS_WIDE void upsample(const std::vector<Run>& runs, const float* shares, const float* cells, float* out) {
  for (const Run& run : runs) {
    const float left = cells[run.cell], step = cells[run.cell + 1] - left;
    KS_APART
    for (size_t x = run.begin; x < run.end; ++x) out[x] = left + shares[x] * step;
  }
}

KS_WIDE void blend(const float* mask, const float* shown, const float* hidden, int width, float* out) {
  KS_APART
  for (int i = 0; i < width; ++i) out[i] = hidden[i] + mask[i] * (shown[i] - hidden[i]);
}

KS_WIDE void add_scaled(double factor, const float* mask, int width, double* sum) {
  KS_APART
  for (int i = 0; i < width; ++i) sum[i] += factor * static_cast<double>(mask[i]);
}

/// One smooth mask in [0,1]: a function of its stream alone, so that it need not be kept.
class SmoothMask {
 public:
  SmoothMask(int width, int height, int cells, double probability, uint64_t seed, uint64_t stream) : cells_(cells) {
    Random random(seed, stream);
    for (int i = 0; i < cells * cells; ++i) grid_.push_back(random.chance(probability) ? 1.0f : 0.0f);
    const int high = (height + cells - 1) / cells, wide = (width + cells - 1) / cells;
    // Upsampled to one cell more than the image has, and moved by up to one.
    rows_ =
        cells_along(height, cells, (cells + 1.0) * high, static_cast<int>(random.below(static_cast<uint32_t>(high))));
    size_t x = 0;
    for (const Between& column :
         cells_along(width, cells, (cells + 1.0) * wide, static_cast<int>(random.below(static_cast<uint32_t>(wide))))) {
      if (runs_.empty() || runs_.back().cell != column.cell) runs_.push_back({x, x, column.cell});
      runs_.back().end = ++x;
      shares_.push_back(static_cast<float>(column.share));
    }
  }

  /// Writes row y.
  void row(int y, float* out) {
    const Between& v = rows_[static_cast<size_t>(y)];
    const float* upper = grid_.data() + v.cell * cells_;
    const float* lower = cells_ > 1 ? upper + cells_ : upper;
    line_.resize(static_cast<size_t>(cells_) + 1);
    const float down = static_cast<float>(v.share);
    for (int c = 0; c < cells_; ++c) line_[static_cast<size_t>(c)] = upper[c] + down * (lower[c] - upper[c]);
    upsample(runs_, shares_.data(), line_.data(), out);
  }

 private:
  int cells_;
  std::vector<float> grid_, line_, shares_;  // shares_: by column, of the next cell
  std::vector<Between> rows_;
  std::vector<Run> runs_;
};

struct Setting {
  const ExplainRequest& request;
  const Params& params;
  int samples;
  double probability;

  void report(int64_t n, int s) const {
    if (request.progress && s % request.classifier.batch_size() == 0)
      request.progress((static_cast<double>(n) + static_cast<double>(s) / samples) /
                       static_cast<double>(request.inputs.dim(0)));
  }
};

SmoothMask smooth_mask(const Setting& s, int64_t n, int sample) {
  return {s.request.classifier.width(), s.request.classifier.height(), s.params.integer("cells"), s.probability,
          s.request.sample_seed(n),     static_cast<uint64_t>(sample)};
}

/// Section 3.2, with equation 6: sum of f(x under M) M over N E[M].
Tensor smooth_rise(const Setting& s) {
  const ExplainRequest& r = s.request;
  const int64_t images = r.inputs.dim(0), plane = r.inputs.dim(2) * r.inputs.dim(3);
  const int width = r.classifier.width(), height = r.classifier.height(), channels = r.classifier.channels();
  std::vector<std::vector<double>> answers(static_cast<size_t>(images),
                                           std::vector<double>(static_cast<size_t>(s.samples)));
  std::vector<float> line(static_cast<size_t>(width));
  Evaluator evaluator(r.classifier, output_of(s.params));
  for (int64_t n = 0; n < images; ++n) {
    const float* x = r.inputs.sample(n);
    const Tensor reference = reference_input(r, n, s.params);
    for (int k = 0; k < s.samples; ++k) {
      SmoothMask mask = smooth_mask(s, n, k);
      float* out =
          evaluator.next(r.targets[static_cast<size_t>(n)], &answers[static_cast<size_t>(n)][static_cast<size_t>(k)]);
      for (int y = 0; y < height; ++y) {
        mask.row(y, line.data());
        for (int c = 0; c < channels; ++c) {
          const int64_t at = c * plane + static_cast<int64_t>(y) * width;
          blend(line.data(), x + at, reference.data.data() + at, width, out + at);
        }
      }
      s.report(n, k);
    }
  }
  evaluator.finish();
  Tensor out({images, 1, height, width});
  for (int64_t n = 0; n < images; ++n) {
    std::vector<double> sum(static_cast<size_t>(plane));
    for (int k = 0; k < s.samples; ++k) {
      SmoothMask mask = smooth_mask(s, n, k);
      const double answer = answers[static_cast<size_t>(n)][static_cast<size_t>(k)];
      for (int y = 0; y < height; ++y) {
        mask.row(y, line.data());
        add_scaled(answer, line.data(), width, sum.data() + static_cast<int64_t>(y) * width);
      }
    }
    for (int64_t i = 0; i < plane; ++i)
      out.sample(n)[i] = static_cast<float>(sum[static_cast<size_t>(i)] / (s.samples * s.probability));
  }
  return out;
}

/// The same with masks that switch whole segments.
Tensor segment_rise(const Setting& s) {
  const ExplainRequest& r = s.request;
  const int64_t images = r.inputs.dim(0);
  struct Asked {
    Segments segments;
    std::vector<uint8_t> on;  // [samples][segments]
    std::vector<double> answers;
  };
  std::vector<Asked> asked(static_cast<size_t>(images));
  Evaluator evaluator(r.classifier, output_of(s.params));
  for (int64_t n = 0; n < images; ++n) {
    Asked& a = asked[static_cast<size_t>(n)];
    a.segments = cut(r, n, s.params);
    a.answers.resize(static_cast<size_t>(s.samples));
    a.on.resize(static_cast<size_t>(s.samples) * static_cast<size_t>(a.segments.count));
    Random random(r.sample_seed(n));
    for (uint8_t& v : a.on) v = random.chance(s.probability);
    const SwitchedImage image(r.inputs.sample(n), reference_input(r, n, s.params), a.segments);
    for (int k = 0; k < s.samples; ++k) {
      image.write(a.on.data() + static_cast<size_t>(k) * static_cast<size_t>(a.segments.count),
                  evaluator.next(r.targets[static_cast<size_t>(n)], &a.answers[static_cast<size_t>(k)]));
      s.report(n, k);
    }
  }
  evaluator.finish();
  Tensor out({images, 1, r.inputs.dim(2), r.inputs.dim(3)});
  for (int64_t n = 0; n < images; ++n) {
    const Asked& a = asked[static_cast<size_t>(n)];
    const size_t count = static_cast<size_t>(a.segments.count);
    std::vector<double> values(count);
    for (size_t i = 0; i < a.on.size(); ++i)
      if (a.on[i]) values[i % count] += a.answers[i / count] / (s.samples * s.probability);
    spread(values, a.segments, out, n);
  }
  return out;
}

Tensor rise(const ExplainRequest& r, const Params& p) {
  const Setting setting{r, p, p.integer("samples"), p.number("probability")};
  return p.text("segmentation") == kSmooth ? smooth_rise(setting) : segment_rise(setting);
}

}  // namespace

Method rise_method() {
  Method m;
  m.name = "rise";
  m.title = "RISE";
  m.family = "perturbation";
  m.citation =
      "V. Petsiuk, A. Das, K. Saenko: RISE: Randomized input sampling for explanation of black-box models, BMVC 2018.";
  m.description =
      "Shows the network the image through thousands of random masks; a pixel's value is the mean output over the "
      "masks that let it through.";
  m.misleads =
      "Values are means of the output, so the whole map lies near the output's average and only its differences count. "
      "Where the network stays certain under most masks, its probability hardly differs and the map is flat; output "
      "logits shows more. Nothing finer than a cell is resolved, and noise falls only with the root of the number of "
      "masks.";
  m.formula = "Rᵢ = Σₛ f_c(b + Mₛ (x − b)) · Mₛᵢ / (N · E[M])";
  using enum ParameterType;
  m.parameters = {
      {"samples", integer, 4000, "Masks", 1, 100000, "masks"},
      {"cells", integer, 7, "Cells of a mask's grid along each side", 1, 64, "cells"},
      {"probability", number, 0.5, "Of a cell (or segment) to be let through", 0.01, 0.99},
  };
  for (Parameter& q : cut_parameters(kSmooth, 100)) m.parameters.push_back(std::move(q));
  for (Parameter& q : m.parameters)
    if (q.name == "segmentation") {
      q.choices.insert(q.choices.begin(), kSmooth);
      q.help = "none: smooth masks on a randomly moved grid, the paper's; else whole segments are hidden";
    }
  for (Parameter& q : reference_parameters()) m.parameters.push_back(std::move(q));
  m.parameters.push_back(output_parameter("softmax"));
  m.explain = rise;
  m.needs_gradient = false;
  return m;
}

}  // namespace ks
