#include "grain/surface.h"

#include <algorithm>
#include <cmath>

namespace ks {

namespace {

/// Random properties of one kernel's skin, drawn once.
struct Skin {
  Rgb base, second, pale, germ, dark;
  float speckle, streak, mottle, second_share, bump, ridge, gloss;
  float mealy;                // share of opaque yellowish patches ("yellow berry"), 0 for none
  float reddish;              // natural reddish tint of one side
  float germ_dark;            // "black point": brown germ end
  float tip_pale, germ_pale;  // cream ends
  float offset[8];
};

Skin make_skin(Species species, Random& random) {
  const auto uniform = [&](double low, double high) { return static_cast<float>(random.uniform(low, high)); };
  const auto sometimes = [&](double chance, double low, double high) {
    const bool yes = random.chance(chance);
    const float value = uniform(low, high);
    return yes ? value : 0.0f;
  };
  Skin skin{};
  const float light = uniform(0.80, 1.16), warm = uniform(0, 1);
  if (species == Species::wheat) {
    // From greenish amber over golden to red wheat's brown.
    skin.base = mix(srgb(158, 124, 60), srgb(156, 98, 52), warm) * light;
    skin.second = mix(srgb(186, 150, 78), srgb(136, 84, 42), warm * uniform(0.3, 1)) * light;
    skin.pale = srgb(222, 200, 138);
    skin.germ = mix(srgb(206, 178, 104), srgb(178, 132, 74), uniform(0, 1)) * light;
    skin.speckle = uniform(0.12, 0.24);
    skin.streak = uniform(0.04, 0.12);
    skin.ridge = 0;
    skin.bump = uniform(0.35, 0.8);
    skin.tip_pale = uniform(0.3, 0.85);
    skin.germ_pale = uniform(0.1, 0.6);
    skin.mealy = sometimes(0.35, 0.15, 0.5);
  } else {
    skin.base = mix(srgb(206, 172, 106), srgb(184, 144, 86), warm) * light;
    skin.second = mix(srgb(218, 188, 124), srgb(168, 124, 72), warm * uniform(0.2, 1)) * light;
    skin.pale = srgb(236, 219, 170);
    skin.germ = mix(srgb(205, 172, 110), srgb(164, 122, 70), uniform(0, 1)) * light;
    skin.speckle = uniform(0.03, 0.08);
    skin.streak = uniform(0.10, 0.20);
    skin.ridge = uniform(0.5, 1.0);
    skin.bump = uniform(0.2, 0.5);
    skin.tip_pale = uniform(0.2, 0.7);
    skin.germ_pale = uniform(0.0, 0.5);
    skin.mealy = 0;
  }
  skin.dark = mix(srgb(92, 58, 28), srgb(120, 80, 40), uniform(0, 1));
  skin.mottle = uniform(0.06, 0.16);
  skin.second_share = uniform(0.3, 1.0);
  skin.gloss = uniform(0.05, 0.18);
  skin.reddish = sometimes(0.4, 0.15, 0.6);
  skin.germ_dark = sometimes(0.25, 0.25, 0.8);
  for (float& o : skin.offset) o = uniform(0, 64);
  return skin;
}

/// A round spot of `radius` grid pixels: shade(i, weight) for the pixels inside.
template <class Shade>
void spot(const Surface& surface, float x, float y, float radius, Shade&& shade) {
  const int w = surface.box.width, h = surface.box.height;
  for (int v = std::max(0, static_cast<int>(y - radius)); v <= std::min(h - 1, static_cast<int>(y + radius) + 1); ++v)
    for (int u = std::max(0, static_cast<int>(x - radius)); u <= std::min(w - 1, static_cast<int>(x + radius) + 1);
         ++u) {
      const float dx = u + 0.5f - x, dy = v + 0.5f - y, square = (dx * dx + dy * dy) / (radius * radius);
      const size_t i = static_cast<size_t>(v) * w + u;
      if (square < 1 && surface.frame.inside[i]) shade(i, (1 - square) * (1 - square));
    }
}

/// Specks, brown spots and dust that any kernel may carry.
void add_blemishes(Surface& surface, const Body& body, const Skin& skin, Random& random) {
  const float px = body.half_length / kReferenceHalfLength;
  const auto place = [&](float& x, float& y) {
    const float a = static_cast<float>(random.uniform(-0.9, 0.9)), t = static_cast<float>(random.uniform(-0.9, 0.9));
    const float b = Body::lookup(body.axis, a) + t * Body::lookup(t < 0 ? body.left : body.right, a);
    x = body.centre_x + body.half_length * (a * body.cosine - b * body.sine) - surface.box.x;
    y = body.centre_y + body.half_length * (a * body.sine + b * body.cosine) - surface.box.y;
  };
  const int brown = random.chance(0.5) ? static_cast<int>(random.below(6)) : 0;
  for (int k = 0; k < brown; ++k) {
    float x, y;
    place(x, y);
    const float radius = px * static_cast<float>(random.uniform(1.0, 6.0)),
                strength = static_cast<float>(random.uniform(0.2, 0.7));
    spot(surface, x, y, radius,
         [&](size_t i, float w) { surface.albedo[i] = mix(surface.albedo[i], skin.dark, strength * w); });
  }
  const int specks = static_cast<int>(random.below(26));
  for (int k = 0; k < specks; ++k) {
    float x, y;
    place(x, y);
    const bool bright = random.chance(0.6);
    const float radius = px * static_cast<float>(random.uniform(0.6, 1.5)),
                strength = static_cast<float>(random.uniform(0.3, 0.8));
    const Rgb colour = bright ? srgb(232, 222, 190) : srgb(66, 44, 26);
    spot(surface, x, y, radius,
         [&](size_t i, float w) { surface.albedo[i] = mix(surface.albedo[i], colour, strength * w); });
  }
}

}  // namespace

Surface make_surface(const Body& body, const GridBox& box, Random& random) {
  const NoiseTile noise{Random(random.next(), 77)};
  Surface surface;
  surface.box = box;
  lay_out(body, box, noise, surface.frame, surface.coverage, surface.height);
  const KernelFrame& frame = surface.frame;
  surface.bump.assign(frame.count(), 0.0f);
  surface.albedo.assign(frame.count(), Rgb{});
  surface.gloss.assign(frame.count(), 0.0f);
  surface.occlusion.assign(frame.count(), 1.0f);

  const Skin skin = make_skin(body.species, random);
  const bool wheat = body.species == Species::wheat;
  const float px = body.half_length / kReferenceHalfLength;
  for (size_t i = 0; i < frame.count(); ++i) {
    if (!frame.inside[i]) continue;
    const float a = frame.along[i], t = frame.across[i];
    const float u = a * kReferenceHalfLength, v = frame.side[i] / px;  // reference pixels along and around the kernel
    const float middle = t - Body::lookup(body.middle, a);
    const float* o = skin.offset;

    // Cells of the bran lie across the kernel, fibres of the hull along it.
    const float cells = noise.octaves(0.38f * u + 0.10f * v + o[0], 0.19f * v - 0.12f * u + o[1], 2);
    const float fibres = noise.octaves(0.07f * u + o[2], 0.42f * v + o[3], 2);
    const float mottle = noise.octaves(0.055f * u + o[4], 0.075f * v + o[5], 2);
    const float large = noise.at(0.020f * u + o[6], 0.026f * v + o[7]);

    Rgb colour = mix(skin.base, skin.second, skin.second_share * smooth_step(-0.6f, 0.6f, large + 0.4f * mottle));
    float lightness = 1 + skin.speckle * cells + skin.streak * fibres + skin.mottle * mottle;
    float height = skin.bump * px * (0.55f * cells * (wheat ? 1.0f : 0.4f) + 0.6f * fibres);
    float gloss = skin.gloss * (1 + 1.5f * std::max(-0.5f, cells + 0.4f * fibres) + 0.5f * mottle);
    float occlusion = 1;

    if (skin.mealy > 0) {
      const float patch =
          smooth_step(0.05f, 0.75f, noise.octaves(0.035f * u + o[1], 0.04f * v + o[4], 3) + 0.12f * cells);
      colour = mix(colour, skin.pale, skin.mealy * patch);
    }
    if (skin.reddish > 0)
      colour = mix(colour, srgb(150, 84, 44),
                   skin.reddish * smooth_step(-0.2f, 0.7f, noise.at(0.025f * u + o[5], 0.03f * v + o[2])));

    // Ends: cream tip, germ.
    const float tip = smooth_step(0.62f, 0.98f, a + 0.10f * mottle);
    const float germ_end = smooth_step(0.70f, 0.97f, -a + 0.08f * mottle);
    colour = mix(colour, skin.pale, skin.tip_pale * tip * (0.7f + 0.3f * cells));
    colour = mix(colour, skin.germ, 0.6f * germ_end);
    colour = mix(colour, skin.pale, skin.germ_pale * smooth_step(0.86f, 0.99f, -a));
    if (skin.germ_dark > 0)
      colour = mix(colour, skin.dark, skin.germ_dark * smooth_step(0.72f, 0.95f, -a + 0.25f * mottle));

    if (body.ventral && wheat) {
      const float groove = middle / (1.3f * Body::lookup(body.groove, a)), flank = middle / 0.16f;
      const float line = 1 / (1 + groove * groove);
      const float ends = 1 - a * a * a * a;
      occlusion -= (0.50f + 0.25f * mottle) * line * line * ends;
      occlusion -= 0.16f * ends / (1 + flank * flank);
      colour = mix(colour, skin.pale, 0.35f * smooth_step(0.35f, 0.95f, std::fabs(a)) / (1 + flank * flank));
      colour = mix(colour, skin.dark, (0.30f + 0.3f * cells) * line * line * ends);
    } else if (body.ventral) {  // barley: broad shallow furrow, the lemma's edges lapping over the palea
      const float groove = middle / 0.10f, edge = (std::fabs(middle) - 0.52f) / 0.02f;
      occlusion -= 0.30f / (1 + groove * groove);
      const float lap = 1 / (1 + edge * edge);
      lightness -= 0.18f * lap;
      height += 0.9f * px * smooth_step(0.50f, 0.54f, std::fabs(middle));
    } else if (wheat) {  // the germ: an oval shield with a rim
      const float ga = (a + 0.80f) / 0.17f, gt = middle / 0.36f, radius = std::sqrt(ga * ga + gt * gt);
      const float shield = smooth_step(-1.05f, -0.85f, -radius);
      const float rim = (radius - 0.98f) / 0.10f;
      const float ring = 1 / (1 + rim * rim);
      occlusion -= 0.38f * ring * (a < -0.62f ? 0.6f : 1.0f);
      colour = mix(colour, skin.germ, 0.55f * shield);
      height += px * shield * (2.0f * (1 - std::min(1.0f, radius)) + 0.5f * noise.at(0.3f * u + o[3], 0.5f * v));
    }
    if (skin.ridge > 0) {
      // Five nerves and the wrinkles between them, running together at the ends.
      const float angle = std::asin(t) - body.roll;
      const float wave = std::fabs(angle * 1.9f - std::round(angle * 1.9f)) * 2;  // 0 on a nerve, 1 between two
      const float nerve = 1 / (1 + (wave / 0.16f) * (wave / 0.16f));
      const float wrinkle = noise.octaves(0.022f * u + o[2], 9.0f * angle + o[6], 2);
      const float near_end = smooth_step(0.3f, 0.9f, std::fabs(a));
      const float cross = near_end > 0 ? near_end * noise.octaves(0.16f * u + o[0], 3.0f * angle + o[1], 2) : 0;
      height += px * skin.ridge *
                (1.3f * nerve + 1.6f * wrinkle + 0.35f * noise.at(0.05f * u + o[7], 24.0f * angle) + 0.6f * cross);
      lightness += skin.ridge * (0.10f * nerve + 0.12f * wrinkle);
      occlusion -= 0.12f * skin.ridge * std::max(0.0f, -wrinkle);
      if (a > body.body_end - 0.05f) lightness += 0.25f * noise.at(0.1f * u, 0.9f * v);
    }
    surface.albedo[i] = colour * std::max(0.25f, lightness);
    surface.bump[i] = height;
    surface.gloss[i] = std::max(0.005f, gloss);
    surface.occlusion[i] = std::max(0.12f, occlusion);
  }
  add_blemishes(surface, body, skin, random);
  return surface;
}

}  // namespace ks
