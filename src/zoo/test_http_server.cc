#include "zoo/test_http_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/check.h"

namespace visavis {
namespace {

bool SendAll(int connection, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string ReadRequest(int connection) {
  std::string request;
  char buffer[4096];
  while (request.find("\r\n\r\n") == std::string::npos) {
    const ssize_t got = ::recv(connection, buffer, sizeof buffer, 0);
    if (got <= 0) break;
    request.append(buffer, static_cast<std::size_t>(got));
  }
  return request;
}

std::string Between(const std::string& text, const std::string& from, const std::string& to) {
  const auto start = text.find(from);
  if (start == std::string::npos) return {};
  const auto first = start + from.size();
  return text.substr(first, text.find(to, first) - first);
}

}  // namespace

TestHttpServer::TestHttpServer(std::map<std::string, TestPage> pages) : pages_(std::move(pages)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  VISAVIS_CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
  VISAVIS_CHECK(::listen(listener_, 8) == 0);
  VISAVIS_CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Serve(); });
}

TestHttpServer::~TestHttpServer() {
  stop_.store(true);
  thread_.join();
  ::close(listener_);
}

std::string TestHttpServer::Url(const std::string& path) const {
  return fmt::format("http://127.0.0.1:{}{}", port_, path);
}

std::vector<std::string> TestHttpServer::ranges() const {
  const std::lock_guard lock(mutex_);
  return ranges_;
}

void TestHttpServer::Serve() {
  while (!stop_.load()) {
    pollfd ready{listener_, POLLIN, 0};
    if (::poll(&ready, 1, 20) <= 0) continue;
    const int connection = ::accept(listener_, nullptr, nullptr);
    if (connection < 0) continue;
    Answer(connection);
    ::close(connection);
  }
}

// Until the client goes away, or the test ends.
void TestHttpServer::HoldOpen(int connection) const {
  char byte;
  while (!stop_.load()) {
    pollfd ready{connection, POLLIN | POLLRDHUP, 0};
    if (::poll(&ready, 1, 20) > 0 && ::recv(connection, &byte, 1, 0) <= 0) return;
  }
}

void TestHttpServer::SendBody(int connection, const TestPage& page, std::string_view body) const {
  if (page.stall_after > 0) {
    SendAll(connection, body.substr(0, page.stall_after));
    return HoldOpen(connection);
  }
  const std::size_t step = page.drip_bytes > 0 ? page.drip_bytes : body.size();
  while (!body.empty() && !stop_.load()) {
    if (!SendAll(connection, body.substr(0, step))) return;
    body.remove_prefix(std::min(step, body.size()));
    if (page.drip_ms > 0) ::usleep(static_cast<useconds_t>(page.drip_ms) * 1000);
  }
}

void TestHttpServer::Answer(int connection) {
  const std::string request = ReadRequest(connection);
  const std::string range = Between(request, "Range: bytes=", "\r\n");
  {
    const std::lock_guard lock(mutex_);
    ranges_.push_back(range);
  }
  const auto at = pages_.find(Between(request, "GET ", " "));
  if (at == pages_.end()) {
    SendAll(connection, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone");
    return;
  }
  TestPage& page = at->second;
  if (page.stall_at_once) return HoldOpen(connection);
  if (!page.redirect_to.empty()) {
    SendAll(connection, fmt::format("HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\n"
                                    "Connection: close\r\n\r\n",
                                    page.redirect_to));
    return;
  }
  std::string body = page.body;
  int status = page.status;
  std::string content_range;
  if (status == 200 && !range.empty() && page.honours_range) {
    const auto start = static_cast<std::size_t>(std::atoll(range.c_str()));
    if (start >= body.size()) {
      status = 416;
      body.clear();
    } else {
      status = 206;
      content_range = fmt::format(
          "Content-Range: bytes {}-{}/{}\r\n",
          page.forced_range_start.empty() ? std::to_string(start) : page.forced_range_start,
          body.size() - 1, body.size());
      body = body.substr(start);
    }
  }
  SendAll(connection,
          fmt::format("HTTP/1.1 {} X\r\nContent-Length: {}\r\n{}Connection: close\r\n\r\n", status,
                      page.claimed_length >= 0 ? static_cast<std::size_t>(page.claimed_length)
                                               : body.size(),
                      content_range));
  if (page.cut_after > 0 && page.cut_times > 0) {
    --page.cut_times;
    body = body.substr(0, page.cut_after);
  }
  SendBody(connection, page, body);
}

}  // namespace visavis
