#include "zoo/download.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/sha256.h"
#include "zoo/test_http_server.h"

namespace visavis {
namespace {

std::string Slurp(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::string Sha256Of(const std::string& text) {
  return Sha256Hex({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

class DownloadTest : public testing::Test {
 protected:
  DownloadTest() {
    std::string name = testing::TempDir() + "/visavis-download-XXXXXX";
    dir_ = ::mkdtemp(name.data());
    for (int i = 0; i < 100'000; ++i) content_ += static_cast<char>(i * 31 % 251);
    file_ = {"f.bin", static_cast<std::int64_t>(content_.size()), Sha256Of(content_), {}};
    options_.retry_delay_ms = 1;
    path_ = dir_ + "/f.bin";
  }
  ~DownloadTest() override { std::filesystem::remove_all(dir_); }

  Status Get(const TestHttpServer& server, const std::string& path = "/f") {
    return DownloadFile(file_, server.Url(path), path_, options_);
  }
  void WritePart(const std::string& bytes) {
    std::ofstream(path_ + ".part", std::ios::binary) << bytes;
  }

  std::string dir_;
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
  const Status status = Get(server);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(Slurp(path_), content_);
  EXPECT_EQ(last, file_.size_bytes);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".part"));
}

TEST_F(DownloadTest, ResumesAfterACutConnection) {
  TestHttpServer server({{"/f", {.body = content_, .cut_after = 30'000, .cut_times = 2}}});
  const Status status = Get(server);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(Slurp(path_), content_);
  EXPECT_EQ(server.ranges(), (std::vector<std::string>{"", "30000-", "60000-"}));
}

TEST_F(DownloadTest, AfterTheLastAttemptThePartStays) {
  TestHttpServer server({{"/f", {.body = content_, .cut_after = 10, .cut_times = 100}}});
  const Status status = Get(server);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kIo);
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_EQ(Slurp(path_ + ".part"), content_.substr(0, 30));
}

TEST_F(DownloadTest, ResumesThePartOfAnEarlierProcess) {
  WritePart(content_.substr(0, 99'999));
  TestHttpServer server({{"/f", {.body = content_}}});
  ASSERT_TRUE(Get(server));
  EXPECT_EQ(Slurp(path_), content_);
  EXPECT_EQ(server.ranges(), std::vector<std::string>{"99999-"});
}

TEST_F(DownloadTest, StartsAnewWhereTheServerIgnoresRange) {
  WritePart(content_.substr(0, 500));
  TestHttpServer server({{"/f", {.body = content_, .honours_range = false}}});
  ASSERT_TRUE(Get(server));
  EXPECT_EQ(Slurp(path_), content_);
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
  const Status status = Get(server);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(Slurp(path_), content_);
  EXPECT_EQ(server.ranges(), (std::vector<std::string>{"500-", ""}));
}

TEST_F(DownloadTest, WrongChecksumLeavesNothing) {
  std::string other = content_;
  other[7] ^= 1;
  TestHttpServer server({{"/f", {.body = other}}});
  const Status status = Get(server);
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
  const Status status = Get(server);
  ASSERT_FALSE(status);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(DownloadTest, NotFoundIsFinal) {
  TestHttpServer server({});
  const Status status = Get(server);
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

}  // namespace
}  // namespace visavis
