#include "model/load.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "model/mxnet/test_files.h"
#include "visavis/model.h"

namespace visavis {
namespace {

namespace fs = std::filesystem;

// An empty folder for one test.
class LoadTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        fs::temp_directory_path() / (std::string("visavis_load_") +
                                     testing::UnitTest::GetInstance()->current_test_info()->name() +
                                     std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string Path(const std::string& name) const { return (folder_ / name).string(); }
  void Write(const std::string& name, std::span<const std::uint8_t> bytes) const {
    std::ofstream file(folder_ / name, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
  void WriteSymbol(const std::string& name) const {
    Write(name, mxnet::AsBytes(R"({"nodes": [{"op": "null", "name": "data"},
        {"op": "_plus_scalar", "name": "y", "attrs": {"scalar": "1"}, "inputs": [[0, 0]]}],
        "heads": [[1, 0]]})"));
  }
  void WriteParams(const std::string& name) const {
    Write(name, mxnet::ParamsBuilder().Add("arg:unused", {1}, {1}).Build());
  }
  static void ExpectError(const Result<LoadedModel>& loaded, ErrorCode code,
                          const std::string& part) {
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, code);
    EXPECT_NE(loaded.error().message.find(part), std::string::npos) << loaded.error().message;
  }

  fs::path folder_;
};

TEST_F(LoadTest, AnyHandleOfAPairFindsBothHalves) {
  WriteSymbol("net-symbol.json");
  WriteParams("net-0003.params");
  for (const char* name : {"net", "net-symbol.json", "net-0003.params"}) {
    const auto loaded = LoadModel(Path(name), Limits{});
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(loaded->format, "mxnet");
    EXPECT_EQ(loaded->weights_path, Path("net-0003.params"));
  }
}

TEST_F(LoadTest, TheLastEpochIsTaken) {
  WriteSymbol("net-symbol.json");
  for (const char* name : {"net-0009.params", "net-0010.params", "net-x.params", "net2-0011.params",
                           "net-10000.params"}) {
    WriteParams(name);
  }
  EXPECT_EQ(LoadModel(Path("net"), Limits{})->weights_path, Path("net-10000.params"));
  EXPECT_EQ(LoadModel(Path("net-0009.params"), Limits{})->weights_path, Path("net-0009.params"));
}

TEST_F(LoadTest, MissingHalvesAreNamed) {
  WriteSymbol("a-symbol.json");
  ExpectError(LoadModel(Path("a"), Limits{}), ErrorCode::kNotFound,
              "a-symbol.json: its weights " + Path("a") + "-NNNN.params are missing");
  WriteParams("b-0001.params");
  ExpectError(LoadModel(Path("b-0001.params"), Limits{}), ErrorCode::kNotFound,
              "its network " + Path("b-symbol.json") + " is missing");
  ExpectError(LoadModel(Path("c"), Limits{}), ErrorCode::kNotFound, Path("c"));
}

TEST_F(LoadTest, ContentDecidesNotTheName) {
  WriteParams("weights.onnx");
  ExpectError(LoadModel(Path("weights.onnx"), Limits{}), ErrorCode::kInvalidArgument,
              "must be named PREFIX-NNNN.params");
  WriteSymbol("network.json");
  ExpectError(LoadModel(Path("network.json"), Limits{}), ErrorCode::kInvalidArgument,
              "must be named PREFIX-symbol.json");
  Write("text.onnx", mxnet::AsBytes("hello, I am no model"));
  ExpectError(LoadModel(Path("text.onnx"), Limits{}), ErrorCode::kCorruptData, "text.onnx");
  Write("empty.onnx", {});
  ExpectError(LoadModel(Path("empty.onnx"), Limits{}), ErrorCode::kCorruptData, "is empty");
}

TEST_F(LoadTest, FilesBeyondTheLimitAndFoldersAreRefused) {
  Write("large.onnx", mxnet::Bytes(100));
  Limits limits;
  limits.model_file_bytes = 99;
  ExpectError(LoadModel(Path("large.onnx"), limits), ErrorCode::kLimitExceeded, "large.onnx");
  ExpectError(LoadModel(folder_.string(), Limits{}), ErrorCode::kInvalidArgument, "directory");
}

TEST_F(LoadTest, SavingWhereNothingCanBeWrittenIsAnError) {
  WriteSymbol("net-symbol.json");
  WriteParams("net-0000.params");
  const auto model = Model::Load(Path("net"));
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_FALSE(model->SaveOnnx(Path("no/such/folder.onnx")));
  ASSERT_TRUE(model->SaveOnnx(Path("net.onnx")));
  EXPECT_TRUE(Model::Load(Path("net.onnx")));
}

}  // namespace
}  // namespace visavis
