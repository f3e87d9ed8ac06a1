// Known model files by name: found in the cache, in a mirror, or downloaded.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "visavis/model.h"
#include "visavis/result.h"

namespace visavis {

/// What identifies the bytes of a file: any of the values may be unknown.
struct AssetBuild {
  std::int64_t size_bytes = 0;  ///< 0 = not known
  std::string sha256 = {};      ///< 64 lower-case hex digits; "" = not known
  std::string sha384 = {};      ///< 96 lower-case hex digits; "" = not known
  std::string note = {};        ///< what is particular about this build
};

/// One file of an asset, or an archive that holds files of it.
struct AssetFile {
  std::string name;             ///< below the asset's folder; folders only in imported entries
  std::int64_t size_bytes = 0;  ///< 0 = not known
  std::string sha256 = {};      ///< lower-case hex; "" = not known
  std::vector<std::string> urls = {};         ///< tried in order; the origin comes first
  std::string sha384 = {};                    ///< lower-case hex; "" = not known
  std::vector<AssetBuild> other_builds = {};  ///< other bytes that are also this file
  std::string archive = {};  ///< name of the archive that holds it; "" = comes by itself
  std::string member = {};   ///< its path in the archive, or the end of that path
  std::string role = {};     ///< "recognition", "detection" where an asset has several
  std::string note = {};

  bool has_checksum() const { return !sha256.empty() || !sha384.empty(); }
};

/// How the licence of an asset treats its users; decides whether it must be accepted before a
/// download (docs/formats/registry.md).
enum class LicenceTerms { kPermissive, kNonCommercial, kDisputed, kUnknown };

/// What is done to the files of an imported asset after they have arrived.
struct Postprocessing {
  enum class Kind { kRegexReplace, kUnpackArchive };
  Kind kind = Kind::kUnpackArchive;
  std::string file;
  std::string pattern = {};      ///< a regular expression in Python's syntax
  std::string replacement = {};  ///< may hold \1 and \g<name>
  int count = 0;                 ///< this many replacements; 0 = all, at least one
  std::string format = {};       ///< zip, tar, gztar, bztar or xztar
};

struct AssetInput {
  std::string name;
  std::vector<std::string> shape = {};  ///< numbers, or names of open dimensions
  std::string layout = {};              ///< "NCHW"
  std::string channel_order = {};       ///< "RGB" or "BGR"; "" = not known
  std::vector<double> mean = {};        ///< subtracted by the caller; empty = not known
  std::vector<double> scale = {};       ///< divides after that; empty = not known
  std::string normalisation = {};       ///< "graph" (inside), "caller" or "" (not known)
  std::string alignment = {};           ///< template of the face crop, "arcface-112"
};

struct AssetOutput {
  std::string name;
  int dimension = 0;  ///< 0 = not fixed or not known
  std::string meaning = {};
};

struct PublishedAccuracy {
  std::string metric;
  double value = 0;
  std::string protocol = {};
  std::string source = {};
};

/// A named model of the registry (docs/formats/registry.md).
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

  std::vector<std::string> aliases = {};  ///< other names, such as Open Model Zoo's
  std::string task = {};                  ///< face_recognition, face_detection, face_pack, ...
  std::string framework = {};             ///< onnx, mxnet, caffe, ...
  LicenceTerms terms = LicenceTerms::kUnknown;
  std::string licence_url = {};
  std::vector<AssetFile> archives = {};
  std::vector<Postprocessing> postprocessing = {};
  std::vector<AssetInput> inputs = {};
  std::vector<AssetOutput> outputs = {};
  std::vector<PublishedAccuracy> accuracy = {};
  double flops = 0;       ///< for one image; 0 = not known
  double parameters = 0;  ///< 0 = not known
  std::string cost_source = {};
  std::vector<std::string> stages = {};      ///< names of the assets that make up a composite one
  std::string composite = {};                ///< name of the composite asset this is a stage of
  std::vector<std::string> precisions = {};  ///< Open Model Zoo's
  std::string subdirectory = {};             ///< below an output folder; "" = name
  std::vector<std::string> sources = {};     ///< where the facts above are from
  std::vector<std::string> notes = {};
  std::vector<std::string> unverified = {};  ///< what nobody has checked
  std::string origin = {};                   ///< the file it was read from; "" = built in

  bool must_accept_licence() const { return terms != LicenceTerms::kPermissive; }
};

/// All known models: those built into the library, and those of the user's folders.
/// Threads: const members are safe concurrently.
class Registry {
 public:
  /// The built-in entries and those of `folders`. An entry whose name is taken is listed as
  /// NAME@user. Files that cannot be read are left out and told in problems().
  static Registry Open(const std::vector<std::string>& folders);
  /// Open() of DefaultFolders(), once per process.
  static const Registry& Default();
  /// The folders of $VISAVIS_REGISTRY (colon-separated), then $XDG_CONFIG_HOME/visavis/registry or
  /// ~/.config/visavis/registry.
  static std::vector<std::string> DefaultFolders();

  const std::vector<Asset>& assets() const { return assets_; }
  const std::vector<Error>& problems() const { return problems_; }
  /// By name or alias; null if unknown.
  const Asset* Find(const std::string& name) const;
  /// Entries of which a name or alias matches a glob (`*`, `?`, `[...]`, case-sensitive), in the
  /// order of the registry; a composite entry stands for its stages too.
  std::vector<const Asset*> Match(const std::string& pattern) const;

 private:
  void Add(Asset& asset);
  const Asset* FindByName(const std::string& name) const;

  std::vector<Asset> assets_;
  std::vector<Error> problems_;
};

/// Registry::Default().assets().
const std::vector<Asset>& KnownAssets();
/// Registry::Default().Find(name).
const Asset* FindAsset(const std::string& name);

/// What happens during a fetch, as Open Model Zoo's downloader reports it.
struct FetchEvent {
  enum class Kind {
    kModelBegin,    ///< size = number of files
    kFileBegin,     ///< size = bytes to come; 0 = not known
    kFileProgress,  ///< size = bytes so far
    kFileEnd,       ///< successful
    kModelEnd,      ///< successful
    kPostprocessBegin,
    kPostprocessEnd,
    kNote,  ///< text: something a person may want to know
  };
  Kind kind;
  std::string model;
  std::string file = {};
  std::int64_t size = 0;
  bool successful = false;
  std::string text = {};
};

struct FetchOptions {
  std::string cache_dir;  ///< "" = $XDG_CACHE_HOME/visavis or ~/.cache/visavis
  std::vector<std::string>
      mirrors;  ///< local folders searched first; empty = $VISAVIS_MIRROR (colon-separated)
  bool allow_download = true;
  int timeout_s = 300;        ///< of silence, or of less than min_bytes_per_s, per file
  int attempts = 3;           ///< per URL, each resuming where the last one stopped
  int retry_delay_ms = 2000;  ///< between attempts
  /// Called during downloads with bytes so far and total; may be empty.
  std::function<void(const std::string& file, std::int64_t done, std::int64_t total)> progress = {};
  /// Called once per asset and cache, before its first use, with the licence note; may be empty.
  std::function<void(const Asset&)> show_licence = {};
  /// Set from anywhere to stop with kCancelled; what has arrived stays for the next attempt.
  const std::atomic<bool>* cancel = nullptr;

  int min_bytes_per_s = 1024;  ///< a server slower than this for timeout_s is given up
  int max_time_s = 0;          ///< for one file, all attempts at one URL together; 0 = no bound
  /// Downloads of an asset whose licence must be accepted need one of these, or an acceptance
  /// recorded in the cache. What is accepted is recorded there.
  bool accept_licence = false;
  std::function<bool(const Asset&)> ask_licence = {};
  /// Files without a known checksum are refused unless this is set; then the checksum of the first
  /// download is recorded in the cache and holds from there on.
  bool allow_unverified = false;
  std::int64_t max_unverified_bytes = 2LL << 30;         ///< for files whose size is not known
  std::function<void(const FetchEvent&)> on_event = {};  ///< may be called from any thread
  const Registry* registry = nullptr;                    ///< null = Registry::Default()
};

/// Makes sure every file of the asset is in the cache with the right checksum, and returns the
/// asset's cache folder. Interrupted downloads resume; a file gets its final name only when its
/// checksum is right. A file whose size and time are those of its last check is not read again.
/// Errors:  kNotFound (unknown name, or nowhere to be had), kCorruptData (checksum),
///          kInvalidArgument (licence not accepted, checksum not known), kIo, kCancelled.
/// Threads: safe concurrently, also between processes.
Result<std::string> FetchAsset(const std::string& name, const FetchOptions& options = {});

/// One network of an asset, e.g. ("mtcnn", "det1"): an `.onnx` file as it is, other forms from
/// their ONNX conversion, which is made once and kept in the cache. An empty `network` means the
/// only one, or the only one for recognition. Errors: those of FetchAsset and Model::Load.
Result<Model> LoadAssetModel(const std::string& asset, const std::string& network = {},
                             const FetchOptions& options = {});

}  // namespace visavis
