// What reference faces tell about a network.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/try.h"
#include "doctor/case.h"
#include "doctor/findings.h"
#include "visavis/align.h"

namespace visavis {
namespace {

using Severity = Finding::Severity;

// Above this a network does not see what it was trained on (a healthy MobileFaceNet has 0.02,
// swapped channels 0.12). Without statistics: 1 / d', and people must be 3.5 deviations apart.
constexpr double kHealthyBadness = 0.06;
constexpr double kHealthyBadnessWithoutStatistics = 1 / 3.5;

// The ways in which published face networks have been fed. 1/127.5 and 1/128 cannot be told apart.
constexpr NamedNormalisation kNormalisations[] = {
    {"(pixel - 127.5) / 128", {127.5, 127.5, 127.5}, {1 / 128., 1 / 128., 1 / 128.}},
    {"raw 0..255", {0, 0, 0}, {1, 1, 1}},
    {"pixel / 255", {0, 0, 0}, {1 / 255., 1 / 255., 1 / 255.}},
    {"(pixel - 127.5) / 255", {127.5, 127.5, 127.5}, {1 / 255., 1 / 255., 1 / 255.}},
    {"pixel - 127.5", {127.5, 127.5, 127.5}, {1, 1, 1}},
    {"ImageNet mean and deviation",
     {123.675, 116.28, 103.53},
     {1 / 58.395, 1 / 57.12, 1 / 57.375}}};

std::string Figures(const FaceTrial& trial, bool has_statistics) {
  return has_statistics
             ? fmt::format("divergence {:.4f}, d' {:.2f}", trial.badness, trial.separation.d_prime)
             : fmt::format("d' {:.2f}", trial.separation.d_prime);
}

// Whether a decision rests on a few people.
std::string Steadiness(const Ranking& ranking) {
  if (ranking.agreeing == ranking.groups) return "the same without any quarter of the people";
  return fmt::format("not so without {} of the {} quarters of the people",
                     ranking.groups - ranking.agreeing, ranking.groups);
}

std::string Against(const FaceTrial& best, const FaceTrial& other, const Ranking& ranking,
                    bool has_statistics) {
  return fmt::format("{} ({}) against {} ({}); {}", best.answer, Figures(best, has_statistics),
                     other.answer, Figures(other, has_statistics), Steadiness(ranking));
}

// One way of feeding that was tried.
struct Fed {
  FaceTrial trial;
  Preparation preparation;
  int normalisation = -1;  // of kNormalisations; -1 = as given
};

// The step from trials to what is wrong with the pixels.
void ReportFeeding(Case& c, const Fed& best, const Ranking& ranking, const Fed& base,
                   bool has_statistics) {
  DoctorReport& report = c.report;
  const std::string evidence = Against(best.trial, base.trial, ranking, has_statistics);
  const bool sure = ranking.certainty <= Certainty::kMeasured;
  const bool told = c.contract || c.known != nullptr;  // somebody says how it should be
  if (best.preparation.bgr != c.base.bgr && ranking.certainty <= Certainty::kWeak) {
    AddFinding(
        report,
        {sure && told ? Severity::kFault : Severity::kWarning, "swapped_channels",
         fmt::format("the network wants {}, {} {}", best.preparation.bgr ? "BGR" : "RGB",
                     c.TemplateSource(), c.base.bgr ? "BGR" : "RGB"),
         evidence, ranking.certainty, ConvertLine(report, "--reverse-input-channels=weights")});
  }
  if (best.preparation.transposed) {
    AddFinding(report, {Severity::kFault, "transposed_kernels",
                        "the network sees rows as columns: all its kernels are transposed",
                        evidence, ranking.certainty, ConvertLine(report, "--transpose-hw")});
  }
  if (best.normalisation >= 0) {
    const NamedNormalisation& wanted = kNormalisations[best.normalisation];
    const InputChain& chain = report.chain;
    const bool doubled =
        chain.twice() || (c.contract && !c.contract->input.normalised_inside && chain.normalises());
    if (doubled) {
      AddFinding(report,
                 {Severity::kFault, "double_normalisation",
                  fmt::format("pixels are normalised twice ({}); the network was trained on "
                              "{}",
                              fmt::join(chain.steps, ", "), wanted.name),
                  evidence, ranking.certainty, NormaliseLine(report, wanted.mean, wanted.scale)});
    } else if (chain.normalises() || c.contract) {
      AddFinding(report,
                 {Severity::kFault, "wrong_scale",
                  fmt::format("the network was trained on {}, but gets {}", wanted.name,
                              NormalisationText(chain.mean, chain.scale)),
                  evidence, ranking.certainty, NormaliseLine(report, wanted.mean, wanted.scale)});
    } else {
      AddFinding(report, {Severity::kWarning, "wrong_scale",
                          fmt::format("the network was trained on {}, not on the usual "
                                      "(pixel - 127.5) / 127.5",
                                      wanted.name),
                          evidence, ranking.certainty,
                          fmt::format("visavis model pack {} --mean {} --scale {:.7g}", report.path,
                                      wanted.mean[0], wanted.scale[0])});
    }
  }
}

std::string OrderName(const Preparation& preparation) { return preparation.bgr ? "BGR" : "RGB"; }

// How pixels must go in: channel order, and where that does not fit, everything else that is usual.
Result<Fed> DecideFeeding(Case& c, Examination& examination) {
  const bool statistics = examination.has_statistics();
  const double healthy = statistics ? kHealthyBadness : kHealthyBadnessWithoutStatistics;
  std::vector<Fed> fed;
  const auto attempt = [&](const char* question, std::string answer, const Preparation& preparation,
                           int normalisation) -> Status {
    VISAVIS_ASSIGN_OR_RETURN(FaceTrial trial, examination.Try(question, std::move(answer),
                                                              preparation, c.base_template));
    fed.push_back({std::move(trial), preparation, normalisation});
    return {};
  };
  Preparation swapped = c.base;
  swapped.bgr = !swapped.bgr;
  std::swap(swapped.mean[0], swapped.mean[2]);
  std::swap(swapped.scale[0], swapped.scale[2]);
  VISAVIS_RETURN_IF_ERROR(attempt("channel order", OrderName(c.base), c.base, -1));
  VISAVIS_RETURN_IF_ERROR(attempt("channel order", OrderName(swapped), swapped, -1));
  const auto least = [&] {
    return std::ranges::min(fed, {}, [](const Fed& f) { return f.trial.badness; }).trial.badness;
  };
  if (least() > healthy) {
    for (const Preparation& upright : {c.base, swapped}) {
      Preparation turned = upright;
      turned.transposed = true;
      VISAVIS_RETURN_IF_ERROR(
          attempt("orientation", OrderName(turned) + ", rows as columns", turned, -1));
    }
  }
  for (int n = 0; n < static_cast<int>(std::size(kNormalisations)) && least() > healthy; ++n) {
    for (const bool bgr : {false, true}) {
      const Preparation preparation = Outside(c.report.chain, kNormalisations[n], bgr);
      if (preparation == c.base || preparation == swapped) continue;
      VISAVIS_RETURN_IF_ERROR(attempt(
          "normalisation", fmt::format("{}, {}", OrderName(preparation), kNormalisations[n].name),
          preparation, n));
    }
  }
  std::vector<const FaceTrial*> trials;
  for (const Fed& f : fed) trials.push_back(&f.trial);
  const Ranking overall = Rank(trials, statistics);
  const Fed best = fed[overall.best];
  // Whether it beats what was assumed, and whether its channel order beats the other.
  const Fed& base = fed[0];
  if (overall.best != 0) {
    const std::array<const FaceTrial*, 2> pair{&best.trial, &base.trial};
    ReportFeeding(c, best, Rank(pair, statistics), base, statistics);
  }
  const auto other = std::ranges::find_if(fed, [&](const Fed& f) {
    return f.preparation.bgr != best.preparation.bgr && f.normalisation == best.normalisation &&
           f.preparation.transposed == best.preparation.transposed;
  });
  if (other != fed.end()) {
    const std::array<const FaceTrial*, 2> pair{&best.trial, &other->trial};
    const Ranking order = Rank(pair, statistics);
    const std::string reason = Against(best.trial, other->trial, order, statistics);
    if (c.report.channel_order.certainty != Certainty::kCertain) {
      c.report.channel_order = {OrderName(best.preparation), order.certainty, reason};
      if (order.certainty == Certainty::kAssumed) {
        c.report.undecided.push_back("channel order: " + reason);
      }
    } else {
      c.report.channel_order.reason += "; " + reason;
    }
  }
  if (best.normalisation >= 0 || c.report.normalisation.certainty == Certainty::kAssumed) {
    const std::string value =
        best.normalisation >= 0 ? fmt::format("wants {}", kNormalisations[best.normalisation].name)
                                : c.report.normalisation.value;
    c.report.normalisation = {value,
                              best.trial.badness <= healthy
                                  ? (statistics ? Certainty::kMeasured : Certainty::kWeak)
                                  : Certainty::kAssumed,
                              Figures(best.trial, statistics)};
  }
  if (!c.report.chain.normalises() && best.normalisation < 0 && !c.contract &&
      !HasFinding(c.report, "missing_normalisation")) {
    AddFinding(c.report, {Severity::kNote, "missing_normalisation",
                          "the graph does not normalise pixels; the caller must",
                          Figures(best.trial, statistics) + " with (pixel - 127.5) / 127.5",
                          c.report.normalisation.certainty,
                          fmt::format("visavis model pack {}", c.report.path)});
  }
  for (Fed& f : fed) {
    c.report.trials.push_back(std::move(f.trial));
  }
  return best;
}

Status DecideTemplate(Case& c, Examination& examination, const Preparation& preparation) {
  std::vector<FaceTrial> trials;
  for (const FaceTemplateInfo& info : FaceTemplates()) {
    VISAVIS_ASSIGN_OR_RETURN(FaceTrial trial,
                             examination.Try(kTemplateQuestion, std::string(info.name), preparation,
                                             info.face_template));
    trials.push_back(std::move(trial));
  }
  std::vector<const FaceTrial*> pointers;
  for (const FaceTrial& trial : trials) pointers.push_back(&trial);
  const Ranking ranking = Rank(pointers, examination.has_statistics());
  const FaceTrial& best = trials[ranking.best];
  const FaceTrial& base = trials[static_cast<std::size_t>(c.base_template)];
  const std::string reason =
      fmt::format("{} ({}), second best {:.2f} times as far; {}", best.answer,
                  Figures(best, examination.has_statistics()), ranking.ratio, Steadiness(ranking));
  if (c.report.face_template.certainty != Certainty::kCertain) {
    if (ranking.certainty <= Certainty::kWeak) {
      c.report.face_template = {best.answer, ranking.certainty, reason};
    } else {
      c.report.undecided.push_back("template: " + reason);
    }
  } else {
    c.report.face_template.reason += "; " + reason;
  }
  if (best.answer != base.answer) {
    const std::array<const FaceTrial*, 2> pair{&best, &base};
    const Ranking against = Rank(pair, examination.has_statistics());
    if (against.certainty <= Certainty::kWeak) {
      const bool sure = against.certainty <= Certainty::kMeasured;
      AddFinding(c.report,
                 {sure && c.contract ? Severity::kFault : Severity::kWarning, "wrong_template",
                  fmt::format("the network was trained on faces in template {}, {} {}", best.answer,
                              c.TemplateSource(), base.answer),
                  Against(best, base, against, examination.has_statistics()), against.certainty,
                  fmt::format("visavis model pack {} --template {}", c.report.path, best.answer)});
    }
  }
  for (FaceTrial& trial : trials) {
    if (trial.answer == c.report.face_template.value) c.report.best = trial;
    c.report.trials.push_back(std::move(trial));
  }
  c.report.template_name = c.report.face_template.value;
  return {};
}

// The last layer's scale has no layer behind it that would show what training had.
Status ExamineFinalScale(Case& c, Examination& examination, const Preparation& preparation,
                         FaceTemplate face_template) {
  const int final_norm = FinalBatchNorm(c.model.graph());
  const Tensor* gamma =
      final_norm < 0 ? nullptr
                     : c.model.graph().constant(
                           c.model.graph().nodes[static_cast<std::size_t>(final_norm)].input(1));
  if (gamma == nullptr || gamma->dtype() != DType::kF32 ||
      std::ranges::all_of(gamma->data<float>(), [](float v) { return v == 1; })) {
    return {};
  }
  VISAVIS_ASSIGN_OR_RETURN(FaceTrial as_is, examination.Try("final scale", "as in the file",
                                                            preparation, face_template));
  VISAVIS_ASSIGN_OR_RETURN(FaceTrial ones,
                           examination.TryGraph(WithFinalGammaOne(c.model.graph(), final_norm),
                                                "final scale", "1", preparation, face_template));
  const bool better = ones.separation.d_prime > as_is.separation.d_prime;
  const auto [low, high] = std::ranges::minmax(gamma->data<float>());
  AddFinding(c.report,
             {better ? Severity::kFault : Severity::kNote, "gamma",
              fmt::format("the final BatchNormalization scales by {:.4g}..{:.4g}; ArcFace networks "
                          "fix this scale at 1 whatever is stored (fix_gamma)",
                          low, high),
              fmt::format("d' {:.2f} as it is, {:.2f} with scale 1", as_is.separation.d_prime,
                          ones.separation.d_prime),
              better ? Certainty::kMeasured : Certainty::kAssumed,
              ConvertLine(c.report, "--repair=gamma")});
  c.report.trials.push_back(std::move(as_is));
  c.report.trials.push_back(std::move(ones));
  return {};
}

// Where signals first are far from those of training though pixels go in right.
Status FindBrokenLayer(Case& c, const Preparation& preparation, FaceTemplate face_template) {
  VISAVIS_ASSIGN_OR_RETURN(const ModelProbe probe,
                           ModelProbe::Create(c.model.graph(), c.options.session));
  VISAVIS_ASSIGN_OR_RETURN(
      const std::vector<Image> crops,
      Rewarp(c.options.faces->crops, CropPose(probe.crop_size_px(), face_template)));
  VISAVIS_ASSIGN_OR_RETURN(const ProbeResult result, probe.Run(crops, preparation));
  constexpr double kBroken = 0.15;  // a healthy layer stays below 0.05
  const auto broken = std::ranges::find_if(
      result.layers, [](const LayerFit& layer) { return layer.divergence > kBroken; });
  if (broken == result.layers.end()) return {};
  const auto at = broken - result.layers.begin();
  AddFinding(c.report, {Severity::kFault, "changed_weights",
                        fmt::format("the signals before {} are not those of training: weights or "
                                    "BatchNormalization between it and {} were changed",
                                    broken->name, at == 0 ? "the input" : (broken - 1)->name),
                        fmt::format("divergence {:.3f}, before it {:.3f}", broken->divergence,
                                    at == 0 ? 0.0 : (broken - 1)->divergence),
                        Certainty::kMeasured, "get or convert the original file again"});
  return {};
}

}  // namespace

Preparation Outside(const InputChain& chain, const NamedNormalisation& wanted, bool bgr) {
  Preparation preparation;
  preparation.bgr = bgr;
  for (std::size_t c = 0; c < 3; ++c) {
    const std::size_t from = bgr ? 2 - c : c;
    const double scale = wanted.scale[from] / chain.scale[c];
    preparation.scale[c] = static_cast<float>(scale);
    preparation.mean[c] = static_cast<float>(wanted.mean[from] - chain.mean[c] / scale);
  }
  return preparation;
}

Status ExamineWithFaces(Case& c) {
  VISAVIS_ASSIGN_OR_RETURN(
      Examination examination,
      Examination::Create(c.model.graph(), *c.options.faces, c.options.session));
  c.report.faces_folder = c.options.faces->folder;
  c.report.faces = static_cast<int>(c.options.faces->crops.size());
  c.report.people = c.options.faces->person_count();
  VISAVIS_ASSIGN_OR_RETURN(const Fed best, DecideFeeding(c, examination));
  c.report.pixels = {best.preparation.bgr, best.preparation.mean, best.preparation.scale};
  VISAVIS_RETURN_IF_ERROR(DecideTemplate(c, examination, best.preparation));
  const FaceTemplate decided =
      ParseFaceTemplate(c.report.template_name).value_or(FaceTemplate::kArcFace112);
  VISAVIS_RETURN_IF_ERROR(ExamineFinalScale(c, examination, best.preparation, decided));
  const double healthy =
      examination.has_statistics() ? kHealthyBadness : kHealthyBadnessWithoutStatistics;
  if (examination.has_statistics() && c.report.best &&
      c.report.best->divergence + c.report.best->early > healthy) {
    VISAVIS_RETURN_IF_ERROR(FindBrokenLayer(c, best.preparation, decided));
  }
  constexpr double kLeastSeparation = 2.5;
  if (c.report.best &&
      (!c.report.best->norms.finite || c.report.best->separation.d_prime < kLeastSeparation)) {
    AddFinding(c.report, {Severity::kFault, "no_separation",
                          "embeddings do not keep the reference people apart, however it is fed",
                          fmt::format("d' {:.2f}", c.report.best->separation.d_prime),
                          Certainty::kMeasured, ""});
  }
  if (!examination.has_statistics()) {
    c.report.undecided.push_back(
        "the graph has no BatchNormalization left to compare signals with: channel order, "
        "normalisation and template rest on how well people are kept apart, which swapped channels "
        "hardly change");
  }
  VISAVIS_ASSIGN_OR_RETURN(c.report.mirror_similarity,
                           examination.MirrorSimilarity(best.preparation, decided));
  return {};
}

}  // namespace visavis
