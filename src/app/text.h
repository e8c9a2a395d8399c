#pragma once
#include <string>

/// Numbers and names as people read them.
namespace ks::ui {

/// 3 significant digits in at most 8 characters: "0.123", "-1.2e-5" (with a real minus sign); a dash for NaN.
std::string number(double value);
/// With this many decimals, for columns and rows of figures that are compared.
std::string fixed(double value, int decimals);
/// How many decimals give `largest` about 3 significant digits, 0 to 4.
int decimals_for(double largest);
/// "0.98 s", "45 ms", "2 min 5 s"
std::string duration(double seconds);
/// "input-x-gradient" -> "Input x gradient", where no title is known yet.
std::string title_of_name(const std::string& name);

}  // namespace ks::ui
