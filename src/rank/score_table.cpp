#include "rank/score_table.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "tensor/error.h"

namespace ks {

namespace {

Direction parse_direction(const std::string& text, const std::string& where) {
  for (const Direction d : {Direction::higher, Direction::lower, Direction::zero, Direction::none})
    if (text == to_string(d)) return d;
  throw Error("'" + text + "' is no direction", where, "it must be higher, lower, zero or none");
}

size_t index_of(std::vector<std::string>& names, const std::string& name) {
  const size_t at = static_cast<size_t>(std::find(names.begin(), names.end(), name) - names.begin());
  if (at == names.size()) names.push_back(name);
  return at;
}

/// Grows the table to hold a cell, filling with NaN.
double& cell(ScoreTable& table, size_t metric, size_t method, size_t image, size_t images) {
  table.scores.resize(std::max(table.scores.size(), metric + 1));
  auto& rows = table.scores[metric];
  rows.resize(std::max(rows.size(), method + 1));
  rows[method].resize(std::max({rows[method].size(), images, image + 1}), kUndefined);
  return rows[method][image];
}

/// Every metric gets a row for every method, every row a score for every image.
void make_rectangular(ScoreTable& table, size_t images) {
  table.scores.resize(table.metrics.size());
  for (auto& rows : table.scores) {
    rows.resize(table.methods.size());
    for (auto& row : rows) row.resize(images, kUndefined);
  }
}

/// Records of RFC 4180. The last may lack its line end; empty lines are skipped.
std::vector<std::vector<std::string>> parse_csv(const std::string& text, const std::string& where) {
  std::vector<std::vector<std::string>> records;
  std::vector<std::string> record;
  std::string field;
  bool quoted = false, touched = false;  // touched: the record has begun
  const auto end_record = [&] {
    if (touched) {
      record.push_back(std::move(field));
      records.push_back(std::move(record));
    }
    record.clear();
    field.clear();
    touched = false;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c != '"')
        field += c;
      else if (i + 1 < text.size() && text[i + 1] == '"')
        field += text[++i];
      else
        quoted = false;
    } else if (c == '"' && field.empty()) {
      quoted = touched = true;
    } else if (c == ',') {
      record.push_back(std::move(field));
      field.clear();
      touched = true;
    } else if (c == '\n') {
      end_record();
    } else if (c != '\r') {
      field += c;
      touched = true;
    }
  }
  if (quoted) throw Error("a quoted field is not closed", where);
  end_record();
  return records;
}

double parse_score(const std::string& text, const std::string& where) {
  if (text.empty() || text == "nan" || text == "NaN" || text == "null") return kUndefined;
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (*end)
    throw Error("'" + text + "' is no score", where, "give a number, or leave it empty where the score is undefined");
  return value;
}

template <class T>
std::string registry_name(const std::string& id, const Registry<T>& registry) {
  if (registry.find(id)) return id;
  const size_t dash = id.find_last_of('-');
  if (dash == std::string::npos || id.find_first_not_of("0123456789", dash + 1) != std::string::npos) return id;
  const std::string name = id.substr(0, dash);
  return registry.find(name) ? name : id;
}

}  // namespace

std::string method_name(const std::string& id) {
  return registry_name(id, methods());
}
std::string metric_name(const std::string& id) {
  return registry_name(id, metrics());
}

void fill_families(ScoreTable& table) {
  table.families.clear();
  for (const std::string& id : table.metrics) {
    const Metric* known = metrics().find(metric_name(id));
    table.families.push_back(known ? known->family : "other");
  }
}

ScoreTable read_scores_csv(const std::string& text, const std::string& where) {
  const bool has_mark = text.compare(0, 3, "\xEF\xBB\xBF") == 0;
  const auto records = parse_csv(has_mark ? text.substr(3) : text, where);
  if (records.empty()) throw Error("is empty", where, "the first line must be image,method,metric,score,direction");
  const auto column = [&](const char* name, bool required) {
    const auto& header = records[0];
    const auto it = std::find(header.begin(), header.end(), name);
    if (it == header.end() && required)
      throw Error(std::string("has no column '") + name + "'", where,
                  "the first line must be image,method,metric,score,direction");
    return static_cast<size_t>(it - header.begin());
  };
  const size_t image_at = column("image", true), method_at = column("method", true), metric_at = column("metric", true),
               score_at = column("score", true), direction_at = column("direction", false);
  ScoreTable table;
  std::vector<std::string> images;
  for (size_t line = 1; line < records.size(); ++line) {
    const std::vector<std::string>& record = records[line];
    const std::string here = where + ", record " + std::to_string(line + 1);
    if (record.size() != records[0].size())
      throw Error("has " + std::to_string(record.size()) + " fields instead of " + std::to_string(records[0].size()),
                  here);
    const size_t metric = index_of(table.metrics, record[metric_at]),
                 method = index_of(table.methods, record[method_at]), image = index_of(images, record[image_at]);
    const bool told = direction_at < record.size();
    const Metric* known = metrics().find(metric_name(record[metric_at]));
    if (!told && !known)
      throw Error("the direction of '" + record[metric_at] + "' is not known", here, "add a column 'direction'");
    const Direction direction = told ? parse_direction(record[direction_at], here) : known->direction;
    if (metric == table.directions.size()) table.directions.push_back(direction);
    if (table.directions[metric] != direction) throw Error("'" + record[metric_at] + "' has two directions", here);
    double& score = cell(table, metric, method, image, images.size());
    if (!std::isnan(score))
      throw Error(
          "there are two scores of " + record[method_at] + " by " + record[metric_at] + " on " + record[image_at],
          here);
    score = parse_score(record[score_at], here);
  }
  if (table.metrics.empty()) throw Error("holds no scores", where);
  make_rectangular(table, images.size());
  fill_families(table);
  return table;
}

ScoreTable read_results_scores(const std::string& text, const std::string& where) {
  ScoreTable table;
  size_t images = 0;
  try {
    const json document = json::parse(text);
    for (const json& metric : document.at("metrics")) {
      const size_t k = index_of(table.metrics, metric.at("id").get<std::string>());
      table.directions.push_back(parse_direction(metric.at("direction").get<std::string>(), where));
      for (const auto& [method, row] : metric.at("scores").items()) {
        const size_t m = index_of(table.methods, method);
        for (size_t i = 0; i < row.size(); ++i)
          cell(table, k, m, i, row.size()) = row[i].is_null() ? kUndefined : row[i].get<double>();
        images = std::max(images, row.size());
      }
    }
  } catch (const json::exception&) {
    throw Error("these are no results of a study", where, "give the results.json or scores.csv of `kernelscope run`");
  }
  if (table.metrics.empty() || table.methods.empty()) throw Error("holds no scores", where);
  make_rectangular(table, images);
  fill_families(table);
  return table;
}

}  // namespace ks
