// A data set and one or more systems -> one report.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "evaluate/embed_set.h"
#include "evaluate/evaluation_set.h"
#include "evaluate/report.h"
#include "evaluate/search_report.h"
#include "evaluate/verification_report.h"
#include "visavis/result.h"

namespace visavis {

struct EvaluationOptions {
  VerificationOptions verification;
  SearchOptions search;
  bool verify = true;
  bool identify = false;
  FailurePolicy failures = FailurePolicy::kDrop;
  bool plain = true;  ///< report image embeddings alone
  bool flip = true;   ///< report image + mirror image, where there are mirror images
  bool compare = true;
  /// Pairs done and in all, of all-pairs histograms; may be empty. From any thread.
  std::function<void(std::int64_t done, std::int64_t total)> progress{};
};

/// Collects systems over one set. The set must outlive it. Threads: one at a time.
class Evaluation {
 public:
  Evaluation(const EvaluationSet& set, EvaluationOptions options);

  /// Measures one system in every mode. The embedding facts and failures of `facts` are filled in.
  /// Errors: those of the measures; under FailurePolicy::kError the first image that failed.
  Status AddSystem(SystemFacts facts, const SetEmbeddings& embeddings);

  /// The report but for `run`. Systems after the first are compared with it, mode by mode.
  Result<EvaluationReport> Finish();

  /// The pairs file of docs/formats/evaluation-report.md, atomically.
  Status WritePairs(FileSystem& fs, const std::string& path) const;

 private:
  // What comparing and the pairs file need of a result.
  struct Kept {
    std::string label;
    std::size_t system = 0;
    bool flip = false;
    ScoredSet scored;
    Judgement judgement;
  };

  Status AddMode(const std::vector<float>& rows, const SetEmbeddings& embeddings, bool flip);
  Status AddListed(const EmbeddingRows& rows, const std::vector<bool>& usable,
                   ReportResult& result);
  Status AddEveryPair(const EmbeddingRows& rows, const std::vector<bool>& usable,
                      ReportResult& result);
  Status AddIjb(const EmbeddingRows& rows, const std::vector<bool>& usable, ReportResult result);
  void Warn(const std::string& label, std::vector<std::string> warnings);
  void ListImages();

  const EvaluationSet& set_;
  EvaluationOptions options_;
  EvaluationReport report_;
  std::deque<Kept> kept_;
};

}  // namespace visavis
