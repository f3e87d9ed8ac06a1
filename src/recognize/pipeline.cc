#include "recognize/pipeline.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "base/check.h"
#include "base/error.h"

namespace visavis {
namespace {

// Every worker does whatever is most urgent: deliver finished photos, embed a batch, or take the
// next photo. One mutex guards the bookkeeping; the work itself is done outside it.
class Pipeline {
 public:
  Pipeline(std::size_t count, const LocateFaces& locate, const EmbedCrops& embed,
           const PipelineOptions& options, const PhotoSink& sink)
      : count_(count),
        locate_(locate),
        embed_(embed),
        options_(options),
        sink_(sink),
        window_(2 * static_cast<std::size_t>(options.threads + options.batch)) {}

  Status Run() {
    std::vector<std::thread> helpers;
    for (int i = 1; i < options_.threads; ++i) helpers.emplace_back([this] { Work(); });
    Work();
    for (std::thread& helper : helpers) helper.join();
    return status_;
  }

 private:
  using Lock = std::unique_lock<std::mutex>;

  struct Photo {
    PhotoResult result;
    bool located = false;
    std::size_t not_embedded = 0;
    Status embedded;  // kept apart: the crops must live while other batches read them
    bool done() const { return located && not_embedded == 0; }
  };
  struct PendingCrop {
    Photo* photo;
    std::size_t face;
  };

  void Work() {
    Lock lock(mutex_);
    while (!Finished()) {
      if (CanDeliver()) {
        Deliver(lock);
      } else if (HasBatch()) {
        EmbedBatch(lock);
      } else if (CanTake()) {
        LocateNext(lock);
      } else {
        changed_.wait(lock);
      }
    }
    changed_.notify_all();
  }

  bool Finished() {
    if (options_.cancel != nullptr && options_.cancel->load() && status_) {
      status_ =
          MakeError(ErrorCode::kCancelled, "cancelled after {} of {} photos", delivered_, count_);
    }
    return !status_ || delivered_ == count_;
  }
  bool CanDeliver() const {
    return !delivering_ && !under_way_.empty() && under_way_.front().done();
  }
  bool CanTake() const { return taken_ < count_ && under_way_.size() < window_; }
  // A batch that is not full waits only as long as more crops can come.
  bool HasBatch() const {
    const auto full = static_cast<std::size_t>(options_.batch);
    return pending_.size() >= full || (!pending_.empty() && !CanTake() && locating_ == 0);
  }

  void Deliver(Lock& lock) {
    delivering_ = true;
    PhotoResult result = std::move(under_way_.front().result);
    if (const Status& embedded = under_way_.front().embedded; !embedded) {
      result.faces = embedded.error();
    }
    under_way_.pop_front();
    lock.unlock();
    Status status = sink_(std::move(result));
    lock.lock();
    delivering_ = false;
    ++delivered_;
    if (!status && status_) status_ = std::move(status);
    changed_.notify_all();
  }

  void LocateNext(Lock& lock) {
    // A deque does not move its elements when others are added or taken at the ends.
    Photo& photo = under_way_.emplace_back();
    photo.result.index = taken_++;
    ++locating_;
    lock.unlock();
    auto faces = Guarded<std::vector<RecognizedFace>>([&] { return locate_(photo.result.index); });
    lock.lock();
    --locating_;
    photo.result.faces = std::move(faces);
    photo.located = true;
    if (embed_ && photo.result.faces) {
      photo.not_embedded = photo.result.faces->size();
      for (std::size_t i = 0; i < photo.not_embedded; ++i) pending_.push_back({&photo, i});
    }
    changed_.notify_all();
  }

  void EmbedBatch(Lock& lock) {
    std::vector<PendingCrop> batch;
    std::vector<ImageView> crops;
    while (!pending_.empty() && batch.size() < static_cast<std::size_t>(options_.batch)) {
      batch.push_back(pending_.front());
      pending_.pop_front();
      crops.push_back((*batch.back().photo->result.faces)[batch.back().face].crop.image);
    }
    lock.unlock();
    auto embeddings = Guarded<std::vector<Embedding>>([&] { return embed_(crops); });
    lock.lock();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      Photo& photo = *batch[i].photo;
      --photo.not_embedded;
      if (embeddings) {
        (*photo.result.faces)[batch[i].face].embedding = std::move((*embeddings)[i]);
      } else {
        photo.embedded = embeddings.error();
      }
    }
    changed_.notify_all();
  }

  // The border for exceptions of libraries: a thread must not end with one.
  template <typename T, typename Function>
  static Result<T> Guarded(const Function& function) {
    try {
      return function();
    } catch (const std::bad_alloc&) {
      return MakeError(ErrorCode::kLimitExceeded, "out of memory");
    } catch (const std::exception& error) {
      return MakeError(ErrorCode::kInternal, "unexpected failure: {}", error.what());
    }
  }

  const std::size_t count_;
  const LocateFaces& locate_;
  const EmbedCrops& embed_;
  const PipelineOptions options_;
  const PhotoSink& sink_;
  const std::size_t window_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Photo> under_way_;      // in the order of the input
  std::deque<PendingCrop> pending_;  // crops to embed
  std::size_t taken_ = 0;
  std::size_t delivered_ = 0;
  int locating_ = 0;
  bool delivering_ = false;
  Status status_;
};

}  // namespace

Status RunPipeline(std::size_t count, const LocateFaces& locate, const EmbedCrops& embed,
                   const PipelineOptions& options, const PhotoSink& sink) {
  VISAVIS_CHECK(options.threads >= 1 && options.batch >= 1);
  return Pipeline(count, locate, embed, options, sink).Run();
}

}  // namespace visavis
