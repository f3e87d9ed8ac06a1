// libcurl, opened when the first download starts: it brings two dozen libraries along, which no
// other run of a program should have to load.
#pragma once

#include <curl/curl.h>

#include "visavis/result.h"

namespace visavis {

/// The functions of libcurl that downloads use.
struct CurlApi {
  decltype(&::curl_global_init) global_init = nullptr;
  decltype(&::curl_easy_init) easy_init = nullptr;
  decltype(&::curl_easy_setopt) easy_setopt = nullptr;
  decltype(&::curl_easy_perform) easy_perform = nullptr;
  decltype(&::curl_easy_cleanup) easy_cleanup = nullptr;
  decltype(&::curl_easy_strerror) easy_strerror = nullptr;

  /// Opened once per program. Errors: kUnsupported if libcurl is not installed.
  static const Result<CurlApi>& Get();
};

}  // namespace visavis
