#include <iostream>
#include <memory>

#include "cli/command.h"
#include "cli/places.h"
#include "study/check.h"
#include "study/url.h"
#include "tensor/error.h"

namespace ks::cli {

namespace {

struct StudyOptions {
  std::string study, base = default_page;
};

void print_link(const StudyOptions& o, Context& context) {
  const Study study = open_study(o.study).study;
  check_study(study);
  const std::string link = study_url(study, o.base);
  if (context.json)
    context.print({{"url", link}, {"characters", link.size()}});
  else
    std::cout << link << "\n";
}

void print_check(const StudyOptions& o, Context& context) {
  const Study study = open_study(o.study).study;
  try {
    check_study(study);
  } catch (const Error& e) {
    throw Error(e.problem(), o.study.substr(0, 200) + ": " + e.where(), e.hint());
  }
  if (context.json)
    context.print({{"valid", true},
                   {"images", study.images.size()},
                   {"methods", study.methods.size()},
                   {"metrics", study.metrics.size()}});
  else
    std::cout << "a valid study of " << study.images.size() << " images, " << study.methods.size() << " methods and "
              << study.metrics.size() << " metrics\n";
}

}  // namespace

Action study(CLI::App& app) {
  auto o = std::make_shared<StudyOptions>();
  auto action = std::make_shared<void (*)(const StudyOptions&, Context&)>(nullptr);
  const auto add = [&](const char* name, const char* help, void (*function)(const StudyOptions&, Context&)) {
    CLI::App* part = app.add_subcommand(name, help);
    part->callback([action, function] { *action = function; });
    return part;
  };
  auto* url = add("url", "Print the link that carries a study", print_link);
  url->add_option("study", o->study, "A study: a file, a link, or the name of a built-in one")->required();
  url->add_option("--base", o->base, "Address of the app's page");
  auto* from_url = add(
      "from-url", "Print the study that a link carries",
      [](const StudyOptions& options, Context& context) { context.print(write_study(study_from_url(options.study))); });
  from_url->add_option("link", o->study, "The link, or its part from #s= on")->required();
  auto* check = add("check", "Say whether a study is valid", print_check);
  check->add_option("study", o->study, "A study: a file, a link, or the name of a built-in one")->required();
  add("schema", "Print the JSON schema of studies",
      [](const StudyOptions&, Context& context) { context.print(study_schema()); });
  app.require_subcommand(0, 1);
  app.fallthrough();
  return [o, action](Context& context) {
    if (!*action) throw Error("study needs to be told what to do", "", "say url, from-url, check or schema");
    (*action)(*o, context);
  };
}

}  // namespace ks::cli
