// One file over HTTP, resumed where an earlier attempt stopped.
#pragma once

#include <string>

#include "visavis/zoo.h"

namespace visavis {

/// Downloads `url` to `path`. The bytes arrive in `path`.part, which stays after an interruption;
/// the next call asks the server for the rest only. `path` appears when size and checksum are those
/// of `file`. Tries `options.attempts` times where trying again can help.
/// Errors: kNotFound (the server has no such file), kCorruptData (other size or checksum), kIo,
///         kCancelled, kUnsupported (no libcurl). Messages name the URL.
Status DownloadFile(const AssetFile& file, const std::string& url, const std::string& path,
                    const FetchOptions& options);

}  // namespace visavis
