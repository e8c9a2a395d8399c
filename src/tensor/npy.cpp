#include "tensor/npy.h"

#include <cstring>

#include "tensor/error.h"
#include "tensor/file.h"

namespace ks {

namespace {

/// The text of a key's value in the header's Python dictionary.
std::string header_value(const std::string& header, const std::string& key, const std::string& where) {
  const size_t at = header.find("'" + key + "'");
  const size_t colon = at == std::string::npos ? at : header.find(':', at);
  if (colon == std::string::npos) throw Error("the .npy header has no '" + key + "'", where);
  size_t begin = header.find_first_not_of(' ', colon + 1);
  if (begin == std::string::npos) throw Error("the .npy header is cut off", where);
  const size_t end = header[begin] == '(' ? header.find(')', begin) : header.find_first_of(",}", begin);
  if (end == std::string::npos) throw Error("the .npy header is cut off", where);
  return header.substr(begin, end - begin + (header[begin] == '(' ? 1 : 0));
}

template <class T>
std::vector<float> convert(const char* bytes, int64_t count) {
  std::vector<float> out(count);
  for (int64_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, bytes + i * sizeof(T), sizeof(T));
    out[i] = static_cast<float>(value);
  }
  return out;
}

}  // namespace

Tensor decode_npy(const std::string& bytes, const std::string& where) {
  if (bytes.size() < 12 || bytes.compare(0, 6, "\x93NUMPY") != 0)
    throw Error("is not a .npy file", where, "save it with numpy.save");
  const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<unsigned char>(bytes[i])); };
  const bool version1 = bytes[6] == 1;
  const size_t length = version1 ? byte(8) | byte(9) << 8 : byte(8) | byte(9) << 8 | byte(10) << 16 | byte(11) << 24;
  const size_t start = (version1 ? 10 : 12) + length;
  if (start > bytes.size()) throw Error("the .npy file is cut off", where);
  const std::string header = bytes.substr(start - length, length);
  if (header_value(header, "fortran_order", where).find("True") != std::string::npos)
    throw Error("the array is in Fortran order", where, "save numpy.ascontiguousarray(a) instead");

  Shape shape;
  const std::string text = header_value(header, "shape", where);
  for (size_t i = 0; i < text.size();) {
    if (text[i] < '0' || text[i] > '9') {
      ++i;
      continue;
    }
    int64_t value = 0;
    for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) {
      value = value * 10 + (text[i] - '0');
      if (value > int64_t{1} << 40) throw Error("the array is too large", where);
    }
    shape.push_back(value);
  }
  double total = 1;
  for (int64_t d : shape) total *= static_cast<double>(d);
  const std::string dtype = header_value(header, "descr", where);
  const auto is = [&](const char* code) { return dtype == std::string("'") + code + "'"; };
  const size_t width = dtype.size() >= 2 ? static_cast<size_t>(dtype[dtype.size() - 2] - '0') : 0;
  if (total * static_cast<double>(width) != static_cast<double>(bytes.size() - start))
    throw Error("the data do not fit shape " + to_string(shape), where, "the file may be cut off");
  const char* data = bytes.data() + start;
  const int64_t count = element_count(shape);
  if (is("<f4")) return Tensor(shape, convert<float>(data, count));
  if (is("<f8")) return Tensor(shape, convert<double>(data, count));
  if (is("|u1") || is("|b1")) return Tensor(shape, convert<uint8_t>(data, count));
  if (is("|i1")) return Tensor(shape, convert<int8_t>(data, count));
  if (is("<i4")) return Tensor(shape, convert<int32_t>(data, count));
  if (is("<i8")) return Tensor(shape, convert<int64_t>(data, count));
  throw Error("arrays of type " + dtype + " are not read", where, "save it as float32");
}

Tensor load_npy(const std::string& path) {
  return decode_npy(read_file(path), path);
}

std::string encode_npy(const Tensor& tensor) {
  std::string shape;
  for (int64_t d : tensor.shape) shape += std::to_string(d) + ",";
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + shape + "), }";
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::string out = "\x93NUMPY\x01";
  out += '\0';
  out += static_cast<char>(header.size() & 255);
  out += static_cast<char>(header.size() >> 8);
  out += header;
  out.append(reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size() * sizeof(float));
  return out;
}

void save_npy(const std::string& path, const Tensor& tensor) {
  write_file(path, encode_npy(tensor));
}

}  // namespace ks
