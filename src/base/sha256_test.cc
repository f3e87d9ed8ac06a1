#include "base/sha256.h"

#include <gtest/gtest.h>

#include <string>

namespace visavis {
namespace {

std::span<const std::uint8_t> Bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// FIPS 180-4 example vectors.
TEST(Sha256, GivesThePublishedDigests) {
  EXPECT_EQ(Sha256Hex(Bytes("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256Hex({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Sha384, GivesThePublishedDigest) {
  Sha384 hash;
  hash.Update(Bytes("a"));
  hash.Update(Bytes("bc"));
  EXPECT_EQ(hash.HexDigest(),
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
            "8086072ba1e7cc2358baeca134c825a7");
}

TEST(IsHex, IsOfTheRightLengthAndLowerCase) {
  EXPECT_TRUE(IsHex("09af", 4));
  EXPECT_TRUE(IsHex("", 0));
  for (const char* text : {"09a", "09aff", "09aF", "09ag", " 09a"}) EXPECT_FALSE(IsHex(text, 4));
}

TEST(Sha256, PiecesGiveTheDigestOfTheWhole) {
  Sha256 hash;
  hash.Update(Bytes("a"));
  hash.Update(Bytes("bc"));
  EXPECT_EQ(hash.HexDigest(), Sha256Hex(Bytes("abc")));
}

}  // namespace
}  // namespace visavis
