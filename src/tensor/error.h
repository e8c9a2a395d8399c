#pragma once
#include <stdexcept>
#include <string>

namespace ks {

/// The user's input is at fault: one sentence that says what is wrong, where, and what to do about it.
/// Faults of our own are std::logic_error or std::runtime_error instead; the command line tells them apart by exit
/// status.
class Error : public std::runtime_error {
 public:
  /// what: "the file is no image"; where: "photo.jpg", may be empty; hint: "give a JPEG or PNG file", may be empty.
  Error(const std::string& what, const std::string& where = "", const std::string& hint = "")
      : std::runtime_error((where.empty() ? "" : where + ": ") + what + (hint.empty() ? "" : "; " + hint)),
        what_(what),
        where_(where),
        hint_(hint) {}

  const std::string& problem() const { return what_; }
  const std::string& where() const { return where_; }
  const std::string& hint() const { return hint_; }

 private:
  std::string what_, where_, hint_;
};

/// Thrown by long work whose Progress callback asked it to stop; results so far are kept by the caller.
class Cancelled : public std::runtime_error {
 public:
  Cancelled() : std::runtime_error("cancelled") {}
};

}  // namespace ks
