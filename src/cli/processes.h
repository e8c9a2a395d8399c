#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "study/units.h"

namespace ks::cli {

/// What one of the processes did.
struct ProcessRecord {
  std::string host;
  int64_t units = 0;
  double busy_seconds = 0;     // computing
  double runtime_seconds = 0;  // of these, in ONNX Runtime
};
json record_json(const ProcessRecord& record);

/// The processes that `mpirun -n K kernelscope ...` started, of which this is one; one alone without mpirun. They may
/// be on several hosts and need no common file system.
class Processes {
 public:
  /// Throws Error when mpirun started several and this program was built without MPI.
  Processes();
  ~Processes();
  /// False where this program was built without MPI.
  static bool built_in();
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;

  size_t rank() const { return rank_; }
  size_t count() const { return count_; }
  /// Cores of this host for each of its processes; 0 (all) for a process alone.
  int threads() const { return threads_; }

  /// Runs `work` in all processes and ends them together where it fails in one: throws its Error where it is told (in
  /// the first process that failed), Silent in the others.
  struct Silent {};
  void together(const std::function<void()>& work);

  /// Where a process that is not the first keeps its cells: they go to the first. `store` is the folder's, as far as
  /// this host has it.
  CellStore remote_store(const CellStore& store) const;

  /// Shares out the units of the engine's study among all processes. In the first, cells of the others arrive in
  /// `store`, and it returns what each did; in the others an empty list. Throws Cancelled.
  std::vector<ProcessRecord> compute(Engine& engine, const CellStore& store, const Progress& progress);

 private:
  size_t rank_ = 0, count_ = 1;
  int threads_ = 0;
  bool started_ = false;
};

}  // namespace ks::cli
