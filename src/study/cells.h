#pragma once
#include <string>

#include "study/engine.h"

namespace ks {

/// Part of every cell's key: raise it when a change of the program makes stored cells wrong.
constexpr int cell_version = 4;

/// A cell as bytes for a CellStore: one line of JSON, then the map as .npy.
std::string pack_explanation(const Explanation& explanation);
/// False for bytes that are damaged: the cell is then computed again.
bool unpack_explanation(const std::string& bytes, Explanation& out);

std::string pack_score(const Score& score);
bool unpack_score(const std::string& bytes, Score& out);

/// NaN and infinity are null in JSON.
json number_or_null(double value);

}  // namespace ks
