// Known model files by name: found in the cache, in a mirror, or downloaded.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "visavis/model.h"
#include "visavis/result.h"

namespace visavis {

/// One file of an asset.
struct AssetFile {
  std::string name;  ///< without folders
  std::int64_t size_bytes = 0;
  std::string sha256;             ///< lower-case hex
  std::vector<std::string> urls;  ///< tried in order
};

/// A named model in the manifest (docs/formats/manifest.md).
struct Asset {
  std::string name;  ///< "mobilefacenet-arcface", "mtcnn", ...
  std::string description;
  std::string licence;  ///< terms as stated by the origin; shown once before first use
  std::string folder;   ///< where a mirror keeps its files
  std::string obtain;   ///< how to get the files by hand where no URL is known; may be empty
  /// For recognition networks: same person when similarity >= this. 0: never calibrated.
  double threshold = 0;
  std::string threshold_origin;  ///< how the threshold was found
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
  int timeout_s = 300;        ///< of silence, per file
  int attempts = 3;           ///< per URL, each resuming where the last one stopped
  int retry_delay_ms = 2000;  ///< between attempts
  /// Called during downloads with bytes so far and total; may be empty.
  std::function<void(const std::string& file, std::int64_t done, std::int64_t total)> progress;
  /// Called once per asset and cache, before its first use, with the licence note; may be empty.
  std::function<void(const Asset&)> show_licence;
  /// Set from anywhere to stop with kCancelled; what has arrived stays for the next attempt.
  const std::atomic<bool>* cancel = nullptr;
};

/// Makes sure every file of the asset is in the cache with the right checksum, and returns the
/// asset's cache folder. Interrupted downloads resume; a file gets its final name only when its
/// checksum is right. A file whose size and time are those of its last check is not read again.
/// Errors:  kNotFound (unknown name, or nowhere to be had), kCorruptData (checksum), kIo,
///          kCancelled.
/// Threads: safe concurrently, also between processes.
Result<std::string> FetchAsset(const std::string& name, const FetchOptions& options = {});

/// One network of an asset, e.g. ("mtcnn", "det1"): an `.onnx` file as it is, an MXNet pair from
/// its ONNX conversion, which is made once and kept in the cache. An empty `network` means the only
/// one. Errors: those of FetchAsset and Model::Load.
Result<Model> LoadAssetModel(const std::string& asset, const std::string& network = {},
                             const FetchOptions& options = {});

}  // namespace visavis
