// One file over HTTP, resumed where an earlier attempt stopped.
#pragma once

#include <string>

#include "visavis/zoo.h"
#include "zoo/cache.h"

namespace visavis {

/// Downloads `url` to `path`. The bytes arrive in `path`.part, which stays after an interruption;
/// the next call asks the server for the rest only. `path` appears when size and checksums are
/// those of `file`; a file without checksum is never resumed, since nothing could tell that two
/// pieces belong together. Tries `options.attempts` times where trying again can help.
/// Errors: kNotFound (the server has no such file), kCorruptData (other size or checksum),
///         kLimitExceeded (longer than max_unverified_bytes), kIo (also time-outs), kCancelled,
///         kUnsupported (no libcurl). Messages name the URL.
Result<Digests> DownloadFile(const AssetFile& file, const std::string& url, const std::string& path,
                             const FetchOptions& options);

}  // namespace visavis
