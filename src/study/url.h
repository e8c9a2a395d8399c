#pragma once
#include <string>

#include "study/study.h"

namespace ks {

// A study in a link: "#s=" + base64url(payload). The payload is one byte of version (1), four bytes CRC-32
// (little-endian) of version and data, then the data: the document as compact JSON, deflated (RFC 1951).

/// "#s=...". Throws Error when the study names files of this machine, which nobody else could open.
std::string study_fragment(const Study& study);

/// base + study_fragment. `base` is the address of the page; a fragment it has is replaced.
std::string study_url(const Study& study, const std::string& base);

/// Reads a link, or its fragment alone. White space is ignored (mail programs break long links), so is what follows
/// '&'. Throws Error for a link that is cut, changed, from a newer version, or holds no valid study.
Study study_from_url(const std::string& url);

/// True when the link has a study at all.
bool has_study(const std::string& url);

}  // namespace ks
