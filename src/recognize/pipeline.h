// Many photos through the chain at once: results in the order of the input, memory bounded.
#pragma once

#include <atomic>
#include <functional>
#include <span>
#include <vector>

#include "visavis/recognize.h"
#include "visavis/result.h"

namespace visavis {

struct PipelineOptions {
  int threads = 1;  ///< photos worked on at once, >= 1; the calling thread is one of them
  int batch = 8;    ///< crops per run of the network, >= 1
  const std::atomic<bool>* cancel = nullptr;  ///< set from anywhere to stop with kCancelled
};

/// What came of one photo.
struct PhotoResult {
  std::size_t index = 0;  ///< of the photo, from 0
  /// Faces with crop, and embedding if asked for. No face is an empty vector.
  Result<std::vector<RecognizedFace>> faces = std::vector<RecognizedFace>();
};

/// Finds and aligns the wanted faces of photo `index`; called from several threads at once.
using LocateFaces = std::function<Result<std::vector<RecognizedFace>>(std::size_t index)>;
/// Embeds crops of any photos together; called from several threads at once (Embedder::Embed).
using EmbedCrops = std::function<Result<std::vector<Embedding>>(std::span<const ImageView>)>;
/// Takes results one at a time, by rising index, on any of the threads.
using PhotoSink = std::function<Status(PhotoResult)>;

/// Runs `locate` for every index in [0, count) and `embed` (empty: not at all) on the crops of any
/// photos together, and hands the results to `sink`. A photo that fails is a result like any other;
/// an error of `sink` ends the run and is returned. At most 2 x (threads + batch) photos are under
/// way; a full window makes the readers wait. Threads: one thread per photo or batch, which wastes
/// no core as long as there are photos.
Status RunPipeline(std::size_t count, const LocateFaces& locate, const EmbedCrops& embed,
                   const PipelineOptions& options, const PhotoSink& sink);

}  // namespace visavis
