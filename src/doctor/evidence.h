// Deciding how a recognition network wants its faces, by what it does with them.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "doctor/probe.h"
#include "doctor/reference_faces.h"
#include "doctor/separation.h"
#include "model/graph/graph.h"
#include "visavis/result.h"

namespace visavis {

/// One way of feeding a network (or one change of it), tried on all reference faces.
struct FaceTrial {
  std::string question;   ///< "channel order", ...
  std::string answer;     ///< "RGB", ...
  double divergence = 0;  ///< ModelProbe's, mean over layers; 0 without statistics
  double early = 0;
  Separation separation;
  NormStatistics norms;
  /// What counts against the trial: divergence + early (of templates, which leave the statistics
  /// near the pixels alone, only divergence); without statistics 1 / d'.
  double badness = 0;
  std::vector<double> badness_without;  ///< leaving out each group of people in turn
};

inline constexpr char kTemplateQuestion[] = "template";

/// How sure the doctor is, and why.
enum class Certainty {
  kCertain,   ///< follows from the file: known weights, its own nodes
  kMeasured,  ///< much better than the others, whichever quarter of the people is left out
  kWeak,      ///< better, whichever quarter is left out, but not much
  kAssumed    ///< could not be decided: the usual rule
};
std::string_view Name(Certainty certainty);

/// Which of several trials is best, and how surely. Without statistics only kWeak can be reached:
/// embeddings alone keep people apart almost as well with swapped channels.
struct Ranking {
  std::size_t best = 0;
  Certainty certainty = Certainty::kAssumed;
  double ratio = 1;  ///< badness of the second best / of the best
  int agreeing = 0;  ///< quarters without which the best stays best
  int groups = 0;
};
Ranking Rank(std::span<const FaceTrial* const> trials, bool has_statistics);

/// What a network made of the faces is kept: no way of feeding them is run twice. Threads: one at a
/// time.
class Examination {
 public:
  /// `faces` must outlive it. Errors: those of ModelProbe::Create.
  static Result<Examination> Create(const Graph& graph, const ReferenceFaces& faces,
                                    const SessionOptions& options);

  bool has_statistics() const { return probe_.has_statistics(); }
  int crop_size_px() const { return probe_.crop_size_px(); }

  Result<FaceTrial> Try(std::string question, std::string answer, const Preparation& preparation,
                        FaceTemplate face_template = FaceTemplate::kArcFace112);
  /// The same with another graph of the same input.
  Result<FaceTrial> TryGraph(const Graph& graph, std::string question, std::string answer,
                             const Preparation& preparation, FaceTemplate face_template) const;

  /// Mean similarity of every crop's embedding and its mirror image's.
  Result<double> MirrorSimilarity(const Preparation& preparation, FaceTemplate face_template);

 private:
  Examination(ModelProbe probe, const ReferenceFaces& faces, const SessionOptions& options)
      : probe_(std::move(probe)), faces_(&faces), options_(options) {}
  Result<ProbeResult> Feed(const ModelProbe& probe, const Preparation& preparation,
                           FaceTemplate face_template) const;
  Result<const ProbeResult*> FeedOnce(const Preparation& preparation, FaceTemplate face_template);
  FaceTrial Judge(const ProbeResult& result, std::string question, std::string answer) const;

  struct Fed {
    Preparation preparation;
    FaceTemplate face_template;
    ProbeResult result;
  };
  ModelProbe probe_;
  const ReferenceFaces* faces_;
  SessionOptions options_;
  std::deque<Fed> fed_;  // references stay valid
};

/// The final BatchNormalization, if the graph ends in one that scales an embedding: index of its
/// node, or -1.
int FinalBatchNorm(const Graph& graph);
/// The same graph with that layer's scale 1.
Graph WithFinalGammaOne(const Graph& graph, int node);

/// Crops in another template and size, warped from arcface-112.
Result<std::vector<Image>> Rewarp(std::span<const Image> crops, const CropPose& pose);

}  // namespace visavis
