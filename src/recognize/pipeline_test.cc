#include "recognize/pipeline.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace visavis {
namespace {

// Photo N has N % 4 faces and every seventh cannot be read; early ones take longest.
Result<std::vector<RecognizedFace>> Locate(std::size_t number) {
  std::this_thread::sleep_for(std::chrono::microseconds(number % 5 == 0 ? 500 : 10));
  if (number % 7 == 6) return Error{ErrorCode::kCorruptData, "unreadable"};
  return std::vector<RecognizedFace>(number % 4);
}

TEST(Pipeline, DeliversEveryPhotoOnceInOrder) {
  constexpr std::size_t kPhotos = 200;
  for (const int threads : {1, 2, 7}) {
    std::size_t next = 0;
    const Status status =
        RunPipeline(kPhotos, Locate, {}, {.threads = threads, .batch = 4, .cancel = nullptr},
                    [&](PhotoResult photo) -> Status {
                      EXPECT_EQ(photo.index, next++);
                      EXPECT_EQ(photo.faces.has_value(), photo.index % 7 != 6);
                      if (photo.faces) {
                        EXPECT_EQ(photo.faces->size(), photo.index % 4);
                      }
                      return {};
                    });
    EXPECT_TRUE(status);
    EXPECT_EQ(next, kPhotos);
  }
}

TEST(Pipeline, EveryFaceGetsItsOwnEmbeddingInFullBatches) {
  const LocateFaces locate = [](std::size_t number) -> Result<std::vector<RecognizedFace>> {
    auto faces = Locate(number);
    if (!faces) return faces;
    for (std::size_t i = 0; i < faces->size(); ++i) {
      Image crop(1, 1);
      crop.data()[0] = static_cast<std::uint8_t>(number);
      crop.data()[1] = static_cast<std::uint8_t>(i);
      (*faces)[i].crop.image = std::move(crop);
    }
    return faces;
  };
  std::atomic<int> batches{0};
  const EmbedCrops embed = [&](std::span<const ImageView> crops) -> Result<std::vector<Embedding>> {
    ++batches;
    EXPECT_LE(crops.size(), 8u);
    std::vector<Embedding> embeddings;
    for (const ImageView& crop : crops) {
      if (crop.data[0] == 50) return Error{ErrorCode::kInternal, "network"};
      embeddings.push_back({float(crop.data[0]), float(crop.data[1])});
    }
    return embeddings;
  };
  for (const int threads : {1, 5}) {
    batches = 0;
    int faces = 0;
    int failed = 0;
    ASSERT_TRUE(RunPipeline(
        250, locate, embed, {.threads = threads, .batch = 8, .cancel = nullptr},
        [&](PhotoResult photo) -> Status {
          failed += !photo.faces;
          for (std::size_t i = 0; photo.faces && i < photo.faces->size(); ++i) {
            ++faces;
            EXPECT_EQ((*photo.faces)[i].embedding, (Embedding{float(photo.index), float(i)}));
          }
          return {};
        }));
    EXPECT_GT(faces, 300);
    EXPECT_GT(failed, 250 / 7) << "the batch with photo 50 failed for all photos in it";
    EXPECT_LE(batches, 375 / 8 + 10) << "batches are full while photos last";
  }
}

TEST(Pipeline, ASlowHeadDoesNotLetTheRestRunAway) {
  std::atomic<int> located{0};
  int most_ahead = 0;
  int delivered = 0;
  const LocateFaces locate = [&](std::size_t) -> Result<std::vector<RecognizedFace>> {
    ++located;
    return std::vector<RecognizedFace>();
  };
  ASSERT_TRUE(RunPipeline(300, locate, {}, {.threads = 4, .batch = 1, .cancel = nullptr},
                          [&](PhotoResult) -> Status {
                            std::this_thread::sleep_for(std::chrono::microseconds(200));
                            most_ahead = std::max(most_ahead, located - delivered++);
                            return {};
                          }));
  EXPECT_LE(most_ahead, 2 * (4 + 1) + 1);
}

TEST(Pipeline, AnErrorOfTheSinkEndsTheRun) {
  std::size_t delivered = 0;
  const Status status = RunPipeline(1000, Locate, {}, {.threads = 3, .batch = 4, .cancel = nullptr},
                                    [&](PhotoResult) -> Status {
                                      if (++delivered == 5) {
                                        return Error{ErrorCode::kIo, "disk full"};
                                      }
                                      return {};
                                    });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "disk full");
  EXPECT_EQ(delivered, 5u);
}

TEST(Pipeline, CancelStopsBetweenPhotos) {
  std::atomic<bool> cancel{false};
  std::size_t delivered = 0;
  const Status status = RunPipeline(1000, Locate, {}, {.threads = 2, .batch = 4, .cancel = &cancel},
                                    [&](PhotoResult) -> Status {
                                      if (++delivered == 10) cancel = true;
                                      return {};
                                    });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kCancelled);
  EXPECT_LT(delivered, 1000u);
}

TEST(Pipeline, AnExceptionOfALibraryIsThatPhotosError) {
  const LocateFaces locate = [](std::size_t number) -> Result<std::vector<RecognizedFace>> {
    if (number == 1) throw std::bad_alloc();
    return std::vector<RecognizedFace>();
  };
  int failed = 0;
  EXPECT_TRUE(RunPipeline(3, locate, {}, {}, [&](PhotoResult photo) -> Status {
    failed += !photo.faces;
    return {};
  }));
  EXPECT_EQ(failed, 1);
}

TEST(Pipeline, NoPhotosIsNoWork) {
  EXPECT_TRUE(RunPipeline(0, Locate, {}, {}, [](PhotoResult) -> Status { return {}; }));
}

}  // namespace
}  // namespace visavis
