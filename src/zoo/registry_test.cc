#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/scratch_folder.h"
#include "visavis/zoo.h"
#include "zoo/registry_entry.h"
#include "zoo/registry_folder.h"
#include "zoo/select.h"

namespace visavis {
namespace {

namespace fs = std::filesystem;

using testing::HasSubstr;
using testing::StartsWith;

std::string File(const std::string& name) {
  return R"({"name": ")" + name + R"(", "bytes": 3, "urls": ["http://x/y"], "sha256": ")" +
         std::string(64, 'a') + "\"}";
}

std::string Entry(const std::string& name, const std::string& files, const std::string& more = "") {
  return R"({"schema": 1, "name": ")" + name +
         R"(", "licence": {"text": "MIT", "terms": "permissive"}, "files": [)" + files + "]" +
         more + "}";
}

TEST(BuiltInRegistry, HoldsTheModelsPeopleKnow) {
  const Registry registry = Registry::Open({});
  for (const char* name : {"face-recognition-resnet100-arcface-onnx",
                           "arcfaceresnet100-8",
                           "arcfaceresnet100-11-int8",
                           "face-recognition-mobilefacenet-arcface",
                           "face-recognition-resnet34-arcface",
                           "face-recognition-resnet50-arcface",
                           "face-recognition-resnet100-arcface",
                           "r100-ii",
                           "buffalo_l",
                           "buffalo_m",
                           "buffalo_s",
                           "buffalo_sc",
                           "antelopev2",
                           "mtcnn",
                           "mtcnn-caffe",
                           "scrfd-500m",
                           "scrfd-2.5g",
                           "scrfd-10g",
                           "yunet-n",
                           "yunet-s",
                           "sface",
                           "mobilefacenet-arcface",
                           "lresnet100e-ir"}) {
    EXPECT_NE(registry.Find(name), nullptr) << name;
  }
  EXPECT_EQ(registry.Find("no-such-model"), nullptr);
  EXPECT_TRUE(registry.problems().empty());
}

TEST(BuiltInRegistry, SaysWhatEveryEntryIs) {
  const Registry registry = Registry::Open({});
  for (const Asset& asset : registry.assets()) {
    SCOPED_TRACE(asset.name);
    EXPECT_FALSE(asset.task.empty());
    EXPECT_FALSE(asset.framework.empty());
    EXPECT_FALSE(asset.description.empty());
    EXPECT_FALSE(asset.licence.empty());
    EXPECT_FALSE(asset.inputs.empty());
    EXPECT_FALSE(asset.sources.empty()) << "facts have sources";
    EXPECT_NE(asset.terms, LicenceTerms::kUnknown);
    for (const AssetFile& file : asset.files) {
      // Bytes are vouched for: by the file's checksum or by its archive's.
      const bool in_archive = !file.archive.empty() && asset.archives.front().has_checksum();
      EXPECT_TRUE(file.has_checksum() || in_archive) << file.name;
    }
    for (const PublishedAccuracy& accuracy : asset.accuracy) {
      EXPECT_FALSE(accuracy.protocol.empty());
      EXPECT_FALSE(accuracy.source.empty());
    }
  }
}

TEST(BuiltInRegistry, PinsBothBuildsOfTheModelZoosFile) {
  const Registry registry = Registry::Open({});
  const AssetFile& file = registry.Find("face-recognition-resnet100-arcface-onnx")->files.front();
  EXPECT_TRUE(file.sha256.starts_with("f3a6bc28"));
  ASSERT_EQ(file.other_builds.size(), 1u);
  EXPECT_TRUE(file.other_builds[0].sha256.starts_with("f0a2e278"));
  EXPECT_TRUE(file.other_builds[0].sha384.starts_with("4bceb34e"));
  for (const char* pack : {"buffalo_l", "buffalo_m", "buffalo_s", "buffalo_sc", "antelopev2"}) {
    EXPECT_EQ(registry.Find(pack)->terms, LicenceTerms::kNonCommercial) << pack;
  }
}

TEST(RegistryEntry, ReadsAnEntry) {
  const auto asset = ParseRegistryEntry(
      Entry("a", File("f.onnx"), R"(, "aliases": ["b"], "threshold": 0.3, "threshold_origin": "o",
        "inputs": [{"name": "data", "shape": ["N", 3, 112, 112], "normalisation": "graph"}])"),
      "f");
  ASSERT_TRUE(asset) << asset.error().message;
  EXPECT_EQ(asset->folder, "a");
  EXPECT_EQ(asset->files.front().size_bytes, 3);
  EXPECT_EQ(asset->inputs.front().shape, (std::vector<std::string>{"N", "3", "112", "112"}));
  EXPECT_FALSE(asset->must_accept_licence());
}

TEST(RegistryEntry, RefusesWhatIsNotOne) {
  const std::string good = File("f");
  ASSERT_TRUE(ParseRegistryEntry(Entry("a", good), "f"));
  for (const std::string& text :
       {std::string("{"),
        std::string("[]"),
        std::string("7"),
        Entry("a", ""),
        Entry("", good),
        Entry("a/b", good),
        Entry("..", good),
        Entry(".a", good),
        Entry("a\\n", good),
        Entry(std::string(300, 'a'), good),
        Entry("a", File("../f")),
        Entry("a", File("/etc/f")),
        Entry("a", File("a/../../f")),
        Entry("a", good + "," + good),
        Entry("a", R"({"name": "f", "sha256": "abc"})"),
        Entry("a", R"({"name": "f", "sha265": "misspelt"})"),
        Entry("a", R"({"name": "f", "bytes": -1})"),
        Entry("a", R"({"name": "f", "bytes": 1e300})"),
        Entry("a", R"({"name": "f", "urls": ["file:///etc/passwd"]})"),
        Entry("a", R"({"name": "f", "archive": "none.zip"})"),
        Entry("a", good, R"(, "threshold": 0.5)"),
        Entry("a", good, R"(, "inputs": 7)"),
        Entry("a", good, R"(, "licence": {"text": "x", "terms": "free beer"})"),
        R"({"schema": 1, "name": "a", "files": [)" + good + "]}"}) {
    const auto asset = ParseRegistryEntry(text, "file.json");
    ASSERT_FALSE(asset) << text;
    EXPECT_EQ(asset.error().code, ErrorCode::kCorruptData) << text;
    EXPECT_TRUE(asset.error().message.starts_with("file.json")) << asset.error().message;
  }
  const std::pair<std::string, std::string> messages[] = {
      {Entry("a", R"({"name": "f", "sha265": "misspelt"})"),
       "file.json: files[0].sha265: is no key of this version, want one of archive, bytes, "},
      {Entry("a", R"({"name": "f", "bytes": -1})"),
       "file.json: files[0].bytes: found -1, want a whole number from 0 to 1099511627776"},
      {Entry("a", R"({"name": "f", "other_builds": [{"sha256": 5}]})"),
       "file.json: files[0].other_builds[0].sha256: found 5, want a text"},
      {Entry("a", good, R"(, "name": "b")"), "file.json: key \"name\" is there twice"},
      {Entry("a", good, R"(, "notes": ["x", 7])"), "file.json: notes[1]: found 7, want a text"}};
  for (const auto& [text, message] : messages) {
    EXPECT_THAT(ParseRegistryEntry(text, "file.json").error().message, StartsWith(message));
  }
  EXPECT_TRUE(ParseRegistryEntry(Entry("a", good, R"(, "x-mine": 1, "folder": null)"), "f"));
  EXPECT_EQ(ParseRegistryEntry(R"({"schema": 2})", "f").error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(ParseRegistryEntry(std::string(100'000, '['), "f").error().code,
            ErrorCode::kLimitExceeded);
  EXPECT_EQ(ParseRegistryEntry(std::string(2 << 20, ' '), "f").error().code,
            ErrorCode::kLimitExceeded);
}

class UserRegistryTest : public ScratchTest {
 protected:
  void Write(const std::string& name, const std::string& text) const {
    fs::create_directories(fs::path(dir_ + "/" + name).parent_path());
    std::ofstream(dir_ + "/" + name, std::ios::binary) << text;
  }
  static std::string OmzModel() {
    return "description: d\ntask_type: detection\nframework: onnx\nlicense: https://x/L\nfiles:\n"
           "  - {name: a.onnx, size: 3, checksum: " +
           std::string(96, 'c') + ", source: http://x/a}\n";
  }
};

TEST_F(UserRegistryTest, AddsEntriesOfBothForms) {
  Write("mine.json", Entry("mine", File("f"), R"(, "aliases": ["my-own"])"));
  Write("public/face/model.yml", OmzModel());
  Write("public/cascade/composite-model.yml",
        "description: d\ntask_type: detection\nlicense: https://x/L\n"
        "stages_order: [cascade-p, cascade-r]\n");
  Write("public/cascade/cascade-p/model.yml", OmzModel());
  Write("public/cascade/cascade-r/model.yml", OmzModel());
  Write("readme.txt", "not an entry");
  const Registry registry = Registry::Open({dir_});
  for (const Error& problem : registry.problems()) ADD_FAILURE() << problem.message;
  ASSERT_NE(registry.Find("my-own"), nullptr);
  EXPECT_EQ(registry.Find("my-own")->origin, dir_ + "/mine.json");
  ASSERT_NE(registry.Find("face"), nullptr);
  EXPECT_EQ(registry.Find("cascade-p")->composite, "cascade");
  const auto stages = SelectByName(registry, {"cascade"});
  ASSERT_TRUE(stages);
  EXPECT_EQ(stages->size(), 3u) << "the composite model and its stages";
}

TEST_F(UserRegistryTest, BuiltInNamesStayAndNamesBeatAliases) {
  Write("mtcnn/model.yml", OmzModel());
  Write("face-recognition-resnet100-arcface-onnx/model.yml", OmzModel());
  const Registry registry = Registry::Open({dir_});
  EXPECT_TRUE(registry.problems().empty());
  EXPECT_EQ(registry.Find("mtcnn")->origin, "");
  ASSERT_NE(registry.Find("mtcnn@user"), nullptr);
  EXPECT_EQ(registry.Find("face-recognition-resnet100-arcface-onnx")->files[0].name, "a.onnx");
  EXPECT_EQ(registry.Match("face-recognition-resnet100-arcface-onnx").size(), 1u);
}

TEST_F(UserRegistryTest, BadFilesAreToldAndTheRestIsRead) {
  Write("a.json", "{");
  Write("b.json", Entry("b", File("f")));
  Write("c.json", Entry("b", File("f")));
  Write("d/model.yml", "a: [");
  Write("e.json", std::string(2 << 20, ' '));
  fs::create_symlink(dir_, dir_ + "/loop");
  const Registry registry = Registry::Open({dir_, dir_ + "/none"});
  EXPECT_EQ(registry.problems().size(), 5u);
  EXPECT_NE(registry.Find("b"), nullptr);
}

TEST_F(UserRegistryTest, ImportsAsItIs) {
  Write("in/public/cascade/composite-model.yml",
        "description: d\ntask_type: detection\nlicense: https://x/L\nstages_order: [cascade-p]\n");
  Write("in/public/cascade/cascade-p/model.yml", OmzModel());
  Write("in/mine.json", Entry("mine", File("f")));
  const std::string to = dir_ + "/registry";
  const auto dry = ImportIntoRegistry(dir_ + "/in", to, false, /*dry_run=*/true);
  ASSERT_TRUE(dry) << dry.error().message;
  EXPECT_EQ(dry->size(), 3u);
  EXPECT_FALSE(fs::exists(to));
  ASSERT_TRUE(ImportIntoRegistry(dir_ + "/in", to, false, false));
  ASSERT_TRUE(ImportIntoRegistry(dir_ + "/in", to, false, false)) << "the same again";
  const Registry registry = Registry::Open({to});
  EXPECT_TRUE(registry.problems().empty());
  EXPECT_EQ(registry.Find("cascade-p")->composite, "cascade");

  Write("in/mine.json", Entry("mine", File("g")));
  EXPECT_EQ(ImportIntoRegistry(dir_ + "/in/mine.json", to, false, false).error().code,
            ErrorCode::kInvalidArgument);
  const auto forced = ImportIntoRegistry(dir_ + "/in/mine.json", to, /*force=*/true, false);
  ASSERT_TRUE(forced);
  EXPECT_TRUE(forced->front().replaced);

  Write("in/bad.json", "{");
  Write("in/new.json", Entry("new", File("f")));
  EXPECT_FALSE(ImportIntoRegistry(dir_ + "/in", to, true, false));
  EXPECT_EQ(Registry::Open({to}).Find("new"), nullptr) << "all or nothing";
  EXPECT_EQ(ImportIntoRegistry(dir_ + "/none.json", to, false, false).error().code,
            ErrorCode::kNotFound);
}

TEST(Select, GlobsAndLists) {
  const Registry registry = Registry::Open({});
  EXPECT_EQ(SelectByName(registry, {"scrfd-*"})->size(), 3u);
  EXPECT_EQ(SelectByName(registry, {"scrfd-*,yunet-?", "mtcnn"})->size(), 6u);
  EXPECT_EQ(SelectByName(registry, {"SCRFD-*"}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(SelectByName(registry, {"yunet-n", "nothing*"}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(SelectByName(registry, {"*"})->size(), registry.assets().size());

  const std::string path = testing::TempDir() + "/visavis-list.lst";
  std::ofstream(path)
      << "# models\nyunet-n and the rest # is ignored\n\n 'scrfd-*'  \n\"mt\"cnn#x\n";
  EXPECT_EQ(ReadPatternList(path).value(),
            (std::vector<std::string>{"yunet-n", "scrfd-*", "mtcnn"}));
  std::ofstream(path) << "ok\n'open\n";
  EXPECT_THAT(ReadPatternList(path).error().message, HasSubstr("line 2"));
  fs::remove(path);
}

}  // namespace
}  // namespace visavis
