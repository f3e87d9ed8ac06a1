// Any bytes as an archive, listed and unpacked: whatever it is, nothing may be made beside the
// folder it is unpacked into.
#include <stdlib.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "zoo/archive.h"

namespace {

namespace fs = std::filesystem;

// One scratch folder per process, in memory where there is such a place. Its name is never
// destroyed, so that it can still be removed at the end.
const std::string& Scratch() {
  static const std::string& folder = *[] {
    auto* name = new std::string(
        (fs::is_directory("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path()) /
        "visavis-fuzz-archive-XXXXXX");
    if (::mkdtemp(name->data()) == nullptr) ::abort();
    return name;
  }();
  static const int registered = std::atexit([] { fs::remove_all(Scratch()); });
  (void)registered;
  return folder;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string path = Scratch() + "/a";
  const std::string folder = Scratch() + "/folder";
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  const visavis::ArchiveLimits limits = {
      .entries = 50, .unpacked_bytes = 4 << 20, .ratio = 50, .depth = 8};
  (void)visavis::ListArchive(path, limits);
  fs::create_directories(folder);
  (void)visavis::UnpackArchive(
      path, folder, [](const std::string&) { return true; }, limits);
  for (const auto& entry : fs::directory_iterator(Scratch())) {
    if (entry.path() != path && entry.path() != folder) ::abort();
  }
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_symlink() || (!entry.is_regular_file() && !entry.is_directory())) ::abort();
  }
  fs::remove_all(folder);
  return 0;
}
