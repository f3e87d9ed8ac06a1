// MTCNN against the ONNX Model Zoo's own detector code, run over the same weights and photos.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "golden_faces.h"
#include "visavis/thread_pool.h"

namespace visavis {
namespace {

using Json = nlohmann::json;

Face FaceFrom(const Json& box, const Json& landmarks) {
  Face face;
  face.box = {box[0], box[1], box[2], box[3]};
  face.score = box[4];
  for (std::size_t k = 0; k < 5; ++k) face.landmarks[k] = {landmarks[k], landmarks[k + 5]};
  return face;
}

std::vector<Face> FacesFrom(const Json& expected) {
  std::vector<Face> faces;
  for (std::size_t i = 0; i < expected["boxes"].size(); ++i) {
    faces.push_back(FaceFrom(expected["boxes"][i], expected["landmarks"][i]));
  }
  return faces;
}

float CornerError(const Box& a, const Box& b) {
  return std::max(
      {std::abs(a.x1 - b.x1), std::abs(a.y1 - b.y1), std::abs(a.x2 - b.x2), std::abs(a.y2 - b.y2)});
}

float LandmarkError(const Landmarks5& a, const Landmarks5& b) {
  float worst = 0;
  for (std::size_t k = 0; k < 5; ++k) {
    worst = std::max({worst, std::abs(a[k].x - b[k].x), std::abs(a[k].y - b[k].y)});
  }
  return worst;
}

const Face* Nearest(const std::vector<Face>& faces, const Face& wanted) {
  const auto nearest =
      std::min_element(faces.begin(), faces.end(), [&](const Face& a, const Face& b) {
        return CornerError(a.box, wanted.box) < CornerError(b.box, wanted.box);
      });
  return nearest == faces.end() ? nullptr : &*nearest;
}

struct Differences {
  int faces = 0;
  int scores_off = 0;  // by more than 0.01
  float corner = 0;
  float landmark = 0;
  float score = 0;
};

void Compare(const std::vector<Face>& got, const std::vector<Face>& want, const std::string& photo,
             Differences& total) {
  EXPECT_EQ(got.size(), want.size()) << photo;
  for (const Face& face : want) {
    const Face* found = Nearest(got, face);
    if (found == nullptr) continue;
    const float corner = CornerError(found->box, face.box);
    const float landmark = LandmarkError(found->landmarks, face.landmarks);
    const float score = std::abs(found->score - face.score);
    EXPECT_LE(corner, 1.5f) << photo << ": face at " << face.box.x1 << "," << face.box.y1;
    EXPECT_LE(landmark, 1.0f) << photo << ": face at " << face.box.x1 << "," << face.box.y1;
    ++total.faces;
    if (score > 0.01f) ++total.scores_off;
    total.corner = std::max(total.corner, corner);
    total.landmark = std::max(total.landmark, landmark);
    total.score = std::max(total.score, score);
  }
}

void ComparePhotos(bool accurate_landmarks) {
  VISAVIS_REQUIRE_SHARED("expected/mtcnn/photos.json");
  MtcnnOptions options;
  options.accurate_landmarks = accurate_landmarks;
  const std::unique_ptr<Detector> detector = LoadMtcnn(options);
  Differences total;
  const Json photos = ReadSharedJson("expected/mtcnn/photos.json");
  for (const auto& [name, expected] : photos.items()) {
    const Image photo = ReadSharedImage("data/photos/" + name);
    const Result<std::vector<Face>> faces = detector->Detect(photo);
    ASSERT_TRUE(faces) << faces.error().message;
    Compare(*faces, FacesFrom(expected[accurate_landmarks ? "accurate" : "plain"]), name, total);
  }
  std::printf("%d faces; largest difference: corner %.3f px, landmark %.3f px, score %.5f\n",
              total.faces, double{total.corner}, double{total.landmark}, double{total.score});
  EXPECT_GT(total.faces, 50);
  EXPECT_LE(total.scores_off, total.faces / 20);
}

TEST(MtcnnGolden, PhotosWithRefinedLandmarks) { ComparePhotos(true); }

TEST(MtcnnGolden, PhotosWithoutRefinement) { ComparePhotos(false); }

TEST(MtcnnGolden, LfwFold1Photos) {
  VISAVIS_REQUIRE_SHARED("expected/mtcnn/lfw_photos_fold1.json");
  const Json expected = ReadSharedJson("expected/mtcnn/lfw_photos_fold1.json")["images"];
  std::vector<std::string> names;
  for (const auto& [name, faces] : expected.items()) names.push_back(name);

  const std::unique_ptr<Detector> detector = LoadMtcnn();
  std::vector<std::vector<Face>> found(names.size());
  ThreadPool pool(0);
  pool.ParallelFor(static_cast<std::int64_t>(names.size()), [&](std::int64_t i, int) {
    const auto at = static_cast<std::size_t>(i);
    Result<std::vector<Face>> faces =
        detector->Detect(ReadSharedImage("data/lfw/photos-fold1/" + names[at]));
    if (faces) found[at] = std::move(faces).value();
  });

  std::size_t same_count = 0, same_landmarks = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Json& want = expected[names[i]];
    const bool count_agrees = found[i].size() == want["faces"].get<std::size_t>();
    bool landmarks_agree = false;
    if (!found[i].empty()) {
      const Face face = FaceFrom(want["box"], want["landmarks_x5_y5"]);
      landmarks_agree = LandmarkError(Nearest(found[i], face)->landmarks, face.landmarks) <= 1.0f;
    }
    if (!count_agrees || !landmarks_agree) {
      std::printf("differs: %s: %zu faces, want %d\n", names[i].c_str(), found[i].size(),
                  want["faces"].get<int>());
    }
    same_count += count_agrees ? 1 : 0;
    same_landmarks += landmarks_agree ? 1 : 0;
  }
  std::printf("%zu photos: %zu with the same number of faces, %zu with landmarks within 1 px\n",
              names.size(), same_count, same_landmarks);
  ASSERT_EQ(names.size(), 807u);
  EXPECT_GE(same_count * 100, names.size() * 98);
  EXPECT_GE(same_landmarks * 100, names.size() * 98);
}

TEST(MtcnnGolden, ThreadsChangeNothing) {
  VISAVIS_REQUIRE_SHARED("data/photos/t1.jpg");
  ThreadPool pool(3);
  MtcnnOptions options;
  const Image photo = ReadSharedImage("data/photos/t1.jpg");
  const Result<std::vector<Face>> alone = LoadMtcnn(options)->Detect(photo);
  options.pool = &pool;
  const Result<std::vector<Face>> together = LoadMtcnn(options)->Detect(photo);
  ASSERT_TRUE(alone && together);
  ASSERT_EQ(alone->size(), together->size());
  for (std::size_t i = 0; i < alone->size(); ++i) {
    EXPECT_EQ((*alone)[i].box, (*together)[i].box);
    EXPECT_EQ((*alone)[i].score, (*together)[i].score);
    EXPECT_EQ((*alone)[i].landmarks, (*together)[i].landmarks);
  }
}

TEST(MtcnnGolden, OddSizes) {
  VISAVIS_REQUIRE_SHARED("models/mtcnn/det1-0001.params");
  const std::unique_ptr<Detector> detector = LoadMtcnn();
  for (const auto& [width, height] : {std::pair{1, 1},
                                      {11, 11},
                                      {5000, 1},
                                      {1, 3000},
                                      {20, 400},
                                      {21, 400},
                                      {3000, 22},
                                      {37, 23}}) {
    const Result<std::vector<Face>> faces = detector->Detect(Image(width, height));
    ASSERT_TRUE(faces) << faces.error().message;
    EXPECT_TRUE(faces->empty()) << width << "x" << height;
  }
  EXPECT_EQ(detector->Detect(ImageView()).error().code, ErrorCode::kInvalidArgument);
}

TEST(MtcnnGolden, FacesCutByTheBorder) {
  VISAVIS_REQUIRE_SHARED("data/photos/obama_family.jpg");
  const std::unique_ptr<Detector> detector = LoadMtcnn();
  const Image photo = ReadSharedImage("data/photos/obama_family.jpg");
  const Result<std::vector<Face>> whole = detector->Detect(photo);
  ASSERT_TRUE(whole && !whole->empty());
  for (const Face& face : *whole) {
    // Cut the photo at a fifth of the face from the left: the face is still found there.
    const int cut = static_cast<int>(face.box.x1 + face.box.width() / 5);
    const ImageView right{photo.row(0) + 3 * cut, photo.width() - cut, photo.height(),
                          photo.stride_bytes()};
    const Result<std::vector<Face>> faces = detector->Detect(right);
    ASSERT_TRUE(faces) << faces.error().message;
    const Face* nearest = Nearest(
        *faces, {{0, face.box.y1, face.box.x2 - static_cast<float>(cut), face.box.y2}, 0, {}});
    ASSERT_NE(nearest, nullptr);
    EXPECT_LT(nearest->box.x1, face.box.width() / 4);
    EXPECT_NEAR(nearest->box.x2, face.box.x2 - static_cast<float>(cut), face.box.width() / 4);
  }
}

TEST(MtcnnGolden, OptionsAreHeeded) {
  VISAVIS_REQUIRE_SHARED("data/photos/t1.jpg");
  const Image photo = ReadSharedImage("data/photos/t1.jpg");
  const Result<std::vector<Face>> all = LoadMtcnn()->Detect(photo);
  ASSERT_TRUE(all);
  MtcnnOptions options;
  options.max_faces = 2;
  const Result<std::vector<Face>> best = LoadMtcnn(options)->Detect(photo);
  ASSERT_TRUE(best);
  ASSERT_EQ(best->size(), 2u);
  EXPECT_EQ((*best)[0].box, (*all)[0].box);
  EXPECT_EQ((*best)[1].box, (*all)[1].box);

  options = {};
  options.thresholds[2] = 0.9999f;
  const Result<std::vector<Face>> sure = LoadMtcnn(options)->Detect(photo);
  ASSERT_TRUE(sure);
  EXPECT_LT(sure->size(), all->size());
  for (const Face& face : *sure) EXPECT_GT(face.score, 0.9999f);

  options = {};
  options.min_size_px = 400;
  const Result<std::vector<Face>> large = LoadMtcnn(options)->Detect(photo);
  ASSERT_TRUE(large);
  EXPECT_LT(large->size(), all->size());
}

TEST(MtcnnGolden, BadOptionsAndModelsAreRefused) {
  VISAVIS_REQUIRE_SHARED("models/mtcnn/det1-0001.params");
  const Model det1 = LoadSharedModel("models/mtcnn/det1-0001.params");
  const Model det2 = LoadSharedModel("models/mtcnn/det2-0001.params");
  const Model det3 = LoadSharedModel("models/mtcnn/det3-0001.params");
  const auto code = [&](const MtcnnModels& models, const MtcnnOptions& options) {
    const auto detector = CreateMtcnn(models, options);
    return detector ? ErrorCode{} : detector.error().code;
  };
  MtcnnOptions options;
  options.accurate_landmarks = false;
  EXPECT_TRUE(CreateMtcnn({&det1, &det2, &det3, nullptr}, options));
  EXPECT_EQ(code({&det1, &det2, nullptr, nullptr}, options), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({&det2, &det1, &det3, nullptr}, options), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({&det1, &det2, &det3, nullptr}, {}), ErrorCode::kInvalidArgument);
  options.min_size_px = 0;
  EXPECT_EQ(code({&det1, &det2, &det3, nullptr}, options), ErrorCode::kInvalidArgument);
  options.min_size_px = 20;
  options.pyramid_factor = 1;
  EXPECT_EQ(code({&det1, &det2, &det3, nullptr}, options), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace visavis
