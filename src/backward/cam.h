#pragma once
#include <string>

#include "backward/pass.h"

namespace ks::backward {

/// Class activation maps: the channels of a feature map A, weighted and summed; g is the logit's gradient there.
enum class CamKind {
  grad_cam,            // w_k = mean of g_k over positions (Selvaraju et al., ICCV 2017)
  grad_cam_plus_plus,  // w_k = sum of max(g_k,0) / (2 + g_k sum A_k) (Chattopadhay et al., WACV 2018)
  layer_cam,           // every position with its own weight, max(g,0) (Jiang et al., IEEE TIP 2021)
  eigen_cam            // projection on the first principal direction of the channels (Muhammad, Yeasin, IJCNN 2020)
};

struct CamOptions {
  CamKind kind = CamKind::grad_cam;
  std::string layer;    // a 4-D tensor [N,C,h,w] of the network
  bool relu = true;     // cut negative values of the map
  bool guided = false;  // times guided backpropagation: [N,C,H,W] instead of [N,1,H,W]
};

/// The last spatial feature map before global pooling or flatten, after its activation, before pools that precede the
/// flatten; empty where there is none. `shapes` of the simplified network.
std::string last_feature_map(const graph::Model& forward, const graph::Shapes& shapes);

/// A model that computes the logits and the map, upsampled to the input (see backward/upsample.h): [N,1,H,W]. Maps that
/// are zero everywhere stay zero. Throws Error where no gradient reaches the layer.
graph::Model cam_model(const graph::Model& forward, const Shape& input_shape, const CamOptions& options,
                       Backend backend, const std::string& where);

}  // namespace ks::backward
