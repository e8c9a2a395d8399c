#include "cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>

#include "tensor/error.h"

namespace ks::cli {

namespace {

volatile std::sig_atomic_t stop_asked = 0;

void on_interrupt(int signal) {
  stop_asked = 1;
  std::signal(signal, SIG_DFL);
}

}  // namespace

void catch_interrupts() {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
}

bool interrupted() {
  return stop_asked != 0;
}

void check_interrupt() {
  if (interrupted()) throw Cancelled();
}

ProgressBar::ProgressBar(std::string label, bool quiet)
    : label_(std::move(label)), visible_(!quiet && isatty(STDERR_FILENO)), begin_(Clock::now()) {}

ProgressBar::~ProgressBar() {
  clear();
}

void ProgressBar::clear() {
  if (drawn_) std::fprintf(stderr, "\r\033[K");
  drawn_ = false;
}

void ProgressBar::update(double fraction) {
  check_interrupt();
  if (!visible_) return;
  const auto now = Clock::now();
  if (drawn_ && now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  drawn_ = true;
  fraction = std::clamp(fraction, 0.0, 1.0);
  const double elapsed = std::chrono::duration<double>(now - begin_).count();
  constexpr int width = 30;
  const int filled = static_cast<int>(std::lround(fraction * width));
  const std::string bar = std::string(filled, '#') + std::string(width - filled, '.');
  // A projection from the first percent of the work is noise.
  const std::string left =
      fraction >= 0.01 && elapsed > 0.5 ? duration_text(elapsed * (1 - fraction) / fraction) + " left" : "";
  std::fprintf(stderr, "\r\033[K[%s] %3d %%  %s  %s", bar.c_str(), static_cast<int>(fraction * 100), left.c_str(),
               label_.c_str());
  std::fflush(stderr);
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<long long>(std::lround(std::max(0.0, seconds)));
  char text[48];
  if (whole >= 3600)
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
  else
    std::snprintf(text, sizeof text, "%lld:%02lld", whole / 60, whole % 60);
  return text;
}

}  // namespace ks::cli
