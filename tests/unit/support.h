#pragma once
#include <string>

namespace ks::test {

/// A file of the source tree: path("tests/golden/...").
inline std::string path(const std::string& relative) {
  return std::string(KERNELSCOPE_SOURCE_DIR) + "/" + relative;
}

}  // namespace ks::test
