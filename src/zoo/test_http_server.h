// A small HTTP server on the loopback interface that misbehaves as a test wants.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace visavis {

/// How one path is served.
struct TestPage {
  std::string body = {};
  int status = 200;                     ///< other than 200: sent with the body as error page
  bool honours_range = true;            ///< false: sends everything with 200
  std::string forced_range_start = {};  ///< claims this start in Content-Range whatever was asked
  std::size_t cut_after = 0;     ///< closes the connection after this many body bytes; 0 = never
  int cut_times = 1;             ///< ... in so many answers
  std::string redirect_to = {};  ///< answers 302
  std::size_t stall_after = 0;   ///< sends so many body bytes, then nothing; 0 = never
  bool stall_at_once = false;    ///< not even a header
  std::size_t drip_bytes = 0;    ///< sends so many bytes at a time; 0 = all at once
  int drip_ms = 0;               ///< ... and waits in between
  std::int64_t claimed_length = -1;  ///< in Content-Length, whatever is sent
};

/// Serves until destroyed. Threads: the pages are set before requests come.
class TestHttpServer {
 public:
  explicit TestHttpServer(std::map<std::string, TestPage> pages);
  ~TestHttpServer();
  std::string Url(const std::string& path) const;
  /// The "Range" header of every request so far, "" where there was none.
  std::vector<std::string> ranges() const;

 private:
  void Serve();
  void Answer(int connection);
  void SendBody(int connection, const TestPage& page, std::string_view body) const;
  void HoldOpen(int connection) const;

  std::map<std::string, TestPage> pages_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;
  std::vector<std::string> ranges_;
  std::thread thread_;
};

}  // namespace visavis
