#include "zoo/curl_api.h"

#include <dlfcn.h>

#include "base/error.h"

namespace visavis {
namespace {

template <typename Function>
bool Bind(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  return function != nullptr;
}

Result<CurlApi> Open() {
  void* library = ::dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) library = ::dlopen("libcurl-gnutls.so.4", RTLD_NOW | RTLD_LOCAL);
  CurlApi api;
  if (library == nullptr || !Bind(library, "curl_global_init", api.global_init) ||
      !Bind(library, "curl_easy_init", api.easy_init) ||
      !Bind(library, "curl_easy_setopt", api.easy_setopt) ||
      !Bind(library, "curl_easy_perform", api.easy_perform) ||
      !Bind(library, "curl_easy_cleanup", api.easy_cleanup) ||
      !Bind(library, "curl_easy_strerror", api.easy_strerror) ||
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
