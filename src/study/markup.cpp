#include "study/markup.h"

#include <cctype>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "tensor/base64.h"

namespace ks {

std::string escape_markup(const std::string& text) {
  std::string out;
  for (char c : text) switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  return out;
}

std::string jpeg_uri(const Image& picture) {
  return "data:image/jpeg;base64," + encode_base64(encode_jpeg(picture, 90));
}
std::string png_uri(const Image& picture) {
  return "data:image/png;base64," + encode_base64(encode_png(picture));
}

std::string short_number(double value) {
  if (std::isnan(value)) return "–";
  if (std::isinf(value)) return value > 0 ? "∞" : "−∞";
  char text[32];
  const double size = std::fabs(value);
  if (size != 0 && (size < 1e-3 || size >= 1e5))
    std::snprintf(text, sizeof text, "%.2e", value);
  else
    std::snprintf(text, sizeof text, "%.*f", size < 10 ? 3 : size < 100 ? 2 : size < 1000 ? 1 : 0, value);
  std::string out = text;
  if (out[0] == '-') out = "−" + out.substr(1);
  return out;
}

std::string fixed(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return std::isnan(value) ? "–" : text;
}

std::string percent(double share, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f\u00a0%%", digits, 100 * share);
  return text;
}

std::string count_of(size_t n, const std::string& noun) {
  return std::to_string(n) + " " + noun + (n == 1 ? "" : "s");
}

std::string lower_first(std::string text) {
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

std::vector<std::string> wrap_words(const std::string& text, size_t width) {
  std::vector<std::string> lines;
  std::istringstream words(text);
  std::string word;
  while (words >> word)
    if (lines.empty() || lines.back().size() + 1 + word.size() > width)
      lines.push_back(word);
    else
      lines.back() += " " + word;
  return lines;
}

}  // namespace ks
