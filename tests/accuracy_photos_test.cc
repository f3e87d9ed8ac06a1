// The whole chain on the photos of LFW's first fold: detect, choose, align, embed, compare.
#include <cstdio>
#include <map>

#include "evaluate/pairs.h"
#include "golden_faces.h"
#include "visavis/recognize.h"
#include "visavis/thread_pool.h"

namespace visavis {
namespace {

constexpr std::size_t kPairsPerFold = 600;
const Threshold kThreshold{0.28, "best 10-fold LFW cut of MobileFaceNet-ArcFace"};

/// The share of fold 1's pairs that the chain judges right. A photo without a face makes its pairs
/// wrong.
double FoldAccuracy(std::unique_ptr<Detector> detector) {
  Result<Embedder> embedder = Embedder::Create(LoadMobileFaceNet());
  EXPECT_TRUE(embedder) << embedder.error().message;
  const Recognizer recognizer =
      Recognizer::Create(std::move(detector), std::move(embedder).value(), kThreshold);

  std::ifstream file(SharedPath("data/lfw/pairs.txt"));
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  Result<PairList> list = ParseLfwPairs(text, "pairs.txt");
  EXPECT_TRUE(list) << list.error().message;
  list->pairs.resize(kPairsPerFold);

  std::map<std::size_t, Embedding> embedding_of;  // by image; empty without a face
  for (const LabelledPair& pair : list->pairs) {
    embedding_of[pair.a];
    embedding_of[pair.b];
  }
  EXPECT_EQ(embedding_of.size(), 807u);
  const std::vector<std::pair<std::size_t, Embedding>> images(embedding_of.begin(),
                                                              embedding_of.end());
  ThreadPool pool(0);
  pool.ParallelFor(static_cast<std::int64_t>(images.size()), [&](std::int64_t i, int) {
    const std::size_t image = images[static_cast<std::size_t>(i)].first;
    const Image photo = ReadSharedImage("data/lfw/photos-fold1/" + list->images[image]);
    Result<std::vector<RecognizedFace>> faces = recognizer.Recognize(photo);
    ASSERT_TRUE(faces) << faces.error().message;
    if (!faces->empty()) embedding_of.find(image)->second = std::move((*faces)[0].embedding);
  });

  std::size_t right = 0;
  for (const LabelledPair& pair : list->pairs) {
    const Embedding& a = embedding_of[pair.a];
    const Embedding& b = embedding_of[pair.b];
    if (a.empty() || b.empty()) continue;
    const Result<Comparison> comparison = recognizer.Compare(a, b);
    EXPECT_TRUE(comparison) << comparison.error().message;
    right += comparison->same_person == pair.same ? 1 : 0;
  }
  return static_cast<double>(right) / kPairsPerFold;
}

TEST(PhotoAccuracy, LfwFold1WithRefinedLandmarks) {
  VISAVIS_REQUIRE_SHARED("data/lfw/photos-fold1");
  const double accuracy = FoldAccuracy(LoadMtcnn());
  std::printf("600 pairs: %.4f\n", accuracy);
  EXPECT_GE(accuracy, 0.990);
}

TEST(PhotoAccuracy, LfwFold1WithoutRefinement) {
  VISAVIS_REQUIRE_SHARED("data/lfw/photos-fold1");
  MtcnnOptions options;
  options.accurate_landmarks = false;
  const double accuracy = FoldAccuracy(LoadMtcnn(options));
  std::printf("600 pairs: %.4f\n", accuracy);
  EXPECT_GE(accuracy, 0.993);
}

struct Case {
  std::string name;
  std::string model;
  bool every_time = false;  ///< else only with VISAVIS_FULL=1
};
class AnchorDetectorAccuracy : public testing::TestWithParam<Case> {};

TEST_P(AnchorDetectorAccuracy, LfwFold1) {
  VISAVIS_REQUIRE_SHARED("data/lfw/photos-fold1");
  VISAVIS_REQUIRE_SHARED(GetParam().model);
  if (!GetParam().every_time && !RunFull()) GTEST_SKIP() << "SKIPPED: set VISAVIS_FULL=1";
  const double accuracy = FoldAccuracy(LoadSharedDetector(GetParam().model));
  std::printf("600 pairs: %.4f\n", accuracy);
  EXPECT_GE(accuracy, 0.990);
}

INSTANTIATE_TEST_SUITE_P(Models, AnchorDetectorAccuracy,
                         testing::Values(Case{"Scrfd500m", "models/scrfd/scrfd_500m_bnkps.onnx",
                                              true},
                                         Case{"Scrfd2p5g", "models/scrfd/scrfd_2.5g_bnkps.onnx"},
                                         Case{"YunetN", "models/yunet/yunet_n_dynamic.onnx"}),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace visavis
