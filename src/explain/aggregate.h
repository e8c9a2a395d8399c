#pragma once
#include <cstdint>
#include <vector>

namespace ks {

/// Statistics over the maps that several methods (the members) made of one image. Every function writes one map of
/// `size` values from members of that size, at least one; none may hold NaN or infinity. Zero is "no evidence" in all
/// of them, and signs stay: members that agree in sign give that sign. A member of zeros takes part as one that found
/// nothing.
using Members = std::vector<const float*>;

/// What a member is divided by before members of different units meet: its largest magnitude, the root of its mean
/// square, or 1. 1 for a map of zeros.
enum class MemberScale { none, max, second_moment };
double member_scale(const float* map, int64_t size, MemberScale scale);

/// Pixel by pixel. The median is the mean of the middle two where their number is even.
void mean_of_members(const Members& members, int64_t size, float* out);
void median_of_members(const Members& members, int64_t size, float* out);
/// The value of largest magnitude, with its sign; the first such member's.
void strongest_of_members(const Members& members, int64_t size, float* out);

/// The mean divided by how much the members differ at that pixel: mean / (s + e), s the standard deviation over the
/// members and e the mean of s over the image, so that a pixel counts at most 1/e times its mean. L. Rieger, L. K.
/// Hansen: Aggregating explanation methods for stable and robust explainability, arXiv 1903.00519, 2020 (AGG-Var).
void variance_weighted_mean_of_members(const Members& members, int64_t size, float* out);

/// Mean of sign(a) rank(|a|) / size: ranks of magnitudes from 1 for the smallest, equal ones share the mean of theirs.
/// In
/// [-1,1]; unchanged when a member is scaled, or moved by any rising odd function.
void rank_mean_of_members(const Members& members, int64_t size, float* out);

/// The mean after each member's magnitudes have been moved to one distribution, all with their signs; unchanged when a
/// member is scaled, and one member's outliers do not reach it. That distribution: the members' sorted magnitudes, each
/// divided by the median of its non-zero ones, and of these the median over the members (those of zeros left out) at
/// each rank. Equal magnitudes get the mean of the distribution over their ranks; zeros stay zero. Quantile
/// normalisation: B. M. Bolstad, R. A. Irizarry, M. Åstrand, T. P. Speed: A comparison of normalization methods for
/// high density oligonucleotide array data based on variance and bias, Bioinformatics 2003, with medians in place of
/// its means.
void aligned_mean_of_members(const Members& members, int64_t size, float* out);

}  // namespace ks
