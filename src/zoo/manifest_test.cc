#include "zoo/manifest.h"

#include <gtest/gtest.h>

#include <string>

namespace visavis {
namespace {

std::string Manifest(const std::string& asset) {
  return R"({"version": 1, "assets": [)" + asset + "]}";
}

std::string File(const std::string& name) {
  return R"({"name": ")" + name + R"(", "bytes": 3, "urls": ["http://x/y"], "sha256": ")" +
         std::string(64, 'a') + "\"}";
}

TEST(Manifest, TheBuiltInOneHoldsTheDefaultModels) {
  const Asset* mobilefacenet = FindAsset("mobilefacenet-arcface");
  ASSERT_NE(mobilefacenet, nullptr);
  EXPECT_DOUBLE_EQ(mobilefacenet->threshold, 0.28);
  EXPECT_EQ(mobilefacenet->files.size(), 2u);
  const Asset* mtcnn = FindAsset("mtcnn");
  ASSERT_NE(mtcnn, nullptr);
  EXPECT_EQ(mtcnn->files.size(), 8u);
  EXPECT_EQ(FindAsset("no-such-model"), nullptr);
}

TEST(Manifest, ReadsAnAsset) {
  const auto assets = ParseManifest(
      Manifest(R"({"name": "a", "licence": "MIT", "files": [)" + File("f.onnx") + "]}"));
  ASSERT_TRUE(assets) << assets.error().message;
  ASSERT_EQ(assets->size(), 1u);
  EXPECT_EQ(assets->front().folder, "a");
  EXPECT_EQ(assets->front().files.front().size_bytes, 3);
  EXPECT_EQ(assets->front().files.front().urls.front(), "http://x/y");
}

TEST(Manifest, RefusesWhatIsNotOne) {
  const std::string asset = R"({"name": "a", "licence": "MIT", "files": [)";
  for (const std::string& text :
       {std::string("{"), std::string("[]"), std::string(R"({"version": 2, "assets": []})"),
        std::string(R"({"version": 1})"), Manifest("7"), Manifest(asset + "]}"),
        Manifest(asset + File("../f") + "]}"), Manifest(asset + File("/etc/passwd") + "]}"),
        Manifest(R"({"name": "a", "files": [)" + File("f") + "]}"),
        Manifest(asset + File("f") + "]}," + asset + File("f") + "]}")}) {
    const auto assets = ParseManifest(text);
    ASSERT_FALSE(assets) << text;
    EXPECT_EQ(assets.error().code, ErrorCode::kCorruptData) << text;
  }
}

}  // namespace
}  // namespace visavis
