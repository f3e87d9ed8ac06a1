// `visavis zoo pull` killed at random moments: never a wrong file under its final name, and the
// next runs get on with it.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "base/sha256.h"
#include "tests/cli_fixture.h"
#include "tests/scratch_folder.h"
#include "zoo/test_archive.h"
#include "zoo/test_http_server.h"

namespace visavis {
namespace {

namespace fs = std::filesystem;

using Json = nlohmann::json;

std::string Sha256Of(const std::string& text) {
  return Sha256Hex({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

// Bytes that differ from file to file.
std::string Noise(std::size_t size, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

class ZooKillTest : public ScratchTest {
 protected:
  ZooKillTest() {
    fs::create_directories(dir_ + "/registry");
    options_.environment = {{"XDG_CACHE_HOME", dir_ + "/cache"},
                            {"XDG_CONFIG_HOME", dir_ + "/config"},
                            {"VISAVIS_REGISTRY", dir_ + "/registry"},
                            {"VISAVIS_MIRROR", dir_ + "/mirror"}};
    options_.timeout_s = 60;
  }

  // A model of three files, one of them in an archive.
  void MakeModel() {
    files_ = {{"a.onnx", Noise(300'000, 1)},
              {"b.params", Noise(50'000, 2)},
              {"c.onnx", Noise(100'000, 3)}};
    const std::string zip = dir_ + "/c.zip";
    WriteTestArchive(zip, "zip", {{"in/c.onnx", files_["c.onnx"]}});
    const std::string zip_bytes = ReadText(zip);
    // Slow enough for kills to fall into transfers, fast enough for 200 of them.
    const auto page = [](const std::string& body) {
      return TestPage{.body = body, .drip_bytes = 30'000, .drip_ms = 1};
    };
    server_ = std::make_unique<TestHttpServer>(
        std::map<std::string, TestPage>{{"/a.onnx", page(files_["a.onnx"])},
                                        {"/b.params", page(files_["b.params"])},
                                        {"/c.zip", page(zip_bytes)}});
    const auto entry = [&](const std::string& name, const std::string& body) {
      return Json{{"name", name},
                  {"bytes", body.size()},
                  {"sha256", Sha256Of(body)},
                  {"urls", {server_->Url("/" + name)}}};
    };
    Json c = entry("c.onnx", files_["c.onnx"]);
    c["archive"] = "c.zip";
    c.erase("urls");
    const Json model = {
        {"schema", 1},
        {"name", "killed"},
        {"licence", {{"text", "x"}, {"terms", "permissive"}}},
        {"files", {entry("a.onnx", files_["a.onnx"]), entry("b.params", files_["b.params"]), c}},
        {"archives", {entry("c.zip", zip_bytes)}}};
    WriteText(dir_ + "/registry/killed.json", model.dump());
  }

  ProgramResult Pull(int kill_after_us) {
    options_.kill_after_us = kill_after_us;
    return RunProgram({VISAVIS_PROGRAM, "zoo", "pull", "killed", "--num-attempts", "1"}, options_);
  }

  // How many files are there; every one of them must be right.
  int CheckFinalNames() const {
    int there = 0;
    for (const auto& [name, body] : files_) {
      const std::string path = dir_ + "/cache/visavis/killed/" + name;
      if (!fs::exists(path)) continue;
      ++there;
      EXPECT_TRUE(ReadText(path) == body) << name << " is wrong under its final name";
    }
    return there;
  }

  ProgramOptions options_;
  std::map<std::string, std::string> files_;
  std::unique_ptr<TestHttpServer> server_;
};

TEST_F(ZooKillTest, TwoHundredKills) {
  MakeModel();
  constexpr int kKills = 200;
  std::mt19937 random(7);
  int killed = 0;
  int finished = 0;
  for (int i = 0; i < kKills && !HasFailure(); ++i) {
    const ProgramResult result = Pull(static_cast<int>(random() % 60'000));
    killed += result.signal == SIGKILL ? 1 : 0;
    if (CheckFinalNames() == 3) {  // begin again
      ++finished;
      fs::remove_all(dir_ + "/cache/visavis/killed");
      fs::remove_all(dir_ + "/cache/visavis/1");
    }
  }
  RecordProperty("killed", killed);
  RecordProperty("finished", finished);
  std::printf("%d of %d runs killed, the model was complete %d times\n", killed, kKills, finished);
  EXPECT_GT(killed, kKills / 2) << "the delays no longer fit the program";

  const ProgramResult last = Pull(-1);
  EXPECT_EQ(last.exit_code, 0) << last.err;
  EXPECT_EQ(CheckFinalNames(), 3);
  options_.kill_after_us = -1;
  const ProgramResult verified = RunProgram({VISAVIS_PROGRAM, "zoo", "verify", "killed"}, options_);
  EXPECT_EQ(verified.exit_code, 0) << verified.out;
  // What the kills left is cleaned up by the next run.
  int leftovers = 0;
  for (const auto& entry : fs::recursive_directory_iterator(dir_ + "/cache")) {
    const std::string name = entry.path().filename().string();
    leftovers += name.ends_with(".part") || name.ends_with(".unpacked") ? 1 : 0;
  }
  EXPECT_EQ(leftovers, 0);
}

}  // namespace
}  // namespace visavis
