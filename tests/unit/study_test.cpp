#include "study/study.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include <functional>

#include "study/url.h"
#include "tensor/base64.h"
#include "tensor/error.h"

namespace ks::study_test {

namespace {

json full_document() {
  return json::parse(R"({
    "kernelscope": 1,
    "title": "Pink fusarium on wheat – two kernels",
    "model": {"url": "https://example.org/model.onnx",
              "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    "images": [
      {"id": "pf-1", "generate": {"species": "wheat", "defect": "pink-fusarium", "seed": 3}},
      {"id": "b", "builtin": "kernel-2", "mask": "iVBORw0KGgo="},
      {"id": "c.jpg", "data": "/9j/4AAQ"}
    ],
    "target": 1,
    "methods": [{"name": "gradient"}, {"name": "lime", "params": {"samples": 256}, "label": "LIME, few"}],
    "metrics": [{"name": "pixel-flipping", "params": {"step": 224}}, {"name": "sparseness"}],
    "ranking": {"overall": "median-rank", "rank_of": "images", "weights": {"complexity": 0, "faithfulness": 2.5},
                "monte_carlo": {"draws": 500, "metrics": "random-weights"},
                "annotation_variants": [{"erode": 1}, {"dilate": 20}, {"shift": [-3, 4]}, {"box": true}]},
    "view": {"pooling": "abs-max", "normalisation": "percentile", "colormap": "viridis", "opacity": 0.25,
             "annotation": false, "selected": {"image": "b", "method": 1}, "panel": "histogram"},
    "seed": 4294967295
  })");
}

json small_document() {
  return json::parse(R"({"kernelscope": 1, "model": {"builtin": "pink-fusarium"}, "images": []})");
}

/// The sentence that reading the document ends in, or "" when it reads.
std::string sentence(const json& document) {
  try {
    read_study(document);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

std::string sentence_for(const char* pointer, const json& value) {
  json document = full_document();
  document[json::json_pointer(pointer)] = value;
  return sentence(document);
}

std::string link_sentence(const std::string& link) {
  try {
    study_from_url(link);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

/// A link whose checksum is right, around any compressed bytes: what a forger would make.
std::string forged_link(char version, const std::string& data) {
  std::string checked = version + data;
  const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(checked.data()), static_cast<uInt>(checked.size()));
  std::string payload(1, version);
  for (int i = 0; i < 4; ++i) payload += static_cast<char>(crc >> (8 * i) & 255);
  return "#s=" + encode_base64(payload + data, Base64::url);
}

std::string raw_deflate(const std::string& text) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace

TEST_SUITE("study") {
  TEST_CASE("a document survives reading and writing") {
    const Study study = read_study(full_document());
    CHECK(write_study(study) == full_document());
    CHECK(read_study(write_study(study)) == study);
    CHECK(study.images[0].source.recipe.at("seed") == 3);
    CHECK(std::get<int>(study.target) == 1);
    CHECK(study.seed == 4294967295);
  }

  TEST_CASE("what is left out has its default, and defaults are not written") {
    const Study study = read_study(small_document());
    CHECK(study.view == StudyView{});
    CHECK(std::get<std::string>(study.target) == "predicted");
    json expected = small_document();
    expected["methods"] = json::array();
    expected["metrics"] = json::array();
    CHECK(write_study(study) == expected);
  }

  TEST_CASE("a study without a ranking has the usual one; an empty list of variants stays empty") {
    CHECK(read_study(small_document()).ranking == StudyRanking{});
    json document = small_document();
    document["ranking"] = {{"annotation_variants", json::array()}};
    CHECK(read_study(document).ranking.annotation_variants.empty());
    CHECK(write_study(read_study(document)).at("ranking") == document["ranking"]);
    document["ranking"] = {{"overall", "mean-rank"}, {"monte_carlo", {{"draws", 10000}}}};
    CHECK_FALSE(write_study(read_study(document)).contains("ranking"));
  }

  TEST_CASE("a method may be given by its name alone") {
    json document = small_document();
    document["methods"] = {"gradient"};
    CHECK(read_study(document).methods.at(0) == StudyMethod{"gradient"});
  }

  TEST_CASE("every fault is one sentence that names the place") {
    CHECK(sentence(json::array()) == "the study is no JSON object");
    CHECK(sentence(json::object()) == "the study has no version; write \"kernelscope\": 1 into it");
    CHECK(sentence({{"kernelscope", 1}, {"images", json::array()}}) == "model: is missing");
    CHECK(sentence({{"kernelscope", 1}, {"model", {{"builtin", "x"}}}}) == "images: is missing");
    CHECK(sentence_for("/kernelscope", 2) ==
          "kernelscope: the study is of version 2, this program knows versions up to 1; "
          "get a newer Kernelscope to open it");
    CHECK(sentence_for("/kernelscope", 0).find("kernelscope: is 0") == 0);
    CHECK(sentence_for("/kernelscope", "1") == "kernelscope: is a text, not a number");
    CHECK(sentence_for("/imagez", 1) == "the study has an unknown key 'imagez'; did you mean 'images'?");
    CHECK(sentence_for("/images/0/sead", 1).find("images[0]: has an unknown key 'sead'; known are: id, ") == 0);
    CHECK(sentence_for("/title", std::string(300, 'x')) == "title: is longer than 200 characters");
    CHECK(sentence_for("/model", json::object()) ==
          "model: does not say where it comes from; give one of: builtin, url, file");
    CHECK(sentence_for("/model/file", "m.onnx") == "model: has both 'url' and 'file'; keep one");
    CHECK(sentence_for("/model/url", "ftp://example.org") == "model.url: 'ftp://example.org' is no https address");
    CHECK(sentence_for("/model/sha256", "abc").find("model.sha256: is no SHA-256") == 0);
    CHECK(sentence_for("/images", json::object()) == "images: is an object, not a list");
    CHECK(sentence_for("/images", json::array({3})) == "images[0]: is a number, not an object");
    CHECK(sentence_for("/images/1/id", "pf-1") == "images[1].id: 'pf-1' is the id of an earlier image, too");
    CHECK(sentence_for("/images/1/id", "../up").find("images[1].id: '../up' is no id") == 0);
    CHECK(sentence_for("/images/1/builtin", "../etc/passwd").find("images[1].builtin: ") == 0);
    CHECK(sentence_for("/images/0/mask", "abc").find("images[0].mask: does not belong to a generated picture") == 0);
    CHECK(sentence_for("/images/1/sha256", std::string(64, 'a')) == "images[1].sha256: belongs to a 'url' only");
    CHECK(sentence_for("/images/2/data", "") == "images[2].data: is empty; give the base64 of a JPEG or PNG file");
    CHECK(sentence_for("/target", -1) == "target: is -1; it must be from 0 to 1000000");
    CHECK(sentence_for("/target", 0.5) == "target: is 0.5; it must be a whole number");
    CHECK(sentence_for("/target", nullptr) == "target: is null, not a text");
    CHECK(sentence_for("/methods/1/params", 3) == "methods[1].params: is a number, not an object");
    CHECK(sentence_for("/methods/1/nam", "x") == "methods[1]: has an unknown key 'nam'; did you mean 'name'?");
    CHECK(sentence_for("/metrics/0", json::object()) == "metrics[0].name: is missing");
    CHECK(sentence_for("/view/opacity", 1.5) == "view.opacity: is 1.5; it must be from 0 to 1");
    CHECK(sentence_for("/ranking/rank_of", "pixels") == "ranking.rank_of: is 'pixels'; it must be means or images");
    CHECK(sentence_for("/ranking/weights/complexity", -1) ==
          "ranking.weights.complexity: is -1; it must be from 0 to 1000000");
    CHECK(sentence_for("/ranking/monte_carlo/draws", 1.5) ==
          "ranking.monte_carlo.draws: is 1.5; it must be a whole number");
    CHECK(sentence_for("/ranking/monte_carlo/metrics", "some") ==
          "ranking.monte_carlo.metrics: is 'some'; it must be one of one-per-category, random-weights, all");
    CHECK(sentence_for("/ranking/annotation_variants/0", json::object()) ==
          "ranking.annotation_variants[0]: must say one of erode, dilate, shift, box");
    CHECK(sentence_for("/ranking/annotation_variants/0/erode", 0).find("ranking.annotation_variants[0].erode: is 0") ==
          0);
    CHECK(sentence_for("/ranking/annotation_variants/2/shift", json::array({1})).find("give [right, down]") !=
          std::string::npos);
    CHECK(sentence_for("/view/annotation", 1) == "view.annotation: is a number, not true or false");
    CHECK(sentence_for("/view/selected", "b") == "view.selected: is a text, not an object");
    CHECK(sentence_for("/seed", 4294967296) == "seed: is 4294967296; it must be from 0 to 4294967295");
    json many = small_document();
    many["methods"] = json::array();
    for (int i = 0; i < 201; ++i) many["methods"].push_back("gradient");
    CHECK(sentence(many) == "methods: has 201 entries; at most 200 are possible");
  }

  TEST_CASE("a file that is no JSON is told with line and column") {
    CHECK_THROWS_WITH_AS(parse_study("{\n  \"kernelscope\": 1,\n  \"images\": [}\n", "s.json"),
                         "s.json: is no valid JSON from line 3, column 14 on; look for a missing comma, quote or "
                         "bracket there",
                         Error);
    CHECK_THROWS_AS(parse_study("", "s.json"), Error);
    CHECK_THROWS_AS(parse_study("\xff\xfe", "s.json"), Error);
    CHECK_THROWS_WITH_AS(parse_study(std::string(100000, '['), "s.json"), "s.json: is nested more than 32 levels deep",
                         Error);
    CHECK_THROWS_WITH_AS(parse_study(R"({"kernelscope": 1, "model": {}, "images": []})", "s.json"),
                         "s.json: model: does not say where it comes from; give one of: builtin, url, file", Error);
  }

  TEST_CASE("a link carries the study") {
    const Study study = read_study(full_document());
    const std::string link = study_url(study, "https://example.org/app/#old");
    CHECK(link.rfind("https://example.org/app/#s=", 0) == 0);
    CHECK(has_study(link));
    CHECK(study_from_url(link) == study);
    CHECK(study_from_url(link + "&utm_source=mail") == study);
    std::string broken = link;
    broken.insert(60, "\r\n ");
    CHECK(study_from_url(broken) == study);
    // The text it carries is Unicode, untouched.
    CHECK(study_from_url(link).title == study.title);
  }

  TEST_CASE("a study with files of this machine is not put into a link") {
    json document = small_document();
    document["images"].push_back({{"id", "x"}, {"file", "photos/x.jpg"}});
    CHECK_THROWS_WITH_AS(study_fragment(read_study(document)),
                         "images[0]: is the file 'photos/x.jpg', which nobody else has; use a built-in, generated or "
                         "embedded one, or an https address, to share the study as a link",
                         Error);
  }

  TEST_CASE("a link that is cut anywhere is an error") {
    const std::string link = study_fragment(read_study(full_document()));
    for (size_t length = 0; length < link.size(); ++length)
      CHECK_MESSAGE(link_sentence(link.substr(0, length)) != "", length);
  }

  TEST_CASE("a link with any character changed is an error") {
    const std::string link = study_fragment(read_study(full_document()));
    for (size_t i = 0; i < link.size(); ++i)
      for (char c : {'A', 'z', '-', '?', '\x80'}) {
        std::string changed = link;
        changed[i] = c;
        if (changed != link) CHECK_MESSAGE(link_sentence(changed) != "", i);
      }
  }

  TEST_CASE("a link with any bit of its payload flipped is an error") {
    const std::string link = study_fragment(read_study(full_document()));
    const std::string payload = decode_base64(link.substr(3), Base64::url).value();
    for (size_t i = 0; i < payload.size() * 8; ++i) {
      std::string changed = payload;
      changed[i / 8] = static_cast<char>(changed[i / 8] ^ (1 << i % 8));
      CHECK_MESSAGE(link_sentence("#s=" + encode_base64(changed, Base64::url)) != "", i);
    }
  }

  TEST_CASE("a forged link is read with the same care") {
    CHECK(link_sentence(forged_link(1, raw_deflate(small_document().dump()))) == "");
    CHECK(link_sentence(forged_link(2, raw_deflate(small_document().dump()))) ==
          "the link: is of version 2, this program knows version 1; get a newer Kernelscope to open it");
    CHECK(link_sentence(forged_link(1, "not deflate")) == "the link: is damaged; ask for it again");
    CHECK(link_sentence(forged_link(1, raw_deflate("{}") + "more")) == "the link: is damaged; ask for it again");
    CHECK(link_sentence(forged_link(1, raw_deflate("{}"))) ==
          "the link: the study has no version; write \"kernelscope\": 1 into it");
    CHECK(link_sentence(forged_link(1, raw_deflate(""))).find("the link: is no valid JSON") == 0);
    // 40 MB of zeros in 40 kB.
    CHECK(link_sentence(forged_link(1, raw_deflate(std::string(40 << 20, ' ')))) ==
          "the link: holds more than 8 MB of text; it is no study");
    CHECK(link_sentence("https://example.org/") == "the link: has no study; a link with one has '#s=' in it");
    CHECK(link_sentence("#s=") == "the link: is cut off or has been changed; copy it again, whole");
  }
}

}  // namespace ks::study_test
