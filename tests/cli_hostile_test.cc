// Input that is broken on purpose: one clear line, the documented exit code, nothing left behind.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <random>

#include "tests/cli_fixture.h"

namespace visavis {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::string Photo(const std::string& name) { return SharedPath("data/photos/" + name); }

// A BMP that says it is `side` x `side`, without the pixels.
std::string BmpHeader(std::uint32_t side) {
  const auto u32 = [](std::uint32_t value) {
    std::string bytes;
    for (int i = 0; i < 4; ++i) bytes += static_cast<char>(value >> (8 * i));
    return bytes;
  };
  return "BM" + u32(54) + u32(0) + u32(54) + u32(40) + u32(side) + u32(side) +
         std::string("\1\0\x18\0", 4) + u32(0) + u32(0) + u32(0) + u32(0) + u32(0) + u32(0);
}

TEST_F(CliTest, BrokenImages) {
  VISAVIS_REQUIRE_SHARED("data/photos");
  const std::string jpeg = ReadText(Photo("obama_family.jpg"));
  WriteText(Path("cut.jpg"), jpeg.substr(0, jpeg.size() / 2));
  WriteText(Path("empty.jpg"), "");
  WriteText(Path("text.jpg"), "this is no picture");
  WriteText(Path("bomb.bmp"), BmpHeader(60'000));
  std::filesystem::create_directories(Path("folder.jpg"));
  std::filesystem::create_symlink(Path("loop.jpg"), Path("loop.jpg"));
  ASSERT_EQ(::mkfifo(Path("pipe.jpg").c_str(), 0600), 0);
  const struct {
    const char* name;
    int exit_code;
  } cases[] = {{"cut.jpg", 4},  {"empty.jpg", 5},  {"text.jpg", 5}, {"bomb.bmp", 6},
               {"none.jpg", 3}, {"folder.jpg", 2}, {"loop.jpg", 7}};
  options_.max_memory_bytes = 2LL << 30;
  for (const auto& [name, exit_code] : cases) {
    ExpectOneLineError(Run({"detect", Path(name)}), exit_code, Path(name));
    ExpectOneLineError(Run({"align", Path(name), "-o", Path("crops")}), exit_code, Path(name));
    ExpectOneLineError(Run({"compare", Photo("Barack_Obama_03.jpg"), Path(name)}), exit_code,
                       Path(name));
  }
  ExpectOneLineError(Run({"detect", "/dev/zero"}), 2, "/dev/zero");
  // Nobody ever writes into it: must not hang.
  ExpectOneLineError(Run({"detect", Path("pipe.jpg")}), 5, Path("pipe.jpg"));
}

TEST_F(CliTest, OneBadPhotoDoesNotSpoilTheOthers) {
  VISAVIS_REQUIRE_SHARED("data/photos");
  WriteText(Path("text.jpg"), "this is no picture");
  const ProgramResult result =
      Run({"detect", Photo("obama_family.jpg"), Path("text.jpg"), Photo("Barack_Obama_03.jpg")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, HasSubstr("obama_family.jpg: 640x427, 4 faces"));
  EXPECT_THAT(result.out, HasSubstr("Barack_Obama_03.jpg"));
  EXPECT_THAT(result.err, HasSubstr("text.jpg"));
}

TEST_F(CliTest, FileNamesCannotWriteOnTheTerminal) {
  const ProgramResult result = Run({"model", "info", "a\nvisavis: \x1b[31mred"});
  ExpectOneLineError(result, 3, "\\x0avisavis: \\x1b[31mred");
}

TEST_F(CliTest, EmbedReportsLoopsAndGoesOn) {
  VISAVIS_REQUIRE_SHARED("data/photos");
  std::filesystem::create_directories(Path("in/deeper"));
  std::filesystem::copy_file(Photo("Barack_Obama_03.jpg"), Path("in/deeper/a.jpg"));
  std::filesystem::create_directory_symlink(Path("in"), Path("in/deeper/up"));
  const ProgramResult result = Run({"embed", Path("in"), "-o", Path("out.npy")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("in/deeper/up"));
  EXPECT_THAT(ReadText(Path("out.failed.tsv")), HasSubstr("in/deeper/up"));
  EXPECT_EQ(Files().count("out.npy"), 1u);
}

TEST_F(CliTest, AFullDiskLeavesNothingHalfWritten) {
  VISAVIS_REQUIRE_SHARED("data/photos");
  ASSERT_EQ(Run({"detect", Photo("obama_family.jpg")}).exit_code, 0);  // fills the cache
  options_.max_file_bytes = 1000;
  std::filesystem::create_directories(Path("crops"));
  ExpectOneLineError(Run({"align", Photo("Barack_Obama_03.jpg"), "-o", Path("crops")}), 7,
                     Path("crops"));
  for (const std::string& name : Files("crops")) {
    EXPECT_TRUE(name == "crops.csv") << name << " is left";
  }
  const std::string params = SharedPath("models/mtcnn/det1-0001.params");
  ExpectOneLineError(Run({"model", "convert", params, Path("m.onnx")}), 7, Path("m.onnx"));
  EXPECT_EQ(Files(), std::set<std::string>{"crops"});
  options_.max_file_bytes = 300;  // the header fits, the row does not
  const ProgramResult embed = Run({"embed", Photo("Barack_Obama_03.jpg"), "-o", Path("out.npy")});
  ExpectOneLineError(embed, 7, Path("out.npy"));
  EXPECT_EQ(Files(), std::set<std::string>{"crops"});
}

TEST_F(CliTest, ModelsCutAnywhereAreErrorsNotCrashes) {
  VISAVIS_REQUIRE_SHARED("models/yunet");
  options_.max_memory_bytes = 2LL << 30;
  const struct {
    std::string source;
    std::string name;
  } models[] = {{SharedPath("models/yunet/yunet_n_dynamic.onnx"), "m.onnx"},
                {SharedPath("models/mtcnn/det1-0001.params"), "det1-0001.params"}};
  std::filesystem::copy_file(SharedPath("models/mtcnn/det1-symbol.json"), Path("det1-symbol.json"));
  for (const auto& [source, name] : models) {
    const std::string bytes = ReadText(source);
    for (std::size_t i = 0; i < 10; ++i) {
      WriteText(Path(name), bytes.substr(0, bytes.size() * i / 10));
      const ProgramResult result = Run({"model", "info", Path(name)});
      EXPECT_TRUE(result.exit_code >= 2 && result.exit_code <= 6)
          << name << " cut at " << i << "/10: exit code " << result.exit_code << ", signal "
          << result.signal << "\n"
          << result.err;
      ExpectOneLineError(result, result.exit_code, Path(name));
    }
  }
}

TEST_F(CliTest, MutatedModelsNeverCrash) {
  VISAVIS_REQUIRE_SHARED("models/yunet");
  options_.max_memory_bytes = 2LL << 30;
  const std::string bytes = ReadText(SharedPath("models/yunet/yunet_n_dynamic.onnx"));
  std::mt19937 random(1);
  for (int i = 0; i < 40; ++i) {
    std::string mutated = bytes;
    for (int k = 0; k < 20; ++k) {
      // Half of the changes in the first and last pages, where the structure is.
      const std::size_t range = k % 2 == 0 ? 4096 : bytes.size();
      mutated[random() % range] = static_cast<char>(random());
    }
    WriteText(Path("m.onnx"), mutated);
    const ProgramResult result = Run({"model", "info", Path("m.onnx")});
    EXPECT_TRUE(result.exit_code >= 0 && result.exit_code <= 6)
        << "mutation " << i << ": exit code " << result.exit_code << ", signal " << result.signal
        << "\n"
        << result.err;
    if (result.exit_code != 0) ExpectOneLineError(result, result.exit_code, Path("m.onnx"));
  }
}

// Its licence is disputed, so nothing is downloaded unasked.
TEST_F(CliTest, WithoutModelsTheErrorSaysWhatToDo) {
  VISAVIS_REQUIRE_SHARED("data/photos");
  options_.environment["XDG_CACHE_HOME"] = Path("cache");
  options_.environment["VISAVIS_MIRROR"] = Path("nowhere");
  options_.environment["https_proxy"] = "http://127.0.0.1:9";  // nobody listens there
  options_.environment["http_proxy"] = "http://127.0.0.1:9";
  const ProgramResult result =
      Run({"embed", "--aligned", Photo("Tom_Hanks_54745.png"), "-o", Path("out.npy")});
  ExpectOneLineError(result, 2, "visavis zoo pull --accept-license mobilefacenet-arcface");
  EXPECT_EQ(Files().count("out.npy.partial"), 0u);
}

}  // namespace
}  // namespace visavis
