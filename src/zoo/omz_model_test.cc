#include "zoo/omz_model.h"

#include <gtest/gtest.h>

namespace visavis {
namespace {

const std::string kSha384(96, 'a');

std::string ModelWith(const std::string& file, const std::string& more = "") {
  return "description: a model\ntask_type: detection\nframework: caffe\nlicense: "
         "https://x/LICENSE\n"
         "files:\n  - " +
         file + "\n" + more;
}

TEST(OmzModel, ReadsFilesStepsAndInputs) {
  const auto asset =
      ParseOmzModel(ModelWith("{name: p.prototxt, size: 2353, checksum: " + kSha384 +
                                  ", source: https://b/p, original_source: https://a/p}",
                              R"(postprocessing:
  - $type: regex_replace
    file: p.prototxt
    pattern: 'dim: 12'
    replacement: 'dim: 720'
    count: 1
  - {$type: unpack_archive, file: w.zip, format: zip}
input_info:
  - {name: data, shape: [1, 3, 720, 1280], layout: NCWH}
model_optimizer_args: [--output=prob1]
some_key_of_tomorrow: {a: b}
)"),
                    "mtcnn-p", "mtcnn", "f");
  ASSERT_TRUE(asset) << asset.error().message;
  EXPECT_EQ(asset->name, "mtcnn-p");
  EXPECT_EQ(asset->composite, "mtcnn");
  EXPECT_EQ(asset->subdirectory, "public/mtcnn/mtcnn-p");
  EXPECT_EQ(asset->files[0].size_bytes, 2353);
  EXPECT_EQ(asset->files[0].sha384, kSha384);
  EXPECT_EQ(asset->files[0].urls, (std::vector<std::string>{"https://a/p", "https://b/p"}))
      << "the origin first";
  ASSERT_EQ(asset->postprocessing.size(), 2u);
  EXPECT_EQ(asset->postprocessing[0].count, 1);
  EXPECT_EQ(asset->postprocessing[1].format, "zip");
  EXPECT_EQ(asset->inputs[0].shape, (std::vector<std::string>{"1", "3", "720", "1280"}));
  EXPECT_EQ(asset->inputs[0].layout, "NCWH");
  EXPECT_TRUE(asset->must_accept_licence()) << "nobody has read the licence for the user";
}

TEST(OmzModel, ReadsOlderChecksumsAndGoogleDrive) {
  const auto asset = ParseOmzModel(
      ModelWith("{name: FP16/a.bin, size: 1, checksum: {$type: sha384, value: " + kSha384 +
                "}, source: {$type: google_drive, id: abc_-1}}\n  - {name: b, size: 2, sha256: " +
                std::string(64, 'B') + ", source: {$type: http, url: http://x/b}}"),
      "m", "", "f");
  ASSERT_TRUE(asset) << asset.error().message;
  EXPECT_NE(asset->files[0].urls[0].find("id=abc_-1"), std::string::npos);
  EXPECT_EQ(asset->files[1].sha256, std::string(64, 'b'));
  EXPECT_EQ(asset->precisions, std::vector<std::string>{"FP16"});
}

TEST(OmzModel, RefusesWhatIsWrong) {
  const std::string good = "{name: a, size: 1, source: http://x/a}";
  ASSERT_TRUE(ParseOmzModel(ModelWith(good), "m", "", "f"));
  for (const std::string& text : {
           ModelWith("{name: ../a, size: 1, source: http://x/a}"),
           ModelWith("{name: /a, size: 1, source: http://x/a}"),
           ModelWith("{name: a/../../b, size: 1, source: http://x/a}"),
           ModelWith("{name: a, size: -1, source: http://x/a}"),
           ModelWith("{name: a, size: 1e99, source: http://x/a}"),
           ModelWith("{name: a, size: 1, checksum: abc, source: http://x/a}"),
           ModelWith("{name: a, size: 1, source: file:///etc/passwd}"),
           ModelWith("{name: a, size: 1, source: {$type: google_drive, id: 'a&b=c'}}"),
           ModelWith(good + "\n  - " + good),
           ModelWith(good, "name: x\n"),
           ModelWith(good, "postprocessing: [{$type: unpack_archive, file: ../x, format: zip}]\n"),
           ModelWith(good, "postprocessing: [{$type: unpack_archive, file: x, format: rar}]\n"),
           std::string("description: x\n"),
           std::string("[]"),
       }) {
    const auto asset = ParseOmzModel(text, "m", "", "f");
    ASSERT_FALSE(asset) << text;
    EXPECT_EQ(asset.error().code, ErrorCode::kCorruptData) << asset.error().message;
  }
  EXPECT_EQ(ParseOmzModel(ModelWith("{name: a, source: {$type: torrent, x: y}}"), "m", "", "f")
                .error()
                .code,
            ErrorCode::kUnsupported);
  EXPECT_EQ(
      ParseOmzModel(ModelWith(good, "postprocessing: [{$type: run, file: x}]\n"), "m", "", "f")
          .error()
          .code,
      ErrorCode::kUnsupported);
}

TEST(OmzModel, ReadsComposites) {
  const std::string head = "description: d\ntask_type: detection\nlicense: https://x/L\n";
  const auto asset = ParseOmzComposite(head + "stages_order: [m-p, m-r]\n", "m", "f");
  ASSERT_TRUE(asset) << asset.error().message;
  EXPECT_EQ(asset->stages, (std::vector<std::string>{"m-p", "m-r"}));
  EXPECT_FALSE(ParseOmzComposite(head + "stages_order: [other]\n", "m", "f"));
  EXPECT_FALSE(ParseOmzComposite(head, "m", "f"));
}

}  // namespace
}  // namespace visavis
