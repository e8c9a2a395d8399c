#include "tensor/file.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tensor/error.h"

namespace ks {

namespace fs = std::filesystem;

std::string read_file(const std::string& path) {
  std::error_code ec;
  if (fs::is_directory(path, ec)) throw Error("is a folder, not a file", path);
  std::ifstream in(path, std::ios::binary);
  if (!in)
    throw Error("cannot be read", path, fs::exists(path, ec) ? "check its permissions" : "there is no such file");
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return std::move(bytes).str();
}

void write_file(const std::string& path, const std::string& bytes) {
  std::error_code ec;
  const fs::path target(path);
  if (target.has_parent_path()) fs::create_directories(target.parent_path(), ec);
  const std::string temporary = path + ".part";
  {
    std::ofstream out(temporary, std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!out.flush()) throw Error("cannot be written", path, "check the folder's permissions and the free space");
  }
  fs::rename(temporary, target, ec);
  if (ec) throw Error("cannot be written", path, ec.message());
}

}  // namespace ks
