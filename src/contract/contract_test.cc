#include "visavis/contract.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/file_system.h"
#include "base/sha256.h"
#include "tests/scratch_folder.h"

namespace visavis {
namespace {

using Json = nlohmann::json;

std::vector<std::uint8_t> Bytes(std::string_view text) { return {text.begin(), text.end()}; }

ModelContract Full() {
  ModelContract contract;
  contract.model_file = "model.onnx";
  contract.model_bytes = 5;
  contract.model_sha256 = Sha256Hex(Bytes("model"));
  contract.input = {"data", {-1, 3, 112, 112},     ChannelOrder::kBgr,
                    false,  {127.5, 127.5, 127.5}, {0.0078125, 0.0078125, 0.0078125}};
  contract.outputs = {{"fc1", 3}};
  ContractThreshold threshold;
  threshold.similarity = 0.3171;
  threshold.origin = "FMR 0.001 on my own people";
  threshold.target = ContractThreshold::Target{ContractThreshold::Target::Rate::kFpir, 0.01, 5000};
  threshold.interval = ContractThreshold::Interval{0.29, 0.35, 0.95};
  threshold.data = ContractThreshold::Data{"badges 2026", "", 3000, 400000, 500};
  contract.threshold = threshold;
  contract.probability =
      ProbabilityMap{ProbabilityModel::kIsotonic, 0.1, 0, 0, {{-0.1, 0}, {0.2, 0.25}, {0.7, 1}}};
  contract.precision = "int8";
  contract.quantization = R"({"accuracy":{"lfw":0.9945},"recipe":"min-max"})";
  const std::vector<std::uint8_t> png = Bytes("pretend png");
  contract.golden = {{"face", Sha256Hex(png), png, {0.1f, -2, 3e-7f}, 1e-3},
                     {"hash only", Sha256Hex(Bytes("x")), {}, {1, 2, 3}, 1e-2}};
  contract.licence = {"MIT", "do as you like", "https://example.org", false};
  contract.provenance = {"mobilefacenet-arcface",
                         "somewhere",
                         Sha256Hex(Bytes("old")),
                         "contract_test",
                         {"channel order assumed"}};
  return contract;
}

std::string TextOf(const ModelContract& contract) {
  const Result<std::string> text = ContractText(contract);
  EXPECT_TRUE(text) << text.error().message;
  return text ? *text : "";
}

TEST(Contract, ComesBackAsItWasWritten) {
  const std::string text = TextOf(Full());
  const Result<ModelContract> again = ParseContract(text, "test");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(TextOf(*again), text);
  EXPECT_EQ(again->input.channel_order, ChannelOrder::kBgr);
  EXPECT_FALSE(again->input.normalised_inside);
  EXPECT_EQ(again->input.shape, (std::vector<std::int64_t>{-1, 3, 112, 112}));
  EXPECT_EQ(again->input.mean[2], 127.5);
  ASSERT_TRUE(again->threshold && again->threshold->target && again->threshold->interval);
  EXPECT_EQ(again->threshold->target->gallery_size, 5000);
  EXPECT_EQ(again->threshold->data->impostor_pairs, 400000);
  ASSERT_TRUE(again->probability);
  EXPECT_NEAR(again->probability->At(0.45), 0.625, 1e-12);
  EXPECT_EQ(again->quantization, Full().quantization);
  ASSERT_EQ(again->golden.size(), 2u);
  EXPECT_EQ(again->golden[0].png, Full().golden[0].png);
  EXPECT_EQ(again->golden[0].embedding, Full().golden[0].embedding);  // floats exactly
  EXPECT_EQ(again->provenance.notes, Full().provenance.notes);
}

TEST(Contract, TheLeastContractAndDetectors) {
  ModelContract contract = Full();
  contract.threshold.reset();
  contract.probability.reset();
  contract.golden.clear();
  contract.quantization.clear();
  contract.provenance = {"", "", "", "test", {}};
  EXPECT_TRUE(ParseContract(TextOf(contract), "test"));
  contract.task = ModelTask::kDetection;
  contract.outputs = {{"score_8", 1}, {"bbox_8", 4}, {"kps_8", 10}};
  const std::string text = TextOf(contract);
  EXPECT_EQ(text.find("alignment"), std::string::npos);
  const Result<ModelContract> again = ParseContract(text, "test");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->outputs.size(), 3u);
}

TEST(Contract, ErrorsNameTheKeyAndWhatWasWanted) {
  struct Case {
    std::function<void(Json&)> change;
    ErrorCode code;
    const char* message;  // part of it
  };
  const Case kCases[] = {
      {[](Json& c) { c.erase("input"); }, ErrorCode::kCorruptData, "input: is missing"},
      {[](Json& c) { c["format"] = "x"; }, ErrorCode::kCorruptData, "format"},
      {[](Json& c) { c["version"] = 2; }, ErrorCode::kUnsupported, "version: found 2, want 1"},
      {[](Json& c) { c["chanel_order"] = "RGB"; }, ErrorCode::kCorruptData, "chanel_order"},
      {[](Json& c) { c["input"]["chanel_order"] = "RGB"; }, ErrorCode::kCorruptData,
       "input.chanel_order: is no key"},
      {[](Json& c) { c["input"]["channel_order"] = "GBR"; }, ErrorCode::kCorruptData,
       "input.channel_order: found \"GBR\", want \"RGB\" or \"BGR\""},
      {[](Json& c) { c["input"]["layout"] = "NHWC"; }, ErrorCode::kUnsupported, "input.layout"},
      {[](Json& c) { c["input"]["normalisation"] = true; }, ErrorCode::kCorruptData,
       "input.normalisation: found true, want a text"},
      {[](Json& c) { c["input"]["scale"][1] = 0; }, ErrorCode::kCorruptData, "input.scale"},
      {[](Json& c) {
         c["input"]["mean"] = {1, 2};
       },
       ErrorCode::kCorruptData, "input.mean"},
      {[](Json& c) { c["input"]["mean"][0] = 1e9; }, ErrorCode::kCorruptData, "input.mean"},
      {[](Json& c) {
         c["input"]["shape"] = {0, 3};
       },
       ErrorCode::kCorruptData, "input.shape"},
      {[](Json& c) { c["input"]["shape"] = Json(std::vector<int>(9, 1)); },
       ErrorCode::kLimitExceeded, "input.shape"},
      {[](Json& c) { c["model"]["file"] = "../model.onnx"; }, ErrorCode::kCorruptData,
       "model.file"},
      {[](Json& c) { c["model"]["bytes"] = -1; }, ErrorCode::kCorruptData, "model.bytes"},
      {[](Json& c) { c["model"]["bytes"] = 1.5; }, ErrorCode::kCorruptData, "model.bytes"},
      {[](Json& c) { c["model"]["sha256"] = "ABC"; }, ErrorCode::kCorruptData, "model.sha256"},
      {[](Json& c) { c["alignment"]["crop_size_px"] = 100000; }, ErrorCode::kCorruptData,
       "alignment.crop_size_px"},
      {[](Json& c) { c["alignment"]["template"] = "a/b"; }, ErrorCode::kCorruptData,
       "alignment.template"},
      {[](Json& c) { c["outputs"] = Json::array(); }, ErrorCode::kCorruptData, "outputs"},
      {[](Json& c) { c["outputs"][0]["dimension"] = 4; }, ErrorCode::kCorruptData,
       "golden[0].embedding: 3 numbers, want 4"},
      {[](Json& c) { c["threshold"]["similarity"] = 1.5; }, ErrorCode::kCorruptData,
       "threshold.similarity: found 1.5, want a number from -1 to 1"},
      {[](Json& c) { c["threshold"]["origin"] = ""; }, ErrorCode::kCorruptData, "threshold.origin"},
      {[](Json& c) { c["threshold"]["target"]["value"] = 0; }, ErrorCode::kCorruptData,
       "threshold.target.value"},
      {[](Json& c) { c["threshold"]["target"].erase("gallery_size"); }, ErrorCode::kCorruptData,
       "threshold.target.gallery_size: is missing"},
      {[](Json& c) { c["threshold"]["interval"]["low"] = 0.9; }, ErrorCode::kCorruptData,
       "threshold.interval.low"},
      {[](Json& c) { c["probability"]["prior"] = 1; }, ErrorCode::kCorruptData,
       "probability.prior"},
      {[](Json& c) { c["probability"]["knots"][1][1] = -0.5; }, ErrorCode::kCorruptData,
       "probability.knots: item 1"},
      {[](Json& c) { c["probability"]["knots"][1][0] = -0.1; }, ErrorCode::kCorruptData,
       "probability.knots: item 1"},
      {[](Json& c) { c["probability"]["model"] = "beta"; }, ErrorCode::kCorruptData,
       "probability.model"},
      {[](Json& c) { c["quantization"] = 7; }, ErrorCode::kCorruptData, "quantization"},
      {[](Json& c) { c["quantization"]["blob"] = std::string(70000, 'x'); },
       ErrorCode::kLimitExceeded, "quantization"},
      {[](Json& c) { c["golden"][0]["png_base64"] = "????"; }, ErrorCode::kCorruptData,
       "golden[0].png_base64"},
      {[](Json& c) { c["golden"][0]["png_base64"] = "AAAA"; }, ErrorCode::kCorruptData,
       "golden[0].png_base64: has sha256"},
      {[](Json& c) { c["golden"][0]["embedding"][0] = "1"; }, ErrorCode::kCorruptData,
       "golden[0].embedding"},
      {[](Json& c) { c["golden"][0]["embedding"][0] = 1e300; }, ErrorCode::kCorruptData,
       "golden[0].embedding"},
      {[](Json& c) {
         c["golden"][1]["embedding"] = {0, 0, 0};
       },
       ErrorCode::kCorruptData, "golden[1].embedding: is all 0"},
      {[](Json& c) { c["licence"]["name"] = std::string(20000, 'x'); }, ErrorCode::kLimitExceeded,
       "licence.name"},
      {[](Json& c) { c["provenance"]["notes"] = {1}; }, ErrorCode::kCorruptData,
       "provenance.notes"},
      {[](Json& c) { c = Json::array(); }, ErrorCode::kCorruptData, "want an object"},
  };
  const Json good = Json::parse(TextOf(Full()));
  for (const Case& c : kCases) {
    Json bad = good;
    c.change(bad);
    const Result<ModelContract> got = ParseContract(bad.dump(), "a.visavis.json");
    ASSERT_FALSE(got) << c.message;
    EXPECT_EQ(got.error().code, c.code) << got.error().message;
    EXPECT_TRUE(got.error().message.starts_with("a.visavis.json: ")) << got.error().message;
    EXPECT_NE(got.error().message.find(c.message), std::string::npos)
        << "want " << c.message << " in " << got.error().message;
  }
}

TEST(Contract, HostileText) {
  const auto code = [](const std::string& text) {
    const Result<ModelContract> got = ParseContract(text, "x");
    return got ? std::optional<ErrorCode>() : got.error().code;
  };
  EXPECT_EQ(code(""), ErrorCode::kCorruptData);
  EXPECT_EQ(code("{"), ErrorCode::kCorruptData);
  EXPECT_EQ(code("\xff\xfe{}"), ErrorCode::kCorruptData);
  EXPECT_EQ(code(std::string(1000000, '[')), ErrorCode::kLimitExceeded);
  EXPECT_EQ(code(std::string(9 << 20, ' ')), ErrorCode::kLimitExceeded);
  EXPECT_EQ(code(R"({"format":"visavis-model-contract","version":1e999})"),
            ErrorCode::kCorruptData);
  std::string twice = TextOf(Full());
  twice.insert(1, R"("version":1,)");
  const Result<ModelContract> got = ParseContract(twice, "x");
  ASSERT_FALSE(got);
  EXPECT_NE(got.error().message.find("version\" is there twice"), std::string::npos)
      << got.error().message;
  // Every cut of a good file is an error, not a smaller contract.
  const std::string text = TextOf(Full());
  for (std::size_t n = 0; n + 2 < text.size(); n += 7)
    EXPECT_FALSE(ParseContract(text.substr(0, n), "x"));
}

TEST(Contract, WriterRefusesWhatTheReaderWould) {
  ModelContract contract = Full();
  contract.threshold->similarity = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(ContractText(contract).error().code, ErrorCode::kInvalidArgument);
  contract = Full();
  contract.quantization = "no json";
  EXPECT_EQ(ContractText(contract).error().code, ErrorCode::kInvalidArgument);
  contract = Full();
  contract.model_file = "/etc/passwd";
  EXPECT_EQ(ContractText(contract).error().code, ErrorCode::kInvalidArgument);
}

TEST(Contract, BesideTheModel) {
  EXPECT_EQ(ContractPathFor("a.b/model.onnx"), "a.b/model.visavis.json");
  EXPECT_EQ(ContractPathFor("a.b/model"), "a.b/model.visavis.json");
  const ScratchFolder folder;
  const std::string model = folder.path() + "/model.onnx";
  std::ofstream(model) << "model";
  ASSERT_TRUE(FindContractFor(model));
  EXPECT_FALSE(FindContractFor(model)->has_value());

  ASSERT_TRUE(WriteContract(Full(), ContractPathFor(model)));
  const auto found = FindContractFor(model);
  ASSERT_TRUE(found && *found);
  EXPECT_TRUE(CheckContract(**found, model));

  std::ofstream(model) << "nodel";  // same size
  Status status = CheckContract(**found, model);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kCorruptData);
  EXPECT_NE(status.error().message.find(Full().model_sha256), std::string::npos);
  EXPECT_NE(status.error().message.find(Sha256Hex(Bytes("nodel"))), std::string::npos);
  std::ofstream(model) << "longer model";
  status = CheckContract(**found, model);
  EXPECT_EQ(status.error().code, ErrorCode::kCorruptData);
  EXPECT_NE(status.error().message.find("12 bytes"), std::string::npos);
  std::filesystem::remove(model);
  EXPECT_EQ(CheckContract(**found, model).error().code, ErrorCode::kNotFound);

  std::ofstream(ContractPathFor(model)) << "{}";
  EXPECT_EQ(FindContractFor(model).error().code, ErrorCode::kCorruptData);
}

}  // namespace
}  // namespace visavis
