#pragma once
#include <string>
#include <vector>

#include "grain/dataset.h"
#include "picture/image.h"

namespace ks::train {

/// A picture with its class, at the network's input size: what training, validation and testing work on.
struct Sample {
  Image image;
  int label = 0;
  std::string name;  // the file, or the recipe, it came from
};

struct Samples {
  std::vector<std::string> classes;
  std::vector<Sample> samples;
  std::string description;  // where it came from: the folder, or the recipe
};

/// Reads a folder with one folder of pictures per class, classes and pictures in the order of their names; every
/// picture is resized to width x height as a classifier does with what it is given. Throws Error where there are fewer
/// than two classes, a class has no picture, or a picture cannot be read.
Samples load_folder(const std::string& folder, int width, int height, const Progress& progress = {});

/// The pictures of some of a data set's splits, resized in the same way.
Samples load_splits(const Dataset& dataset, const std::vector<Split>& splits, int width, int height,
                    const Progress& progress = {});

/// The samples of the named classes, relabelled in this order. Throws Error for a class there is not.
Samples with_classes(const Samples& samples, const std::vector<std::string>& classes);

/// Takes a fraction of every class out of `all`, chosen by the seed; what is taken is returned. At least one sample of
/// every class stays and, for a fraction above 0, one is taken. Throws Error for a class with a single sample.
Samples take_fraction(Samples& all, double fraction, uint64_t seed);

}  // namespace ks::train
