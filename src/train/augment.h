#pragma once
#include "picture/image.h"
#include "tensor/random.h"

namespace ks::train {

/// How far training pictures are varied: what a kernel's class does not depend on. Every amount is drawn anew for every
/// picture and epoch; 0 (and scales of 1) leave a picture as it is.
struct Augmentation {
  bool flip = true;      // left and right, top and bottom, each for half of the pictures
  float rotation = 180;  // degrees, either way
  float smallest_scale = 0.9f, largest_scale = 1.15f;
  float shift = 0.05f;       // of the side, either way
  float brightness = 0.15f;  // factor 1 - b to 1 + b
  float contrast = 0.15f;    // factor, around middle grey
  float saturation = 0.15f;  // factor, around the pixel's grey
  float hue = 3;             // degrees, either way
  float blur = 0.8f;         // largest standard deviation in pixels, for a third of the pictures
  float noise = 4;           // largest standard deviation in grey levels, for half of the pictures

  static Augmentation none();
};

/// Writes a varied, normalised picture of the network's input size to `out`: [3,height,width]. Where the varied picture
/// shows what lies outside the original, the original's edge is repeated.
void augment(const Image& image, const Augmentation& augmentation, const Preprocessing& preprocessing, Random& random,
             float* out);

}  // namespace ks::train
