// Large JPEG files, decoded no larger than detection needs, against the same files in full.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/file_system.h"
#include "golden_faces.h"
#include "visavis/embed.h"
#include "visavis/match.h"
#include "visavis/recognize.h"

namespace visavis {
namespace {

using Faces = std::vector<RecognizedFace>;

struct Found {
  Faces full;
  Faces reduced;
};

Found FindBothWays(const std::string& photo, const Detector& detector) {
  const std::string path = SharedPath("data/photos/" + photo);
  const auto bytes = FileSystem::Real().ReadFile(path, 1 << 28);
  EXPECT_TRUE(bytes) << bytes.error().message;
  Result<Faces> full =
      FindFaces(ReadSharedImage("data/photos/" + photo), detector, FaceChoice::kAll);
  Result<Faces> reduced = FindFacesInFile(*bytes, path, detector, FaceChoice::kAll);
  EXPECT_TRUE(full) << full.error().message;
  EXPECT_TRUE(reduced) << reduced.error().message;
  return {std::move(full).value(), std::move(reduced).value()};
}

/// The face whose centre is that of `wanted` to a quarter of its size.
const RecognizedFace* At(const Faces& faces, const Face& wanted) {
  for (const RecognizedFace& face : faces) {
    const Box& box = face.face.box;
    if (std::abs(box.x1 + box.x2 - wanted.box.x1 - wanted.box.x2) < wanted.box.width() / 2 &&
        std::abs(box.y1 + box.y2 - wanted.box.y1 - wanted.box.y2) < wanted.box.height() / 2) {
      return &face;
    }
  }
  return nullptr;
}

TEST(ReducedDecoding, DetectorSaysHowMuch) {
  VISAVIS_REQUIRE_SHARED("models/mtcnn/det1-0001.params");
  for (const auto& [min_size, reduction] : {std::pair{12.0f, 1},
                                            {20.0f, 1},
                                            {39.9f, 1},
                                            {40.0f, 2},
                                            {80.0f, 4},
                                            {159.0f, 4},
                                            {160.0f, 8},
                                            {4000.0f, 8}}) {
    MtcnnOptions options;
    options.min_size_px = min_size;
    EXPECT_EQ(LoadMtcnn(options)->MaxReduction(), reduction) << min_size;
  }
}

TEST(ReducedDecoding, SameFacesAsInFull) {
  VISAVIS_REQUIRE_SHARED("data/photos/group_10mpx.jpg");
  const Result<Embedder> embedder = Embedder::Create(LoadMobileFaceNet());
  ASSERT_TRUE(embedder) << embedder.error().message;
  // Faces of 61 to 79 px at half the size; one of 806 px at an eighth.
  for (const auto& [photo, min_size] :
       {std::pair{"group_10mpx.jpg", 60.0f}, {"biden_7mpx.jpg", 160.0f}}) {
    MtcnnOptions options;
    options.min_size_px = min_size;
    const std::unique_ptr<Detector> detector = LoadMtcnn(options);
    const Found found = FindBothWays(photo, *detector);
    EXPECT_FALSE(found.full.empty()) << photo;
    EXPECT_EQ(found.full.size(), found.reduced.size()) << photo;
    std::vector<double> similarities;
    for (const RecognizedFace& full : found.full) {
      const RecognizedFace* reduced = At(found.reduced, full.face);
      ASSERT_NE(reduced, nullptr) << photo << ": face at " << full.face.box.x1;
      const Result<double> similarity =
          Similarity(*embedder->Embed(full.crop.image), *embedder->Embed(reduced->crop.image));
      ASSERT_TRUE(similarity);
      similarities.push_back(*similarity);
      // The crops' transforms speak of the photo's own pixels in both.
      EXPECT_NEAR(full.crop.from_image.a, reduced->crop.from_image.a,
                  0.1 * std::abs(full.crop.from_image.a));
    }
    std::sort(similarities.begin(), similarities.end());
    const double median = similarities[similarities.size() / 2];
    std::printf("%s: %zu faces, similarity of the two crops: smallest %.4f, median %.4f\n", photo,
                similarities.size(), similarities.front(), median);
    // Landmarks differ by a pixel or two, which moves embeddings: two photos of one person have
    // 0.67 on average in LFW. A face in full profile has no five landmarks to agree on at all.
    EXPECT_GT(median, 0.95) << photo;
    EXPECT_GT(similarities.front(), 0.5) << photo;
  }
}

TEST(ReducedDecoding, OtherFormatsAreDecodedInFull) {
  VISAVIS_REQUIRE_SHARED("data/photos/Tom_Hanks_54745.png");
  MtcnnOptions options;
  options.min_size_px = 40;
  const Found found = FindBothWays("Tom_Hanks_54745.png", *LoadMtcnn(options));
  ASSERT_EQ(found.full.size(), found.reduced.size());
  for (std::size_t i = 0; i < found.full.size(); ++i) {
    EXPECT_EQ(found.full[i].face.box, found.reduced[i].face.box);
    EXPECT_EQ(found.full[i].crop.image, found.reduced[i].crop.image);
  }
}

TEST(ReducedDecoding, BrokenFilesAreErrors) {
  VISAVIS_REQUIRE_SHARED("models/mtcnn/det1-0001.params");
  const std::vector<std::uint8_t> junk(100, 7);
  const Result<Faces> faces = FindFacesInFile(junk, "junk.jpg", *LoadMtcnn(), FaceChoice::kAll);
  ASSERT_FALSE(faces);
  EXPECT_NE(faces.error().message.find("junk.jpg"), std::string::npos);
}

}  // namespace
}  // namespace visavis
