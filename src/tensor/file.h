#pragma once
#include <string>

namespace ks {

/// The bytes of a file. Throws Error when it cannot be read.
std::string read_file(const std::string& path);

/// Writes through a temporary file beside it and renames, so an interrupted run leaves no half file. Makes missing
/// folders.
void write_file(const std::string& path, const std::string& bytes);

}  // namespace ks
