#include "app/heatmap.h"

#include <GLES3/gl3.h>

#include <cstdio>

#include "app/shaders.h"
#include "picture/normalisation.h"
#include "picture/pooling.h"

namespace ks::app {

namespace {

constexpr int keep_frames = 600;

unsigned compile(GLenum kind, const char* text) {
  const unsigned shader = glCreateShader(kind);
  glShaderSource(shader, 1, &text, nullptr);
  glCompileShader(shader);
  GLint fine = 0;
  glGetShaderiv(shader, GL_COMPILE_STATUS, &fine);
  if (!fine) {
    char log[1024] = {};
    glGetShaderInfoLog(shader, sizeof log, nullptr, log);
    std::fprintf(stderr, "heatmap shader: %s\n", log);
  }
  return shader;
}

unsigned make_texture(GLint filter) {
  unsigned texture = 0;
  glGenTextures(1, &texture);
  glBindTexture(GL_TEXTURE_2D, texture);
  glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, filter);
  glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
  glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_S, GL_CLAMP_TO_EDGE);
  glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_T, GL_CLAMP_TO_EDGE);
  return texture;
}

ImTextureID texture_id(unsigned texture) {
  return reinterpret_cast<ImTextureID>(static_cast<uintptr_t>(texture));
}

template <class Map>
void sweep(Map& map) {
  for (auto it = map.begin(); it != map.end();) {
    if (++it->second.unused <= keep_frames) {
      ++it;
      continue;
    }
    if (it->second.texture) glDeleteTextures(1, &it->second.texture);
    it = map.erase(it);
  }
}

const Pooling& pooling_of(const Model& model) {
  const Pooling* pooling = poolings().find(model.study.view.pooling);
  return pooling ? *pooling : *poolings().begin();
}

const Normalisation& normalisation_of(const Model& model) {
  const Normalisation* normalisation = normalisations().find(model.study.view.normalisation);
  return normalisation ? *normalisation : *normalisations().begin();
}

const Colormap& colormap_of(const Model& model) {
  const Colormap* colormap = colormaps().find(model.study.view.colormap);
  return colormap ? *colormap : *colormaps().begin();
}

}  // namespace

void Heatmaps::begin_frame() {
  draws_.clear();
  sweep(pooled_);
  sweep(photographs_);
  for (auto it = limits_.begin(); it != limits_.end();)
    it = pooled_.count(it->first) ? std::next(it) : limits_.erase(it);
}

void Heatmaps::forget_gpu() {
  for (auto& [serial, pooled] : pooled_) pooled.texture = 0;
  for (auto& [serial, photograph] : photographs_) photograph.texture = 0;
  colormaps_.clear();
  program_ = Program();
}

Heatmaps::Pooled& Heatmaps::entry_of(const Model& model, const Cell& cell) {
  Pooled& entry = pooled_[cell.serial];
  entry.unused = 0;
  const Pooling& pooling = pooling_of(model);
  if (entry.pooling == pooling.name) return entry;
  const Shape& s = cell.map.shape;
  entry.values = Tensor({1, 1, s[1], s[2]});
  pooling.pool(cell.map.data.data(), s[0], s[1] * s[2], entry.values.data.data());
  entry.pooling = pooling.name;
  if (entry.texture) glDeleteTextures(1, &entry.texture);
  entry.texture = 0;
  return entry;
}

const Tensor& Heatmaps::pooled(const Model& model, const Cell& cell) {
  return entry_of(model, cell).values;
}

double Heatmaps::limit(const Model& model, size_t image, size_t method) {
  const Normalisation& normalisation = normalisation_of(model);
  const Cell& cell = *model.cell(image, method);
  std::vector<const Cell*> cells;
  if (!normalisation.whole_study) {
    cells.push_back(&cell);
  } else {
    for (size_t i = 0; i < model.study.images.size(); ++i) {
      const Cell* other = model.cell(i, method);
      if (other && other->state == State::done) cells.push_back(other);
    }
  }
  std::string key = normalisation.name + " " + pooling_of(model).name;
  for (const Cell* c : cells) key += " " + std::to_string(c->serial);
  Limit& limit = limits_[cell.serial];
  if (limit.key == key) return limit.value;
  std::vector<const Tensor*> maps;
  for (const Cell* c : cells) maps.push_back(&entry_of(model, *c).values);
  limit.value = normalisation.limit(maps, check_parameters(normalisation, json::object()));
  limit.key = key;
  return limit.value;
}

const Histogram& Heatmaps::histogram(const Model& model, size_t image, size_t method) {
  const double high = limit(model, image, method);
  const Cell& cell = *model.cell(image, method);
  const bool diverging = colormap_of(model).diverging;
  const std::string key = limits_[cell.serial].key + (diverging ? " d " : " s ") + std::to_string(cell.serial);
  if (histogram_.key != key) {
    histogram_.histogram = ks::histogram(pooled(model, cell), 81, diverging ? -high : 0, high);
    histogram_.key = key;
  }
  return histogram_.histogram;
}

unsigned Heatmaps::texture_of(Pooled& pooled) {
  if (pooled.texture) return pooled.texture;
  pooled.texture = make_texture(GL_NEAREST);
  glPixelStorei(GL_UNPACK_ALIGNMENT, 4);
  glTexImage2D(GL_TEXTURE_2D, 0, GL_R32F, static_cast<GLsizei>(pooled.values.dim(3)),
               static_cast<GLsizei>(pooled.values.dim(2)), 0, GL_RED, GL_FLOAT, pooled.values.data.data());
  return pooled.texture;
}

unsigned Heatmaps::colormap_texture(const Colormap& colormap) {
  unsigned& texture = colormaps_[colormap.name];
  if (texture) return texture;
  std::vector<uint8_t> rgba;
  for (const auto& rgb : colormap.table) rgba.insert(rgba.end(), {rgb[0], rgb[1], rgb[2], 255});
  texture = make_texture(GL_NEAREST);
  glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA8, 256, 1, 0, GL_RGBA, GL_UNSIGNED_BYTE, rgba.data());
  return texture;
}

void Heatmaps::make_program() {
  // Dear ImGui has set up its vertex attributes when our callback runs: ours have to be at the same places.
  GLint current = 0;
  glGetIntegerv(GL_CURRENT_PROGRAM, &current);
  const unsigned vertex = compile(GL_VERTEX_SHADER, shaders::heatmap_vert);
  const unsigned fragment = compile(GL_FRAGMENT_SHADER, shaders::heatmap_frag);
  program_.id = glCreateProgram();
  glAttachShader(program_.id, vertex);
  glAttachShader(program_.id, fragment);
  for (const char* name : {"Position", "UV", "Color"}) {
    const GLint place = glGetAttribLocation(static_cast<GLuint>(current), name);
    if (place >= 0) glBindAttribLocation(program_.id, static_cast<GLuint>(place), name);
  }
  glLinkProgram(program_.id);
  glDeleteShader(vertex);
  glDeleteShader(fragment);
  const auto uniform = [&](const char* name) { return glGetUniformLocation(program_.id, name); };
  program_.projection = uniform("projection");
  program_.values = uniform("values");
  program_.colormap = uniform("colormap");
  program_.scale = uniform("scale");
  program_.diverging = uniform("diverging");
}

void Heatmaps::bind(const ImDrawList*, const ImDrawCmd* command) {
  const auto* draw = static_cast<const Draw*>(command->UserCallbackData);
  if (!draw->owner->program_.id) draw->owner->make_program();
  const Program& p = draw->owner->program_;
  const ImDrawData* data = ImGui::GetDrawData();
  const float left = data->DisplayPos.x, right = left + data->DisplaySize.x;
  const float top = data->DisplayPos.y, bottom = top + data->DisplaySize.y;
  const float projection[16] = {2 / (right - left),
                                0,
                                0,
                                0,
                                0,
                                2 / (top - bottom),
                                0,
                                0,
                                0,
                                0,
                                -1,
                                0,
                                (right + left) / (left - right),
                                (top + bottom) / (bottom - top),
                                0,
                                1};
  glUseProgram(p.id);
  glUniformMatrix4fv(p.projection, 1, GL_FALSE, projection);
  glUniform1i(p.values, 0);
  glUniform1i(p.colormap, 1);
  glUniform1f(p.scale, draw->scale);
  glUniform1i(p.diverging, draw->diverging);
  glActiveTexture(GL_TEXTURE1);
  glBindTexture(GL_TEXTURE_2D, draw->colormap);
  glActiveTexture(GL_TEXTURE0);
}

void Heatmaps::draw(ImDrawList* list, ui::Rect rect, ImVec2 uv_min, ImVec2 uv_max, const Model& model, size_t image,
                    size_t method, float opacity) {
  const Cell& cell = *model.cell(image, method);
  const Colormap& colormap = colormap_of(model);
  const double limit_value = limit(model, image, method);
  auto draw = std::make_unique<Draw>();
  draw->owner = this;
  draw->colormap = colormap_texture(colormap);
  draw->scale = limit_value > 0 ? static_cast<float>(1 / limit_value) : 0;
  draw->diverging = colormap.diverging;
  const unsigned texture = texture_of(entry_of(model, cell));
  list->AddCallback(bind, draw.get());
  draws_.push_back(std::move(draw));
  list->AddImage(texture_id(texture), rect.min, rect.max, uv_min, uv_max,
                 IM_COL32(255, 255, 255, static_cast<int>(opacity * 255 + 0.5f)));
  list->AddCallback(ImDrawCallback_ResetRenderState, nullptr);
}

void Heatmaps::draw_photograph(ImDrawList* list, ui::Rect rect, ImVec2 uv_min, ImVec2 uv_max, const Picture& picture) {
  Photograph& photograph = photographs_[picture.serial];
  photograph.unused = 0;
  if (!photograph.texture) {
    photograph.texture = make_texture(GL_LINEAR_MIPMAP_LINEAR);
    glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA8, picture.width, picture.height, 0, GL_RGBA, GL_UNSIGNED_BYTE,
                 picture.rgba.data());
    glGenerateMipmap(GL_TEXTURE_2D);
  }
  list->AddImage(texture_id(photograph.texture), rect.min, rect.max, uv_min, uv_max);
}

}  // namespace ks::app
