#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>

#include "grain/annotate.h"
#include "grain/find.h"
#include "grain/plant.h"
#include "grain/render.h"
#include "tensor/error.h"

namespace ks::grain_test {

namespace {

int difference(const Image& a, const Image& b, size_t pixel) {
  int most = 0;
  for (size_t c = 0; c < 3; ++c) most = std::max(most, std::abs(a.rgb[3 * pixel + c] - b.rgb[3 * pixel + c]));
  return most;
}

/// A plain picture with soft noise, for what is no kernel.
Image grey_picture(int width, int height) {
  Image image(width, height);
  for (size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = static_cast<uint8_t>(120 + (i * 7919) % 5);
  return image;
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

TEST_CASE("the same recipe is the same picture for every compiler and in WebAssembly") {
  // Sums of grey levels, also weighted by place, as one machine had them. Unsequenced draws of random numbers, a change
  // of the generator or of any draw show as differences of thousands; rounding may move a few single levels.
  struct Known {
    KernelRecipe recipe;
    int64_t sum, weighted, damage;
  };
  const Known known[] = {
      {{Species::wheat, Defect::pink_fusarium, 2, 128}, 10085064, 487344501, 586},
      {{Species::barley, Defect::skinned, 5, 128}, 2443515, 116627644, 1905},
      {{Species::wheat, Defect::none, 8, 128}, 8370638, 404910736, 0},
      {{Species::barley, Defect::pink_fusarium, 11, 128}, 2938148, 141556968, 1508},
  };
  for (const Known& k : known) {
    const RenderedKernel kernel = render_kernel(k.recipe);
    int64_t sum = 0, weighted = 0;
    for (size_t i = 0; i < kernel.image.rgb.size(); ++i) {
      sum += kernel.image.rgb[i];
      weighted += static_cast<int64_t>(kernel.image.rgb[i]) * static_cast<int64_t>(i % 97);
    }
    CAPTURE(k.recipe.seed);
    CHECK(std::abs(sum - k.sum) < 30);
    CHECK(std::abs(weighted - k.weighted) < 3000);
    CHECK(std::abs(kernel.damage.area() - k.damage) < 5);
  }
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

TEST_CASE("the kernel is found on every background") {
  double mean = 0;
  for (uint64_t seed = 0; seed < 24; ++seed) {
    CAPTURE(seed);
    const RenderedKernel kernel =
        render_kernel({seed % 2 ? Species::barley : Species::wheat, static_cast<Defect>(seed % 3), seed, 224});
    const FoundKernel found = find_kernel(kernel.image, "kernel");
    const double share = intersection_over_union(found.outline, kernel.outline);
    CHECK(share > 0.9);
    CHECK(found.length > found.breadth);
    mean += share / 24;
  }
  CHECK(mean > 0.96);
}

TEST_CASE("a picture without a kernel is refused with a sentence") {
  CHECK_THROWS_WITH_AS(find_kernel(grey_picture(100, 80), "p.jpg"),
                       doctest::Contains("p.jpg: no kernel was found (nothing stands out"), Error);
  CHECK_THROWS_WITH_AS(find_kernel(grey_picture(1, 1), "p.jpg"), doctest::Contains("only 1x1 pixels"), Error);
  Image straw = grey_picture(200, 200);
  for (int x = 10; x < 190; ++x)
    for (int y = 95; y < 105; ++y) straw.at(x, y)[0] = 250;
  CHECK_THROWS_WITH_AS(find_kernel(straw, "p.jpg"), doctest::Contains("thin as a straw"), Error);
  Image ragged = grey_picture(200, 200);
  for (int i = 20; i < 180; ++i)
    for (int k = 0; k < 30; ++k) ragged.at(i, 20 + k)[0] = ragged.at(20 + k, i)[0] = 250;
  CHECK_THROWS_WITH_AS(find_kernel(ragged, "p.jpg"), doctest::Contains("ragged"), Error);
}

TEST_CASE("a planted photograph is untouched outside the mask and changed inside") {
  for (const Defect defect : {Defect::pink_fusarium, Defect::skinned})
    for (uint64_t seed = 40; seed < 46; ++seed) {
      CAPTURE(seed);
      const RenderedKernel photo = render_kernel({Species::wheat, Defect::none, seed, 200});
      const PlantedKernel planted = plant_damage(photo.image, photo.outline, defect, Species::wheat, seed);
      const PlantedKernel again = plant_damage(photo.image, photo.outline, defect, Species::wheat, seed);
      CHECK(planted.image.rgb == again.image.rgb);
      int64_t changed_outside = 0, same_inside = 0, beyond_outline = 0;
      double lightness = 0;
      for (size_t i = 0; i < planted.damage.inside.size(); ++i) {
        const int d = difference(photo.image, planted.image, i);
        changed_outside += !planted.damage.inside[i] && d > 0;
        same_inside += planted.damage.inside[i] && d == 0;
        beyond_outline += planted.damage.inside[i] && !photo.outline.inside[i];
        if (planted.damage.inside[i]) lightness += planted.image.rgb[3 * i + 1] - photo.image.rgb[3 * i + 1];
      }
      CHECK(changed_outside == 0);
      CHECK(beyond_outline == 0);
      const double area = static_cast<double>(planted.damage.area());
      CHECK(area > 0.08 * photo.outline.area());
      CHECK(area < 0.65 * photo.outline.area());
      CHECK(same_inside < 0.1 * area);
      if (defect == Defect::skinned) CHECK(lightness / area > 8);  // paler than the bran
    }
  const Image photo = grey_picture(50, 50);
  CHECK_THROWS_AS(plant_damage(photo, Mask(50, 50), Defect::skinned, Species::wheat, 1), Error);
}

TEST_CASE("a crop holds the whole kernel, also beyond the photograph's edge") {
  const RenderedKernel kernel = render_kernel({Species::wheat, Defect::none, 8, 300});
  // Cut so close that the square around the kernel does not fit.
  const FoundKernel whole = find_kernel(kernel.image, "kernel");
  Image narrow(whole.width + 8, whole.height + 8);
  for (int y = 0; y < narrow.height; ++y)
    for (int x = 0; x < narrow.width; ++x)
      for (int c = 0; c < 3; ++c) narrow.at(x, y)[c] = kernel.image.at(whole.x - 4 + x, whole.y - 4 + y)[c];
  const FoundKernel found = find_kernel(narrow, "narrow");
  const KernelCrop crop = crop_kernel(narrow, found, 128);
  CHECK(crop.image.width == 128);
  CHECK(crop.outline.height == 128);
  const double scale = 128.0 / (1.12 * std::max(found.width, found.height));
  CHECK(static_cast<double>(crop.outline.area()) ==
        doctest::Approx(found.outline.area() * scale * scale).epsilon(0.03));
}

TEST_CASE("a frame runs from -1 to 1 along and across the outline") {
  const RenderedKernel kernel = render_kernel({Species::barley, Defect::none, 9, 224});
  const KernelFrame frame = frame_of_outline(kernel.outline);
  float lowest = 1, highest = -1, left = 1, right = -1;
  for (size_t i = 0; i < frame.count(); ++i) {
    CHECK(frame.inside[i] == kernel.outline.inside[i]);
    if (!frame.inside[i]) continue;
    lowest = std::min(lowest, frame.along[i]);
    highest = std::max(highest, frame.along[i]);
    left = std::min(left, frame.across[i]);
    right = std::max(right, frame.across[i]);
  }
  CHECK(lowest < -0.97f);
  CHECK(highest > 0.97f);
  CHECK(left < -0.95f);
  CHECK(right > 0.95f);
}

TEST_CASE("annotations are rough but cover the damage, and every hand draws differently") {
  for (const std::string& style : annotation_styles().names()) {
    double mean = 0, covered = 0;
    int different = 0;
    for (uint64_t seed = 0; seed < 10; ++seed) {
      CAPTURE(style);
      CAPTURE(seed);
      const Mask damage =
          render_kernel({Species::wheat, seed % 2 ? Defect::skinned : Defect::pink_fusarium, seed, 160}).damage;
      const Mask drawn = annotate(damage, style, {}, seed);
      CHECK(drawn.inside == annotate(damage, style, {}, seed).inside);
      different += drawn.inside != annotate(damage, style, {}, seed + 100).inside;
      const double share = intersection_over_union(damage, drawn);
      CHECK(share < 1);
      mean += share / 10;
      int64_t both = 0;
      for (size_t i = 0; i < damage.inside.size(); ++i) both += damage.inside[i] && drawn.inside[i];
      covered += static_cast<double>(both) / static_cast<double>(damage.area()) / 10;
    }
    CHECK(different == 10);
    CHECK(mean > 0.45);
    CHECK(mean < 0.93);
    CHECK(covered > 0.9);
  }
  CHECK(annotate(Mask(20, 20), "box", {}, 1).area() == 0);
  CHECK_THROWS_AS(annotate(Mask(20, 20), "bocks", {}, 1), Error);
  CHECK_THROWS_AS(annotate(Mask(20, 20), "box", {{"margin", -1}}, 1), Error);
}

TEST_CASE("a box without margin and wobble is the damage's bounding box") {
  Mask damage(30, 20);
  for (int y = 5; y < 9; ++y)
    for (int x = 10; x < 17; ++x) damage.at(x, y) = x > 11 || y > 5;
  const Mask box = annotate(damage, "box", {{"margin", 0}, {"wobble", 0}}, 1);
  CHECK(box.area() == 4 * 7);
  CHECK(box.at(10, 5) == 1);
  CHECK(box.at(17, 5) == 0);
}

TEST_SUITE_END();

}  // namespace ks::grain_test
