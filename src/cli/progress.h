#pragma once
#include <chrono>
#include <string>

#include "tensor/tensor.h"

namespace ks::cli {

/// From now on Ctrl-C sets a flag instead of ending the process; a second Ctrl-C ends it.
void catch_interrupts();
bool interrupted();
/// Throws Cancelled after Ctrl-C. Call it between pieces of work that have no Progress.
void check_interrupt();

/// A progress bar with the time left, on stderr, drawn at most ten times a second and only on a terminal.
class ProgressBar {
 public:
  ProgressBar(std::string label, bool quiet);
  /// Wipes the bar.
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// `fraction` in [0,1]. Throws Cancelled after Ctrl-C.
  void update(double fraction);
  void label(std::string text) { label_ = std::move(text); }
  /// Wipes the bar, so that something else can be printed; the next update draws it again.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  std::string label_;
  bool visible_, drawn_ = false;
  Clock::time_point begin_, last_;
};

/// "0:07", "12:30", "3:04:05"
std::string duration_text(double seconds);

}  // namespace ks::cli
