#pragma once
#include <string>

namespace ks {

/// What a JPEG file's marker segments say that stb_image does not (ITU-T T.81 annex B; Exif 2.3 for the orientation).
struct JpegMarkers {
  int components = 0;             // of the frame: 1 grey, 3 colour, 4 CMYK or YCCK
  bool has_adobe_marker = false;  // APP14: its CMYK is stored inverted
  int orientation = 1;            // Exif tag 0x0112, 1 (upright) to 8
  bool complete = false;          // the end-of-image marker follows the first scan
};

bool is_jpeg(const std::string& bytes);

/// Never throws: a damaged file leaves what was found up to the damage.
JpegMarkers read_jpeg_markers(const std::string& bytes);

}  // namespace ks
