#include "runtime/arena.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace visavis {
namespace {

TEST(ArenaLayout, ReusesTheSmallestHoleThatFits) {
  ArenaLayout arena;
  const std::size_t a = arena.Allocate(1024);
  const std::size_t b = arena.Allocate(64);
  const std::size_t c = arena.Allocate(128);
  arena.Allocate(64);
  arena.Free(a, 1024);
  arena.Free(c, 128);
  EXPECT_EQ(arena.Allocate(100), c);
  EXPECT_EQ(arena.Allocate(1000), a);
  EXPECT_EQ(arena.size(), 1024u + 64 + 128 + 64);
  static_cast<void>(b);
}

TEST(ArenaLayout, GrowsFromTheHoleAtItsEnd) {
  ArenaLayout arena;
  const std::size_t a = arena.Allocate(64);
  const std::size_t b = arena.Allocate(64);
  arena.Free(b, 64);
  EXPECT_EQ(arena.Allocate(256), b);
  EXPECT_EQ(arena.size(), 64u + 256);
  static_cast<void>(a);
}

TEST(ArenaLayout, BlocksAreAlignedAndNeverOverlap) {
  struct Block {
    std::size_t offset;
    std::size_t bytes;
  };
  std::mt19937 random(7);
  ArenaLayout arena;
  std::vector<Block> live;
  for (int i = 0; i < 2000; ++i) {
    if (!live.empty() && random() % 2 == 0) {
      const std::size_t k = random() % live.size();
      arena.Free(live[k].offset, live[k].bytes);
      live.erase(live.begin() + static_cast<std::ptrdiff_t>(k));
      continue;
    }
    const std::size_t bytes = random() % 5000;
    const Block block{arena.Allocate(bytes), bytes};
    EXPECT_EQ(block.offset % ArenaLayout::kAlignment, 0u);
    EXPECT_LE(block.offset + block.bytes, arena.size());
    for (const Block& other : live) {
      EXPECT_TRUE(block.offset + block.bytes <= other.offset ||
                  other.offset + other.bytes <= block.offset);
    }
    live.push_back(block);
  }
  for (const Block& block : live) arena.Free(block.offset, block.bytes);
  const std::size_t whole = arena.size();
  EXPECT_EQ(arena.Allocate(whole), 0u);
  EXPECT_EQ(arena.size(), whole);
}

}  // namespace
}  // namespace visavis
