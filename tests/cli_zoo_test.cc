// `visavis zoo` and `visavis model extract` as users run them, without a network.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "base/sha256.h"
#include "tests/cli_fixture.h"
#include "zoo/test_archive.h"
#include "zoo/test_http_server.h"

namespace visavis {
namespace {

namespace fs = std::filesystem;

using Json = nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class CliZooTest : public CliTest {
 protected:
  CliZooTest() {
    options_.environment["XDG_CACHE_HOME"] = Path("cache");
    options_.environment["XDG_CONFIG_HOME"] = Path("config");
    options_.environment["VISAVIS_REGISTRY"] = "";
  }
  // Every line of standard output as JSON.
  static std::vector<Json> Lines(const std::string& out) {
    std::vector<Json> lines;
    std::istringstream stream(out);
    for (std::string line; std::getline(stream, line);) lines.push_back(Json::parse(line));
    return lines;
  }
};

TEST_F(CliZooTest, ListsAndDescribes) {
  const ProgramResult list = Run({"zoo", "list"});
  EXPECT_EQ(list.exit_code, 0) << list.err;
  EXPECT_THAT(list.out, HasSubstr("face-recognition-resnet100-arcface-onnx"));
  EXPECT_THAT(list.out, HasSubstr("non-commercial"));
  const ProgramResult names = Run({"zoo", "pull", "--print-all"});
  EXPECT_EQ(names.exit_code, 0);
  EXPECT_THAT(names.out, HasSubstr("mobilefacenet-arcface\n"));

  const Json info = Json::parse(Run({"zoo", "info", "--json", "face-recognition-*"}).out);
  ASSERT_EQ(info.size(), 5u);
  for (const char* key :
       {"name", "composite_model_name", "description", "framework", "license_url",
        "accuracy_config", "model_config", "precisions", "quantization_output_precisions",
        "subdirectory", "task_type", "input_info", "model_stages"}) {
    for (const Json& model : info) EXPECT_TRUE(model.contains(key)) << key;
  }
  EXPECT_EQ(info[0]["input_info"][0]["layout"], "NCHW");
  const ProgramResult text = Run({"zoo", "info", "mtcnn-caffe"});
  EXPECT_THAT(text.out, HasSubstr("kernels are transposed"));
}

TEST_F(CliZooTest, ChoosingIsCheckedFirst) {
  ExpectOneLineError(Run({"zoo", "info"}), 2, "want one of names");
  ExpectOneLineError(Run({"zoo", "pull", "mtcnn", "--all"}), 2, "want one of names");
  ExpectOneLineError(Run({"zoo", "pull", "no-such-model"}), 3, "no-such-model");
  ExpectOneLineError(Run({"zoo", "pull", "--list", Path("none.lst")}), 3, "none.lst");
  ExpectOneLineError(Run({"zoo", "path", "yunet-n"}), 3, "yunet-n");
}

TEST_F(CliZooTest, PullVerifyPathRemoveWithTheMirror) {
  VISAVIS_REQUIRE_SHARED("models/yunet");
  WriteText(Path("models.lst"), "# detectors\n'yunet-*'\nface-recognition-mobilefacenet-arcface\n");
  const ProgramResult pull =
      Run({"zoo", "pull", "--list", Path("models.lst"), "--jobs", "2", "-o", Path("out")});
  EXPECT_EQ(pull.exit_code, 0) << pull.err;
  EXPECT_TRUE(fs::exists(Path("out/yunet-n/yunet_n_dynamic.onnx")));
  EXPECT_TRUE(fs::exists(Path("out/mobilefacenet-arcface/model-0000.params")));
  EXPECT_EQ(Run({"zoo", "verify"}).exit_code, 0);
  const ProgramResult path = Run({"zoo", "path", "yunet-n"});
  EXPECT_EQ(path.exit_code, 0) << path.err;
  const std::string folder = path.out.substr(0, path.out.size() - 1);
  EXPECT_EQ(Run({"model", "info", folder + "/yunet_n_dynamic.onnx"}).exit_code, 0);

  WriteText(folder + "/yunet_n_dynamic.onnx", "damaged");
  const ProgramResult damaged = Run({"zoo", "verify", "yunet-n"});
  EXPECT_EQ(damaged.exit_code, 1);
  EXPECT_THAT(damaged.out, HasSubstr("damaged"));
  EXPECT_EQ(Run({"zoo", "pull", "yunet-n"}).exit_code, 0);
  EXPECT_EQ(Run({"zoo", "verify", "yunet-n"}).exit_code, 0);

  EXPECT_EQ(Run({"zoo", "remove", "--all"}).exit_code, 0);
  EXPECT_EQ(Run({"zoo", "verify", "yunet-n"}).exit_code, 1);
  EXPECT_THAT(Run({"zoo", "list", "--cached"}).out, Not(HasSubstr("yunet")));
}

TEST_F(CliZooTest, JsonLinesAndTheListOfFailures) {
  const std::string body(200'000, 'x');
  TestHttpServer server({{"/good", {.body = body}}, {"/bad", {.body = "wrong", .status = 500}}});
  const std::string sha256 =
      Sha256Hex({reinterpret_cast<const std::uint8_t*>(body.data()), body.size()});
  for (const std::string name : {"good", "bad"}) {
    const Json entry = {{"schema", 1},
                        {"name", "my-" + name},
                        {"licence", {{"text", "research only"}, {"terms", "non-commercial"}}},
                        {"files",
                         {{{"name", "f.onnx"},
                           {"bytes", body.size()},
                           {"sha256", sha256},
                           {"urls", {server.Url("/" + name)}}}}}};
    WriteText(Path("my-" + name + ".json"), entry.dump());
  }
  const ProgramResult import = Run({"zoo", "import", Path("my-good.json"), Path("my-bad.json")});
  EXPECT_EQ(import.exit_code, 0) << import.err;
  EXPECT_TRUE(fs::exists(Path("config/visavis/registry/my-good.json")));

  const ProgramResult refused = Run({"zoo", "pull", "my-good"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("licence not accepted"));
  EXPECT_TRUE(server.ranges().empty());

  const ProgramResult pull = Run({"zoo", "pull", "my-*", "--accept-license", "--progress-format",
                                  "json", "--num-attempts", "2", "--retry-delay", "1"});
  EXPECT_EQ(pull.exit_code, 1);
  EXPECT_THAT(pull.err, HasSubstr("FAILED: my-bad"));
  std::set<std::string> types;
  for (const Json& line : Lines(pull.out)) types.insert(line.at("$type").get<std::string>());
  EXPECT_EQ(types, (std::set<std::string>{"model_download_begin", "model_download_end",
                                          "model_file_download_begin", "model_file_download_end",
                                          "model_file_download_progress"}));
  EXPECT_EQ(server.ranges().size(), 3u) << "one good, two attempts at the bad one";
  EXPECT_EQ(Run({"zoo", "verify", "my-good"}).exit_code, 0);
}

TEST_F(CliZooTest, BadRegistriesAreToldAndDoNotStopTheRest) {
  fs::create_directories(Path("reg"));
  WriteText(Path("reg/broken.json"), std::string(50'000, '['));
  const ProgramResult list = Run({"zoo", "list", "--registry", Path("reg"), "yunet-n"});
  EXPECT_EQ(list.exit_code, 1);
  EXPECT_THAT(list.err, HasSubstr("broken.json: JSON nested 50000 deep"));
  EXPECT_THAT(list.out, HasSubstr("yunet-n"));
  ExpectOneLineError(Run({"zoo", "import", Path("reg")}), 6, "broken.json");
  EXPECT_FALSE(fs::exists(Path("config")));
}

TEST_F(CliZooTest, ModelArchivesAreInspected) {
  WriteTestArchive(Path("a.mar"), "zip",
                   {{"MAR-INF/MANIFEST.json", R"({"model": {"modelName": "arcface"}})"},
                    {"net.onnx", "x"},
                    {"service.py", "x"}});
  const ProgramResult look = Run({"model", "extract", Path("a.mar"), "--json"});
  EXPECT_EQ(look.exit_code, 0) << look.err;
  EXPECT_EQ(Json::parse(look.out)["model_name"], "arcface");
  EXPECT_EQ(Run({"model", "extract", Path("a.mar"), "-o", Path("out")}).exit_code, 0);
  EXPECT_EQ(Files("out"), std::set<std::string>{"net.onnx"});
  ExpectOneLineError(Run({"model", "extract", Path("a.mar"), "-o", Path("out")}), 2, "--force");
  WriteTestArchive(Path("b.mar"), "zip", {{"../x", "x"}});
  ExpectOneLineError(Run({"model", "extract", Path("b.mar")}), 4, "leaves the folder");
}

}  // namespace
}  // namespace visavis
