#include <doctest/doctest.h>

#include "tensor/base64.h"
#include "tensor/hash.h"

namespace ks::hash_test {

TEST_SUITE("tensor") {
  TEST_CASE("SHA-256 gives the answers of FIPS 180-4") {
    CHECK(sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK(sha256(std::string(1000000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    // Lengths around the block boundary take different ways through the padding.
    CHECK(sha256(std::string(55, 'x')) == "d5e285683cd4efc02d021a5c62014694958901005d6f71e89e0989fac77e4072");
    CHECK(sha256(std::string(56, 'x')) == "04c26261370ee7541549d16dee320c723e3fd14671e66a099afe0a377c16888e");
    CHECK(sha256(std::string(64, 'x')) == "7ce100971f64e7001e8fe5a51973ecdfe1ced42befe7ee8d5fd6219506b5393c");
  }

  TEST_CASE("base64 gives the answers of RFC 4648 and refuses what is none") {
    const char* pairs[][2] = {{"", ""},
                              {"f", "Zg=="},
                              {"fo", "Zm8="},
                              {"foo", "Zm9v"},
                              {"foob", "Zm9vYg=="},
                              {"fooba", "Zm9vYmE="},
                              {"foobar", "Zm9vYmFy"}};
    for (const auto& [plain, coded] : pairs) {
      CHECK(encode_base64(plain) == coded);
      CHECK(decode_base64(coded) == plain);
    }
    CHECK(encode_base64("\xfb\xff", Base64::url) == "-_8");
    CHECK(decode_base64("-_8", Base64::url) == "\xfb\xff");
    CHECK_FALSE(decode_base64("-_8"));             // wrong alphabet, no padding
    CHECK_FALSE(decode_base64("Zg"));              // padding missing
    CHECK_FALSE(decode_base64("Zh=="));            // stray bits
    CHECK_FALSE(decode_base64("Z", Base64::url));  // cut
    CHECK_FALSE(decode_base64("Zm 9", Base64::url));
    CHECK_FALSE(decode_base64("===="));
  }
}

}  // namespace ks::hash_test
