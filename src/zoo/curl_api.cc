#include "zoo/curl_api.h"

#include "base/error.h"
#include "zoo/shared_library.h"

namespace visavis {
namespace {

Result<CurlApi> Open() {
  const SharedLibrary library({"libcurl.so.4", "libcurl-gnutls.so.4"});
  CurlApi api;
  if (!library.Bind("curl_global_init", api.global_init) ||
      !library.Bind("curl_easy_init", api.easy_init) ||
      !library.Bind("curl_easy_setopt", api.easy_setopt) ||
      !library.Bind("curl_easy_perform", api.easy_perform) ||
      !library.Bind("curl_easy_cleanup", api.easy_cleanup) ||
      !library.Bind("curl_easy_strerror", api.easy_strerror) ||
      api.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    return MakeError(ErrorCode::kUnsupported,
                     "downloads need libcurl.so.4 (Debian package libcurl4)");
  }
  return api;
}

}  // namespace

const Result<CurlApi>& CurlApi::Get() {
  static const Result<CurlApi> api = Open();
  return api;
}

}  // namespace visavis
