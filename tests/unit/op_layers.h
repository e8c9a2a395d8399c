#pragma once
#include <functional>
#include <string>
#include <vector>

#include "networks.h"

namespace ks::test {

/// A layer on top of a small image tensor, for tests that go through all ops and their forms.
struct OpLayer {
  std::string name;
  std::function<void(Network&)> build;
  float gap = 0.02f;  // between input values: wider where the op bends away from 0
  int64_t opset = 17;
};

/// Every op that has a gradient, in the forms that exporters write.
std::vector<OpLayer> op_layers();

/// [3,6,5]: the image these layers stand on.
inline Network op_network(uint64_t seed) {
  return Network(seed, 3, 6, 5);
}

/// Runs a check for each of them; one that throws fails under its name and hides no other.
void for_each_op_layer(const std::function<void(const OpLayer&, Network&)>& check);

}  // namespace ks::test
