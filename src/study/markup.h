#pragma once
#include <string>
#include <vector>

#include "picture/image.h"

namespace ks {

/// Text for HTML and XML, inside elements and attributes.
std::string escape_markup(const std::string& text);

/// "data:image/jpeg;base64,..."
std::string jpeg_uri(const Image& picture);
std::string png_uri(const Image& picture);

/// A number for people: three significant digits, "–" where it is no number.
std::string short_number(double value);

/// So many digits behind the point; "–" where it is no number.
std::string fixed(double value, int digits);
/// "12.5 %"
std::string percent(double share, int digits = 1);
/// "1 image", "2 images"
std::string count_of(size_t n, const std::string& noun);
std::string lower_first(std::string text);

/// The words of a text in lines of about `width` characters.
std::vector<std::string> wrap_words(const std::string& text, size_t width);

}  // namespace ks
