#include "app/text.h"

#include <cmath>
#include <cstdio>

namespace ks::ui {

namespace {

const char* const dash = "\xE2\x80\x93";

// A hyphen is no minus sign.
std::string with_minus(const std::string& text) {
  return text[0] == '-' ? "\xE2\x88\x92" + text.substr(1) : text;
}

}  // namespace

int decimals_for(double largest) {
  if (largest >= 100) return 0;
  if (largest >= 10) return 1;
  if (largest >= 1) return 2;
  return largest >= 0.1 ? 3 : 4;
}

std::string fixed(double value, int decimals) {
  if (std::isnan(value)) return dash;
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*f", decimals, value);
  return with_minus(buffer);
}

std::string number(double value) {
  if (std::isnan(value)) return dash;
  if (value == 0) return "0";
  const double size = std::fabs(value);
  if (size >= 0.001 && size < 10000) return fixed(value, decimals_for(size));
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.1e", value);
  std::string out = buffer;
  // 1.2e-05 -> 1.2e-5, 1.2e+06 -> 1.2e6
  const size_t exponent = out.find('e') + 1;
  const bool negative = out[exponent] == '-';
  size_t digits = exponent + 1;
  while (digits + 1 < out.size() && out[digits] == '0') ++digits;
  return with_minus(out.substr(0, exponent) + (negative ? "-" : "") + out.substr(digits));
}

std::string duration(double seconds) {
  char buffer[48];
  if (seconds < 1)
    std::snprintf(buffer, sizeof buffer, "%.0f ms", seconds * 1000);
  else if (seconds < 60)
    std::snprintf(buffer, sizeof buffer, seconds < 10 ? "%.1f s" : "%.0f s", seconds);
  else
    std::snprintf(buffer, sizeof buffer, "%d min %d s", static_cast<int>(seconds) / 60, static_cast<int>(seconds) % 60);
  return buffer;
}

std::string title_of_name(const std::string& name) {
  std::string out = name;
  for (char& c : out)
    if (c == '-' || c == '_') c = ' ';
  if (out.rfind("lrp ", 0) == 0) return "LRP" + out.substr(3);
  if (out == "lime" || out == "cam") {
    for (char& c : out) c = static_cast<char>(c - 'a' + 'A');
    return out;
  }
  if (!out.empty() && out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 'a' + 'A');
  return out;
}

}  // namespace ks::ui
