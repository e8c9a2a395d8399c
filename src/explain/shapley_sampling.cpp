#include <algorithm>
#include <numeric>

#include "explain/cut.h"
#include "explain/evaluate.h"
#include "explain/perturbation.h"
#include "explain/reference.h"
#include "explain/switched_image.h"
#include "tensor/random.h"

// J. Castro, D. Gómez, J. Tejada: Polynomial calculation of the Shapley value based on sampling, Computers & Operations
// Research 36(5), 2009: the mean marginal contribution over random orders. Antithetic orders, each also backwards: R.
// Mitchell, J. Cooper, E. Frank, G. Holmes: Sampling permutations for Shapley value estimation, JMLR 23, 2022.
namespace ks {

namespace {

/// Random orders of the segments; where antithetic, every second one is the one before it backwards.
std::vector<std::vector<int>> draw_orders(int segments, int orders, bool antithetic, uint64_t seed) {
  Random random(seed);
  std::vector<std::vector<int>> out;
  while (static_cast<int>(out.size()) < orders) {
    if (antithetic && out.size() % 2 == 1) {
      out.emplace_back(out.back().rbegin(), out.back().rend());
      continue;
    }
    std::vector<int> order(static_cast<size_t>(segments));
    std::iota(order.begin(), order.end(), 0);
    random.shuffle(order);
    out.push_back(std::move(order));
  }
  return out;
}

struct Answers {
  std::vector<std::vector<int>> orders;
  double empty = 0, whole = 0;
  std::vector<double> chains;  // order by order: the outputs of its prefixes, without the empty and the whole one
};

/// Every prefix of an order is one segment more than the one before, so its image is made from that.
void ask(Evaluator& evaluator, int target, const SwitchedImage& image, Answers& answers,
         const std::function<void(double)>& progress) {
  answers.chains.resize(answers.orders.size() * static_cast<size_t>(image.count() - 1));
  std::copy_n(image.reference(), image.size(), evaluator.next(target, &answers.empty));
  std::copy_n(image.whole(), image.size(), evaluator.next(target, &answers.whole));
  double* answer = answers.chains.data();
  std::vector<float> prefix(static_cast<size_t>(image.size()));
  for (size_t o = 0; o < answers.orders.size(); ++o) {
    std::copy_n(image.reference(), image.size(), prefix.data());
    for (int k = 0; k + 1 < image.count(); ++k) {
      image.set(answers.orders[o][static_cast<size_t>(k)], true, prefix.data());
      std::copy(prefix.begin(), prefix.end(), evaluator.next(target, answer++));
    }
    progress(static_cast<double>(o + 1) / static_cast<double>(answers.orders.size()));
  }
}

std::vector<double> mean_contributions(const Answers& answers, size_t segments) {
  std::vector<double> out(segments);
  const double* answer = answers.chains.data();
  for (const std::vector<int>& order : answers.orders) {
    double before = answers.empty;
    for (size_t k = 0; k < segments; ++k) {
      const double after = k + 1 < segments ? *answer++ : answers.whole;
      out[static_cast<size_t>(order[k])] += (after - before) / static_cast<double>(answers.orders.size());
      before = after;
    }
  }
  return out;
}

Tensor shapley_sampling(const ExplainRequest& r, const Params& p) {
  const int64_t samples = r.inputs.dim(0);
  std::vector<Segments> segments;
  std::vector<Answers> answers(static_cast<size_t>(samples));
  Evaluator evaluator(r.classifier, output_of(p));
  for (int64_t n = 0; n < samples; ++n) {
    segments.push_back(cut(r, n, p));
    const SwitchedImage image(r.inputs.sample(n), reference_input(r, n, p), segments.back());
    Answers& a = answers[static_cast<size_t>(n)];
    a.orders = draw_orders(image.count(), p.integer("permutations"), p.flag("antithetic"), r.sample_seed(n));
    ask(evaluator, r.targets[static_cast<size_t>(n)], image, a, [&](double done) {
      if (r.progress) r.progress((static_cast<double>(n) + done) / static_cast<double>(samples));
    });
  }
  evaluator.finish();
  Tensor out({samples, 1, r.inputs.dim(2), r.inputs.dim(3)});
  for (int64_t n = 0; n < samples; ++n) {
    const Segments& s = segments[static_cast<size_t>(n)];
    spread(mean_contributions(answers[static_cast<size_t>(n)], static_cast<size_t>(s.count)), s, out, n);
  }
  return out;
}

}  // namespace

Method shapley_sampling_method() {
  Method m;
  m.name = "shapley-sampling";
  m.title = "Shapley value sampling";
  m.family = "perturbation";
  m.citation =
      "J. Castro, D. Gómez, J. Tejada: Polynomial calculation of the Shapley value based on sampling, Computers & "
      "Operations Research 36(5), 2009.";
  m.description =
      "Starts from the baseline and adds segments in random orders; a segment's value is the mean of what it adds to "
      "the target's output when its turn comes. The values sum to f(x) − f(baseline), whatever the orders.";
  m.misleads =
      "With few permutations the values are noisy: small ones may have the wrong sign, so compare two seeds before "
      "reading them. Most of the images asked about are half a kernel on an empty ground, which the network never saw "
      "in training.";
  m.formula =
      "R = φₖ = mean over orders π of  f_c(x on Pre_π(k) ∪ {k}) − f_c(x on Pre_π(k)),  Pre_π(k): what comes before k "
      "in π";
  m.parameters = cut_parameters("slic", 50);
  m.parameters.push_back(grid_cells_parameter());
  using enum ParameterType;
  m.parameters.push_back({"permutations", integer, 20,
                          "Random orders; each costs as many images as there are segments, less one", 1, 10000,
                          "orders"});
  m.parameters.push_back(
      {"antithetic", boolean, true, "Every second order is the one before it backwards: less noise"});
  for (Parameter& q : reference_parameters()) m.parameters.push_back(std::move(q));
  m.parameters.push_back(output_parameter("logits"));
  m.explain = shapley_sampling;
  m.needs_gradient = false;
  return m;
}

}  // namespace ks
