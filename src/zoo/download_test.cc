#include "zoo/download.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/sha256.h"
#include "tests/scratch_folder.h"
#include "zoo/test_http_server.h"

namespace visavis {
namespace {

std::string Sha256Of(const std::string& text) {
  return Sha256Hex({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

class DownloadTest : public ScratchTest {
 protected:
  DownloadTest() {
    for (int i = 0; i < 100'000; ++i) content_ += static_cast<char>(i * 31 % 251);
    file_ = {"f.bin", static_cast<std::int64_t>(content_.size()), Sha256Of(content_), {}};
    options_.retry_delay_ms = 1;
    path_ = dir_ + "/f.bin";
  }

  Result<Digests> Get(const TestHttpServer& server, const std::string& path = "/f") {
    return DownloadFile(file_, server.Url(path), path_, options_);
  }
  void WritePart(const std::string& bytes) {
    std::ofstream(path_ + ".part", std::ios::binary) << bytes;
  }

  std::string path_;
  std::string content_;
  AssetFile file_;
  FetchOptions options_;
};

TEST_F(DownloadTest, GetsAFileAndReportsProgress) {
  TestHttpServer server({{"/f", {.body = content_}}});
  std::int64_t last = 0;
  options_.progress = [&](const std::string& name, std::int64_t done, std::int64_t total) {
    EXPECT_EQ(name, "f.bin");
    EXPECT_GT(done, last);
    EXPECT_EQ(total, file_.size_bytes);
    last = done;
  };
  const auto status = Get(server);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(ReadText(path_), content_);
  EXPECT_EQ(last, file_.size_bytes);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".part"));
}

TEST_F(DownloadTest, ResumesAfterACutConnection) {
  TestHttpServer server({{"/f", {.body = content_, .cut_after = 30'000, .cut_times = 2}}});
  const auto status = Get(server);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(ReadText(path_), content_);
  EXPECT_EQ(server.ranges(), (std::vector<std::string>{"", "30000-", "60000-"}));
}

TEST_F(DownloadTest, AfterTheLastAttemptThePartStays) {
  TestHttpServer server({{"/f", {.body = content_, .cut_after = 10, .cut_times = 100}}});
  const auto status = Get(server);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kIo);
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_EQ(ReadText(path_ + ".part"), content_.substr(0, 30));
}

TEST_F(DownloadTest, ResumesThePartOfAnEarlierProcess) {
  WritePart(content_.substr(0, 99'999));
  TestHttpServer server({{"/f", {.body = content_}}});
  ASSERT_TRUE(Get(server));
  EXPECT_EQ(ReadText(path_), content_);
  EXPECT_EQ(server.ranges(), std::vector<std::string>{"99999-"});
}

TEST_F(DownloadTest, StartsAnewWhereTheServerIgnoresRange) {
  WritePart(content_.substr(0, 500));
  TestHttpServer server({{"/f", {.body = content_, .honours_range = false}}});
  ASSERT_TRUE(Get(server));
  EXPECT_EQ(ReadText(path_), content_);
}

TEST_F(DownloadTest, RefusesAnAnswerThatStartsElsewhere) {
  WritePart(content_.substr(0, 500));
  TestHttpServer server({{"/f", {.body = content_, .forced_range_start = "400"}}});
  EXPECT_FALSE(Get(server));
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(DownloadTest, APartOfAnotherFileIsThrownAwayAndFetchedAnew) {
  WritePart(std::string(500, 'x'));
  TestHttpServer server({{"/f", {.body = content_}}});
  const auto status = Get(server);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(ReadText(path_), content_);
  EXPECT_EQ(server.ranges(), (std::vector<std::string>{"500-", ""}));
}

TEST_F(DownloadTest, WrongChecksumLeavesNothing) {
  std::string other = content_;
  other[7] ^= 1;
  TestHttpServer server({{"/f", {.body = other}}});
  const auto status = Get(server);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kCorruptData);
  EXPECT_TRUE(std::filesystem::is_empty(dir_));
  EXPECT_EQ(server.ranges().size(), 1u) << "trying again cannot help";
}

TEST_F(DownloadTest, TooLongABodyIsStopped) {
  TestHttpServer server({{"/f", {.body = content_ + content_}}});
  EXPECT_EQ(Get(server).error().code, ErrorCode::kCorruptData);
  EXPECT_TRUE(std::filesystem::is_empty(dir_));
}

TEST_F(DownloadTest, TooShortABodyIsNoSuccess) {
  TestHttpServer server({{"/f", {.body = content_.substr(1)}}});
  const auto status = Get(server);
  ASSERT_FALSE(status);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(DownloadTest, NotFoundIsFinal) {
  TestHttpServer server({});
  const auto status = Get(server);
  EXPECT_EQ(status.error().code, ErrorCode::kNotFound);
  EXPECT_NE(status.error().message.find("404"), std::string::npos);
  EXPECT_EQ(server.ranges().size(), 1u);
  EXPECT_TRUE(std::filesystem::is_empty(dir_));
}

TEST_F(DownloadTest, ServerErrorsAreTriedAgain) {
  TestHttpServer server({{"/f", {.body = "oops", .status = 500}}});
  EXPECT_EQ(Get(server).error().code, ErrorCode::kIo);
  EXPECT_EQ(server.ranges().size(), 3u);
  EXPECT_TRUE(std::filesystem::is_empty(dir_));
}

TEST_F(DownloadTest, FollowsRedirectsButNotToFiles) {
  std::map<std::string, TestPage> pages = {{"/f", {.body = content_}}};
  TestHttpServer target(pages);
  std::ofstream(dir_ + "/secret") << content_;
  TestHttpServer server(
      {{"/ok", {.redirect_to = target.Url("/f")}}, {"/bad", {.redirect_to = "file:///etc/hosts"}}});
  EXPECT_TRUE(Get(server, "/ok"));
  std::filesystem::remove(path_);
  EXPECT_FALSE(Get(server, "/bad"));
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(DownloadTest, CancelKeepsWhatHasArrived) {
  std::atomic<bool> cancel{false};
  options_.cancel = &cancel;
  options_.progress = [&](const std::string&, std::int64_t, std::int64_t) { cancel = true; };
  content_.resize(20'000'000,
                  'y');  // more than one socket buffer, so that the end is not there yet
  file_ = {"f.bin", static_cast<std::int64_t>(content_.size()), Sha256Of(content_), {}};
  TestHttpServer server({{"/f", {.body = content_}}});
  EXPECT_EQ(Get(server).error().code, ErrorCode::kCancelled);
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_GT(std::filesystem::file_size(path_ + ".part"), 0u);
}

// Runs out of patience within a second or two, and says why.
TEST_F(DownloadTest, StallsAndDripsEndInTheirTimeOut) {
  options_.timeout_s = 1;
  options_.attempts = 1;
  const TestPage stalled = {.body = content_, .stall_after = 1000};
  const TestPage dripping = {.body = content_, .drip_bytes = 1, .drip_ms = 20};
  const TestPage silent = {.body = content_, .stall_at_once = true};
  for (const TestPage& page : {stalled, dripping, silent}) {
    TestHttpServer server({{"/f", page}});
    const auto start = std::chrono::steady_clock::now();
    const auto status = Get(server);
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::kIo);
    EXPECT_NE(status.error().message.find("less than 1024 bytes/s for 1 s"), std::string::npos)
        << status.error().message;
    EXPECT_LT(spent.count(), 10);
    EXPECT_FALSE(std::filesystem::exists(path_));
  }
}

TEST_F(DownloadTest, TheWholeTimeIsBounded) {
  options_.max_time_s = 1;
  TestHttpServer server({{"/f", {.body = content_, .drip_bytes = 2000, .drip_ms = 100}}});
  const auto start = std::chrono::steady_clock::now();
  const auto status = Get(server);
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("not done within 1 s"), std::string::npos)
      << status.error().message;
  EXPECT_LT(spent.count(), 5);
  EXPECT_GT(std::filesystem::file_size(path_ + ".part"), 0u) << "what has arrived stays";
}

TEST_F(DownloadTest, AStalledTransferIsResumed) {
  options_.timeout_s = 1;
  {
    TestHttpServer server({{"/f", {.body = content_, .stall_after = 40'000}}});
    options_.attempts = 1;
    EXPECT_FALSE(Get(server));
  }
  TestHttpServer server({{"/f", {.body = content_}}});
  ASSERT_TRUE(Get(server));
  EXPECT_EQ(ReadText(path_), content_);
  EXPECT_EQ(server.ranges(), std::vector<std::string>{"40000-"});
}

TEST_F(DownloadTest, LiesAboutTheSizeAreNoSuccess) {
  options_.timeout_s = 1;
  options_.attempts = 1;
  for (const std::int64_t claim : {1, 99'999, 100'001, 1'000'000'000}) {
    TestHttpServer server({{"/f", {.body = content_, .claimed_length = claim}}});
    const auto status = Get(server);
    ASSERT_FALSE(status) << claim;
    EXPECT_FALSE(std::filesystem::exists(path_)) << claim;
    std::filesystem::remove(path_ + ".part");
  }
}

TEST_F(DownloadTest, RedirectsThatLeadNowhereEndAtOnce) {
  TestHttpServer server({{"/loop", {.redirect_to = "/loop"}},
                         {"/ftp", {.redirect_to = "ftp://127.0.0.1/f"}},
                         {"/gopher", {.redirect_to = "gopher://127.0.0.1:1/_x"}},
                         {"/gone", {.redirect_to = "/nowhere"}}});
  EXPECT_EQ(Get(server, "/loop").error().code, ErrorCode::kIo);
  EXPECT_LE(server.ranges().size(), 12u) << "not tried again";
  EXPECT_EQ(Get(server, "/ftp").error().code, ErrorCode::kIo);
  EXPECT_EQ(Get(server, "/gopher").error().code, ErrorCode::kIo);
  EXPECT_EQ(Get(server, "/gone").error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(std::filesystem::is_empty(dir_));
}

TEST_F(DownloadTest, BothChecksumsAndOtherBuildsCount) {
  Sha384 sha384;
  sha384.Update({reinterpret_cast<const std::uint8_t*>(content_.data()), content_.size()});
  const std::string digest = sha384.HexDigest();
  TestHttpServer server({{"/f", {.body = content_}}});
  file_.sha384 = digest;
  const auto both = Get(server);
  ASSERT_TRUE(both) << both.error().message;
  EXPECT_EQ(both->sha384, digest);

  file_.sha256 = "";
  EXPECT_TRUE(Get(server)) << "pinned by SHA-384 alone";
  file_.sha384 = std::string(96, '0');
  EXPECT_EQ(Get(server).error().code, ErrorCode::kCorruptData);
  file_.other_builds = {{.size_bytes = file_.size_bytes, .sha384 = digest}};
  EXPECT_TRUE(Get(server));
}

TEST_F(DownloadTest, WithoutAChecksumNothingIsResumedAndTheLengthIsBounded) {
  file_ = {"f.bin"};
  WritePart("an older piece");
  TestHttpServer server({{"/f", {.body = content_}}});
  const auto got = Get(server);
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->sha256, Sha256Of(content_));
  EXPECT_EQ(server.ranges(), std::vector<std::string>{""});
  std::filesystem::remove(path_);
  options_.max_unverified_bytes = 1000;
  EXPECT_EQ(Get(server).error().code, ErrorCode::kLimitExceeded);
  EXPECT_TRUE(std::filesystem::is_empty(dir_));
}

TEST_F(DownloadTest, AWholePartNeedsNoServer) {
  WritePart(content_);
  TestHttpServer server({});
  ASSERT_TRUE(Get(server));
  EXPECT_EQ(ReadText(path_), content_);
  EXPECT_TRUE(server.ranges().empty());
}

}  // namespace
}  // namespace visavis
