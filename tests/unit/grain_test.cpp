#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>

#include "grain/render.h"
#include "tensor/error.h"

using namespace ks;

namespace {

int difference(const Image& a, const Image& b, size_t pixel) {
  int most = 0;
  for (size_t c = 0; c < 3; ++c) most = std::max(most, std::abs(a.rgb[3 * pixel + c] - b.rgb[3 * pixel + c]));
  return most;
}

}  // namespace

TEST_SUITE_BEGIN("grain");

TEST_CASE("a recipe always gives the same picture, another seed another one") {
  const RenderedKernel a = render_kernel({Species::wheat, Defect::pink_fusarium, 5, 224});
  const RenderedKernel b = render_kernel({Species::wheat, Defect::pink_fusarium, 5, 224});
  CHECK(a.image.rgb == b.image.rgb);
  CHECK(a.damage.inside == b.damage.inside);
  CHECK(a.image.rgb != render_kernel({Species::wheat, Defect::pink_fusarium, 6, 224}).image.rgb);
  CHECK(a.image.rgb != render_kernel({Species::barley, Defect::pink_fusarium, 5, 224}).image.rgb);
  CHECK_THROWS_AS(render_kernel({Species::wheat, Defect::none, 5, 4}), Error);
}

TEST_CASE("the damage mask is exact: the picture differs from the healthy one inside it and nowhere else") {
  for (const Species species : {Species::wheat, Species::barley})
    for (const Defect defect : {Defect::pink_fusarium, Defect::skinned})
      for (uint64_t seed = 100; seed < 112; ++seed) {
        CAPTURE(to_string(species));
        CAPTURE(to_string(defect));
        CAPTURE(seed);
        const RenderedKernel healthy = render_kernel({species, Defect::none, seed, 224});
        const RenderedKernel damaged = render_kernel({species, defect, seed, 224});
        CHECK(healthy.damage.area() == 0);
        CHECK(healthy.outline.inside == damaged.outline.inside);
        int64_t changed_outside = 0, same_inside = 0, beyond_outline = 0;
        for (size_t i = 0; i < damaged.damage.inside.size(); ++i) {
          const int d = difference(healthy.image, damaged.image, i);
          changed_outside += !damaged.damage.inside[i] && d > 0;
          same_inside += damaged.damage.inside[i] && d == 0;
          beyond_outline += damaged.damage.inside[i] && !damaged.outline.inside[i];
        }
        CHECK(changed_outside == 0);
        CHECK(beyond_outline == 0);
        CHECK(same_inside < 0.1 * damaged.damage.area());
      }
}

TEST_CASE("kernels and damages have believable sizes") {
  double kernel_share = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    const Species species = seed % 2 ? Species::barley : Species::wheat;
    const Defect defect = seed % 4 < 2 ? Defect::pink_fusarium : Defect::skinned;
    const RenderedKernel kernel = render_kernel({species, defect, seed, 224});
    const double area = static_cast<double>(kernel.outline.area()), share = kernel.damage.area() / area;
    kernel_share += area / (224 * 224) / 40;
    CHECK(area / (224 * 224) > 0.08);
    CHECK(area / (224 * 224) < 0.5);
    CHECK(share > (defect == Defect::skinned ? (species == Species::barley ? 0.22 : 0.12) : 0.07));
    CHECK(share < (defect == Defect::skinned ? 0.66 : 0.62));
  }
  CHECK(kernel_share > 0.15);
  CHECK(kernel_share < 0.35);
}

TEST_CASE("other sizes show the same kernel") {
  const RenderedKernel small = render_kernel({Species::wheat, Defect::skinned, 3, 112});
  const RenderedKernel large = render_kernel({Species::wheat, Defect::skinned, 3, 224});
  const double ratio = static_cast<double>(large.outline.area()) / small.outline.area();
  CHECK(ratio == doctest::Approx(4).epsilon(0.03));
  CHECK(static_cast<double>(large.damage.area()) / small.damage.area() == doctest::Approx(4).epsilon(0.15));
}

TEST_CASE("names of species and defects") {
  CHECK(parse_defect("pink-fusarium") == Defect::pink_fusarium);
  CHECK(to_string(Species::barley) == "barley");
  CHECK_THROWS_WITH_AS(parse_defect("skined"), "there is no defect 'skined'; did you mean 'skinned'?", Error);
}

TEST_SUITE_END();
