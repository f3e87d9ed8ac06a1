// SCRFD and YuNet on real photos: against an independent implementation
// (scripts/make_anchor_detector_goldens.py), against MTCNN's faces, and on photos of odd sizes.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>

#include "golden_faces.h"
#include "image/resize.h"
#include "visavis/thread_pool.h"

namespace visavis {
namespace {

using Json = nlohmann::json;

constexpr char kScrfd500m[] = "models/scrfd/scrfd_500m_bnkps.onnx";
constexpr char kScrfd2500m[] = "models/scrfd/scrfd_2.5g_bnkps.onnx";
constexpr char kYunetN[] = "models/yunet/yunet_n_dynamic.onnx";
constexpr char kYunetS[] = "models/yunet/yunet_s_640_640.onnx";

double Overlap(const Box& a, const Box& b) {
  const double w = double{std::min(a.x2, b.x2)} - double{std::max(a.x1, b.x1)};
  const double h = double{std::min(a.y2, b.y2)} - double{std::max(a.y1, b.y1)};
  const double shared = std::max(0.0, w) * std::max(0.0, h);
  return shared / (double{a.area()} + double{b.area()} - shared);
}

bool Finds(const std::vector<Face>& faces, const Box& box) {
  return std::ranges::any_of(faces,
                             [&](const Face& face) { return Overlap(face.box, box) >= 0.5; });
}

std::vector<Face> Detect(const Detector& detector, ImageView photo) {
  Result<std::vector<Face>> faces = detector.Detect(photo);
  EXPECT_TRUE(faces) << faces.error().message;
  return faces ? std::move(faces).value() : std::vector<Face>();
}

TEST(AnchorDetectorGolden, AgreesWithOnnxRuntimeAndNumpy) {
  std::ifstream file(VISAVIS_SOURCE_DIR "/tests/golden/anchor_detections.json");
  const Json golden = Json::parse(file);
  VISAVIS_REQUIRE_SHARED(kScrfd500m);
  double worst_px = 0;
  double worst_score = 0;
  for (const Json& expected : golden["detectors"]) {
    const std::unique_ptr<Detector> detector = LoadSharedDetector(expected["model"]);
    for (const auto& [name, want] : expected["photos"].items()) {
      SCOPED_TRACE(expected["model"].get<std::string>() + " " + name);
      const std::vector<Face> faces = Detect(*detector, ReadSharedImage("data/photos/" + name));
      ASSERT_EQ(faces.size(), want.size());
      for (std::size_t i = 0; i < faces.size(); ++i) {
        const Face& face = faces[i];
        const float corners[4] = {face.box.x1, face.box.y1, face.box.x2, face.box.y2};
        for (std::size_t k = 0; k < 4; ++k) {
          worst_px = std::max(worst_px, std::abs(corners[k] - want[i]["box"][k].get<double>()));
        }
        for (std::size_t k = 0; k < 5; ++k) {
          const Json& point = want[i]["landmarks"][k];
          worst_px = std::max({worst_px, std::abs(face.landmarks[k].x - point[0].get<double>()),
                               std::abs(face.landmarks[k].y - point[1].get<double>())});
        }
        worst_score = std::max(worst_score, std::abs(face.score - want[i]["score"].get<double>()));
      }
    }
  }
  std::printf("largest difference: %.4f px, score %.6f\n", worst_px, worst_score);
  EXPECT_LE(worst_px, 0.05);
  EXPECT_LE(worst_score, 1e-3);
}

class AnchorDetectors : public testing::TestWithParam<const char*> {};

TEST_P(AnchorDetectors, FindMtcnnsFacesOfGroupPhotos) {
  VISAVIS_REQUIRE_SHARED("expected/mtcnn/photos.json");
  const std::unique_ptr<Detector> detector = LoadSharedDetector(GetParam());
  int faces = 0;
  int photos = 0;
  const Json mtcnn = ReadSharedJson("expected/mtcnn/photos.json");
  for (const auto& [name, expected] : mtcnn.items()) {
    if (!name.starts_with("20")) continue;  // the PASCAL photos
    ++photos;
    const std::vector<Face> found = Detect(*detector, ReadSharedImage("data/photos/" + name));
    for (const Json& box : expected["plain"]["boxes"]) {
      ++faces;
      EXPECT_TRUE(Finds(found, {box[0], box[1], box[2], box[3]})) << name << " " << box;
    }
  }
  EXPECT_EQ(photos, 9);
  EXPECT_EQ(faces, 43);
}

TEST_P(AnchorDetectors, FindFrameFillingAndTinyShares) {
  VISAVIS_REQUIRE_SHARED("data/photos/group_10mpx.jpg");
  ThreadPool pool(0);
  AnchorDetectorOptions options;
  options.pool = &pool;
  const std::unique_ptr<Detector> detector = LoadSharedDetector(GetParam(), options);
  const Image portrait = ReadSharedImage("data/photos/Tom_Hanks_54745.png");
  ASSERT_EQ(portrait.width(), 112);
  // The same portrait at any size, up to one face of several megapixels.
  for (const int side : {40, 112, 300, 700, 1600}) {
    const std::vector<Face> faces = Detect(*detector, Resize(portrait, side, side));
    ASSERT_EQ(faces.size(), 1u) << side;
    const float scale = static_cast<float>(side) / 112;
    EXPECT_NEAR(faces[0].landmarks[2].x, 56 * scale, 10 * scale) << "nose at " << side;
    EXPECT_LT(faces[0].landmarks[0].x, faces[0].landmarks[1].x);
    EXPECT_LT(faces[0].landmarks[3].x, faces[0].landmarks[4].x);
    EXPECT_LT(faces[0].landmarks[1].y, faces[0].landmarks[4].y);
  }
  const std::vector<Face> group = Detect(*detector, ReadSharedImage("data/photos/group_10mpx.jpg"));
  std::printf("group of 10 megapixels: %zu faces\n", group.size());
  EXPECT_GE(group.size(), 31u);
  const std::vector<Face> one = Detect(*detector, ReadSharedImage("data/photos/biden_7mpx.jpg"));
  EXPECT_EQ(one.size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Models, AnchorDetectors, testing::Values(kScrfd500m, kScrfd2500m, kYunetN),
                         [](const auto& instance) {
                           return instance.param == kScrfd500m    ? "Scrfd500m"
                                  : instance.param == kScrfd2500m ? "Scrfd2p5g"
                                                                  : "YunetN";
                         });

TEST(AnchorDetector, OddSizes) {
  VISAVIS_REQUIRE_SHARED(kScrfd500m);
  for (const char* model : {kScrfd500m, kYunetN}) {
    const std::unique_ptr<Detector> detector = LoadSharedDetector(model);
    for (const auto& [width, height] :
         {std::pair{1, 1}, {10, 10}, {5000, 1}, {1, 3000}, {65500, 2}, {37, 23}, {33, 1000}}) {
      EXPECT_TRUE(Detect(*detector, Image(width, height)).empty()) << width << "x" << height;
    }
    EXPECT_EQ(detector->Detect(ImageView()).error().code, ErrorCode::kInvalidArgument);
    AnchorDetectorOptions options;
    options.min_size_px = 1;
    EXPECT_EQ(LoadSharedDetector(model, options)->Detect(Image(4000, 10)).error().code,
              ErrorCode::kLimitExceeded);
  }
}

TEST(AnchorDetector, FacesCutByTheBorder) {
  VISAVIS_REQUIRE_SHARED("data/photos/obama_family.jpg");
  const Image photo = ReadSharedImage("data/photos/obama_family.jpg");
  for (const char* model : {kScrfd500m, kYunetN}) {
    const std::unique_ptr<Detector> detector = LoadSharedDetector(model);
    const std::vector<Face> whole = Detect(*detector, photo);
    ASSERT_EQ(whole.size(), 4u);
    for (const Face& face : whole) {
      const int cut = static_cast<int>(face.box.x1 + face.box.width() / 5);
      const ImageView right{photo.row(0) + 3 * cut, photo.width() - cut, photo.height(),
                            photo.stride_bytes()};
      const float shift = static_cast<float>(cut);
      EXPECT_TRUE(Finds(Detect(*detector, right),
                        {face.box.x1 - shift, face.box.y1, face.box.x2 - shift, face.box.y2}))
          << model << " " << face.box.x1;
    }
  }
}

TEST(AnchorDetector, BatchesAndThreadsChangeNothing) {
  VISAVIS_REQUIRE_SHARED("data/photos/t1.jpg");
  std::vector<Image> photos;
  for (const char* name : {"2008_001322.jpg", "2008_002506.jpg", "t1.jpg", "2007_007763.jpg"}) {
    photos.push_back(ReadSharedImage(std::string("data/photos/") + name));
  }
  ThreadPool pool(3);
  AnchorDetectorOptions threaded;
  threaded.pool = &pool;
  for (const char* model : {kScrfd500m, kScrfd2500m, kYunetN}) {
    const std::unique_ptr<Detector> alone = LoadSharedDetector(model);
    const std::vector<ImageView> views(photos.begin(), photos.end());
    const auto together = LoadSharedDetector(model, threaded)->DetectBatch(views);
    ASSERT_TRUE(together) << together.error().message;
    ASSERT_EQ(together->size(), photos.size());
    for (std::size_t p = 0; p < photos.size(); ++p) {
      const std::vector<Face> want = Detect(*alone, photos[p]);
      const std::vector<Face>& got = (*together)[p];
      ASSERT_EQ(got.size(), want.size());
      for (std::size_t i = 0; i < got.size(); ++i) {
        EXPECT_EQ(got[i].box, want[i].box);
        EXPECT_EQ(got[i].score, want[i].score);
        EXPECT_EQ(got[i].landmarks, want[i].landmarks);
      }
    }
  }
}

TEST(AnchorDetector, NetworksOfOneSizeSeeLargerPhotosInTiles) {
  VISAVIS_REQUIRE_SHARED(kYunetS);
  const std::unique_ptr<Detector> detector = LoadSharedDetector(kYunetS);
  const Image photo = ReadSharedImage("data/photos/t1.jpg");
  const std::vector<Face> faces = Detect(*detector, photo);
  const Json expected = ReadSharedJson("expected/mtcnn/photos.json")["t1.jpg"]["plain"]["boxes"];
  for (const Json& box : expected) {
    if (box[4].get<double>() < 0.9) continue;
    EXPECT_TRUE(Finds(faces, {box[0], box[1], box[2], box[3]})) << box;
  }
  EXPECT_EQ(faces.size(), 6u);
}

TEST(AnchorDetector, OptionsAreHeeded) {
  VISAVIS_REQUIRE_SHARED("data/photos/2008_002079.jpg");
  const Image photo = ReadSharedImage("data/photos/2008_002079.jpg");
  const std::vector<Face> all = Detect(*LoadSharedDetector(kScrfd500m), photo);
  AnchorDetectorOptions options;
  options.max_faces = 2;
  const std::vector<Face> best = Detect(*LoadSharedDetector(kScrfd500m, options), photo);
  ASSERT_EQ(best.size(), 2u);
  EXPECT_EQ(best[1].box, all[1].box);

  options = {};
  options.score_threshold = all[2].score;
  EXPECT_EQ(Detect(*LoadSharedDetector(kScrfd500m, options), photo).size(), 3u);

  options = {};
  options.min_size_px = 60;
  const std::unique_ptr<Detector> large = LoadSharedDetector(kScrfd500m, options);
  for (const Face& face : Detect(*large, photo)) {
    EXPECT_GE(std::max(face.box.width(), face.box.height()), 59.5f);
  }
  EXPECT_EQ(large->MaxReduction(), 2);
  options.min_size_px = 160;
  EXPECT_EQ(LoadSharedDetector(kScrfd500m, options)->MaxReduction(), 8);

  options = {};
  options.input_side_px = 96;
  EXPECT_LT(Detect(*LoadSharedDetector(kScrfd500m, options), photo).size(), all.size());
}

TEST(AnchorDetector, OtherModelsAreRefused) {
  VISAVIS_REQUIRE_SHARED("models/mtcnn/det1-0001.params");
  const auto message = [](const Result<std::unique_ptr<Detector>>& detector) {
    EXPECT_FALSE(detector);
    return detector ? std::string() : detector.error().message;
  };
  EXPECT_THAT(message(CreateAnchorDetector(LoadSharedModel("models/mtcnn/det1-0001.params"))),
              testing::HasSubstr("is MTCNN PNet"));
  EXPECT_THAT(message(CreateAnchorDetector(LoadMobileFaceNet())),
              testing::HasSubstr("is MobileFaceNet"));
  EXPECT_THAT(message(CreateYunet(LoadSharedModel(kScrfd500m))),
              testing::HasSubstr("is SCRFD, want YuNet"));
  EXPECT_THAT(message(CreateScrfd(LoadSharedModel(kYunetN))),
              testing::HasSubstr("is YuNet, want SCRFD"));
}

}  // namespace
}  // namespace visavis
