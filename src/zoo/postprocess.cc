#include "zoo/postprocess.h"

#include <filesystem>

#include "base/error.h"
#include "base/file_system.h"
#include "base/try.h"
#include "zoo/archive.h"
#include "zoo/cache.h"
#include "zoo/regex_replace.h"

namespace visavis {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMaxTextBytes = 16 << 20;

Error WithFile(const std::string& path, const Error& error) {
  return MakeError(error.code, "{}: {}", path, error.message);
}

Status ReplaceText(const Postprocessing& step, const std::string& path) {
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<std::uint8_t> bytes,
                           FileSystem::Real().ReadFile(path, kMaxTextBytes));
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const Result<std::string> replaced =
      RegexReplace(text, step.pattern, step.replacement, step.count);
  if (!replaced) return WithFile(path, replaced.error());
  const std::string original = path + ".orig";
  std::error_code error;
  if (!fs::exists(original, error)) VISAVIS_RETURN_IF_ERROR(CopyFileTo(path, original));
  // A new file: the old one may be a link to the store's.
  return WriteFileAtomically(
      FileSystem::Real(), path,
      std::span(reinterpret_cast<const std::uint8_t*>(replaced->data()), replaced->size()));
}

// Unpacked aside first: nothing that is there is replaced, and no half archive is left.
Status Unpack(const std::string& path, const std::atomic<bool>* cancel) {
  const fs::path target = fs::path(path).parent_path();
  const fs::path aside = path + ".unpacked";
  std::error_code error;
  fs::remove_all(aside, error);
  VISAVIS_RETURN_IF_ERROR(FileSystem::Real().CreateDirectories(aside.string()));
  VISAVIS_ASSIGN_OR_RETURN(
      const std::vector<std::string> files,
      UnpackArchive(
          path, aside.string(), [](const std::string&) { return true; }, {}, cancel));
  for (const std::string& file : files) {
    const fs::path to = target / file;
    if (fs::exists(to, error)) {
      return MakeError(ErrorCode::kCorruptData, "{}: entry \"{}\" would replace a file", path,
                       file);
    }
    VISAVIS_RETURN_IF_ERROR(FileSystem::Real().CreateDirectories(to.parent_path().string()));
    VISAVIS_RETURN_IF_ERROR(FileSystem::Real().Rename((aside / file).string(), to.string()));
  }
  fs::remove_all(aside, error);
  return FileSystem::Real().Remove(path);
}

}  // namespace

Status Postprocess(const std::vector<Postprocessing>& steps, const std::string& folder,
                   const FetchOptions& options) {
  for (const Postprocessing& step : steps) {
    const std::string path = folder + "/" + step.file;
    std::error_code error;
    if (!fs::is_regular_file(path, error)) {
      return MakeError(ErrorCode::kNotFound, "{}: postprocessing wants it, and it is not there",
                       path);
    }
    const Status status = step.kind == Postprocessing::Kind::kRegexReplace
                              ? ReplaceText(step, path)
                              : Unpack(path, options.cancel);
    VISAVIS_RETURN_IF_ERROR(status);
  }
  return {};
}

}  // namespace visavis
