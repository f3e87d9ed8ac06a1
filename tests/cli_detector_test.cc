// --detector of the commands about photos, and evaluate-detection, as a user runs them.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/cli_fixture.h"

namespace visavis {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::string Photo(const std::string& name) { return SharedPath("data/photos/" + name); }

TEST_F(CliTest, EveryDetectorFindsTheFamily) {
  VISAVIS_REQUIRE_SHARED("data/photos");
  const std::string file = SharedPath("models/scrfd/scrfd_500m_bnkps.onnx");
  std::string by_name;
  for (const std::string& detector :
       std::vector<std::string>{"mtcnn", "scrfd", "scrfd-2.5g", "yunet", "yunet-s", file}) {
    const ProgramResult result =
        Run({"detect", "--json", "--detector", detector, Photo("obama_family.jpg")});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(json::parse(result.out)["photos"][0]["faces"].size(), 4u) << detector;
    if (detector == "scrfd") by_name = result.out;
    if (detector == file) {
      EXPECT_EQ(result.out, by_name);
    }
  }
}

TEST_F(CliTest, NetworksOfAFolderTakeThePlaceOfMtcnnsOwn) {
  VISAVIS_REQUIRE_SHARED("data/photos");
  const std::string photo = Photo("obama_family.jpg");
  std::filesystem::create_directory(Path("nets"));
  ExpectOneLineError(Run({"detect", "--detector", Path("nets"), photo}), 3, "none of det1.onnx");
  const auto convert = [&](const std::string& network, const std::string& name) {
    const std::string params = SharedPath("models/mtcnn/" + network + "-0001.params");
    EXPECT_EQ(Run({"model", "convert", params, Path("nets/" + name)}).exit_code, 0);
  };
  convert("det3", "det3.onnx");
  const ProgramResult own = Run({"detect", "--json", photo});
  const ProgramResult folder = Run({"detect", "--json", "--detector", Path("nets"), photo});
  ASSERT_EQ(folder.exit_code, 0) << folder.err;
  EXPECT_EQ(folder.out, own.out);
  convert("det1", "det2.onnx");  // P-Net is no R-Net
  ExpectOneLineError(Run({"detect", "--detector", Path("nets"), photo}), 2, "R-Net");
}

TEST_F(CliTest, DetectorsServeEveryCommandAboutPhotos) {
  VISAVIS_REQUIRE_SHARED("data/photos");
  const std::string photo = Photo("Barack_Obama_03.jpg");
  const std::string family = Photo("obama_family.jpg");
  EXPECT_EQ(Run({"detect", "--detector", "scrfd", "--draw", Path("drawn"), photo}).exit_code, 0);
  EXPECT_EQ(Run({"align", "--detector", "yunet", photo, "-o", Path("crops")}).exit_code, 0);
  EXPECT_EQ(Run({"embed", "--detector", "scrfd", photo, "-o", Path("a.npy")}).exit_code, 0);
  const ProgramResult compare =
      Run({"compare", "--json", "--all", "--detector", "scrfd", photo, family});
  EXPECT_EQ(compare.exit_code, 0) << compare.err;
  EXPECT_EQ(Run({"bench", "--photos", family, "--stage", "detect", "--detector", "scrfd",
                 "--seconds", "0.01"})
                .exit_code,
            0);
}

TEST_F(CliTest, DetectorsThatAreNoneAreRefused) {
  VISAVIS_REQUIRE_SHARED("data/photos");
  const std::string photo = Photo("obama_family.jpg");
  ExpectOneLineError(Run({"detect", "--detector", "scrdf", photo}), 3, "want mtcnn, scrfd");
  ExpectOneLineError(
      Run({"detect", "--detector", SharedPath("models/mtcnn/det1-0001.params"), photo}), 2,
      "is MTCNN PNet, want a SCRFD or YuNet");
  ExpectOneLineError(Run({"detect", "--detector", photo, photo}), 4, "obama_family.jpg");
  ExpectOneLineError(Run({"detect", "--nms", "0.5", photo}), 2, "mtcnn: has no use for nms");
  ExpectOneLineError(Run({"detect", "--input-size", "640", photo}), 2, "no use for input");
  ExpectOneLineError(Run({"detect", "--detector", "scrfd", "--no-accurate-landmarks", photo}), 2,
                     "no use for accurate");
  ExpectOneLineError(Run({"detect", "--detector", "scrfd", "--thresholds", "0.1,0.2,0.3", photo}),
                     2, "no use for thresholds");
}

// MTCNN's expected faces of the group photos in WIDER FACE's form.
std::string Annotations() {
  const json expected = json::parse(ReadText(SharedPath("expected/mtcnn/photos.json")));
  std::ostringstream text;
  for (const auto& [name, faces] : expected.items()) {
    if (!name.starts_with("20")) continue;
    const json& boxes = faces["plain"]["boxes"];
    text << name << "\n" << boxes.size() << "\n";
    for (const json& box : boxes) {
      text << box[0] << " " << box[1] << " " << box[2].get<double>() - box[0].get<double>() << " "
           << box[3].get<double>() - box[1].get<double>() << " 0 0 0 0 0 0\n";
    }
  }
  return text.str();
}

TEST_F(CliTest, EvaluateDetectionAgainstMtcnnsFaces) {
  VISAVIS_REQUIRE_SHARED("expected/mtcnn/photos.json");
  WriteText(Path("gt.txt"), Annotations());
  WriteText(Path("large.txt"), "2008_002506.jpg 1 2 3\n");
  const ProgramResult result =
      Run({"evaluate-detection", Path("gt.txt"), "--images", SharedPath("data/photos"),
           "--detector", "scrfd", "--save-detections", Path("found"), "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json all = json::parse(result.out)["settings"][0];
  EXPECT_EQ(all["faces"], 43);
  EXPECT_GE(all["average_precision"], 0.95);
  EXPECT_EQ(all["curve"]["recall"].size(), 1000u);
  EXPECT_EQ(all["curve"]["recall"].back(), 1.0);

  const ProgramResult again =
      Run({"evaluate-detection", Path("gt.txt"), "--detections", Path("found"), "--json"});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(json::parse(again.out)["settings"][0]["average_precision"], all["average_precision"]);
  const ProgramResult large = Run({"evaluate-detection", Path("gt.txt"), "--detections",
                                   Path("found"), "--counted", "large=" + Path("large.txt")});
  ASSERT_EQ(large.exit_code, 0) << large.err;
  EXPECT_THAT(large.out, HasSubstr("large"));

  ExpectOneLineError(Run({"evaluate-detection", Path("gt.txt")}), 2, "--images or --detections");
  WriteText(Path("bad.txt"), "a.jpg\n1\nnothing\n");
  ExpectOneLineError(Run({"evaluate-detection", Path("bad.txt"), "--detections", dir_}), 4,
                     "bad.txt: line 3");
  WriteText(Path("large.txt"), "2008_002506.jpg 9\n");
  ExpectOneLineError(Run({"evaluate-detection", Path("gt.txt"), "--detections", Path("found"),
                          "--counted", "large=" + Path("large.txt")}),
                     4, "face 9 counts, but 3");
}

}  // namespace
}  // namespace visavis
