#pragma once
#include <string>
#include <vector>

#include "explain/classifier.h"
#include "grain/render.h"

namespace ks {

/// One file of the reference site.
struct SiteFile {
  std::string path;  // "methods/lime.html"
  std::string bytes;
};

/// On what the pictures of the reference are made. The picture has the classifier's input size.
struct ReferenceSubject {
  Classifier& classifier;
  RenderedKernel kernel;
  std::vector<RenderedKernel> others;  // of the same size, of both kinds: for metrics that compare images
  std::string what;                    // "a generated wheat kernel with pink Fusarium mould"
  std::string model;                   // how a command line names the model's file
};

/// The reference: a static site made from the registries alone, index.html and what it links to. A page for every
/// method (formula, description, when it misleads, parameters, citation, command line, its picture of the subject's
/// kernel) and for every metric (these, its direction and range, and what it says of maps of the kernel that explain
/// nothing), one each for segmentations (with pictures of their borders), poolings and normalisations, and kernel.png
/// and damage.png (its annotation), which the command lines take. Pages refer to each other by relative addresses and
/// to nothing else. A method that cannot explain the subject has its sentence in place of the picture. `program`:
/// "kernelscope 0.1.0".
std::vector<SiteFile> reference_site(const ReferenceSubject& subject, const std::string& program,
                                     const Progress& progress = nullptr);

}  // namespace ks
