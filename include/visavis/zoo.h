// Known model files by name: found in the cache, in a mirror, or downloaded.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "visavis/result.h"

namespace visavis {

/// One file of an asset.
struct AssetFile {
  std::string name;  ///< relative, no ".."
  std::int64_t size_bytes = 0;
  std::string sha256;             ///< lower-case hex
  std::vector<std::string> urls;  ///< tried in order
};

/// A named model in the manifest (docs/formats/manifest.md).
struct Asset {
  std::string name;  ///< "mobilefacenet-arcface", "mtcnn", ...
  std::string description;
  std::string licence;  ///< terms as stated by the origin; shown once before first use
  std::vector<AssetFile> files;
};

/// The manifest built into the library.
const std::vector<Asset>& KnownAssets();
/// Null if unknown.
const Asset* FindAsset(const std::string& name);

struct FetchOptions {
  std::string cache_dir;  ///< "" = $XDG_CACHE_HOME/visavis or ~/.cache/visavis
  std::vector<std::string>
      mirrors;  ///< local folders searched first; empty = $VISAVIS_MIRROR (colon-separated)
  bool allow_download = true;
  int timeout_s = 300;  ///< of silence, per file
  /// Called during downloads with bytes so far and total; may be empty.
  std::function<void(const std::string& file, std::int64_t done, std::int64_t total)> progress;
  /// Called once per asset before its first use with the licence note; may be empty.
  std::function<void(const Asset&)> show_licence;
};

/// Makes sure every file of the asset is in the cache with the right checksum, and returns the
/// asset's cache folder. Interrupted downloads resume; a file gets its final name only when its
/// checksum is right. Errors: kNotFound (unknown name, or nowhere to be had), kCorruptData
/// (checksum), kIo.
Result<std::string> FetchAsset(const std::string& name, const FetchOptions& options = {});

}  // namespace visavis
