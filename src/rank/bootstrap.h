#pragma once
#include <utility>
#include <vector>

#include "rank/rank.h"
#include "tensor/random.h"

namespace ks {

/// Redraws the images of a table with replacement: the same images for all methods and metrics, so that comparisons
/// stay paired (B. Efron: Bootstrap methods: another look at the jackknife, Annals of Statistics 1979).
class Bootstrap {
 public:
  /// With RankOf::images every image's scores are its ranks.
  Bootstrap(const ScoreTable& table, RankOf of);

  size_t images() const { return images_; }
  /// The images once each.
  void take_all();
  void draw(Random& random);

  /// Mean over the drawn images that are defined, for every method; NaN where there is none.
  void means(size_t metric, std::vector<double>& out) const;

 private:
  struct Values {
    std::vector<double> values;  // [image][method], 0 where undefined
    std::vector<char> said;      // [image]: the metric says something of it
    /// [image][method] 1 where defined; empty where the images that are said something of are so for every method.
    std::vector<double> defined;
  };
  size_t methods_, images_;
  std::vector<Values> metrics_;
  std::vector<std::pair<size_t, double>> drawn_;  // image, how often
  std::vector<int> times_;
};

}  // namespace ks
