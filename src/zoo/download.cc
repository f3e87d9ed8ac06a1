#include "zoo/download.h"

#include <strings.h>

#include <algorithm>
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

// The number that follows `prefix` and ends before `stop`; -1 for any other line.
std::int64_t HeaderNumber(std::string_view line, std::string_view prefix, char stop) {
  if (line.size() < prefix.size() ||
      ::strncasecmp(line.data(), prefix.data(), prefix.size()) != 0) {
    return -1;
  }
  std::int64_t number = -1;
  const char* first = line.data() + prefix.size();
  const auto [end, error] = std::from_chars(first, line.data() + line.size(), number);
  return error == std::errc() && end != line.data() + line.size() && *end == stop ? number : -1;
}

// No build of the file is longer.
std::int64_t MaxBytes(const AssetFile& file, const FetchOptions& options) {
  std::int64_t max = file.size_bytes > 0 ? file.size_bytes : options.max_unverified_bytes;
  for (const AssetBuild& build : file.other_builds) {
    max = std::max(max, build.size_bytes > 0 ? build.size_bytes : options.max_unverified_bytes);
  }
  return max;
}

using Clock = std::chrono::steady_clock;

// One request: what was asked, what came, where it goes.
class Transfer {
 public:
  Transfer(const AssetFile& file, const std::string& url, const std::string& part,
           const FetchOptions& options, Clock::time_point deadline)
      : file_(file),
        url_(url),
        part_(part),
        options_(options),
        deadline_(deadline),
        size_(KnownSize(file)),
        max_bytes_(MaxBytes(file, options)),
        offset_(SizeOrZero(part)) {
    if (offset_ >= max_bytes_) offset_ = 0;  // a complete part would have been taken as it is
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
      if (file_.size_bytes == 0) {
        return Fail(ErrorCode::kLimitExceeded, fmt::format("is longer than {} bytes", max_bytes_));
      }
      return Fail(ErrorCode::kCorruptData,
                  fmt::format("is longer than the {} bytes of the registry", max_bytes_));
    }
    // An empty body never reached OnBody, which would have refused a wrong status.
    if (status_ >= 400) {
      *worth_retrying = status_ >= 500 || status_ == 408 || status_ == 416 || status_ == 429;
      if (status_ == 416) std::filesystem::remove(part_);  // the server's file is shorter
      return Fail(status_ == 404 || status_ == 410 ? ErrorCode::kNotFound : ErrorCode::kIo,
                  fmt::format("the server answered {}", status_));
    }
    if (code != CURLE_OK) {
      // What can never work: another scheme, a loop of redirects.
      *worth_retrying = code != CURLE_UNSUPPORTED_PROTOCOL && code != CURLE_TOO_MANY_REDIRECTS &&
                        code != CURLE_URL_MALFORMAT;
      return Fail(ErrorCode::kIo, Explain(curl, code));
    }
    if (size_ > 0 && received_ < size_) {
      *worth_retrying = true;
      return Fail(ErrorCode::kIo, fmt::format("ended after {} of {} bytes", received_, size_));
    }
    if (sink_ == nullptr) {  // an empty body: the file is empty
      std::filesystem::remove(part_);
      VISAVIS_ASSIGN_OR_RETURN(sink_, FileSystem::Real().OpenForAppend(part_, 0));
      VISAVIS_RETURN_IF_ERROR(sink_->Close());
    }
    return {};
  }

 private:
  Error Fail(ErrorCode code, std::string_view what) const {
    return MakeError(code, "{}: {}", url_, what);
  }

  std::string Explain(const CurlApi& curl, CURLcode code) const {
    if (code == CURLE_OPERATION_TIMEDOUT) {
      if (Clock::now() >= deadline_)
        return fmt::format("not done within {} s", options_.max_time_s);
      return fmt::format("less than {} bytes/s for {} s", options_.min_bytes_per_s,
                         options_.timeout_s);
    }
    return curl.easy_strerror(code);
  }

  void SetOptions(const CurlApi& curl, CURL* handle) {
    curl.easy_setopt(handle, CURLOPT_URL, url_.c_str());
    curl.easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    // Nobody who asked for TLS is sent back to plain text.
    const bool secure = url_.starts_with("https:");
    curl.easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
    curl.easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
    curl.easy_setopt(handle, CURLOPT_MAXREDIRS, kMaxRedirects);
    curl.easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl.easy_setopt(handle, CURLOPT_USERAGENT, "visavis");
    const long timeout_s = std::max(1, options_.timeout_s);
    curl.easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, std::min(kConnectTimeoutSeconds, timeout_s));
    curl.easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT,
                     static_cast<long>(std::max(1, options_.min_bytes_per_s)));
    curl.easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, timeout_s);
    if (options_.max_time_s > 0) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now());
      curl.easy_setopt(handle, CURLOPT_TIMEOUT_MS, std::max(1L, static_cast<long>(left.count())));
    }
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
      content_length_ = -1;
      const auto space = line.find(' ');
      if (space != std::string_view::npos) {
        std::from_chars(line.data() + space + 1, line.data() + line.size(), status_);
      }
    } else if (const auto start = HeaderNumber(line, "content-range: bytes ", '-'); start >= 0) {
      range_start_ = start;
    } else if (const auto length = HeaderNumber(line, "content-length: ", '\r'); length >= 0) {
      content_length_ = length;
    }
  }

  bool Body(std::string_view bytes) {
    if (status_ < 200 || status_ >= 300) return true;  // an error page: read and forgotten
    if (sink_ == nullptr && !OpenSink()) return false;
    received_ += static_cast<std::int64_t>(bytes.size());
    if (received_ > max_bytes_) {
      too_long_ = true;
      return false;
    }
    write_status_ =
        sink_->Append(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
    if (options_.progress) options_.progress(file_.name, received_, size_ > 0 ? size_ : total_);
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
    // What is announced to be too long need not be read to its end.
    if (content_length_ >= 0) total_ = received_ + content_length_;
    if (total_ > max_bytes_) {
      too_long_ = true;
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
  Clock::time_point deadline_;
  std::int64_t size_;  // 0 = not known
  std::int64_t max_bytes_;
  std::int64_t offset_;  // bytes that the part file had at the start
  std::int64_t received_ = 0;
  int status_ = 0;
  std::int64_t range_start_ = -1;
  std::int64_t content_length_ = -1;
  std::int64_t total_ = 0;  // as announced; 0 = it was not
  bool too_long_ = false;
  Status write_status_;
  std::unique_ptr<WritableFile> sink_;
};

// What a person needs to see why a file was refused.
Error WrongFile(const std::string& where, const AssetFile& file, const Digests& digests) {
  const bool by_sha256 = !file.sha256.empty();
  return MakeError(ErrorCode::kCorruptData, "{}: {} is {}, want {} ({} bytes, want {})", where,
                   by_sha256 ? "sha256" : "sha384", by_sha256 ? digests.sha256 : digests.sha384,
                   by_sha256 ? file.sha256 : file.sha384, digests.size_bytes, file.size_bytes);
}

Result<Digests> TransferAndCheck(const AssetFile& file, const std::string& url,
                                 const std::string& part, const FetchOptions& options,
                                 Clock::time_point deadline, bool* worth_retrying) {
  if (!file.has_checksum()) std::filesystem::remove(part);
  const bool resumed = SizeOrZero(part) > 0;
  VISAVIS_RETURN_IF_ERROR(Transfer(file, url, part, options, deadline).Perform(worth_retrying));
  *worth_retrying = false;
  VISAVIS_ASSIGN_OR_RETURN(Digests digests, DigestFile(part, NeedsSha384(file)));
  if (!file.has_checksum() || IsThatFile(file, digests)) return digests;
  std::filesystem::remove(part);
  *worth_retrying = resumed;  // the older piece may have been another file's
  return WrongFile(url, file, digests);
}

// Killed between the last byte and the new name: nothing is left to be asked for.
Result<Digests> TakeWholePart(const AssetFile& file, const std::string& part) {
  const std::int64_t size = SizeOrZero(part);
  if (size == 0 || size != KnownSize(file)) return Error{ErrorCode::kNotFound, {}};
  VISAVIS_ASSIGN_OR_RETURN(Digests digests, DigestFile(part, NeedsSha384(file)));
  if (IsThatFile(file, digests)) return digests;
  std::filesystem::remove(part);
  return Error{ErrorCode::kNotFound, {}};
}

Status Wait(int delay_ms, const FetchOptions& options, const std::string& url) {
  const auto until = Clock::now() + std::chrono::milliseconds(delay_ms);
  while (Clock::now() < until) {
    if (Cancelled(options)) return MakeError(ErrorCode::kCancelled, "{}: cancelled", url);
    std::this_thread::sleep_for(
        std::min<Clock::duration>(std::chrono::milliseconds(100), until - Clock::now()));
  }
  return {};
}

}  // namespace

Result<Digests> DownloadFile(const AssetFile& file, const std::string& url, const std::string& path,
                             const FetchOptions& options) {
  const std::string part = path + ".part";
  const auto deadline = options.max_time_s > 0
                            ? Clock::now() + std::chrono::seconds(options.max_time_s)
                            : Clock::time_point::max();
  Result<Digests> result = TakeWholePart(file, part);
  for (int attempt = 1; !result; ++attempt) {
    bool worth_retrying = false;
    result = TransferAndCheck(file, url, part, options, deadline, &worth_retrying);
    if (result) break;
    if (!worth_retrying || attempt >= options.attempts || Clock::now() >= deadline) return result;
    VISAVIS_RETURN_IF_ERROR(Wait(options.retry_delay_ms, options, url));
  }
  VISAVIS_RETURN_IF_ERROR(FileSystem::Real().Rename(part, path));
  return result;
}

}  // namespace visavis
