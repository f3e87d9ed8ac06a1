// A face network to 8 bits and back into use: visavis quantize, model plan, bench, embed.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/cli_fixture.h"

namespace visavis {
namespace {

using nlohmann::json;

class CliQuantizeTest : public CliTest {
 protected:
  void SetUp() override {
    VISAVIS_REQUIRE_SHARED("data/lfw/pairs.txt");
    const std::string params = SharedPath("models/mobilefacenet-arcface/model-0000.params");
    const ProgramResult converted = Run({"model", "convert", params, Path("m.onnx")});
    ASSERT_EQ(converted.exit_code, 0) << converted.err;
    std::filesystem::create_directory(Path("crops"));
    std::vector<std::string> people;
    for (const auto& entry : std::filesystem::directory_iterator(SharedPath("data/lfw/aligned"))) {
      people.push_back(entry.path().string());
    }
    std::ranges::sort(people);
    // The first kCalibration calibrate, the others are compared.
    for (std::size_t i = 0; i < kCrops; ++i) {
      for (const auto& crop : std::filesystem::directory_iterator(people[i * 100])) {
        const std::string name = "crops/" + std::to_string(100 + i) + ".jpg";
        if (i < kCalibration) {
          std::filesystem::copy_file(crop.path(), Path(name));
        } else {
          compared_ += crop.path().string() + "\n";
        }
        break;
      }
    }
    WriteText(Path("compared.txt"), compared_);
  }

  // Sixteen crops and no timing, unless told otherwise.
  ProgramResult Quantize(std::vector<std::string> more) const {
    std::vector<std::string> arguments = {"quantize",         Path("m.onnx"),  "-o",
                                          Path("int8.onnx"),  "--calibration", Path("crops"),
                                          "--no-speed-check", "--no-search"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Run(arguments);
  }
  ProgramResult QuantizeFrom(const std::string& model, const std::string& data) const {
    return Run({"quantize", model, "-o", Path("int8.onnx"), "--calibration", data});
  }

  // Rows of .jsonl, by the instruction set `isa`.
  std::vector<std::vector<double>> Embed(const std::string& model, const std::string& isa,
                                         const std::string& threads) {
    if (!isa.empty()) options_.environment["VISAVIS_ISA"] = isa;
    const ProgramResult run =
        Run({"embed", "--aligned", "--list", Path("compared.txt"), "--model", model, "--threads",
             threads, "--batch", threads, "-o", Path("rows.jsonl")});
    options_.environment.erase("VISAVIS_ISA");
    EXPECT_EQ(run.exit_code, 0) << run.err;
    std::vector<std::vector<double>> rows;
    std::ifstream lines(Path("rows.jsonl"));
    for (std::string line; std::getline(lines, line);) {
      rows.push_back(json::parse(line).at("embedding").get<std::vector<double>>());
    }
    EXPECT_EQ(rows.size(), kCrops - kCalibration);
    return rows;
  }

  static constexpr std::size_t kCrops = 24;
  static constexpr std::size_t kCalibration = 16;
  std::string compared_;
};

double Cosine(const std::vector<double>& a, const std::vector<double>& b) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return ab / std::sqrt(aa * bb);
}

TEST_F(CliQuantizeTest, RunsInBytesNearTheFloatNetworkAndAlikeEverywhere) {
  const ProgramResult quantized = Quantize({"--json"});
  ASSERT_EQ(quantized.exit_code, 0) << quantized.err;
  const json report = json::parse(quantized.out);
  EXPECT_EQ(report["accepted"], true);
  EXPECT_EQ(Files(), (std::set<std::string>{"compared.txt", "crops", "int8.onnx",
                                            "int8.visavis.json", "m.onnx"}));
  EXPECT_LT(std::filesystem::file_size(Path("int8.onnx")),
            0.27 * static_cast<double>(std::filesystem::file_size(Path("m.onnx"))));

  // Not one layer left float.
  const ProgramResult planned = Run({"model", "plan", "--json", Path("int8.onnx")});
  ASSERT_EQ(planned.exit_code, 0) << planned.err;
  for (const json& step : json::parse(planned.out).at("steps")) {
    EXPECT_TRUE(step.at("kernel").get<std::string>().ends_with("c64 int8")) << step;
  }

  const auto floats = Embed(Path("m.onnx"), "", "1");
  const auto bytes = Embed(Path("int8.onnx"), "", "1");
  ASSERT_EQ(floats.size(), bytes.size());
  for (std::size_t i = 0; i < floats.size(); ++i) {
    EXPECT_GT(Cosine(floats[i], bytes[i]), 0.97) << i;
    EXPECT_LT(Cosine(floats[i], bytes[i]), 0.999999) << i;
  }
  EXPECT_EQ(Embed(Path("int8.onnx"), "", "2"), bytes);
  EXPECT_EQ(Embed(Path("int8.onnx"), "scalar", "1"), bytes);
}

TEST_F(CliQuantizeTest, BenchSaysInt8OnEveryInstructionSet) {
  ASSERT_EQ(Quantize({}).exit_code, 0);
  const ProgramResult bench = Run({"bench", Path("int8.onnx"), "--isa", "scalar", "--threads", "1",
                                   "--seconds", "0.01", "--json"});
  ASSERT_EQ(bench.exit_code, 0) << bench.err << bench.signal;
  EXPECT_EQ(json::parse(bench.out)["results"][0]["precision"], "int8");
}

TEST_F(CliQuantizeTest, RefusesWhatTheGateDoesNotPass) {
  const ProgramResult refused = Quantize({"--min-cosine", "0.99999"});
  EXPECT_EQ(refused.exit_code, 1) << refused.err;
  EXPECT_NE(refused.out.find("nothing written"), std::string::npos) << refused.out;
  EXPECT_FALSE(Files().contains("int8.onnx"));
  EXPECT_EQ(Quantize({"--min-cosine", "0.99999", "--force"}).exit_code, 0);
  EXPECT_TRUE(Files().contains("int8.onnx"));
  ExpectOneLineError(QuantizeFrom(Path("int8.onnx"), Path("crops")), 2, "quantized already");
}

TEST_F(CliQuantizeTest, RefusesBadInput) {
  for (const char* folder : {"empty", "grey", "one"}) {
    std::filesystem::create_directory(Path(folder));
  }
  WriteText(Path("grey/a.ppm"), "P6\n64 64\n255\n" + std::string(64 * 64 * 3, '\x80'));
  std::filesystem::copy_file(Path("crops/100.jpg"), Path("one/a.jpg"));
  ExpectOneLineError(QuantizeFrom(Path("m.onnx"), Path("empty")), 2, "no pictures");
  ExpectOneLineError(QuantizeFrom(Path("m.onnx"), Path("grey")), 2, "no face");
  ExpectOneLineError(QuantizeFrom(Path("m.onnx"), Path("one")), 2, "1 face to calibrate with");
  ExpectOneLineError(QuantizeFrom(Path("m.onnx"), Path("none")), 3, "none");
  ExpectOneLineError(QuantizeFrom(Path("compared.txt"), Path("crops")), 4, "compared.txt");
  ExpectOneLineError(Quantize({"--float-layer", "nowhere"}), 2, "nowhere");
  ExpectOneLineError(Quantize({"--max-drop", "5"}), 2, "max drop '5'");
  EXPECT_FALSE(Files().contains("int8.onnx"));
}

}  // namespace
}  // namespace visavis
