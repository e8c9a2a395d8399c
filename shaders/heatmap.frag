#version 300 es
// Colours a map of raw values: divide by the limit of a normalisation, clip, look up in a colormap. The limit comes from
// the core (src/picture/normalisation.h), whose display_value() and colour_index() this repeats for every fragment.
precision highp float;
precision highp int;
precision highp sampler2D;

uniform sampler2D values;    // R32F, one pooled value a pixel, rows from the top
uniform sampler2D colormap;  // 256x1, RGBA8
uniform float scale;         // 1 / limit; 0 where all values are 0
uniform bool diverging;      // -1..1 over the table, else 0..1

in vec2 uv;
in mediump vec4 tint;  // alpha is the opacity
out vec4 color;

float value_at(ivec2 p, ivec2 size) { return texelFetch(values, clamp(p, ivec2(0), size - 1), 0).r; }

void main() {
  ivec2 size = textureSize(values, 0);
  vec2 position = uv * vec2(size);
  vec2 footprint = fwidth(position);  // map pixels that one fragment covers
  float value;
  if (max(footprint.x, footprint.y) <= 1.0) {
    value = value_at(ivec2(floor(position)), size);  // drawn large: every pixel is a square, nothing is smoothed
  } else {
    // Drawn small, one value a fragment would miss others: their average. (R32F textures have no filtering in WebGL 2.)
    footprint = clamp(footprint, vec2(1.0), vec2(8.0));
    ivec2 taps = ivec2(ceil(footprint));
    float sum = 0.0;
    for (int j = 0; j < taps.y; ++j)
      for (int i = 0; i < taps.x; ++i)
        sum += value_at(ivec2(floor(position + footprint * ((vec2(i, j) + 0.5) / vec2(taps) - 0.5))), size);
    value = sum / float(taps.x * taps.y);
  }
  float display = clamp(value * scale, -1.0, 1.0);
  if (!(display == display)) display = 0.0;
  float position_in_table = diverging ? (display + 1.0) * 0.5 : max(display, 0.0);
  int index = int(floor(position_in_table * 255.0 + 0.5));
  color = vec4(texelFetch(colormap, ivec2(index, 0), 0).rgb, tint.a);
}
