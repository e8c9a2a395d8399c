#pragma once
#include <string>

#include "tensor/tensor.h"

namespace ks {

/// Reads a .npy array as float32 (NumPy format versions 1 to 3; float32/64, integers, bool; C order, little-endian).
/// `where` names the source in errors. Throws Error on anything else.
Tensor decode_npy(const std::string& bytes, const std::string& where);
Tensor load_npy(const std::string& path);

/// Float32, C order, format version 1.
std::string encode_npy(const Tensor& tensor);
void save_npy(const std::string& path, const Tensor& tensor);

}  // namespace ks
