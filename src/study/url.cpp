#include "study/url.h"

#include <zlib.h>

#include <cstdint>

#include "tensor/base64.h"
#include "tensor/error.h"

namespace ks {

namespace {

constexpr uint8_t link_version = 1;
constexpr size_t header_size = 5;
constexpr size_t most_text = 8 << 20;  // bytes of JSON: a link that unfolds to more is no study
const std::string marker = "#s=";

std::string deflate_text(const std::string& text) {
  z_stream stream{};
  // Negative window bits: raw deflate, the checksum is ours.
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
  std::string out(deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int status = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (status != Z_STREAM_END) throw std::logic_error("deflate did not finish");
  return out;
}

std::string inflate_text(const std::string& data, size_t begin) {
  z_stream stream{};
  if (inflateInit2(&stream, -15) != Z_OK) throw std::bad_alloc();
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data() + begin));
  stream.avail_in = static_cast<uInt>(data.size() - begin);
  std::string out;
  std::string piece(1 << 16, '\0');
  int status = Z_OK;
  while (status == Z_OK && out.size() <= most_text) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    status = inflate(&stream, Z_NO_FLUSH);
    out.append(piece, 0, piece.size() - stream.avail_out);
  }
  const bool all_used = stream.avail_in == 0;
  inflateEnd(&stream);
  if (out.size() > most_text)
    throw Error("holds more than " + std::to_string(most_text >> 20) + " MB of text", "the link", "it is no study");
  if (status != Z_STREAM_END || !all_used) throw Error("is damaged", "the link", "ask for it again");
  return out;
}

uint32_t checksum(uint8_t version, const char* data, size_t size) {
  uLong crc = crc32(0, &version, 1);
  crc = crc32(crc, reinterpret_cast<const Bytef*>(data), static_cast<uInt>(size));
  return static_cast<uint32_t>(crc);
}

void refuse_files(const Study& study) {
  const auto refuse = [](const std::string& place, const std::string& path) {
    throw Error("is the file '" + path + "', which nobody else has", place,
                "use a built-in, generated or embedded one, or an https address, to share the study as a link");
  };
  if (study.model.kind == Source::Kind::file) refuse("model", study.model.text);
  for (size_t i = 0; i < study.images.size(); ++i)
    if (study.images[i].source.kind == Source::Kind::file)
      refuse("images[" + std::to_string(i) + "]", study.images[i].source.text);
}

}  // namespace

std::string study_fragment(const Study& study) {
  refuse_files(study);
  const std::string data = deflate_text(write_study(study).dump());
  const uint32_t crc = checksum(link_version, data.data(), data.size());
  std::string payload(1, static_cast<char>(link_version));
  for (int i = 0; i < 4; ++i) payload += static_cast<char>(crc >> (8 * i) & 255);
  return marker + encode_base64(payload + data, Base64::url);
}

std::string study_url(const Study& study, const std::string& base) {
  return base.substr(0, base.find('#')) + study_fragment(study);
}

bool has_study(const std::string& url) {
  return url.find(marker) != std::string::npos;
}

Study study_from_url(const std::string& url) {
  const size_t at = url.find(marker);
  if (at == std::string::npos) throw Error("has no study", "the link", "a link with one has '#s=' in it");
  std::string text;
  for (size_t i = at + marker.size(); i < url.size() && url[i] != '&'; ++i)
    if (url[i] != ' ' && url[i] != '\n' && url[i] != '\r' && url[i] != '\t') text += url[i];

  const std::optional<std::string> payload = decode_base64(text, Base64::url);
  if (!payload || payload->size() <= header_size)
    throw Error("is cut off or has been changed", "the link", "copy it again, whole");
  const auto byte = [&](size_t i) { return static_cast<uint8_t>((*payload)[i]); };
  const uint32_t stored = byte(1) | byte(2) << 8 | byte(3) << 16 | static_cast<uint32_t>(byte(4)) << 24;
  if (checksum(byte(0), payload->data() + header_size, payload->size() - header_size) != stored)
    throw Error("is cut off or has been changed: its checksum does not fit", "the link", "copy it again, whole");
  if (byte(0) != link_version)
    throw Error(
        "is of version " + std::to_string(byte(0)) + ", this program knows version " + std::to_string(link_version),
        "the link", "get a newer Kernelscope to open it");
  return parse_study(inflate_text(*payload, header_size), "the link");
}

}  // namespace ks
