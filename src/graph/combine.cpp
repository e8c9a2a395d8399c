#include "graph/combine.h"

#include <algorithm>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>

#include "graph/simplify.h"
#include "tensor/hash.h"

// Value numbering, as compilers do it (J. Cocke, J. Schwartz: Programming languages and their compilers, 1970): a node
// is described by its op, attributes and the common names of its inputs, and a description met before is a node not
// made again.
namespace ks::graph {

namespace {

template <class T>
void append_raw(std::string& text, const T& value) {
  text.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
void append_values(std::string& text, const std::vector<T>& values) {
  append_raw(text, values.size());
  for (const T& v : values) append_raw(text, v);
}

void append_text(std::string& text, const std::string& value) {
  append_raw(text, value.size());
  text += value;
}

class Combiner {
 public:
  explicit Combiner(const Model& forward) {
    model_ = forward;
    model_.nodes.clear();
    model_.initializers.clear();
    model_.outputs.clear();
    for (const Value& v : forward.inputs) shared_.insert(v.name);
    for (const Node& node : forward.nodes)
      for (const std::string& o : node.outputs)
        if (!o.empty() && shared_.insert(o).second) forward_tensors_.push_back(o);
    names_ = shared_;
    for (const Node& node : forward.nodes) plain_.insert(describe(node, forward, {}));
  }

  std::vector<std::string> add(const Model& network) {
    if (network.opset != model_.opset) throw std::logic_error("networks of different opsets cannot be combined");
    for (const auto& [domain, version] : network.domains)
      model_.domains[domain] = std::max(model_.domains[domain], version);
    for (const Value& v : network.inputs)
      if (shared_.insert(v.name).second) {
        names_.insert(v.name);
        model_.inputs.push_back(v);
      }
    std::unordered_map<std::string, std::string> merged;  // names of this network's own tensors
    for (const Node& node : network.nodes) {
      const std::string description = describe(node, network, merged);
      const auto [found, is_new] = seen_.emplace(description, model_.nodes.size());
      if (is_new) {
        Node copy = node;
        for (std::string& i : copy.inputs) i = name_of(i, network, merged);
        for (std::string& o : copy.outputs)
          if (!o.empty() && !shared_.count(o)) o = fresh(o);
        model_.nodes.push_back(std::move(copy));
        is_plain_.push_back(plain_.count(description) > 0);
      }
      const Node& same = model_.nodes[found->second];
      for (size_t k = 0; k < node.outputs.size(); ++k)
        if (!node.outputs[k].empty() && !shared_.count(node.outputs[k])) merged[node.outputs[k]] = same.outputs[k];
    }
    std::vector<std::string> outputs;
    for (const Value& v : network.outputs) {
      outputs.push_back(name_of(v.name, network, merged));
      if (std::none_of(model_.outputs.begin(), model_.outputs.end(),
                       [&](const Value& o) { return o.name == outputs.back(); })) {
        model_.outputs.push_back(v);
        model_.outputs.back().name = outputs.back();
      }
    }
    return outputs;
  }

  Model finish() {
    choose_producers();
    sort_nodes(model_);
    for (Node& node : model_.nodes) node.name = node.outputs.at(0);
    remove_unused(model_);
    return std::move(model_);
  }

 private:
  using Names = std::unordered_map<std::string, std::string>;

  std::string fresh(const std::string& wanted) {
    std::string name = wanted;
    for (int k = 1; !names_.insert(name).second; ++k) name = wanted + "/" + std::to_string(k);
    return name;
  }

  const Fingerprint& content(const Array& array) {
    // Networks share the bytes of the constants they left as they were.
    const auto [it, is_new] = contents_.emplace(array.bytes.get(), Fingerprint());
    if (is_new) {
      it->second = fingerprint(*array.bytes);
      kept_.push_back(array.bytes);  // its address names it
    }
    return it->second;
  }

  std::string name_of(const std::string& tensor, const Model& network, const Names& merged) {
    if (tensor.empty()) return tensor;
    if (const Array* array = network.constant(tensor)) {
      std::string description;
      append_array(description, *array);
      std::string& name = constants_[description];
      if (name.empty()) model_.initializers[name = fresh(tensor)] = *array;
      return name;
    }
    if (shared_.count(tensor)) return tensor;
    return merged.at(tensor);
  }

  void append_array(std::string& text, const Array& array) {
    append_raw(text, array.type);
    append_values(text, array.shape);
    append_raw(text, content(array));
  }

  std::string describe(const Node& node, const Model& network, const Names& merged) {
    std::string text;
    append_text(text, node.domain);
    append_text(text, node.op);
    append_raw(text, node.attributes.size());
    for (const auto& [key, attribute] : node.attributes) {
      append_text(text, key);
      append_raw(text, attribute.index());
      if (const auto* f = std::get_if<float>(&attribute)) append_raw(text, *f);
      if (const auto* i = std::get_if<int64_t>(&attribute)) append_raw(text, *i);
      if (const auto* s = std::get_if<std::string>(&attribute)) append_text(text, *s);
      if (const auto* a = std::get_if<Array>(&attribute)) append_array(text, *a);
      if (const auto* f = std::get_if<std::vector<float>>(&attribute)) append_values(text, *f);
      if (const auto* i = std::get_if<std::vector<int64_t>>(&attribute)) append_values(text, *i);
      if (const auto* s = std::get_if<std::vector<std::string>>(&attribute)) {
        append_raw(text, s->size());
        for (const std::string& word : *s) append_text(text, word);
      }
    }
    append_raw(text, node.inputs.size());
    for (const std::string& i : node.inputs) append_text(text, name_of(i, network, merged));
    // A tensor of the forward network keeps its name, so a node that makes one is no other's equal.
    for (const std::string& o : node.outputs) append_text(text, o.empty() ? "" : shared_.count(o) ? o : "*");
    return text;
  }

  /// Of all nodes that make a forward tensor, one: rather one that is not the forward network's own, because what it
  /// reads is computed in any case. The others keep only what they make besides.
  void choose_producers() {
    std::unordered_map<std::string, std::vector<size_t>> makers;
    for (size_t n = 0; n < model_.nodes.size(); ++n)
      for (const std::string& o : model_.nodes[n].outputs)
        if (!o.empty() && shared_.count(o)) makers[o].push_back(n);
    std::unordered_set<size_t> chosen;
    for (const std::string& tensor : forward_tensors_) {
      std::vector<size_t>& nodes = makers[tensor];
      const auto already = std::find_if(nodes.begin(), nodes.end(), [&](size_t n) { return chosen.count(n) > 0; });
      const auto derived = std::find_if(nodes.begin(), nodes.end(), [&](size_t n) { return !is_plain_[n]; });
      const auto pick = already != nodes.end() ? already : derived != nodes.end() ? derived : nodes.begin();
      if (pick == nodes.end()) continue;  // no network needs it
      chosen.insert(*pick);
      for (const size_t n : nodes)
        if (n != *pick)
          for (std::string& o : model_.nodes[n].outputs)
            if (o == tensor) o = fresh(tensor);
    }
  }

  Model model_;
  std::unordered_set<std::string> shared_;    // names that mean the same in all networks
  std::vector<std::string> forward_tensors_;  // those that nodes compute, in order
  std::unordered_set<std::string> names_;     // all that are taken
  std::unordered_set<std::string> plain_;     // descriptions of the forward network's own nodes
  std::vector<bool> is_plain_;                // per node of model_
  std::unordered_map<std::string, size_t> seen_;
  std::unordered_map<std::string, std::string> constants_;
  std::unordered_map<const std::string*, Fingerprint> contents_;
  std::vector<std::shared_ptr<const std::string>> kept_;
};

}  // namespace

Combined combine(const Model& forward, const std::vector<Model>& derived) {
  Combiner combiner(forward);
  Combined out;
  for (const Model& network : derived) out.outputs.push_back(combiner.add(network));
  out.model = combiner.finish();
  return out;
}

}  // namespace ks::graph
