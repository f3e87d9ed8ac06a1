// The subcommands as a user runs them, on real photos.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "base/npy.h"
#include "tests/cli_fixture.h"

namespace visavis {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string Photo(const std::string& name) { return SharedPath("data/photos/" + name); }

NpyArray ReadRows(const std::string& path) {
  const std::string bytes = ReadText(path);
  auto rows =
      ParseNpy({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, path, 1 << 20);
  if (!rows) ADD_FAILURE() << rows.error().message;
  return rows ? *rows : NpyArray{};
}

std::vector<std::string> Lines(const std::string& path) {
  std::istringstream text(ReadText(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

TEST_F(CliTest, UsageErrorsAreOneLineAndExitCode2) {
  ExpectOneLineError(Run({}), 2, "subcommand");
  ExpectOneLineError(Run({"detect"}), 2, "IMAGE");
  ExpectOneLineError(Run({"fly"}), 2, "fly");
  ExpectOneLineError(Run({"detect", "--min-size", "5", "a.jpg"}), 2, "min-size");
  ExpectOneLineError(Run({"detect", "--thresholds", "0.5", "a.jpg"}), 2, "thresholds");
  ExpectOneLineError(Run({"align", "--face", "nicest", "a.jpg", "-o", dir_}), 2,
                     "nicest: want largest-central, largest, best-score or all");
  ExpectOneLineError(Run({"compare", "--threshold", "2", "a", "b"}), 2, "threshold");
  ExpectOneLineError(Run({"embed", "-o", Path("x.npy")}), 2, "--list");
}

TEST_F(CliTest, EveryCommandExplainsItselfWithExamples) {
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"detect"},
                                             {"align"},
                                             {"embed"},
                                             {"compare"},
                                             {"evaluate-detection"},
                                             {"model", "info"},
                                             {"model", "doctor"},
                                             {"model", "pack"},
                                             {"model", "convert"},
                                             {"model", "build"},
                                             {"model", "plan"},
                                             {"model", "run"},
                                             {"bench"},
                                             {"version"}}) {
    std::vector<std::string> arguments = command;
    arguments.push_back("--help");
    const ProgramResult result = Run(arguments);
    EXPECT_EQ(result.exit_code, 0);
    for (const char* want : {"Examples:", "--json", "--threads", "--verbose", "visavis "}) {
      EXPECT_THAT(result.out, HasSubstr(want)) << command.back();
    }
  }
}

TEST_F(CliTest, ReferenceNamesEveryCommandAndOption) {
  for (const char* kind : {"man", "bash", "zsh"}) {
    const ProgramResult result = Run({"reference", kind});
    EXPECT_EQ(result.exit_code, 0);
    for (const char* want : {"detect", "compare", "convert", "accurate", "resume"}) {
      EXPECT_THAT(result.out, HasSubstr(want)) << kind;
    }
  }
}

TEST_F(CliTest, DetectAsTextAndJsonAgree) {
  VISAVIS_REQUIRE_SHARED("data/photos");
  const ProgramResult text = Run({"detect", Photo("obama_family.jpg")});
  ASSERT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("640x427, 4 faces"));
  const ProgramResult result =
      Run({"detect", "--json", Photo("obama_family.jpg"), Photo("Barack_Obama_03.jpg")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, IsEmpty()) << "no progress bar where nobody looks";
  const json document = json::parse(result.out);
  ASSERT_EQ(document["photos"].size(), 2u);
  const json& family = document["photos"][0];
  EXPECT_EQ(family["width"], 640);
  ASSERT_EQ(family["faces"].size(), 4u);
  for (const json& face : family["faces"]) {
    EXPECT_EQ(face["box"].size(), 4u);
    EXPECT_GT(face["score"], 0.8);
    EXPECT_EQ(face["landmarks"].size(), 5u);
  }
  ASSERT_EQ(Run({"detect", "--draw", Path("drawn"), Photo("obama_family.jpg")}).exit_code, 0);
  EXPECT_THAT(Files("drawn"), ElementsAre("obama_family.png"));
  const ProgramResult two =
      Run({"detect", "--json", "--max-faces", "2", Photo("obama_family.jpg")});
  EXPECT_EQ(json::parse(two.out)["photos"][0]["faces"].size(), 2u);
}

TEST_F(CliTest, AlignWritesCropsAndSaysWhereTheyCameFrom) {
  VISAVIS_REQUIRE_SHARED("data/photos");
  const ProgramResult result = Run({"align", "--face", "all", Photo("obama_family.jpg"),
                                    Photo("Barack_Obama_03.jpg"), "-o", Path("crops")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(Files("crops"), ElementsAre("Barack_Obama_03_0.png", "Barack_Obama_03_1.png",
                                          "crops.csv", "obama_family_0.png", "obama_family_1.png",
                                          "obama_family_2.png", "obama_family_3.png"));
  const auto lines = Lines(Path("crops/crops.csv"));
  ASSERT_EQ(lines.size(), 7u);
  EXPECT_THAT(lines[0], HasSubstr("crop,source,face,x1"));
  EXPECT_THAT(lines[5], HasSubstr("Barack_Obama_03_0.png," + Photo("Barack_Obama_03.jpg")));
}

TEST_F(CliTest, EmbedReportsWhatGaveNoRowAndKeepsTheOrder) {
  VISAVIS_REQUIRE_SHARED("data/photos");
  std::filesystem::create_directories(Path("in"));
  std::filesystem::copy_file(Photo("Barack_Obama_03.jpg"), Path("in/b.jpg"));
  std::filesystem::copy_file(Photo("obama_family.jpg"), Path("in/c.jpg"));
  WriteText(Path("in/a.jpg"), "no picture");
  WriteText(Path("in/notes.txt"), "no photo");
  const ProgramResult result = Run({"embed", Path("in"), "-o", Path("out.npy")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr(Path("in/a.jpg")));
  const NpyArray rows = ReadRows(Path("out.npy"));
  EXPECT_THAT(rows.shape, ElementsAre(2, 128));
  const auto names = Lines(Path("out.names.tsv"));
  ASSERT_EQ(names.size(), 3u);
  EXPECT_TRUE(names[1].starts_with(Path("in/b.jpg") + "\t0\t"));
  EXPECT_TRUE(names[2].starts_with(Path("in/c.jpg") + "\t0\t"));
  const auto failed = Lines(Path("out.failed.tsv"));
  ASSERT_EQ(failed.size(), 2u);
  EXPECT_TRUE(failed[1].starts_with(Path("in/a.jpg") + "\tunsupported\t")) << failed[1];
  EXPECT_THAT(Files(), ElementsAre("in", "out.failed.tsv", "out.names.tsv", "out.npy"));
}

TEST_F(CliTest, EmbedOfAListKeepsItsOrderWhateverTheThreads) {
  VISAVIS_REQUIRE_SHARED("data/lfw/photos-fold1");
  std::string list;
  std::vector<std::string> paths;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(SharedPath("data/lfw/photos-fold1"))) {
    if (entry.path().extension() == ".jpg" && paths.size() < 12) {
      paths.push_back(entry.path().string());
      list += paths.back() + "\n";
    }
  }
  WriteText(Path("list"), list);
  const auto embed = [&](const char* threads, const char* batch, const std::string& out) {
    return Run(
        {"embed", "--list", Path("list"), "--threads", threads, "--batch", batch, "-o", Path(out)});
  };
  ASSERT_EQ(embed("1", "1", "one.npy").exit_code, 0);
  ASSERT_EQ(embed("4", "5", "four.npy").exit_code, 0);
  EXPECT_EQ(ReadText(Path("one.npy")), ReadText(Path("four.npy"))) << "same bits";
  const auto names = Lines(Path("four.names.tsv"));
  ASSERT_EQ(names.size(), paths.size() + 1);
  for (std::size_t i = 0; i < paths.size(); ++i) {
    EXPECT_TRUE(names[i + 1].starts_with(paths[i] + "\t")) << i;
  }
}

TEST_F(CliTest, EmbedOfAlignedCropsFlippedAndNormalised) {
  VISAVIS_REQUIRE_SHARED("data/lfw/aligned");
  const std::string crop = SharedPath("data/lfw/aligned/Abel_Pacheco/Abel_Pacheco_0001.jpg");
  ASSERT_EQ(Run({"embed", "--aligned", crop, "-o", Path("a.npy")}).exit_code, 0);
  ASSERT_EQ(
      Run({"embed", "--aligned", "--flip", "--normalize", crop, "-o", Path("b.npy")}).exit_code, 0);
  const NpyArray a = ReadRows(Path("a.npy"));
  const NpyArray b = ReadRows(Path("b.npy"));
  double norm = 0;
  for (const float value : b.values) norm += double{value} * value;
  EXPECT_NEAR(norm, 1, 1e-5);
  EXPECT_NE(a.values, b.values);
  ExpectOneLineError(Run({"embed", "--aligned", Photo("t1.jpg"), "-o", Path("c.npy")}), 2, "112");
}

TEST_F(CliTest, InterruptedEmbedContinuesToTheSameFile) {
  VISAVIS_REQUIRE_SHARED("data/lfw/photos-fold1");
  const std::string folder = SharedPath("data/lfw/photos-fold1");
  std::string list;
  int count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".jpg" && count++ < 60) list += entry.path().string() + "\n";
  }
  WriteText(Path("list"), list);
  const std::vector<std::string> arguments{"embed", "--list", Path("list"), "--threads", "1", "-o"};
  std::vector<std::string> whole = arguments;
  whole.push_back(Path("whole.npy"));
  ASSERT_EQ(Run(whole).exit_code, 0);

  std::vector<std::string> resumed = arguments;
  resumed.insert(resumed.end(), {Path("parts.npy"), "--resume"});
  options_.interrupt_after_ms = 300;
  int runs = 0;
  ProgramResult result;
  do {
    result = Run(resumed);
    ASSERT_TRUE(result.exit_code == 130 || result.exit_code == 0) << result.err;
    if (result.exit_code == 130) {
      EXPECT_FALSE(std::filesystem::exists(Path("parts.npy"))) << "nothing under the final name";
    }
    options_.interrupt_after_ms += 100;
  } while (result.exit_code == 130 && ++runs < 200);
  EXPECT_GT(runs, 0) << "never interrupted: nothing was tested";
  EXPECT_EQ(ReadText(Path("parts.npy")), ReadText(Path("whole.npy")));
  EXPECT_EQ(ReadText(Path("parts.names.tsv")), ReadText(Path("whole.names.tsv")));
}

TEST_F(CliTest, CompareSaysVerdictThresholdAndOrigin) {
  VISAVIS_REQUIRE_SHARED("data/photos");
  const ProgramResult same =
      Run({"compare", Photo("obama_family.jpg"), Photo("Barack_Obama_03.jpg")});
  EXPECT_EQ(same.exit_code, 0) << same.err;
  EXPECT_THAT(same.out, HasSubstr("0.2800 (best 10-fold cut on LFW of this network)"));
  const ProgramResult result =
      Run({"compare", "--all", "--json", Photo("obama_family.jpg"), Photo("Barack_Obama_03.jpg")});
  const json document = json::parse(result.out);
  ASSERT_EQ(document["pairs"].size(), 4 * document["b"]["faces"].size());
  int same_person = 0;
  for (const json& pair : document["pairs"]) {
    same_person += pair["same_person"].get<bool>();
    EXPECT_NEAR(pair["squared_distance"].get<double>(), 2 - 2 * pair["similarity"].get<double>(),
                1e-9);
  }
  EXPECT_EQ(same_person, 1) << result.out;
  EXPECT_THAT(Run({"compare", "--threshold", "0.99", Photo("obama_family.jpg"),
                   Photo("Barack_Obama_03.jpg")})
                  .out,
              HasSubstr("different people"));
}

TEST_F(CliTest, APhotoWithoutAFaceIsAnAnswerWithExitCode1) {
  VISAVIS_REQUIRE_SHARED("data/photos");
  WriteText(Path("grey.ppm"), "P6\n64 64\n255\n" + std::string(64 * 64 * 3, '\x80'));
  const ProgramResult detect = Run({"detect", Path("grey.ppm")});
  EXPECT_EQ(detect.exit_code, 0) << detect.err;
  EXPECT_THAT(detect.out, HasSubstr("0 faces"));
  ExpectOneLineError(Run({"compare", Path("grey.ppm"), Photo("Barack_Obama_03.jpg")}), 1,
                     "no face found");
  ExpectOneLineError(Run({"align", Path("grey.ppm"), "-o", Path("crops")}), 1, "no face found");
}

TEST_F(CliTest, ModelInfoAndConvert) {
  VISAVIS_REQUIRE_SHARED("models/mobilefacenet-arcface");
  const std::string params = SharedPath("models/mobilefacenet-arcface/model-0000.params");
  const ProgramResult info = Run({"model", "info", params});
  ASSERT_EQ(info.exit_code, 0) << info.err;
  EXPECT_THAT(info.out, HasSubstr("MobileFaceNet"));
  EXPECT_THAT(info.out, HasSubstr("0.9933 M"));
  EXPECT_THAT(info.out,
              HasSubstr("b151f97e392e68cb540fb9710a91a574a4187d491eeda77d1c1799ae6dc3b82b"));
  ASSERT_EQ(Run({"model", "convert", params, Path("m.onnx")}).exit_code, 0);
  const ProgramResult converted = Run({"model", "info", "--json", Path("m.onnx")});
  EXPECT_EQ(json::parse(converted.out)["format"], "onnx");
  EXPECT_EQ(json::parse(converted.out)["parameters"], 993344.0);
  ExpectOneLineError(Run({"model", "convert", params, Path("m.txt")}), 2, "m.txt");
}

TEST_F(CliTest, VerboseSaysWhatWasDoneOnStandardErrorOnly) {
  const std::string params = SharedPath("models/mobilefacenet-arcface/model-0000.params");
  VISAVIS_REQUIRE_SHARED("models/mobilefacenet-arcface/model-0000.params");
  const ProgramResult quiet = Run({"model", "info", params});
  const ProgramResult verbose = Run({"model", "info", "-v", params});
  EXPECT_EQ(quiet.err, "");
  EXPECT_EQ(verbose.out, quiet.out);
  EXPECT_THAT(verbose.err, HasSubstr("best instruction set here"));
  EXPECT_THAT(verbose.err, HasSubstr(params + ": loaded: "));
}

TEST_F(CliTest, OutputThatCannotBeWrittenIsAFailure) {
  options_.stdout_path = "/dev/full";
  ExpectOneLineError(Run({"version"}), 7, "standard output");
}

TEST_F(CliTest, AContractIsPackedObeyedAndHeldAgainstItsFile) {
  VISAVIS_REQUIRE_SHARED("models/mobilefacenet-arcface/model-0000.params");
  const std::string model = Path("face.onnx");
  ASSERT_EQ(
      Run({"model", "convert", SharedPath("models/mobilefacenet-arcface/model-0000.params"), model})
          .exit_code,
      0);
  const std::vector<std::string> compare{"compare", "--model", model, Photo("obama_family.jpg"),
                                         Photo("obama_family.jpg")};
  ProgramResult result = Run(compare);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("note: " + model + ": no contract beside it; assumed RGB"));

  result = Run(
      {"model", "pack", model, "--no-faces", "--threshold", "0.31", "--threshold-origin", "told"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  json contract = json::parse(ReadText(Path("face.visavis.json")));
  contract["probability"] = {
      {"model", "logistic"}, {"prior", 0.5}, {"slope", 2.0}, {"intercept", -1.0}};
  WriteText(Path("face.visavis.json"), contract.dump());
  result = Run(compare);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, IsEmpty());
  EXPECT_THAT(result.out, HasSubstr("probability       0.7311"));
  EXPECT_THAT(result.out, HasSubstr("threshold         0.3100 (told)"));
  std::vector<std::string> as_json = compare;
  as_json.push_back("--json");
  const json compared = json::parse(Run(as_json).out);
  EXPECT_NEAR(compared["pairs"][0]["probability"].get<double>(), 0.7311, 1e-3);

  EXPECT_EQ(Run({"model", "doctor", "--no-faces", model}).exit_code, 0);
  std::ofstream(model, std::ios::app) << "x";
  ExpectOneLineError(Run(compare), 4, "face.visavis.json was written for");
  ExpectOneLineError(Run({"bench", model}), 4, "face.visavis.json was written for");
  ExpectOneLineError(Run({"model", "doctor", "--no-faces", model}), 4, "face.onnx");
}

}  // namespace
}  // namespace visavis
