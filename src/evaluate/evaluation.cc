#include "evaluate/evaluation.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "base/try.h"
#include "evaluate/all_pairs.h"
#include "evaluate/compare_results.h"
#include "evaluate/ijb.h"
#include "evaluate/megaface.h"

namespace visavis {
namespace {

const char* Name(FailurePolicy policy) {
  switch (policy) {
    case FailurePolicy::kDrop:
      return "drop";
    case FailurePolicy::kReject:
      return "reject";
    case FailurePolicy::kError:
      return "error";
  }
  return "drop";
}

FailureFacts FailuresOf(const EvaluationSet& set, const SetEmbeddings& embeddings,
                        FailurePolicy policy) {
  FailureFacts facts;
  facts.policy = Name(policy);
  facts.images = std::ssize(set.images);
  facts.list = embeddings.failures;
  facts.no_face = std::count_if(facts.list.begin(), facts.list.end(),
                                [](const ReportFailure& f) { return f.code == "no_face"; });
  facts.unreadable = std::ssize(facts.list) - facts.no_face;
  const std::int64_t failed = std::ssize(facts.list);
  facts.failure_to_acquire = {
      facts.images == 0 ? 0 : static_cast<double>(failed) / static_cast<double>(facts.images),
      WilsonInterval(failed, facts.images), "wilson"};
  for (const LabelledPair& pair : set.pairs) {
    if (embeddings.usable[pair.a] && embeddings.usable[pair.b]) continue;
    ++(pair.same ? facts.genuine_pairs : facts.impostor_pairs);
  }
  return facts;
}

// The rows of images that gave one, for measures that take no holes.
struct Usable {
  std::vector<float> values;
  std::vector<std::int64_t> subjects;
};

Usable OnlyUsable(const EvaluationSet& set, const EmbeddingRows& rows,
                  const std::vector<bool>& usable) {
  Usable out;
  for (std::size_t i = 0; i < set.images.size(); ++i) {
    if (!usable[i]) continue;
    const auto row = rows.row(i);
    out.values.insert(out.values.end(), row.begin(), row.end());
    out.subjects.push_back(set.people[i]);
  }
  return out;
}

std::string VerdictName(bool same, bool accepted) {
  return std::string(same == accepted ? "true " : "false ") + (accepted ? "accept" : "reject");
}

}  // namespace

Evaluation::Evaluation(const EvaluationSet& set, EvaluationOptions options)
    : set_(set), options_(std::move(options)) {
  report_.dataset = set.facts;
  report_.run.seed = options_.verification.seed;
  report_.run.resamples = options_.verification.resamples;
}

void Evaluation::Warn(const std::string& label, std::vector<std::string> warnings) {
  for (std::string& warning : warnings) {
    report_.warnings.push_back(label + ": " + std::move(warning));
  }
}

Status Evaluation::AddSystem(SystemFacts facts, const SetEmbeddings& embeddings) {
  if (embeddings.usable.size() != set_.images.size()) {
    return MakeError(ErrorCode::kInvalidArgument, "evaluate: {} embeddings for {} images",
                     embeddings.usable.size(), set_.images.size());
  }
  facts.dimension = static_cast<int>(embeddings.dimension);
  facts.computed = embeddings.computed;
  facts.from_cache = embeddings.from_cache;
  facts.seconds = embeddings.seconds;
  facts.failures = FailuresOf(set_, embeddings, options_.failures);
  if (options_.failures == FailurePolicy::kError && !facts.failures.list.empty()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "{} (and {} other images failed; --failures drop or reject goes on)",
                     facts.failures.list.front().message, facts.failures.list.size() - 1);
  }
  report_.systems.push_back(std::move(facts));
  if (options_.flip && !embeddings.mirrored.empty()) {
    VISAVIS_RETURN_IF_ERROR(AddMode(embeddings.Flipped(), embeddings, true));
  }
  if (options_.plain) VISAVIS_RETURN_IF_ERROR(AddMode(embeddings.plain, embeddings, false));
  return {};
}

Status Evaluation::AddMode(const std::vector<float>& rows, const SetEmbeddings& embeddings,
                           bool flip) {
  const SystemFacts& system = report_.systems.back();
  ReportResult result;
  result.label = system.label + (flip ? ", flip" : "");
  result.system = std::ssize(report_.systems) - 1;
  result.flip = flip;
  result.pca = options_.verification.pca;
  // XNorm: mean over the embeddings of images and mirror images before they are added, an image in
  // several pairs as often as it is there.
  const auto norm = [&](const std::vector<float>& values) {
    const EmbeddingRows all{values, embeddings.dimension};
    std::vector<float> taken;
    const auto take = [&](std::size_t image) {
      if (!embeddings.usable[image]) return;
      const auto row = all.row(image);
      taken.insert(taken.end(), row.begin(), row.end());
    };
    for (const LabelledPair& pair : set_.pairs) {
      take(pair.a);
      take(pair.b);
    }
    for (std::size_t i = 0; set_.pairs.empty() && i < set_.images.size(); ++i) take(i);
    return MeanNorm({taken, embeddings.dimension});
  };
  result.mean_norm =
      flip ? (norm(embeddings.plain) + norm(embeddings.mirrored)) / 2 : norm(embeddings.plain);
  const EmbeddingRows matrix{rows, embeddings.dimension};
  if (set_.ijb) return AddIjb(matrix, embeddings.usable, std::move(result));
  if (set_.facts.kind == "megaface") {
    VISAVIS_ASSIGN_OR_RETURN(IdentificationReport challenge,
                             MeasureMegaFace(matrix, set_.people, options_.search.pool));
    result.identification.push_back(std::move(challenge));
    report_.results.push_back(std::move(result));
    return {};
  }
  if (options_.verify) {
    VISAVIS_RETURN_IF_ERROR(set_.every_pair ? AddEveryPair(matrix, embeddings.usable, result)
                                            : AddListed(matrix, embeddings.usable, result));
  }
  if (options_.identify) {
    SearchOptions search = options_.search;
    search.policy = options_.failures;
    VISAVIS_ASSIGN_OR_RETURN(result.identification,
                             MeasureIdentification(set_, matrix, embeddings.usable, search));
  }
  report_.results.push_back(std::move(result));
  return {};
}

Status Evaluation::AddListed(const EmbeddingRows& rows, const std::vector<bool>& usable,
                             ReportResult& result) {
  VISAVIS_ASSIGN_OR_RETURN(ScoredSet scored, ScorePairs(set_, rows, usable, options_.failures));
  VerificationOptions options = options_.verification;
  options.thresholds.insert(options.thresholds.begin(),
                            report_.systems[static_cast<std::size_t>(result.system)].threshold);
  std::vector<std::string> warnings;
  VISAVIS_ASSIGN_OR_RETURN(result.verification,
                           MeasureVerification(set_, scored, rows, options, warnings));
  Warn(result.label, std::move(warnings));
  Judgement judgement = JudgePairs(scored, *result.verification, options);
  kept_.push_back({result.label, static_cast<std::size_t>(result.system), result.flip,
                   std::move(scored), std::move(judgement)});
  return {};
}

Status Evaluation::AddEveryPair(const EmbeddingRows& rows, const std::vector<bool>& usable,
                                ReportResult& result) {
  const Usable only = OnlyUsable(set_, rows, usable);
  AllPairsOptions options;
  options.pool = options_.verification.pool;
  options.progress = options_.progress;
  VISAVIS_ASSIGN_OR_RETURN(const AllPairsHistograms histograms,
                           CountAllPairs({only.values, rows.dimension}, only.subjects, options));
  if (histograms.genuine.total == 0 || histograms.impostor.total == 0) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "evaluate: {} same-person and {} different-person pairs, want both",
                     histograms.genuine.total, histograms.impostor.total);
  }
  result.verification = ReportHistograms(histograms, options_.verification.fmrs);
  Warn(
      result.label,
      {"all pairs counted in histograms: TAR is a lower bound (tar_upper the upper one); no folds, "
       "no worst pairs, no bootstrap"});
  return {};
}

Status Evaluation::AddIjb(const EmbeddingRows& rows, const std::vector<bool>& usable,
                          ReportResult result) {
  const IjbMeta& meta = *set_.ijb;
  const std::string label = result.label;
  for (const bool unit_norm : {false, true}) {
    result.label = label + (unit_norm ? ", unit norms" : ", norms kept");
    result.identification.clear();
    VISAVIS_ASSIGN_OR_RETURN(const IjbTemplates templates,
                             PoolTemplates(meta, rows, usable, {.unit_norm = unit_norm}));
    if (options_.verify) {
      EvaluationSet pairs;
      ScoredSet scored;
      for (std::size_t i = 0; i < meta.pairs.size(); ++i) {
        const std::int64_t a = templates.RowOf(meta.pairs[i].a);
        const std::int64_t b = templates.RowOf(meta.pairs[i].b);
        if (a < 0 || b < 0) continue;
        const EmbeddingRows all{templates.values, templates.dimension};
        const auto x = all.row(static_cast<std::size_t>(a));
        const auto y = all.row(static_cast<std::size_t>(b));
        double dot = 0;
        for (std::size_t k = 0; k < x.size(); ++k) dot += static_cast<double>(x[k]) * y[k];
        scored.pair.push_back(pairs.pairs.size());
        pairs.pairs.push_back({.a = static_cast<std::size_t>(a),
                               .b = static_cast<std::size_t>(b),
                               .same = meta.pairs[i].same});
        scored.similarity.push_back(dot);
        scored.squared_distance.push_back(2 - 2 * dot);
        scored.same.push_back(meta.pairs[i].same ? 1 : 0);
      }
      VerificationOptions options = options_.verification;
      options.protocols = {"fixed-threshold"};
      options.thresholds.insert(options.thresholds.begin(),
                                report_.systems[static_cast<std::size_t>(result.system)].threshold);
      options.worst_pairs = 0;  // pairs of templates, not of images
      options.resamples = 0;
      std::vector<std::string> warnings;
      VISAVIS_ASSIGN_OR_RETURN(
          VerificationReport verification,
          MeasureVerification(pairs, scored, {templates.values, templates.dimension}, options,
                              warnings));
      Warn(result.label, std::move(warnings));
      std::vector<double> genuine, impostor;
      for (std::size_t i = 0; i < scored.same.size(); ++i) {
        (scored.same[i] != 0 ? genuine : impostor).push_back(scored.similarity[i]);
      }
      VISAVIS_ASSIGN_OR_RETURN(const Roc roc, Roc::Create(std::move(genuine), std::move(impostor)));
      for (const double fpr : options.fmrs) {
        const IjbPoint point = TprAtNearestFpr(roc, fpr);
        ProtocolResult protocol;
        protocol.protocol = fmt::format("ijb tpr@fpr={:g}", fpr);
        protocol.rule = "TPR at the FPR nearest the target, as published";
        protocol.mean = point.tpr;
        protocol.fmr = point.fpr;
        verification.protocols.push_back(std::move(protocol));
      }
      result.verification = std::move(verification);
    }
    if (!meta.galleries.empty()) {
      ThreadPool* pool = options_.verification.pool;
      VISAVIS_ASSIGN_OR_RETURN(IdentificationReport joined, IjbSearchJoined(meta, templates, pool));
      VISAVIS_ASSIGN_OR_RETURN(result.identification, IjbSearchApart(meta, templates, pool));
      result.identification.insert(result.identification.begin(), std::move(joined));
    }
    report_.results.push_back(result);
  }
  return {};
}

// The images that pairs and failures speak of.
void Evaluation::ListImages() {
  std::set<std::int64_t> mentioned;
  for (const SystemFacts& system : report_.systems) {
    for (const ReportFailure& failure : system.failures.list) mentioned.insert(failure.image);
  }
  for (const ReportResult& result : report_.results) {
    if (!result.verification) continue;
    for (const auto* list :
         {&result.verification->false_accepts, &result.verification->false_rejects}) {
      for (const ReportPair& pair : *list) mentioned.insert({pair.a, pair.b});
    }
  }
  for (const std::int64_t index : mentioned) {
    const EvaluationImage& image = set_.images[static_cast<std::size_t>(index)];
    report_.images.push_back({index, image.name, image.path});
  }
}

Result<EvaluationReport> Evaluation::Finish() {
  report_.comparisons.clear();
  report_.images.clear();
  for (std::size_t b = 0; options_.compare && b < kept_.size(); ++b) {
    const auto a = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& other) {
      return other.system == 0 && other.flip == kept_[b].flip;
    });
    if (a == kept_.end() || kept_[b].system == 0) continue;
    const auto compared =
        CompareResults({&a->scored, &a->judgement}, {&kept_[b].scored, &kept_[b].judgement},
                       options_.verification);
    if (!compared) {
      Warn(kept_[b].label, {compared.error().message});
      continue;
    }
    const auto index = [&](const std::string& label) {
      return std::find_if(report_.results.begin(), report_.results.end(),
                          [&](const ReportResult& r) { return r.label == label; }) -
             report_.results.begin();
    };
    ReportComparison comparison = *compared;
    comparison.a = index(a->label);
    comparison.b = index(kept_[b].label);
    report_.comparisons.push_back(std::move(comparison));
  }
  ListImages();
  return report_;
}

Status Evaluation::WritePairs(FileSystem& fs, const std::string& path) const {
  if (kept_.empty()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "{}: the pairs of this evaluation are not listed one by one", path);
  }
  VISAVIS_ASSIGN_OR_RETURN(AtomicFileWriter writer, AtomicFileWriter::Create(fs, path));
  std::string text = "pair,a,b,same,fold,cohort";
  for (const Kept& kept : kept_) {
    text += "," + CsvField(kept.label + " similarity") + "," + CsvField(kept.label + " verdict");
  }
  text += "\n";
  std::vector<std::size_t> next(kept_.size());
  for (std::size_t i = 0; i < set_.pairs.size(); ++i) {
    const LabelledPair& pair = set_.pairs[i];
    text += fmt::format("{},{},{},{},{},{}", i, CsvField(set_.images[pair.a].name),
                        CsvField(set_.images[pair.b].name), pair.same ? 1 : 0,
                        pair.fold < 0 ? std::string() : std::to_string(pair.fold + 1),
                        pair.cohort < 0
                            ? std::string()
                            : CsvField(set_.cohorts[static_cast<std::size_t>(pair.cohort)]));
    for (std::size_t k = 0; k < kept_.size(); ++k) {
      const ScoredSet& scored = kept_[k].scored;
      const std::size_t at = next[k];
      if (at == scored.pair.size() || scored.pair[at] != i) {
        text += ",,failed";
        continue;
      }
      text += fmt::format(",{:.9g},{}", scored.similarity[at],
                          VerdictName(pair.same, kept_[k].judgement.accepted[at] != 0));
      ++next[k];
    }
    text += "\n";
    if (text.size() > 1 << 16) {
      VISAVIS_RETURN_IF_ERROR(writer.Append(text));
      text.clear();
    }
  }
  VISAVIS_RETURN_IF_ERROR(writer.Append(text));
  return writer.Commit();
}

}  // namespace visavis
