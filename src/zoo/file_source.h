// Where the files of an asset come from: the store, mirrors, URLs, archives.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "visavis/zoo.h"
#include "zoo/cache.h"

namespace visavis {

/// Tells FetchOptions::on_event what happens to one asset.
class FetchReporter {
 public:
  FetchReporter(const FetchOptions& options, std::string model)
      : options_(options), model_(std::move(model)) {}

  void Tell(FetchEvent::Kind kind, const std::string& file = {}, std::int64_t size = 0,
            bool successful = false, const std::string& text = {}) const {
    if (options_.on_event) options_.on_event({kind, model_, file, size, successful, text});
  }
  void Note(const std::string& text) const { Tell(FetchEvent::Kind::kNote, {}, 0, false, text); }

 private:
  const FetchOptions& options_;
  std::string model_;
};

/// Gets the files of one asset. What is not whole yet lies in 1/staging/NAME of the cache.
/// Threads: one at a time for one asset (FetchAsset holds its lock); other assets may run.
class FileSource {
 public:
  FileSource(const Asset& asset, const std::string& root, const FetchOptions& options);

  /// Makes `folder` hold all files of the asset, right and marked as verified.
  /// Errors: those of FetchAsset.
  Status GetAll(const std::string& folder);

 private:
  struct Wanted {
    AssetFile file;
    std::string path;
  };

  // True if the file is at `path` now; false if it has to come from an archive.
  Result<bool> Get(const AssetFile& file, const std::string& path);
  Result<bool> CopyFromMirrors(const AssetFile& file, const std::string& path, Digests* digests);
  Status Download(const AssetFile& file, const std::string& finished, Digests* digests,
                  std::string* from);
  Status GetFromArchive(const AssetFile& archive, const std::vector<Wanted>& wanted);
  Status UnpackWanted(const AssetFile& archive, const std::string& path,
                      const std::vector<Wanted>& wanted);
  Status KeepFile(const std::string& finished, const AssetFile& file, const Digests& digests,
                  const std::string& path, const std::string& from);
  Status AcceptLicence();
  std::string StagingPath(const AssetFile& file) const;
  FetchOptions WithProgress(const AssetFile& file) const;
  Error NowhereToBeHad(const AssetFile& file, const std::string& why) const;

  const Asset& asset_;
  const std::string root_;
  const FetchOptions& options_;
  ChecksumStore store_;
  FetchReporter report_;
  bool licence_accepted_ = false;
};

}  // namespace visavis
