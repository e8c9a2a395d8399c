#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

namespace ks {

/// Results by what they depend on. Forgets all when it would hold more than `most_bytes`.
template <class Key, class Value>
class Memo {
 public:
  explicit Memo(size_t most_bytes) : most_bytes_(most_bytes) {}

  /// Null where there is none. Holds until the next call of keep().
  const Value* find(const Key& key) const {
    const auto found = values_.find(key);
    if (found == values_.end()) return nullptr;
    ++hits_;
    return &found->second;
  }
  /// `bytes`: of the value alone.
  void keep(const Key& key, Value value, size_t bytes) {
    constexpr size_t overhead = 96;  // of a map's node and what the value consists of
    if (bytes_ + bytes + overhead > most_bytes_) clear();
    if (values_.emplace(key, std::move(value)).second) bytes_ += bytes + overhead;
  }
  void clear() { values_.clear(), bytes_ = 0; }
  int64_t hits() const { return hits_; }

 private:
  size_t most_bytes_, bytes_ = 0;
  mutable int64_t hits_ = 0;
  std::map<Key, Value> values_;
};

}  // namespace ks
