#include "cli/run_report.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <set>

#include "study/certainty_section.h"
#include "study/figures.h"
#include "study/markup.h"
#include "study/report.h"
#include "study/results.h"
#include "study/runner.h"
#include "study/url.h"
#include "tensor/error.h"
#include "tensor/file.h"
#include "tensor/npy.h"

namespace ks::cli {

namespace fs = std::filesystem;

namespace {

std::string today() {
  const std::time_t now = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d", std::gmtime(&now));
  return text;
}

ReportNotes report_notes(const Study& study, const std::string& base, const std::string& line) {
  ReportNotes notes{.program = "kernelscope " KERNELSCOPE_VERSION, .command_line = line, .date = today()};
  try {
    notes.share_url = study_url(study, base);
  } catch (const Error& e) {
    notes.no_share = e.what();
  }
  return notes;
}

/// How certain the order is, for a paper.
void write_order_figures(const StudyResults& results, const fs::path& folder) {
  const OrderCertainty& certainty = results.certainty;
  const std::vector<MethodMark> marks = method_marks(results.study);
  if (marks.size() < 2) return;
  if (certainty.monte_carlo.draws > 0) write_file(folder / "order.svg", monte_carlo_svg(certainty.monte_carlo, marks));
  if (certainty.over_images.blocks > 1)
    write_file(folder / "critical-difference.svg", critical_difference_svg(certainty.over_images, marks));
}

void write_figures(const StudyResults& results, const Figures& figures, const fs::path& folder) {
  if (figures.images.empty()) return;
  std::vector<std::string> rows, columns;
  for (size_t i = 0; i < figures.images.size(); ++i) {
    rows.push_back(results.images[figures.images[i]].id);
    write_file(folder / (rows.back() + ".png"), encode_png(figure_strip(figures, i)));
  }
  for (size_t m = 0; m < results.study.methods.size(); ++m) columns.push_back(method_label(results.study, m));
  write_file(folder / "all.png", encode_png(figure_sheet(figures)));
  write_file(folder / "all.svg", figure_svg(figures, rows, columns));
}

void write_results(const StudyResults& results, const Figures& figures, const ReportNotes& notes,
                   const fs::path& folder) {
  write_file(folder / "results.json",
             results_json(results, notes.program).dump(1, ' ', false, ks::json::error_handler_t::replace) + "\n");
  write_file(folder / "scores.csv", scores_csv(results));
  write_figures(results, figures, folder / "figures");
  write_order_figures(results, folder / "figures");
  write_file(folder / "report.html", report_html(results, figures, notes));
}

/// The ranking as text: the short answer of a run.
void print_ranking(const StudyResults& results) {
  if (results.ranking.order.empty()) return;
  size_t width = 6;
  for (size_t m = 0; m < results.study.methods.size(); ++m)
    width = std::max(width, method_label(results.study, m).size());
  std::cout << std::left << std::setw(static_cast<int>(width) + 2) << "method" << std::right << std::setw(10)
            << results.ranking.overall_title;
  for (const std::string& id : metric_ids(results.study)) std::cout << "  " << id;
  std::cout << "\n";
  for (size_t m : results.ranking.order) {
    std::cout << std::left << std::setw(static_cast<int>(width) + 2) << method_label(results.study, m) << std::right
              << std::setw(10) << std::fixed << std::setprecision(2) << results.ranking.overall[m];
    const std::vector<std::string> ids = metric_ids(results.study);
    for (size_t k = 0; k < ids.size(); ++k) {
      char score[32];
      std::snprintf(score, sizeof score, "%.4g", mean_score(results, k, m).mean);
      std::cout << "  " << std::setw(static_cast<int>(ids[k].size())) << score;
    }
    std::cout << "\n";
  }
}

/// How well several processes did: "2 processes on 1 host did 1.93 times what one would have done in that time".
std::string speed_up_sentence(const std::vector<ProcessRecord>& processes, double seconds) {
  double busy = 0;
  std::set<std::string> hosts;
  for (const ProcessRecord& p : processes) {
    busy += p.busy_seconds;
    hosts.insert(p.host);
  }
  char text[160];
  std::snprintf(text, sizeof text, "%zu processes on %zu host%s did %.2f times what one would have done in that time",
                processes.size(), hosts.size(), hosts.size() == 1 ? "" : "s", busy / seconds);
  return text;
}

}  // namespace

void define_run_options(CLI::App& app, RunOptions& o) {
  app.add_option("study", o.study, "A study: a file, a link, or the name of a built-in one")->required();
  app.add_option("--output", o.output, "Folder for results.json, scores.csv, figures/ and report.html")->required();
  app.add_flag("--maps", o.maps, "Also write every raw map as maps/IMAGE.METHOD.npy");
  app.add_option("--figures", o.figures, "At most so many images are shown in the report");
  app.add_option("--base", o.base, "Address of the app's page, for the link in the report");
  app.add_flag("--keep-cells", o.keep_cells, "Keep computed cells, so that a changed study computes only what changed");
  app.add_option("--threads", o.threads, "Threads of ONNX Runtime; 0: all cores")->check(CLI::Range(0, 1024));
  app.add_option("--device", o.device, "auto, cpu or cuda")->check(CLI::IsMember({"auto", "cpu", "cuda"}));
}

std::string cells_folder(const std::string& output) {
  return (fs::path(output) / "cells").string();
}

void run_and_report(const RunOptions& o, const OpenedStudy& opened, Engine& engine,
                    const std::vector<ProcessRecord>& processes, double seconds_before, const Context& context) {
  const fs::path folder = o.output;
  FigureBuilder builder(opened.study, o.figures);
  const std::vector<std::string> methods = method_ids(opened.study);
  const auto on_map = [&](size_t image, size_t method, const Tensor& map) {
    builder.add(image, method, map);
    if (o.maps) save_npy(folder / "maps" / (opened.study.images[image].id + "." + methods[method] + ".npy"), map);
  };
  const ReportNotes notes = report_notes(opened.study, o.base, context.line);
  StudyResults results;
  try {
    run_study(opened.study, engine, on_map, context.progress("running the study"), results);
  } catch (const Cancelled&) {
    if (!results.images.empty()) write_results(results, builder.finish(engine.images()), notes, folder);
    throw;
  }
  results.seconds += seconds_before;
  for (const ProcessRecord& p : processes)  // side by side
    results.runtime_seconds += p.runtime_seconds / static_cast<double>(processes.size());
  write_results(results, builder.finish(engine.images()), notes, folder);
  if (!o.keep_cells) {
    std::error_code ec;
    fs::remove_all(cells_folder(o.output), ec);
  }
  if (context.json) {
    json records = json::array();
    for (const ProcessRecord& p : processes) records.push_back(record_json(p));
    context.print({{"output", folder.string()},
                   {"report", (folder / "report.html").string()},
                   {"seconds", results.seconds},
                   {"processes", std::move(records)},
                   {"ranking", ranking_json(results)},
                   {"share_url", notes.share_url.empty() ? ks::json() : ks::json(notes.share_url)},
                   {"warnings", results.warnings()}});
  } else {
    print_ranking(results);
  }
  for (const std::string& warning : results.warnings()) context.say("note: " + warning);
  if (!processes.empty()) context.say(speed_up_sentence(processes, seconds_before));
  context.say("the report is " + (folder / "report.html").string());
  if (results.failures() > 0)
    throw Error(std::to_string(results.failures()) + " parts of the study could not be computed; the rest is in " +
                    folder.string(),
                o.study, "see the notes above and in the report");
}

}  // namespace ks::cli
