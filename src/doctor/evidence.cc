#include "doctor/evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "base/try.h"
#include "image/transform.h"
#include "visavis/align.h"

namespace visavis {
namespace {

constexpr int kGroups = 4;

std::vector<int> GroupsOf(std::span<const int> people) {
  std::vector<int> groups;
  for (const int person : people) groups.push_back(person % kGroups);
  return groups;
}

// Separation without the people of one group.
double SeparationWithout(std::span<const Embedding> embeddings, std::span<const int> people,
                         int group) {
  std::vector<Embedding> rest;
  std::vector<int> rest_people;
  for (std::size_t i = 0; i < embeddings.size(); ++i) {
    if (people[i] % kGroups == group) continue;
    rest.push_back(embeddings[i]);
    rest_people.push_back(people[i]);
  }
  return Separate(rest, rest_people).d_prime;
}

double Against(double d_prime) {
  constexpr double kLeastSeparation = 0.01;
  return 1 / std::max(d_prime, kLeastSeparation);
}

}  // namespace

std::string_view Name(Certainty certainty) {
  switch (certainty) {
    case Certainty::kCertain:
      return "certain";
    case Certainty::kMeasured:
      return "measured";
    case Certainty::kWeak:
      return "weak";
    case Certainty::kAssumed:
      return "assumed";
  }
  return "assumed";
}

Ranking Rank(std::span<const FaceTrial* const> trials, bool has_statistics) {
  Ranking ranking;
  if (trials.empty()) return ranking;
  for (std::size_t i = 1; i < trials.size(); ++i) {
    if (trials[i]->badness < trials[ranking.best]->badness) ranking.best = i;
  }
  const FaceTrial& best = *trials[ranking.best];
  double second = INFINITY;
  ranking.groups = static_cast<int>(best.badness_without.size());
  ranking.agreeing = ranking.groups;
  for (std::size_t g = 0; g < best.badness_without.size(); ++g) {
    for (std::size_t i = 0; i < trials.size(); ++i) {
      if (i == ranking.best || trials[i]->badness_without[g] > best.badness_without[g]) continue;
      --ranking.agreeing;
      break;
    }
  }
  for (std::size_t i = 0; i < trials.size(); ++i) {
    if (i != ranking.best) second = std::min(second, trials[i]->badness);
  }
  ranking.ratio = best.badness > 0 ? second / best.badness : INFINITY;
  // From measurements on MobileFaceNet (docs/commands/model-doctor.md): swapped channels give 6,
  // the nearest other template 1.6; contrast changed by a tenth 1.2.
  constexpr double kMuch = 1.3;
  constexpr double kSomething = 1.03;
  if (ranking.agreeing < ranking.groups || ranking.ratio < kSomething) return ranking;
  ranking.certainty =
      has_statistics && ranking.ratio >= kMuch ? Certainty::kMeasured : Certainty::kWeak;
  return ranking;
}

Result<std::vector<Image>> Rewarp(std::span<const Image> crops, const CropPose& pose) {
  const Landmarks5 from = ArcFaceTemplate(112);
  std::vector<Image> warped;
  for (const Image& crop : crops) {
    if (pose.face_template == FaceTemplate::kArcFace112 && pose.size_px == crop.width()) {
      warped.push_back(Copy(crop));
      continue;
    }
    VISAVIS_ASSIGN_OR_RETURN(FaceCrop face, AlignFace(crop, from, pose));
    warped.push_back(std::move(face.image));
  }
  return warped;
}

Result<Examination> Examination::Create(const Graph& graph, const ReferenceFaces& faces,
                                        const SessionOptions& options) {
  VISAVIS_ASSIGN_OR_RETURN(ModelProbe probe, ModelProbe::Create(graph, options));
  return Examination(std::move(probe), faces, options);
}

Result<ProbeResult> Examination::Feed(const ModelProbe& probe, const Preparation& preparation,
                                      FaceTemplate face_template) const {
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<Image> crops,
                           Rewarp(faces_->crops, CropPose(probe.crop_size_px(), face_template)));
  return probe.Run(crops, preparation, GroupsOf(faces_->people));
}

Result<const ProbeResult*> Examination::FeedOnce(const Preparation& preparation,
                                                 FaceTemplate face_template) {
  for (const Fed& fed : fed_) {
    if (fed.preparation == preparation && fed.face_template == face_template) return &fed.result;
  }
  VISAVIS_ASSIGN_OR_RETURN(ProbeResult result, Feed(probe_, preparation, face_template));
  fed_.push_back({preparation, face_template, std::move(result)});
  return &fed_.back().result;
}

FaceTrial Examination::Judge(const ProbeResult& result, std::string question,
                             std::string answer) const {
  FaceTrial trial;
  trial.question = std::move(question);
  trial.answer = std::move(answer);
  trial.divergence = result.fit.divergence;
  trial.early = result.fit.early;
  trial.separation = Separate(result.embeddings, faces_->people);
  trial.norms = Norms(result.embeddings);
  const bool by_depth = trial.question == kTemplateQuestion;
  const auto badness = [&](const NetworkFit& fit) {
    return by_depth ? fit.divergence : fit.divergence + fit.early;
  };
  if (probe_.has_statistics()) {
    trial.badness = badness(result.fit);
    for (const NetworkFit& fit : result.without) trial.badness_without.push_back(badness(fit));
  } else {
    trial.badness = Against(trial.separation.d_prime);
    for (int g = 0; g < kGroups; ++g) {
      trial.badness_without.push_back(
          Against(SeparationWithout(result.embeddings, faces_->people, g)));
    }
  }
  return trial;
}

Result<FaceTrial> Examination::Try(std::string question, std::string answer,
                                   const Preparation& preparation, FaceTemplate face_template) {
  VISAVIS_ASSIGN_OR_RETURN(const ProbeResult* result, FeedOnce(preparation, face_template));
  return Judge(*result, std::move(question), std::move(answer));
}

Result<FaceTrial> Examination::TryGraph(const Graph& graph, std::string question,
                                        std::string answer, const Preparation& preparation,
                                        FaceTemplate face_template) const {
  VISAVIS_ASSIGN_OR_RETURN(const ModelProbe probe, ModelProbe::Create(graph, options_));
  VISAVIS_ASSIGN_OR_RETURN(const ProbeResult result, Feed(probe, preparation, face_template));
  return Judge(result, std::move(question), std::move(answer));
}

Result<double> Examination::MirrorSimilarity(const Preparation& preparation,
                                             FaceTemplate face_template) {
  VISAVIS_ASSIGN_OR_RETURN(const ProbeResult* plain, FeedOnce(preparation, face_template));
  VISAVIS_ASSIGN_OR_RETURN(std::vector<Image> crops,
                           Rewarp(faces_->crops, CropPose(probe_.crop_size_px(), face_template)));
  for (Image& crop : crops) crop = Mirror(crop);
  VISAVIS_ASSIGN_OR_RETURN(const ProbeResult mirrored, probe_.Run(crops, preparation));
  return MeanSimilarity(plain->embeddings, mirrored.embeddings);
}

int FinalBatchNorm(const Graph& graph) {
  if (graph.outputs.size() != 1) return -1;
  const std::vector<int> producers = Producers(graph);
  ValueId at = graph.outputs[0];
  for (int guard = 0; guard < 8; ++guard) {
    const int producer = producers[static_cast<std::size_t>(at)];
    if (producer < 0) return -1;
    const Node& node = graph.nodes[static_cast<std::size_t>(producer)];
    if (node.op_type == "BatchNormalization") return producer;
    if (node.op_type != "Identity" && node.op_type != "Flatten" && node.op_type != "Reshape" &&
        node.op_type != "Squeeze") {
      return -1;
    }
    at = node.input(0);
    if (at == kNoValue) return -1;
  }
  return -1;
}

Graph WithFinalGammaOne(const Graph& graph, int node) {
  Graph changed = graph;
  Node& norm = changed.nodes[static_cast<std::size_t>(node)];
  const Tensor* gamma = graph.constant(norm.input(1));
  if (gamma == nullptr) return changed;
  const std::vector<float> ones(static_cast<std::size_t>(gamma->elements()), 1.0f);
  norm.inputs[1] =
      changed.AddConstant("gamma_one", Tensor::From<float>(Shape{gamma->elements()}, ones));
  return changed;
}

}  // namespace visavis
