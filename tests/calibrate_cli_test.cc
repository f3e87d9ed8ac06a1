// From labelled faces to a verdict with its origin and a probability: visavis calibrate, then
// compare.
#include <nlohmann/json.hpp>

#include "base/sha256.h"
#include "tests/cli_fixture.h"
#include "visavis/contract.h"

namespace visavis {
namespace {

using nlohmann::json;

class CalibrateCliTest : public CliTest {
 protected:
  void SetUp() override {
    VISAVIS_REQUIRE_SHARED("data/lfw/pairs.txt");
    const std::string params = SharedPath("models/mobilefacenet-arcface/model-0000.params");
    const ProgramResult converted = Run({"model", "convert", params, Path("m.onnx")});
    ASSERT_EQ(converted.exit_code, 0) << converted.err;
    ModelContract contract;
    contract.model_file = "m.onnx";
    contract.model_bytes = static_cast<std::int64_t>(std::filesystem::file_size(Path("m.onnx")));
    const Result<std::string> sha256 = HashFile(Path("m.onnx"));
    ASSERT_TRUE(sha256);
    contract.model_sha256 = *sha256;
    contract.input.name = "data";
    contract.input.shape = {-1, 3, 112, 112};
    contract.input.mean = {127.5, 127.5, 127.5};
    contract.input.scale = {1 / 128.0, 1 / 128.0, 1 / 128.0};
    contract.outputs = {{"fc1", 128}};
    contract.licence = {"unknown", "unknown", "", false};
    contract.provenance.written_by = "calibrate_cli_test";
    const Status written = WriteContract(contract, Path("m.visavis.json"));
    ASSERT_TRUE(written) << written.error().message;
  }

  ProgramResult Calibrate(std::vector<std::string> more) const {
    std::vector<std::string> arguments = {"calibrate",   SharedPath("data/lfw/pairs.txt"),
                                          "--images",    SharedPath("data/lfw/aligned"),
                                          "--model",     Path("m.onnx"),
                                          "--folds",     "1",
                                          "--resamples", "100"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Run(arguments);
  }
  std::string Photo(const std::string& name) const {
    return SharedPath("data/lfw/photos-fold1/" + name);
  }
};

TEST_F(CalibrateCliTest, CompareSaysThresholdOriginAndProbability) {
  const ProgramResult calibrated = Calibrate({"--fmr", "0.01", "--json", "--plots", Path("plots")});
  ASSERT_EQ(calibrated.exit_code, 0) << calibrated.err;
  const json found = json::parse(calibrated.out);
  EXPECT_EQ(found["dataset"]["genuine"], 300);
  EXPECT_EQ(found["dataset"]["impostor"], 300);
  EXPECT_LE(found["fmr"]["value"], 0.01);
  EXPECT_GT(found["tar"]["value"], 0.97);
  const double threshold = found["threshold"]["similarity"];
  EXPECT_GT(threshold, 0.1);
  EXPECT_LT(threshold, 0.4);
  EXPECT_LE(found["threshold"]["interval"][0], threshold);
  EXPECT_GE(found["threshold"]["interval"][1], threshold);
  EXPECT_LT(found["probability"]["held_out"]["expected_error"], 0.05);
  EXPECT_EQ(Files("plots"), (std::set<std::string>{"probability.png", "probability.svg",
                                                   "reliability.png", "reliability.svg"}));

  const Result<ModelContract> contract = ReadContract(Path("m.visavis.json"));
  ASSERT_TRUE(contract) << contract.error().message;
  ASSERT_TRUE(contract->threshold && contract->threshold->target && contract->threshold->data);
  EXPECT_EQ(contract->threshold->similarity, threshold);
  EXPECT_EQ(contract->threshold->target->value, 0.01);
  EXPECT_EQ(contract->threshold->data->impostor_pairs, 300);
  ASSERT_TRUE(contract->probability);

  const ProgramResult same = Run({"compare", "--json", "--model", Path("m.onnx"),
                                  Photo("Abel_Pacheco/Abel_Pacheco_0001.jpg"),
                                  Photo("Abel_Pacheco/Abel_Pacheco_0004.jpg")});
  ASSERT_EQ(same.exit_code, 0) << same.err;
  const json verdict = json::parse(same.out);
  EXPECT_EQ(verdict["threshold"]["similarity"], threshold);
  EXPECT_EQ(verdict["threshold"]["origin"],
            "FMR 0.01 on 300 pairs of different people of pairs.txt");
  EXPECT_EQ(verdict["pairs"][0]["same_person"], true);
  EXPECT_GT(verdict["pairs"][0]["probability"], 0.95);

  const ProgramResult different = Run({"compare", "--model", Path("m.onnx"),
                                       Photo("Abdel_Madi_Shabneh/Abdel_Madi_Shabneh_0001.jpg"),
                                       Photo("Abel_Pacheco/Abel_Pacheco_0001.jpg")});
  ASSERT_EQ(different.exit_code, 0) << different.err;
  EXPECT_NE(different.out.find("probability       0.00"), std::string::npos) << different.out;
  EXPECT_NE(different.out.find("(FMR 0.01 on 300 pairs"), std::string::npos) << different.out;
}

TEST_F(CalibrateCliTest, RefusesAndStoresNothing) {
  const std::string before = ReadText(Path("m.visavis.json"));
  ExpectOneLineError(Calibrate({"--fmr", "0.000001"}), 2,
                     "insufficient data: FMR 1e-06 needs at least 3,000,000 pairs of different "
                     "people, found 300");
  ExpectOneLineError(
      Run({"calibrate", SharedPath("data/lfw/pairs.txt"), "--model", Path("m.onnx")}), 2, "--fmr");
  ExpectOneLineError(Run({"calibrate", SharedPath("data/lfw/pairs.txt"), "--fmr", "0.01", "--model",
                          "mobilefacenet-arcface"}),
                     2, "registry");
  EXPECT_EQ(ReadText(Path("m.visavis.json")), before);
  std::filesystem::remove(Path("m.visavis.json"));
  ExpectOneLineError(Calibrate({"--fmr", "0.01"}), 3, "model pack");
}

}  // namespace
}  // namespace visavis
