#include "evaluate/embedding_cache.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/scratch_folder.h"

namespace visavis {
namespace {

class EmbeddingCacheTest : public ScratchTest {
 protected:
  EmbeddingCache Open(int dimension = 2) {
    return EmbeddingCache::Open(FileSystem::Real(), dir_, dimension).value();
  }
  static ImageDigest Digest(std::uint8_t which) {
    return DigestOf(std::vector<std::uint8_t>{which});
  }
  std::string Segment() const { return std::filesystem::directory_iterator(dir_)->path().string(); }
};

TEST_F(EmbeddingCacheTest, KeepsWhatItWasGiven) {
  {
    EmbeddingCache cache = Open();
    ASSERT_TRUE(cache.Add(Digest(1), {false, {1, 2}, {3, 4}}));
    ASSERT_TRUE(cache.Add(Digest(2), {true, {}, {}}));
    ASSERT_TRUE(cache.Add(Digest(3), {false, {5, 6}, {}}));
    ASSERT_TRUE(cache.Flush());
  }
  const EmbeddingCache cache = Open();
  EXPECT_EQ(cache.size(), 3u);
  EXPECT_EQ(cache.Find(Digest(1))->plain, (std::vector<float>{1, 2}));
  EXPECT_EQ(cache.Find(Digest(1))->mirrored, (std::vector<float>{3, 4}));
  EXPECT_TRUE(cache.Find(Digest(2))->no_face);
  EXPECT_TRUE(cache.Find(Digest(3))->mirrored.empty());
  EXPECT_EQ(cache.Find(Digest(4)), nullptr);
}

TEST_F(EmbeddingCacheTest, LaterSegmentsWinAndAreNotMixed) {
  for (const float value : {1.0f, 2.0f}) {
    EmbeddingCache cache = Open();
    ASSERT_TRUE(cache.Add(Digest(1), {false, {value, value}, {}}));
    ASSERT_TRUE(cache.Flush());
  }
  EXPECT_EQ(Open().Find(Digest(1))->plain.front(), 2.0f);
  EXPECT_EQ(Open(3).size(), 0u);  // another dimension
}

TEST_F(EmbeddingCacheTest, BrokenSegmentsAreReadAsFarAsTheyAreGood) {
  {
    EmbeddingCache cache = Open();
    for (std::uint8_t i = 0; i < 4; ++i) ASSERT_TRUE(cache.Add(Digest(i), {false, {1, 2}, {3, 4}}));
    ASSERT_TRUE(cache.Flush());
  }
  const std::string path = Segment();
  const auto bytes = FileSystem::Real().ReadFile(path, 1 << 20).value();
  const auto write = [&](std::vector<std::uint8_t> changed) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(changed.data()),
               static_cast<std::streamsize>(changed.size()));
  };
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    write({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length)});
    const std::size_t whole = length < 16 ? 0 : (length - 16) / 60;
    EXPECT_EQ(Open().size(), whole) << length;
  }
  auto changed = bytes;
  changed[16 + 60 + 40] ^= 1;  // in the second record
  write(changed);
  EXPECT_EQ(Open().size(), 1u);
}

}  // namespace
}  // namespace visavis
