// visavis compare A B
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/exit_code.h"
#include "base/text.h"
#include "base/try.h"
#include "commands.h"
#include "image/draw.h"
#include "json_output.h"
#include "photo_options.h"
#include "setting_options.h"
#include "visavis/recognize.h"

namespace visavis::cli {
namespace {

struct Options {
  std::string a;
  std::string b;
  std::optional<double> threshold;
  bool all = false;
  std::string picture;
  std::string model = kDefaultRecognitionModel;
  FaceChoice choice = FaceChoice::kLargestCentral;
  std::string precision = "fp32";
  DetectorOptions detector;
};

// One photo with the faces that take part in the comparison.
struct Side {
  std::string path;
  Image photo;
  std::vector<RecognizedFace> faces;
};

struct FacePair {
  std::size_t a = 0;
  std::size_t b = 0;
  Comparison comparison;
};

Result<Recognizer> LoadRecognizer(const Options& options, const Common& common, ThreadPool* pool) {
  RecognizerOptions recognizer_options;
  recognizer_options.choice = options.all ? FaceChoice::kAll : options.choice;
  DetectorOptions detector_options = options.detector;
  detector_options.pool = pool;
  VISAVIS_ASSIGN_OR_RETURN(std::unique_ptr<Detector> detector,
                           LoadDetectorFor(common, detector_options));
  EmbedOptions embed_options;
  embed_options.session.pool = pool;
  VISAVIS_ASSIGN_OR_RETURN(embed_options.session.precision, ParsePrecision(options.precision));
  VISAVIS_ASSIGN_OR_RETURN(LoadedEmbedder loaded,
                           LoadEmbedderFor(common, options.model, embed_options));
  if (options.threshold) loaded.threshold = {*options.threshold, "given with --threshold"};
  return Recognizer::Create(std::move(detector), std::move(loaded), recognizer_options);
}

Result<Side> ReadSide(const std::string& path, const Recognizer& recognizer) {
  VISAVIS_ASSIGN_OR_RETURN(DecodedImage photo, ReadImage(path));
  VISAVIS_ASSIGN_OR_RETURN(std::vector<RecognizedFace> faces, recognizer.Recognize(photo.image));
  return Side{path, std::move(photo.image), std::move(faces)};
}

Result<std::vector<FacePair>> CompareFaces(const Side& a, const Side& b,
                                           const Recognizer& recognizer) {
  std::vector<FacePair> pairs;
  for (std::size_t i = 0; i < a.faces.size(); ++i) {
    for (std::size_t j = 0; j < b.faces.size(); ++j) {
      VISAVIS_ASSIGN_OR_RETURN(const Comparison comparison,
                               recognizer.Compare(a.faces[i].embedding, b.faces[j].embedding));
      pairs.push_back({i, j, comparison});
    }
  }
  return pairs;
}

const char* Verdict(bool same_person) { return same_person ? "same person" : "different people"; }

// Never 0 or 1: no calibration data can say that.
std::string ProbabilityAsText(const Comparison& comparison) {
  const double probability = comparison.probability.value_or(0);
  if (probability < 0.0001) return "< 0.0001";
  if (probability > 0.9999) return "> 0.9999";
  return fmt::format("{:.4f}", probability);
}

Json SideAsJson(const Side& side) {
  Json faces = Json::array();
  for (const RecognizedFace& face : side.faces) faces.push_back(FaceAsJson(face.face));
  return {{"path", side.path}, {"faces", std::move(faces)}};
}

Json AsJson(const Side& a, const Side& b, const std::vector<FacePair>& pairs,
            const Threshold& threshold) {
  Json list = Json::array();
  for (const FacePair& pair : pairs) {
    list.push_back({{"face_a", pair.a},
                    {"face_b", pair.b},
                    {"similarity", pair.comparison.similarity},
                    {"squared_distance", pair.comparison.squared_distance},
                    {"same_person", pair.comparison.same_person}});
    if (pair.comparison.probability) list.back()["probability"] = *pair.comparison.probability;
  }
  return {{"a", SideAsJson(a)},
          {"b", SideAsJson(b)},
          {"threshold", {{"similarity", threshold.similarity}, {"origin", threshold.origin}}},
          {"pairs", std::move(list)}};
}

void PrintSide(const char* label, const Side& side) {
  for (std::size_t i = 0; i < side.faces.size(); ++i) {
    const Face& face = side.faces[i].face;
    fmt::print("{}  {}  face {} at ({:.0f},{:.0f}) to ({:.0f},{:.0f}), score {:.4f}\n", label,
               OneLine(side.path), i, face.box.x1, face.box.y1, face.box.x2, face.box.y2,
               face.score);
  }
}

void PrintText(const Side& a, const Side& b, const std::vector<FacePair>& pairs,
               const Threshold& threshold) {
  PrintSide("A", a);
  PrintSide("B", b);
  if (pairs.size() == 1) {
    const Comparison& comparison = pairs.front().comparison;
    fmt::print("similarity        {:.4f}\n", comparison.similarity);
    fmt::print("squared distance  {:.4f}\n", comparison.squared_distance);
    if (comparison.probability) {
      fmt::print("probability       {}\n", ProbabilityAsText(comparison));
    }
    fmt::print("verdict           {}\n", Verdict(comparison.same_person));
  } else {
    const bool likely = !pairs.empty() && pairs.front().comparison.probability.has_value();
    fmt::print("face A  face B  similarity  squared distance  {}verdict\n",
               likely ? "probability  " : "");
    for (const FacePair& pair : pairs) {
      const Comparison& comparison = pair.comparison;
      fmt::print("{:6}  {:6}  {:10.4f}  {:16.4f}  {}{}\n", pair.a, pair.b, comparison.similarity,
                 comparison.squared_distance,
                 likely ? fmt::format("{:>11}  ", ProbabilityAsText(comparison)) : "",
                 Verdict(comparison.same_person));
    }
  }
  fmt::print("threshold         {:.4f} ({})\n", threshold.similarity, threshold.origin);
}

// The pair that is most alike, with both photos.
Status DrawBestPair(const std::string& picture, const Side& a, const Side& b,
                    const std::vector<FacePair>& pairs, const Threshold& threshold) {
  const FacePair& best =
      *std::max_element(pairs.begin(), pairs.end(), [](const FacePair& one, const FacePair& other) {
        return one.comparison.similarity < other.comparison.similarity;
      });
  const RecognizedFace& face_a = a.faces[best.a];
  const RecognizedFace& face_b = b.faces[best.b];
  const auto half = [](const Side& side, const RecognizedFace& face) {
    return ComparedPhoto{side.photo,
                         {&face.face, 1},
                         face.crop.image,
                         std::filesystem::path(side.path).filename().string()};
  };
  const ComparisonText text{Verdict(best.comparison.same_person),
                            fmt::format("similarity {:.4f}, threshold {:.2f}",
                                        best.comparison.similarity, threshold.similarity),
                            best.comparison.same_person};
  return WriteImage(picture, DrawComparison(half(a, face_a), half(b, face_b), text, Font()));
}

Result<int> RunCompare(const Options& options, const Common& common) {
  const PhotoThreads threads(common, 1);
  VISAVIS_ASSIGN_OR_RETURN(const Recognizer recognizer,
                           LoadRecognizer(options, common, threads.inner()));
  Outcome outcome;
  std::vector<Side> sides;
  for (const std::string& path : {options.a, options.b}) {
    if (common.Cancelled()) return MakeError(ErrorCode::kCancelled, "interrupted");
    const LoggedStep step(common, path + ": recognized");
    VISAVIS_ASSIGN_OR_RETURN(Side side, ReadSide(path, recognizer));
    if (side.faces.empty()) outcome.NoFace(path);
    sides.push_back(std::move(side));
  }
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<FacePair> pairs,
                           CompareFaces(sides[0], sides[1], recognizer));
  if (!options.picture.empty() && !pairs.empty()) {
    VISAVIS_RETURN_IF_ERROR(
        DrawBestPair(options.picture, sides[0], sides[1], pairs, recognizer.threshold()));
  }
  if (common.json) {
    PrintJson(AsJson(sides[0], sides[1], pairs, recognizer.threshold()));
  } else if (!pairs.empty()) {
    PrintText(sides[0], sides[1], pairs, recognizer.threshold());
  }
  return outcome.ExitCode(2);
}

}  // namespace

void AddCompare(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.Add(
      {"compare",
       "Say whether two photos show the same person",
       {"visavis compare a.jpg b.jpg", "visavis compare --all group.jpg portrait.jpg",
        "visavis compare --draw pair.png a.jpg b.jpg",
        "visavis compare --threshold 0.5 a.jpg b.jpg", "visavis compare --json a.jpg b.jpg"}},
      [options](const Common& common) { return RunCompare(*options, common); });
  command->add_option("A", options->a, "A photo")->required();
  command->add_option("B", options->b, "Another photo")->required();
  command
      ->add_option("--threshold", options->threshold,
                   "Same person from this similarity on (default: the network's own)")
      ->check(CLI::Range(-1.0, 1.0));
  command->add_flag("--all", options->all, "Compare every face of A with every face of B");
  command->add_option("--draw", options->picture,
                      "Picture (.png or .jpg) of both photos and the pair of faces most alike");
  AddModelOption(*command, options->model);
  AddPrecisionOption(*command, options->precision);
  AddFaceChoice(*command, options->choice);
  AddDetectorOptions(*command, options->detector);
}

}  // namespace visavis::cli
