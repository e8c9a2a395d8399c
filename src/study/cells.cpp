#include "study/cells.h"

#include <cmath>

#include "tensor/error.h"
#include "tensor/npy.h"

namespace ks {

json number_or_null(double value) {
  return std::isfinite(value) ? json(value) : json();
}

std::string pack_explanation(const Explanation& explanation) {
  return json{{"milliseconds", explanation.milliseconds}}.dump() + "\n" + encode_npy(explanation.map);
}

bool unpack_explanation(const std::string& bytes, Explanation& out) {
  const size_t end = bytes.find('\n');
  if (end == std::string::npos) return false;
  try {
    out.milliseconds = json::parse(bytes.substr(0, end)).at("milliseconds").get<double>();
    out.map = decode_npy(bytes.substr(end + 1), "the stored map");
    out.from_store = true;
    return out.map.shape.size() == 4;
  } catch (const json::exception&) {
    return false;
  } catch (const Error&) {
    return false;
  }
}

std::string pack_score(const Score& score) {
  json curve = json::array();
  for (double v : score.curve) curve.push_back(number_or_null(v));
  return json{{"value", number_or_null(score.value)},
              {"curve", std::move(curve)},
              {"warnings", score.warnings},
              {"milliseconds", score.milliseconds}}
      .dump();
}

bool unpack_score(const std::string& bytes, Score& out) {
  try {
    const json stored = json::parse(bytes);
    const auto number = [](const json& v) { return v.is_null() ? std::nan("") : v.get<double>(); };
    out.value = number(stored.at("value"));
    out.curve.clear();
    for (const json& v : stored.at("curve")) out.curve.push_back(number(v));
    out.warnings = stored.at("warnings").get<std::vector<std::string>>();
    out.milliseconds = stored.at("milliseconds").get<double>();
    return true;
  } catch (const json::exception&) {
    return false;
  }
}

}  // namespace ks
