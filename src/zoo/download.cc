#include "zoo/download.h"

#include <strings.h>

#include <charconv>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string_view>
#include <thread>

#include "base/error.h"
#include "base/file_system.h"
#include "base/sha256.h"
#include "base/try.h"
#include "zoo/cache.h"
#include "zoo/curl_api.h"

namespace visavis {
namespace {

constexpr long kConnectTimeoutSeconds = 30;
constexpr long kMaxRedirects = 10;

bool Cancelled(const FetchOptions& options) {
  return options.cancel != nullptr && options.cancel->load();
}

std::int64_t SizeOrZero(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return error ? 0 : static_cast<std::int64_t>(size);
}

// The N of "Content-Range: bytes N-M/T"; -1 for any other line.
std::int64_t ContentRangeStart(std::string_view line) {
  constexpr std::string_view kPrefix = "content-range: bytes ";
  if (line.size() < kPrefix.size() ||
      ::strncasecmp(line.data(), kPrefix.data(), kPrefix.size()) != 0) {
    return -1;
  }
  std::int64_t start = -1;
  const char* first = line.data() + kPrefix.size();
  const auto [end, error] = std::from_chars(first, line.data() + line.size(), start);
  return error == std::errc() && end != line.data() + line.size() && *end == '-' ? start : -1;
}

// One request: what was asked, what came, where it goes.
class Transfer {
 public:
  Transfer(const AssetFile& file, const std::string& url, const std::string& part,
           const FetchOptions& options)
      : file_(file), url_(url), part_(part), options_(options), offset_(SizeOrZero(part)) {
    if (offset_ >= file.size_bytes) offset_ = 0;  // a complete part would have been renamed
  }

  // Success means that the part file has all its bytes. `worth_retrying` tells about failures.
  Status Perform(bool* worth_retrying) {
    *worth_retrying = false;
    if (!CurlApi::Get()) return CurlApi::Get().error();
    const CurlApi& curl = CurlApi::Get().value();
    const std::unique_ptr<CURL, decltype(curl.easy_cleanup)> handle(curl.easy_init(),
                                                                    curl.easy_cleanup);
    if (handle == nullptr) return Fail(ErrorCode::kIo, "cannot start libcurl");
    SetOptions(curl, handle.get());
    const CURLcode code = curl.easy_perform(handle.get());
    if (sink_ != nullptr) VISAVIS_RETURN_IF_ERROR(sink_->Close());

    if (Cancelled(options_)) return Fail(ErrorCode::kCancelled, "cancelled");
    if (!write_status_) return write_status_.error();
    if (too_long_) {
      std::filesystem::remove(part_);
      return Fail(ErrorCode::kCorruptData,
                  fmt::format("is longer than the {} bytes of the manifest", file_.size_bytes));
    }
    // An empty body never reached OnBody, which would have refused a wrong status.
    if (status_ >= 400) {
      *worth_retrying = status_ >= 500 || status_ == 408 || status_ == 416 || status_ == 429;
      if (status_ == 416) std::filesystem::remove(part_);  // the server's file is shorter
      return Fail(status_ == 404 || status_ == 410 ? ErrorCode::kNotFound : ErrorCode::kIo,
                  fmt::format("the server answered {}", status_));
    }
    if (code != CURLE_OK) {
      *worth_retrying = true;
      return Fail(ErrorCode::kIo, curl.easy_strerror(code));
    }
    if (received_ < file_.size_bytes) {
      *worth_retrying = true;
      return Fail(ErrorCode::kIo,
                  fmt::format("ended after {} of {} bytes", received_, file_.size_bytes));
    }
    return {};
  }

 private:
  Error Fail(ErrorCode code, std::string_view what) const {
    return MakeError(code, "{}: {}", url_, what);
  }

  void SetOptions(const CurlApi& curl, CURL* handle) {
    curl.easy_setopt(handle, CURLOPT_URL, url_.c_str());
    curl.easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl.easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl.easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
    curl.easy_setopt(handle, CURLOPT_MAXREDIRS, kMaxRedirects);
    curl.easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl.easy_setopt(handle, CURLOPT_USERAGENT, "visavis");
    curl.easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, kConnectTimeoutSeconds);
    curl.easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl.easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options_.timeout_s));
    if (offset_ > 0) {
      curl.easy_setopt(handle, CURLOPT_RANGE, fmt::format("{}-", offset_).c_str());
    }
    curl.easy_setopt(handle, CURLOPT_HEADERFUNCTION, &Transfer::OnHeader);
    curl.easy_setopt(handle, CURLOPT_HEADERDATA, this);
    curl.easy_setopt(handle, CURLOPT_WRITEFUNCTION, &Transfer::OnBody);
    curl.easy_setopt(handle, CURLOPT_WRITEDATA, this);
    // Called about once a second even when nothing arrives.
    curl.easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl.easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &Transfer::OnProgress);
    curl.easy_setopt(handle, CURLOPT_XFERINFODATA, this);
  }

  static std::size_t OnHeader(char* data, std::size_t size, std::size_t count, void* self) {
    static_cast<Transfer*>(self)->Header({data, size * count});
    return size * count;
  }
  static std::size_t OnBody(char* data, std::size_t size, std::size_t count, void* self) {
    const bool accepted = static_cast<Transfer*>(self)->Body({data, size * count});
    return accepted ? size * count : 0;  // anything but the full size stops the transfer
  }
  static int OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return Cancelled(static_cast<Transfer*>(self)->options_) ? 1 : 0;
  }

  void Header(std::string_view line) {
    if (line.starts_with("HTTP/")) {  // also begins the answer after a redirect
      status_ = 0;
      range_start_ = -1;
      const auto space = line.find(' ');
      if (space != std::string_view::npos) {
        std::from_chars(line.data() + space + 1, line.data() + line.size(), status_);
      }
    } else if (const std::int64_t start = ContentRangeStart(line); start >= 0) {
      range_start_ = start;
    }
  }

  bool Body(std::string_view bytes) {
    if (status_ < 200 || status_ >= 300) return true;  // an error page: read and forgotten
    if (sink_ == nullptr && !OpenSink()) return false;
    received_ += static_cast<std::int64_t>(bytes.size());
    if (received_ > file_.size_bytes) {
      too_long_ = true;
      return false;
    }
    write_status_ =
        sink_->Append(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
    if (options_.progress) options_.progress(file_.name, received_, file_.size_bytes);
    return write_status_.has_value();
  }

  // Appends only to an answer that says it starts where the part file ends; a server that ignores
  // the range sends everything, and the file starts anew.
  bool OpenSink() {
    received_ = status_ == 206 && range_start_ == offset_ ? offset_ : 0;
    if (status_ == 206 && received_ == 0 && range_start_ != 0) {
      write_status_ = Fail(ErrorCode::kIo, "the server sent another range than asked for");
      return false;
    }
    auto sink = FileSystem::Real().OpenForAppend(part_, received_);
    if (!sink) {
      write_status_ = sink.error();
      return false;
    }
    sink_ = std::move(sink).value();
    return true;
  }

  const AssetFile& file_;
  const std::string& url_;
  const std::string& part_;
  const FetchOptions& options_;
  std::int64_t offset_;  // bytes that the part file had at the start
  std::int64_t received_ = 0;
  int status_ = 0;
  std::int64_t range_start_ = -1;
  bool too_long_ = false;
  Status write_status_;
  std::unique_ptr<WritableFile> sink_;
};

Status TransferAndCheck(const AssetFile& file, const std::string& url, const std::string& part,
                        const FetchOptions& options, bool* worth_retrying) {
  const bool resumed = SizeOrZero(part) > 0;
  VISAVIS_RETURN_IF_ERROR(Transfer(file, url, part, options).Perform(worth_retrying));
  VISAVIS_ASSIGN_OR_RETURN(const std::string sha256, HashFile(part));
  if (sha256 == file.sha256) return {};
  std::filesystem::remove(part);
  *worth_retrying = resumed;  // the older piece may have been another file's
  return MakeError(ErrorCode::kCorruptData, "{}: sha256 is {}, want {}", url, sha256, file.sha256);
}

}  // namespace

Status DownloadFile(const AssetFile& file, const std::string& url, const std::string& path,
                    const FetchOptions& options) {
  const std::string part = path + ".part";
  for (int attempt = 1;; ++attempt) {
    bool worth_retrying = false;
    const Status status = TransferAndCheck(file, url, part, options, &worth_retrying);
    if (status) return FileSystem::Real().Rename(part, path);
    if (!worth_retrying || attempt >= options.attempts) return status;
    std::this_thread::sleep_for(std::chrono::milliseconds(options.retry_delay_ms));
  }
}

}  // namespace visavis
