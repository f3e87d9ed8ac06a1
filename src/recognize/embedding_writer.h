// Embeddings of many photos as files that can be continued: docs/formats/embeddings.md.
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "visavis/recognize.h"
#include "visavis/result.h"

namespace visavis {

/// Where and what to write.
struct EmbeddingFileSpec {
  std::string path;         ///< ends in .npy, .jsonl or .csv
  int dimension = 0;        ///< numbers per embedding
  std::string fingerprint;  ///< one word that differs whenever rows could differ: inputs, models,
                            ///< options
  bool resume = false;      ///< continue what an interrupted run with the same fingerprint left
  bool with_boxes = true;   ///< false: the faces were not detected, their boxes mean nothing
};

/// Writes OUT, OUT.names.tsv and OUT.failed.tsv. All three grow under names that end in ".partial"
/// until Commit; a checkpoint on disk says from time to time how far they can be trusted.
/// Threads: one at a time.
class EmbeddingWriter {
 public:
  /// Errors:  kInvalidArgument (extension; nothing to resume that fits the fingerprint),
  /// kCorruptData
  ///          (the partial files are shorter than their checkpoint says), kIo.
  static Result<EmbeddingWriter> Open(FileSystem& fs, const EmbeddingFileSpec& spec);
  EmbeddingWriter(EmbeddingWriter&&) noexcept;
  ~EmbeddingWriter();

  /// Inputs that an earlier run has dealt with: continue with the one of this index.
  std::int64_t inputs_done() const;
  std::int64_t rows() const;
  std::int64_t failures() const;

  /// The next input: one row per face.
  Status Add(const std::string& photo, std::span<const RecognizedFace> faces);
  /// The next input gave no row. `kind` is one word: "no_face" or the ErrorCodeName.
  Status AddFailure(const std::string& photo, std::string_view kind, const std::string& message);

  /// Makes a checkpoint, so that a later run can continue after the last input that was written
  /// whole. Nothing stays on disk if there is none.
  Status Suspend();
  /// Gives the files their final names. OUT.failed.tsv exists only if something failed.
  Status Commit();

 private:
  struct State;
  explicit EmbeddingWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// OUT without its extension, with `suffix`: ("a/out.npy", ".names.tsv") -> "a/out.names.tsv".
std::string BesideOutput(const std::string& path, std::string_view suffix);

}  // namespace visavis
