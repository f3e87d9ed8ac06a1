#include "zoo/model_archive.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file_system.h"
#include "base/try.h"
#include "json/fields.h"
#include "json/parse.h"

namespace visavis {
namespace {

namespace fs = std::filesystem;

constexpr char kManifest[] = "MAR-INF/MANIFEST.json";
constexpr std::int64_t kMaxManifestBytes = 1 << 20;
constexpr FieldRules kManifestRules{.null_is_absent = true};

bool IsModelFile(const std::string& path) {
  constexpr std::string_view kEndings[] = {".onnx", ".params", "-symbol.json", ".caffemodel",
                                           ".prototxt"};
  return std::any_of(std::begin(kEndings), std::end(kEndings),
                     [&](std::string_view ending) { return path.ends_with(ending); });
}

// The folder of unpacking, gone at the end of the scope.
class ScratchFolder {
 public:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
  ~ScratchFolder() {
    std::error_code error;
    fs::remove_all(path_, error);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

Result<ModelArchive> ReadModelArchive(const std::string& path) {
  ModelArchive archive;
  VISAVIS_ASSIGN_OR_RETURN(archive.entries, ListArchive(path));
  VISAVIS_ASSIGN_OR_RETURN(const std::string text,
                           ReadArchiveMember(path, kManifest, kMaxManifestBytes));
  const std::string where = path + ": " + kManifest;
  VISAVIS_ASSIGN_OR_RETURN(const nlohmann::json manifest, ParseJson(text, where));
  // Keys that nobody asks for may stand there: TorchServe writes more with every version.
  FirstError sink(where, kManifestRules);
  Fields fields(&manifest, "", sink);
  const auto text_or_none = [](Fields& from, const char* key) {
    return from.TextOr(key, kMaxManifestBytes, "");
  };
  archive.runtime = text_or_none(fields, "runtime");
  archive.licence = text_or_none(fields, "license");
  Fields model = fields.Object("model");
  archive.model_name = model.Text("modelName", kMaxManifestBytes);
  archive.model_version = text_or_none(model, "modelVersion");
  archive.description = text_or_none(model, "description");
  archive.handler = text_or_none(model, "handler");
  if (sink.error()) return *sink.error();
  for (const ArchiveEntry& entry : archive.entries) {
    if (!entry.is_folder && IsModelFile(entry.path)) archive.model_files.push_back(entry.path);
  }
  return archive;
}

Result<std::vector<std::string>> ExtractModels(const std::string& path, const std::string& folder,
                                               bool force) {
  VISAVIS_ASSIGN_OR_RETURN(const ModelArchive archive, ReadModelArchive(path));
  if (archive.model_files.empty()) {
    return MakeError(ErrorCode::kNotFound, "{}: holds no .onnx, MXNet or Caffe model", path);
  }
  std::error_code error;
  for (const std::string& file : archive.model_files) {
    const std::string to = folder + "/" + file;
    if (force || !fs::exists(to, error)) continue;
    return MakeError(ErrorCode::kInvalidArgument, "{}: is there; --force replaces it", to);
  }
  VISAVIS_RETURN_IF_ERROR(FileSystem::Real().CreateDirectories(folder));
  const ScratchFolder scratch(fmt::format("{}/.unpack.{}", folder, ::getpid()));
  VISAVIS_RETURN_IF_ERROR(FileSystem::Real().CreateDirectories(scratch.path()));
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<std::string> unpacked,
                           UnpackArchive(path, scratch.path(), IsModelFile));
  std::vector<std::string> files;
  for (const std::string& file : unpacked) {
    files.push_back(folder + "/" + file);
    VISAVIS_RETURN_IF_ERROR(
        FileSystem::Real().CreateDirectories(fs::path(files.back()).parent_path().string()));
    VISAVIS_RETURN_IF_ERROR(FileSystem::Real().Rename(scratch.path() + "/" + file, files.back()));
  }
  return files;
}

}  // namespace visavis
