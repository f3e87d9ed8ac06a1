// model convert, doctor and pack as a user runs them.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/cli_fixture.h"

namespace visavis {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr const char* kWeights = "models/mobilefacenet-arcface/model-0000.params";

class CliModelTest : public CliTest {
 protected:
  // MobileFaceNet under `name`, converted with `options`.
  std::string Convert(const std::string& name, std::vector<std::string> options,
                      const std::string& from = SharedPath(kWeights)) const {
    std::vector<std::string> arguments{"model", "convert", from, Path(name)};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const ProgramResult result = Run(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return Path(name);
  }
  json Doctor(const std::string& model, int exit_code) const {
    const ProgramResult result = Run({"model", "doctor", "--no-faces", "--json", model});
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    return json::parse(result.out);
  }
  std::string Embedding(const std::string& model) const {
    const ProgramResult result =
        Run({"embed", "--model", model, "--aligned", Face(), "-o", Path("face.jsonl")});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return ReadText(Path("face.jsonl"));
  }
  static std::string Face() {
    return SharedPath("data/lfw/aligned/Abdullah_Gul/Abdullah_Gul_0001.jpg");
  }
};

TEST_F(CliModelTest, ADryRunSaysEverythingAndWritesNothing) {
  VISAVIS_REQUIRE_SHARED(kWeights);
  const ProgramResult result = Run({"model", "convert", SharedPath(kWeights), "--dry-run", "--json",
                                    "--fold-batchnorm", "--batch", "4", "--opset", "9"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json report = json::parse(result.out);
  EXPECT_EQ(report["dry_run"], true);
  EXPECT_EQ(report["before"]["nodes"], 148);
  EXPECT_EQ(report["after"]["nodes"], 98);
  EXPECT_EQ(report["after"]["opset"], 9);
  EXPECT_EQ(report["after"]["inputs"][0]["shape"][0], "4");
  EXPECT_FALSE(report["after"].contains("file_bytes"));
  EXPECT_TRUE(Files().empty());
}

TEST_F(CliModelTest, WhatCannotBeConvertedIsRefused) {
  VISAVIS_REQUIRE_SHARED(kWeights);
  const std::string model = Convert("face.onnx", {});
  const std::string before = ReadText(model);
  std::filesystem::create_symlink("face.onnx", Path("link.onnx"));
  ExpectOneLineError(Run({"model", "convert", model, model}), 2, "is the input");
  ExpectOneLineError(Run({"model", "convert", model, Path("link.onnx")}), 2, "is the input");
  ExpectOneLineError(Run({"model", "convert", model}), 2, "want OUT");
  const std::string out = Path("out.onnx");
  ExpectOneLineError(Run({"model", "convert", model, out, "--output", "nosuch"}), 3, "'nosuch'");
  ExpectOneLineError(Run({"model", "convert", model, out, "--batch", "few"}), 2, "dynamic");
  ExpectOneLineError(Run({"model", "convert", model, out, "--opset", "22"}), 2, "7 to 21");
  ExpectOneLineError(Run({"model", "convert", model, out, "--bf16", "--opset", "11"}), 5,
                     "no bfloat16");
  EXPECT_FALSE(std::filesystem::exists(out));
  EXPECT_EQ(ReadText(model), before);
}

TEST_F(CliModelTest, TheDoctorsLineMendsWhatItFound) {
  VISAVIS_REQUIRE_SHARED(kWeights);
  EXPECT_EQ(Doctor(SharedPath(kWeights), 0)["verdict"], "healthy");
  const std::string swapped = Convert("swapped.onnx", {"--reverse-input-channels=weights"});
  const json report = Doctor(swapped, 1);
  EXPECT_EQ(report["verdict"], "faulty");
  ASSERT_EQ(report["findings"].size(), 1u) << report;
  EXPECT_EQ(report["findings"][0]["name"], "swapped_channels");
  // "visavis model convert IN mended.onnx OPTION": run as told, but for the folder.
  std::istringstream words(report["findings"][0]["remedy"].get<std::string>());
  std::vector<std::string> line;
  for (std::string word; words >> word;) line.push_back(word);
  ASSERT_EQ(line.size(), 6u) << report;
  EXPECT_EQ(line[3], swapped);
  const std::string mended = Convert(line[4], {line[5]}, line[3]);
  EXPECT_EQ(Doctor(mended, 0)["verdict"], "healthy");
  EXPECT_EQ(Embedding(mended), Embedding(Convert("plain.onnx", {})));
  EXPECT_NE(Embedding(swapped), Embedding(mended));
}

TEST_F(CliModelTest, EmbeddingObeysTheContractOfAnOddNetwork) {
  VISAVIS_REQUIRE_SHARED(kWeights);
  const std::string wanted = Embedding(Convert("plain.onnx", {}));
  const std::string odd = Convert("odd.onnx", {"--reverse-input-channels", "--opset", "17"});
  EXPECT_NE(Embedding(odd), wanted);
  const ProgramResult packed = Run({"model", "pack", "--no-faces", "--channel-order", "BGR",
                                    "--threshold", "0.3", "--threshold-origin", "told", odd});
  ASSERT_EQ(packed.exit_code, 0) << packed.err;
  EXPECT_EQ(Embedding(odd), wanted);

  // One bit of one weight: the same size, another checksum.
  const std::string written_for = json::parse(Run({"model", "info", "--json", odd}).out)["sha256"];
  std::string bytes = ReadText(odd);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  WriteText(odd, bytes);
  const std::string found = json::parse(Run({"model", "info", "--json", odd}).out)["sha256"];
  EXPECT_NE(found, written_for);
  const std::string out = Path("none.npy");
  const ProgramResult refused = Run({"embed", "--model", odd, "--aligned", Face(), "-o", out});
  ExpectOneLineError(refused, 4, written_for);
  EXPECT_THAT(refused.err, HasSubstr(found));
  EXPECT_FALSE(std::filesystem::exists(out));
}

}  // namespace
}  // namespace visavis
