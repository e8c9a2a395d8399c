#include "cli/processes.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>

#include "runtime/clock.h"
#include "tensor/error.h"
#ifdef KERNELSCOPE_MPI
#include <mpi.h>
#endif

namespace ks::cli {

namespace {

/// How many processes the launcher of this one says there are; 0: there is no launcher. Open MPI, MPICH and Slurm's
/// way.
int launched_processes() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"})
    if (const char* value = std::getenv(name)) return std::atoi(value);
  return 0;
}

#ifdef KERNELSCOPE_MPI

enum Tag { request_tag = 1, unit_tag, cell_tag, finished_tag };

std::string host_name() {
  char name[256] = {};
  gethostname(name, sizeof name - 1);
  return name;
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Computes with units from `take`, and keeps record.
ProcessRecord work(Engine& engine, const std::function<std::optional<Unit>()>& take, const Progress& progress) {
  ProcessRecord record{.host = host_name()};
  const double begin = now(), runtime_before = seconds_in_runtime();
  double waited = 0;
  compute_units(
      engine,
      [&] {
        const double asked = now();
        const std::optional<Unit> unit = take();
        waited += now() - asked;
        record.units += unit.has_value();
        return unit;
      },
      progress);
  record.busy_seconds = now() - begin - waited;
  record.runtime_seconds = seconds_in_runtime() - runtime_before;
  return record;
}

std::optional<Unit> ask_for_unit() {
  int64_t unit[2];
  MPI_Send(nullptr, 0, MPI_CHAR, 0, request_tag, MPI_COMM_WORLD);
  MPI_Recv(unit, 2, MPI_INT64_T, 0, unit_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  if (unit[0] < 0) return {};
  return Unit{static_cast<size_t>(unit[0]), static_cast<size_t>(unit[1])};
}

/// The first process's side: answers the others while its own main thread computes, too. It alone talks to MPI
/// meanwhile.
class Coordinator {
 public:
  Coordinator(UnitQueue queue, const CellStore& store, size_t processes, const Progress& progress)
      : queue_(std::move(queue)), store_(store), progress_(progress), records_(processes), open_(processes - 1) {
    thread_ = std::thread([this] { serve(); });
  }
  ~Coordinator() {
    given_up_ = true;
    if (thread_.joinable()) thread_.join();
  }

  std::optional<Unit> next(size_t worker) {
    const std::lock_guard lock(mutex_);
    return queue_.next(worker);
  }
  double fraction() {
    const std::lock_guard lock(mutex_);
    return queue_.total() ? static_cast<double>(queue_.handed_out()) / static_cast<double>(queue_.total()) : 1;
  }
  /// The store, for both threads.
  CellStore shared_store() {
    return {.load = store_.load,
            .save = [this](const std::string& key, const std::string& bytes) { save(key, bytes); }};
  }
  /// Waits for the others' last cells.
  std::vector<ProcessRecord> finish(ProcessRecord own) {
    while (open_ > 0) {
      if (progress_) progress_(fraction());  // throws Cancelled
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    thread_.join();
    records_[0] = std::move(own);
    return records_;
  }

 private:
  void save(const std::string& key, const std::string& bytes) {
    const std::lock_guard lock(store_mutex_);
    store_.save(key, bytes);
  }

  void serve() {
    while (open_ > 0 && !given_up_) {
      int is_there = 0;
      MPI_Status status;
      MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &is_there, &status);
      if (!is_there) {
        // Not MPI_Probe, which would keep a core busy that computes.
        std::this_thread::sleep_for(std::chrono::microseconds(500));
        continue;
      }
      int size = 0;
      MPI_Get_count(&status, MPI_CHAR, &size);
      std::string message(static_cast<size_t>(size), '\0');
      MPI_Recv(message.data(), size, MPI_CHAR, status.MPI_SOURCE, status.MPI_TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
      answer(status.MPI_SOURCE, status.MPI_TAG, message);
    }
  }

  void answer(int source, int tag, const std::string& message) {
    const size_t worker = static_cast<size_t>(source);
    if (tag == request_tag) {
      const std::optional<Unit> unit = next(worker);
      int64_t reply[2] = {-1, -1};
      if (unit) reply[0] = static_cast<int64_t>(unit->image), reply[1] = static_cast<int64_t>(unit->method);
      MPI_Send(reply, 2, MPI_INT64_T, source, unit_tag, MPI_COMM_WORLD);
    } else if (tag == cell_tag) {
      const size_t end = message.find('\n');
      save(message.substr(0, end), message.substr(end + 1));
    } else if (tag == finished_tag) {
      const json record = json::parse(message);
      records_[worker] = {record.at("host").get<std::string>(), record.at("units").get<int64_t>(),
                          record.at("busy_seconds").get<double>(), record.at("runtime_seconds").get<double>()};
      --open_;
    }
  }

  std::mutex mutex_, store_mutex_;
  UnitQueue queue_;
  CellStore store_;
  const Progress& progress_;
  std::vector<ProcessRecord> records_;
  std::atomic<size_t> open_;  // processes that have not finished
  std::atomic<bool> given_up_ = false;
  std::thread thread_;
};

#endif

}  // namespace

bool Processes::built_in() {
#ifdef KERNELSCOPE_MPI
  return true;
#else
  return false;
#endif
}

Processes::Processes() {
  const int launched = launched_processes();
  if (launched <= 1) return;
#ifdef KERNELSCOPE_MPI
  int provided = 0, rank = 0, count = 1, on_host = 1;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided);
  started_ = true;
  if (provided < MPI_THREAD_SERIALIZED)
    throw Error("the MPI library allows no second thread", "mpirun", "use one with MPI_THREAD_SERIALIZED, or --shard");
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &count);
  MPI_Comm host;
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &host);
  MPI_Comm_size(host, &on_host);
  MPI_Comm_free(&host);
  rank_ = static_cast<size_t>(rank);
  count_ = static_cast<size_t>(count);
  threads_ = std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / on_host);
#else
  throw Error("started " + std::to_string(launched) + " processes, but this program was built without MPI", "mpirun",
              "build it with -DKERNELSCOPE_MPI=ON, or share the work with --shard and merge");
#endif
}

Processes::~Processes() {
#ifdef KERNELSCOPE_MPI
  // While an exception ends one process, the others may wait for it for ever: leaving without MPI's goodbye makes
  // mpirun end them.
  if (started_ && std::uncaught_exceptions() == 0) MPI_Finalize();
#endif
}

void Processes::together(const std::function<void()>& work) {
#ifdef KERNELSCOPE_MPI
  if (count_ > 1) {
    std::exception_ptr fault;
    try {
      work();
    } catch (const Error&) {
      fault = std::current_exception();
    }
    int mine = fault ? static_cast<int>(rank_) : static_cast<int>(count_), first = 0;
    MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    if (first == static_cast<int>(count_)) return;
    MPI_Finalize();
    started_ = false;
    if (first == static_cast<int>(rank_)) std::rethrow_exception(fault);
    throw Silent();
  }
#endif
  work();
}

CellStore Processes::remote_store(const CellStore& store) const {
#ifdef KERNELSCOPE_MPI
  return {.load = store.load, .save = [](const std::string& key, const std::string& bytes) {
            const std::string message = key + "\n" + bytes;
            MPI_Send(message.data(), static_cast<int>(message.size()), MPI_CHAR, 0, cell_tag, MPI_COMM_WORLD);
          }};
#else
  return store;
#endif
}

json record_json(const ProcessRecord& record) {
  return {{"host", record.host},
          {"units", record.units},
          {"busy_seconds", record.busy_seconds},
          {"runtime_seconds", record.runtime_seconds}};
}

std::vector<ProcessRecord> Processes::compute([[maybe_unused]] Engine& engine, [[maybe_unused]] const CellStore& store,
                                              [[maybe_unused]] const Progress& progress) {
#ifdef KERNELSCOPE_MPI
  if (rank_ != 0) {
    const ProcessRecord own = work(engine, ask_for_unit, progress);
    const std::string message = record_json(own).dump();
    MPI_Send(message.data(), static_cast<int>(message.size()), MPI_CHAR, 0, finished_tag, MPI_COMM_WORLD);
    return {};
  }
  Coordinator coordinator(
      UnitQueue(engine.images().size(), engine.study().methods.size(), has_units_of_all_images(engine.study())), store,
      count_, progress);
  const Progress told = [&](double) {
    if (progress) progress(coordinator.fraction());
  };
  engine.set_store(coordinator.shared_store());
  ProcessRecord own = work(
      engine, [&] { return coordinator.next(0); }, told);
  std::vector<ProcessRecord> records = coordinator.finish(std::move(own));
  engine.set_store(store);
  return records;
#else
  return {};
#endif
}

}  // namespace ks::cli
