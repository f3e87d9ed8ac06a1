#include "zoo/pull.h"

#include <algorithm>
#include <mutex>
#include <thread>

#include "base/try.h"
#include "zoo/cache.h"
#include "zoo/installed.h"

namespace visavis {
namespace {

// Callbacks of several threads, one at a time.
void Serialise(FetchOptions& options, std::mutex& mutex) {
  if (options.on_event) {
    options.on_event = [&mutex, call = options.on_event](const FetchEvent& event) {
      const std::lock_guard lock(mutex);
      call(event);
    };
  }
  if (options.show_licence) {
    options.show_licence = [&mutex, call = options.show_licence](const Asset& asset) {
      const std::lock_guard lock(mutex);
      call(asset);
    };
  }
  if (options.ask_licence) {
    options.ask_licence = [&mutex, call = options.ask_licence](const Asset& asset) {
      const std::lock_guard lock(mutex);
      return call(asset);
    };
  }
  if (options.progress) {
    options.progress = [&mutex, call = options.progress](const std::string& file, std::int64_t done,
                                                         std::int64_t total) {
      const std::lock_guard lock(mutex);
      call(file, done, total);
    };
  }
}

Result<std::string> PullOne(const Asset& asset, const std::string& output,
                            const FetchOptions& options) {
  VISAVIS_ASSIGN_OR_RETURN(const std::string root, CacheRoot(options));
  VISAVIS_ASSIGN_OR_RETURN(std::string folder, FetchAsset(asset.name, options));
  if (output.empty()) return folder;
  return ExportAsset(root, asset, output);
}

}  // namespace

std::vector<PullResult> PullAssets(const std::vector<const Asset*>& assets,
                                   const std::string& output, int jobs, FetchOptions options) {
  std::mutex mutex;
  Serialise(options, mutex);
  std::vector<PullResult> results(assets.size());
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < assets.size(); i = next++) {
      results[i].asset = assets[i];
      Result<std::string> folder = PullOne(*assets[i], output, options);
      if (folder) {
        results[i].folder = *std::move(folder);
      } else {
        results[i].status = folder.error();
      }
    }
  };
  std::vector<std::thread> threads;
  const std::size_t count = std::min<std::size_t>(std::max(1, jobs), assets.size());
  for (std::size_t i = 1; i < count; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  return results;
}

}  // namespace visavis
