// Whole fetches against a local server: archives, steps, licences, checksums trusted on first use.
#include "zoo/pull.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/sha256.h"
#include "tests/scratch_folder.h"
#include "zoo/installed.h"
#include "zoo/test_archive.h"
#include "zoo/test_http_server.h"

namespace visavis {
namespace {

namespace fs = std::filesystem;

using Json = nlohmann::json;
using testing::HasSubstr;

std::string Sha256Of(const std::string& text) {
  return Sha256Hex({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

std::string Sha384Of(const std::string& text) {
  Sha384 hash;
  hash.Update({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  return hash.HexDigest();
}

class PullTest : public ScratchTest {
 protected:
  PullTest() {
    cache_ = dir_ + "/cache";
    options_.cache_dir = cache_;
    options_.mirrors = {dir_ + "/mirror"};
    options_.retry_delay_ms = 1;
    options_.on_event = [this](const FetchEvent& event) { events_.push_back(event); };
    fs::create_directories(dir_ + "/registry");
  }

  void Serve(std::map<std::string, TestPage> pages) {
    server_ = std::make_unique<TestHttpServer>(std::move(pages));
  }
  Json File(const std::string& name, const std::string& body) const {
    return {{"name", name},
            {"bytes", body.size()},
            {"sha256", Sha256Of(body)},
            {"urls", {server_->Url("/" + name)}}};
  }
  void AddEntry(const std::string& name, const std::vector<Json>& files,
                const Json& more = Json::object(), const std::string& terms = "permissive") {
    Json entry = {{"schema", 1},
                  {"name", name},
                  {"licence", {{"text", "words"}, {"terms", terms}}},
                  {"files", files}};
    entry.update(more);
    std::ofstream(dir_ + "/registry/" + name + ".json") << entry.dump();
    OpenRegistry();
  }
  void AddOmz(const std::string& name, const std::string& files_and_steps) {
    fs::create_directories(dir_ + "/registry/" + name);
    std::ofstream(dir_ + "/registry/" + name + "/model.yml")
        << "description: d\ntask_type: detection\nframework: caffe\nlicense: https://x/L\n"
        << files_and_steps;
    OpenRegistry();
  }
  void OpenRegistry() {
    registry_ = std::make_unique<Registry>(Registry::Open({dir_ + "/registry"}));
    for (const Error& problem : registry_->problems()) ADD_FAILURE() << problem.message;
    options_.registry = registry_.get();
  }
  Result<std::string> Fetch(const std::string& name) { return FetchAsset(name, options_); }
  // No file in the cache that is under its final name.
  bool NothingUnderFinalNames() const {
    for (const auto& entry : fs::recursive_directory_iterator(cache_)) {
      const std::string path = entry.path().string();
      if (entry.is_regular_file() && path.find("/1/") == std::string::npos &&
          path.find("/licences/") == std::string::npos) {
        return false;
      }
    }
    return true;
  }

  std::string cache_;
  FetchOptions options_;
  std::unique_ptr<TestHttpServer> server_;
  std::unique_ptr<Registry> registry_;
  std::vector<FetchEvent> events_;
};

TEST_F(PullTest, FilesAreSharedByChecksumAndToldLikeOpenModelZoo) {
  const std::string body(100'000, 'b');
  Serve({{"/f.bin", {.body = body}}});
  AddEntry("one", {File("f.bin", body)});
  AddEntry("two", {File("f.bin", body)});
  const auto folder = Fetch("one");
  ASSERT_TRUE(folder) << folder.error().message;
  EXPECT_EQ(ReadText(*folder + "/f.bin"), body);
  const std::string sha256 = Sha256Of(body);
  EXPECT_EQ(ReadText(cache_ + "/1/" + sha256.substr(0, 2) + "/" + sha256.substr(2)), body);
  ASSERT_GE(events_.size(), 5u);
  EXPECT_EQ(events_[0].kind, FetchEvent::Kind::kModelBegin);
  EXPECT_EQ(events_[0].size, 1);
  EXPECT_EQ(events_[1].kind, FetchEvent::Kind::kFileBegin);
  EXPECT_EQ(events_[1].size, 100'000);
  EXPECT_EQ(events_[2].kind, FetchEvent::Kind::kFileProgress);
  EXPECT_TRUE(events_.back().kind == FetchEvent::Kind::kModelEnd && events_.back().successful);

  ASSERT_TRUE(Fetch("two"));
  EXPECT_EQ(server_->ranges().size(), 1u) << "the store had it";

  const Asset& one = *registry_->Find("one");
  const Asset& two = *registry_->Find("two");
  EXPECT_EQ(VerifyAsset(cache_, one, nullptr)->front().state, FileCheck::State::kOk);
  EXPECT_LT(RemoveAsset(cache_, one, false, nullptr).value(), 1000) << "the other still needs it";
  EXPECT_FALSE(IsInstalled(cache_, one));
  EXPECT_TRUE(IsInstalled(cache_, two));
  EXPECT_GE(RemoveAsset(cache_, two, false, nullptr).value(), 100'000);
  EXPECT_FALSE(fs::exists(cache_ + "/1/" + sha256.substr(0, 2) + "/" + sha256.substr(2)));
}

TEST_F(PullTest, VerifyFindsDamage) {
  Serve({{"/f", {.body = "right"}}});
  AddEntry("m", {File("f", "right")});
  const std::string folder = Fetch("m").value();
  fs::remove(folder + "/f");
  EXPECT_EQ(VerifyAsset(cache_, *registry_->Find("m"), nullptr)->front().state,
            FileCheck::State::kMissing);
  std::ofstream(folder + "/f") << "wrong";
  EXPECT_EQ(VerifyAsset(cache_, *registry_->Find("m"), nullptr)->front().state,
            FileCheck::State::kDamaged);
  ASSERT_TRUE(Fetch("m"));
  EXPECT_EQ(ReadText(folder + "/f"), "right");
}

TEST_F(PullTest, LaterUrlsAreTriedAndFailuresTold) {
  Serve({{"/wrong", {.body = "wrong"}}, {"/f", {.body = "right"}}});
  Json file = File("f", "right");
  file["urls"] = {server_->Url("/gone"), server_->Url("/wrong"), server_->Url("/f")};
  AddEntry("m", {file});
  const auto folder = Fetch("m");
  ASSERT_TRUE(folder) << folder.error().message;
  file["urls"] = {server_->Url("/gone"), server_->Url("/wrong")};
  AddEntry("n", {file});
  fs::remove_all(cache_);
  EXPECT_EQ(Fetch("n").error().code, ErrorCode::kCorruptData);
  EXPECT_TRUE(NothingUnderFinalNames());
}

TEST_F(PullTest, MembersOfAnArchiveAreChecked) {
  const std::string zip = dir_ + "/pack.zip";
  WriteTestArchive(zip, "zip", {{"pack/det.onnx", "detector"}, {"pack/rec.onnx", "recogniser"}});
  const std::string bytes = ReadText(zip);
  Serve({{"/pack.zip", {.body = bytes, .cut_after = 50}}});
  const Json archives = {{"archives", {File("pack.zip", bytes)}}};
  AddEntry("pack",
           {Json::object(
                {{"name", "det.onnx"}, {"sha256", Sha256Of("detector")}, {"archive", "pack.zip"}}),
            Json::object({{"name", "rec.onnx"}, {"bytes", 10}, {"archive", "pack.zip"}})},
           archives);
  const auto folder = Fetch("pack");
  ASSERT_TRUE(folder) << folder.error().message;
  EXPECT_EQ(ReadText(*folder + "/det.onnx"), "detector");
  EXPECT_EQ(ReadText(*folder + "/rec.onnx"), "recogniser");
  EXPECT_EQ(server_->ranges(), (std::vector<std::string>{"", "50-"}));
  EXPECT_TRUE(IsInstalled(cache_, *registry_->Find("pack")))
      << "the archive's checksum vouched for the member without one";
  EXPECT_FALSE(fs::exists(cache_ + "/1/staging/pack")) << "nothing is left of the archive";

  AddEntry("liar",
           {Json::object(
               {{"name", "det.onnx"}, {"sha256", Sha256Of("another")}, {"archive", "pack.zip"}})},
           archives);
  EXPECT_EQ(Fetch("liar").error().code, ErrorCode::kCorruptData);
  EXPECT_FALSE(fs::exists(cache_ + "/liar/det.onnx"));
  AddEntry("absent", {Json::object({{"name", "none.onnx"}, {"archive", "pack.zip"}})}, archives);
  EXPECT_EQ(Fetch("absent").error().code, ErrorCode::kNotFound);
}

TEST_F(PullTest, HostileArchivesLeaveNothing) {
  const std::string zip = dir_ + "/bad.zip";
  WriteTestArchive(zip, "zip", {{"a.onnx", "x"}, {"../../../escaped", "x"}});
  const std::string bytes = ReadText(zip);
  Serve({{"/bad.zip", {.body = bytes}}});
  AddEntry("bad", {Json::object({{"name", "a.onnx"}, {"archive", "bad.zip"}})},
           {{"archives", {File("bad.zip", bytes)}}});
  EXPECT_EQ(Fetch("bad").error().code, ErrorCode::kCorruptData);
  AddOmz("omz", "files:\n  - {name: bad.zip, size: " + std::to_string(bytes.size()) +
                    ", checksum: " + Sha384Of(bytes) + ", source: \"" + server_->Url("/bad.zip") +
                    "\"}\npostprocessing: [{$type: unpack_archive, file: bad.zip, format: zip}]\n");
  options_.accept_licence = true;
  EXPECT_EQ(Fetch("omz").error().code, ErrorCode::kCorruptData);
  EXPECT_TRUE(NothingUnderFinalNames());
  for (const auto& entry : fs::recursive_directory_iterator(dir_)) {
    EXPECT_NE(entry.path().filename(), "escaped");
  }
}

TEST_F(PullTest, OpenModelZooStepsAreDoneOnceAndVerified) {
  const std::string prototxt = "dim: 1 dim: 3 dim: 12 dim: 12";
  const std::string tar = dir_ + "/w.tar.gz";
  WriteTestArchive(tar, "tar.gz", {{"w/net.params", "weights"}});
  const std::string bytes = ReadText(tar);
  Serve({{"/p", {.body = prototxt}}, {"/w", {.body = bytes}}});
  AddOmz("net", "files:\n  - {name: p.prototxt, size: " + std::to_string(prototxt.size()) +
                    ", checksum: " + Sha384Of(prototxt) + ", source: \"" + server_->Url("/p") +
                    "\"}\n  - {name: w.tar.gz, size: " + std::to_string(bytes.size()) +
                    ", checksum: " + Sha384Of(bytes) + ", source: \"" + server_->Url("/w") +
                    "\"}\npostprocessing:\n"
                    "  - {$type: regex_replace, file: p.prototxt, pattern: 'dim: 12', "
                    "replacement: 'dim: 720', count: 1}\n"
                    "  - {$type: unpack_archive, file: w.tar.gz, format: gztar}\n");
  options_.accept_licence = true;
  const auto folder = Fetch("net");
  ASSERT_TRUE(folder) << folder.error().message;
  EXPECT_EQ(ReadText(*folder + "/p.prototxt"), "dim: 1 dim: 3 dim: 720 dim: 12");
  EXPECT_EQ(ReadText(*folder + "/p.prototxt.orig"), prototxt);
  EXPECT_EQ(ReadText(*folder + "/w/net.params"), "weights");
  EXPECT_FALSE(fs::exists(*folder + "/w.tar.gz"));
  const Asset& net = *registry_->Find("net");
  EXPECT_TRUE(IsInstalled(cache_, net));
  ASSERT_TRUE(Fetch("net"));
  EXPECT_EQ(server_->ranges().size(), 2u) << "nothing is fetched twice";

  std::ofstream(*folder + "/w/net.params") << "damaged";
  EXPECT_FALSE(IsInstalled(cache_, net));
  int damaged = 0;
  const std::vector<FileCheck> checks = VerifyAsset(cache_, net, nullptr).value();
  for (const FileCheck& check : checks) {
    damaged += check.state == FileCheck::State::kDamaged ? 1 : 0;
  }
  EXPECT_EQ(damaged, 1);
  ASSERT_TRUE(Fetch("net"));
  EXPECT_EQ(ReadText(*folder + "/w/net.params"), "weights");
  EXPECT_EQ(server_->ranges().size(), 2u) << "from the store";

  const auto exported = ExportAsset(cache_, net, dir_ + "/out");
  ASSERT_TRUE(exported);
  EXPECT_EQ(*exported, dir_ + "/out/public/net");
  EXPECT_EQ(ReadText(*exported + "/w/net.params"), "weights");
}

TEST_F(PullTest, ChecksumsAreTrustedOnFirstUseOnlyWhenAskedTo) {
  Serve({{"/f", {.body = "first"}}});
  AddEntry("m", {Json::object({{"name", "f"}, {"urls", {server_->Url("/f")}}})});
  const auto refused = Fetch("m");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(refused.error().message, HasSubstr("--allow-unverified"));
  EXPECT_TRUE(server_->ranges().empty());

  options_.allow_unverified = true;
  ASSERT_TRUE(Fetch("m"));
  EXPECT_TRUE(IsInstalled(cache_, *registry_->Find("m")));
  options_.allow_unverified = false;
  ASSERT_TRUE(Fetch("m")) << "now its checksum is known";
  ASSERT_TRUE(RemoveAsset(cache_, *registry_->Find("m"), false, nullptr));

  const std::string url = server_->Url("/f");
  server_.reset();
  Serve({{"/f", {.body = "other"}}});
  AddEntry("m", {Json::object({{"name", "f"}, {"urls", {server_->Url("/f")}}})});
  options_.allow_unverified = true;
  EXPECT_EQ(Fetch("m").error().code, ErrorCode::kCorruptData) << "the record outlives the file";
  ASSERT_TRUE(RemoveAsset(cache_, *registry_->Find("m"), /*forget=*/true, nullptr));
  EXPECT_TRUE(Fetch("m"));
}

TEST_F(PullTest, LicencesAreAcceptedBeforeTheFirstByte) {
  Serve({{"/f", {.body = "bytes"}}});
  for (const char* terms : {"non-commercial", "disputed", "unknown"}) {
    SCOPED_TRACE(terms);
    fs::remove_all(cache_);
    options_.accept_licence = false;
    options_.ask_licence = {};
    AddEntry("m", {File("f", "bytes")}, Json::object(), terms);
    const std::size_t before = server_->ranges().size();
    const auto refused = Fetch("m");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(refused.error().message, HasSubstr("--accept-license"));
    options_.ask_licence = [](const Asset&) { return false; };
    EXPECT_FALSE(Fetch("m"));
    EXPECT_EQ(server_->ranges().size(), before);
    int asked = 0;
    options_.ask_licence = [&](const Asset&) { return ++asked > 0; };
    ASSERT_TRUE(Fetch("m"));
    ASSERT_TRUE(RemoveAsset(cache_, *registry_->Find("m"), false, nullptr));
    ASSERT_TRUE(Fetch("m")) << "the acceptance is recorded";
    EXPECT_EQ(asked, 1);
    const Json record = Json::parse(ReadText(cache_ + "/licences/m.json"));
    EXPECT_EQ(record.at("accepted_by"), "prompt");
    EXPECT_EQ(record.at("terms"), terms);
  }
}

TEST_F(PullTest, FilesOfAMirrorNeedNoAcceptance) {
  Serve({});
  AddEntry("m", {File("f", "bytes")}, Json::object(), "non-commercial");
  fs::create_directories(dir_ + "/mirror/m");
  std::ofstream(dir_ + "/mirror/m/f") << "bytes";
  EXPECT_TRUE(Fetch("m"));
}

TEST_F(PullTest, ManyAtOnceAndOneResultEach) {
  std::map<std::string, TestPage> pages;
  for (int i = 0; i < 8; ++i) {
    pages["/f" + std::to_string(i)] = {.body = std::string(1000, static_cast<char>('a' + i))};
  }
  Serve(pages);
  std::vector<std::string> names;
  for (int i = 0; i < 8; ++i) {
    const std::string file = "f" + std::to_string(i);
    names.push_back("m" + std::to_string(i));
    AddEntry(names.back(), {File(file, i == 5 ? "not this" : pages["/" + file].body)});
  }
  std::vector<const Asset*> assets;
  for (const std::string& name : names) assets.push_back(registry_->Find(name));
  const auto results = PullAssets(assets, dir_ + "/out", 4, options_);
  ASSERT_EQ(results.size(), 8u);
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(results[i].asset, assets[i]);
    EXPECT_EQ(results[i].status.has_value(), i != 5) << i;
    EXPECT_EQ(fs::exists(dir_ + "/out/" + names[i] + "/f" + std::to_string(i)), i != 5);
  }
}

}  // namespace
}  // namespace visavis
