// What the cache holds of an asset.
#pragma once

#include <string>
#include <vector>

#include "visavis/zoo.h"
#include "zoo/cache.h"

namespace visavis {

/// ROOT/NAME.
std::string AssetFolder(const std::string& root, const Asset& asset);
/// Keeps others from changing the asset's folder. Errors: kIo, kCancelled.
Result<FolderLock> LockAsset(const std::string& root, const Asset& asset,
                             const std::atomic<bool>* cancel);

/// The files that the folder holds when the asset is complete: those of the registry with the
/// checksums trusted on first use; after postprocessing, those recorded in ROOT/NAME/.files.
/// Empty if the asset was postprocessed and is not there.
std::vector<AssetFile> InstalledFiles(const std::string& root, const Asset& asset);
/// Records every file below `folder` as what postprocessing left there.
Status RecordInstalledFiles(const std::string& folder);

/// As far as size and time of last check tell, without reading.
bool IsInstalled(const std::string& root, const Asset& asset);

struct FileCheck {
  enum class State {
    kOk,
    kMissing,
    kDamaged,
    kUnverified,  ///< there, and no checksum is known for it
  };
  std::string file;
  State state = State::kOk;
  std::string detail = {};
};

/// Reads every file of an asset and compares it with what it should be. Errors: kCancelled, kIo.
Result<std::vector<FileCheck>> VerifyAsset(const std::string& root, const Asset& asset,
                                           const std::atomic<bool>* cancel);

/// Removes the asset's folder, what has arrived of it so far, and the store's copies that no other
/// asset uses; returns the bytes freed. Acceptances and trusted checksums stay unless `forget`.
Result<std::int64_t> RemoveAsset(const std::string& root, const Asset& asset, bool forget,
                                 const std::atomic<bool>* cancel);

/// Copies the asset's files to OUTPUT/SUBDIRECTORY and returns that folder; files that are there
/// and the same stay as they are.
Result<std::string> ExportAsset(const std::string& root, const Asset& asset,
                                const std::string& output);

}  // namespace visavis
