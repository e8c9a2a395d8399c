#version 300 es
// Corners of a heatmap's rectangle, in the units of Dear ImGui's vertices.
uniform mat4 projection;
in vec2 Position;
in vec2 UV;
in vec4 Color;
out highp vec2 uv;
out mediump vec4 tint;

void main() {
  uv = UV;
  tint = Color;
  gl_Position = projection * vec4(Position, 0.0, 1.0);
}
