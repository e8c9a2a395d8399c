// kernelscope: the command line. Exit status: 0 done, 1 a fault of ours, 2 the user's input is at fault (one sentence
// on stderr), 130 interrupted (partial results kept).
#include <malloc.h>

#include <cstdio>
#include <iomanip>
#include <iostream>

#include "cli/command.h"
#include "tensor/error.h"

namespace {

using namespace ks;
using namespace ks::cli;

enum Exit { done = 0, our_fault = 1, users_input = 2, interrupted_by_user = 130 };

constexpr const char* version = KERNELSCOPE_VERSION;

void print_help(std::ostream& out) {
  out << "kernelscope " << version
      << ": explain image classifiers of grain kernels, measure the explanations, rank them\n\n"
      << "usage: kernelscope COMMAND [OPTIONS]\n\n";
  for (const Command& c : commands()) out << "  " << std::left << std::setw(18) << c.name << c.help << "\n";
  out << "\n'kernelscope COMMAND --help' tells a command's options. Every command takes --json and --quiet.\n";
}

int fail(const std::string& sentence, Exit status) {
  const bool ended = !sentence.empty() && (sentence.back() == '.' || sentence.back() == '?');
  std::fprintf(stderr, "kernelscope: %s%s\n", sentence.c_str(), ended ? "" : ".");
  return status;
}

/// The command line as it can be pasted into a shell again.
std::string typed_line(int argc, char** argv) {
  std::string line = "kernelscope";
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const bool plain = !word.empty() && word.find_first_of(" \t\n\"'\\$`*?[]{}()<>|&;#~!") == std::string::npos;
    if (plain) {
      line += " " + word;
      continue;
    }
    line += " '";
    for (char c : word) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += "'";
  }
  return line;
}

int run_command(const Command& command, int argc, char** argv) {
  CLI::App app(command.help, std::string("kernelscope ") + command.name);
  Context context;
  context.line = typed_line(argc, argv);
  const Action action = command.define(app);
  app.add_flag("--json", context.json, "Machine-readable output on stdout");
  app.add_flag("--quiet", context.quiet, "No progress bar, no remarks");
  try {
    app.parse(argc - 1, argv + 1);
  } catch (const CLI::CallForHelp&) {
    std::cout << app.help();
    return done;
  } catch (const CLI::ParseError& e) {
    std::string sentence = e.what();
    while (!sentence.empty() && (sentence.back() == '.' || sentence.back() == '\n')) sentence.pop_back();
    return fail(
        std::string(command.name) + ": " + sentence + "; 'kernelscope " + command.name + " --help' tells the options",
        users_input);
  }
  catch_interrupts();
  action(context);
  std::cout.flush();
  return std::cout ? done : fail("the output could not be written", our_fault);
}

int dispatch(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "";
  if (name.empty()) {
    print_help(std::cerr);
    return users_input;
  }
  if (name == "--help" || name == "-h" || name == "help") {
    print_help(std::cout);
    return done;
  }
  if (name == "--version") {
    std::cout << "kernelscope " << version << "\n";
    return done;
  }
  std::vector<std::string> names;
  for (const Command& c : commands()) {
    if (name == c.name) return run_command(c, argc, argv);
    names.push_back(c.name);
  }
  throw_unknown_name("command", name, names);
}

}  // namespace

int main(int argc, char** argv) {
#ifdef __GLIBC__
  // Maps come and go by the hundred thousand. Memory of theirs that goes back to the system is paged in again for the
  // next one, which costs about as much as what is computed in it.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
#endif
  try {
    return dispatch(argc, argv);
  } catch (const Error& e) {
    return fail(e.what(), users_input);
  } catch (const Cancelled&) {
    return fail("interrupted; what was finished is kept", interrupted_by_user);
  } catch (const std::bad_alloc&) {
    return fail("out of memory", our_fault);
  } catch (const std::exception& e) {
    return fail(std::string("a fault of Kernelscope itself: ") + e.what(), our_fault);
  }
}
