#include "doctor/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "doctor/evidence.h"
#include "doctor/known_weights.h"

namespace visavis {
namespace {

using Severity = Finding::Severity;

// Whether the graph scales pixels otherwise than the published network, and how.
void CompareChain(const KnownNetwork& known, DoctorReport& report) {
  const InputChain& chain = report.chain;
  const auto differs = [](double a, double b) { return std::abs(a - b) > 1e-3 * std::abs(b); };
  bool same = true;
  for (std::size_t c = 0; c < 3; ++c) {
    same =
        same && !differs(chain.mean[c], known.mean[c]) && !differs(chain.scale[c], known.scale[c]);
  }
  if (same) return;
  const std::string wanted = NormalisationText(known.mean, known.scale);
  const std::string found = NormalisationText(chain.mean, chain.scale);
  const std::string evidence = fmt::format("published: {} inside the graph; here: {}", wanted,
                                           chain.steps.empty() ? "nothing" : found);
  const std::string remedy = NormaliseLine(report, known.mean, known.scale);
  if (!chain.normalises()) {
    AddFinding(report, {Severity::kFault, "missing_normalisation",
                        "the graph lost its normalisation; raw pixels give wrong embeddings",
                        evidence, Certainty::kCertain, remedy});
  } else if (chain.twice()) {
    AddFinding(report,
               {Severity::kFault, "double_normalisation",
                fmt::format("the graph normalises twice ({})", fmt::join(chain.steps, ", ")),
                evidence, Certainty::kCertain, remedy});
  } else {
    AddFinding(report,
               {Severity::kFault, "wrong_scale",
                fmt::format("the graph computes {}, the network was trained on {}", found, wanted),
                evidence, Certainty::kCertain, remedy});
  }
}

}  // namespace

std::string ConvertLine(const DoctorReport& report, std::string_view flags) {
  return fmt::format("visavis model convert {} mended.onnx {}", report.path, flags);
}

std::string NormaliseLine(const DoctorReport& report, const std::array<double, 3>& mean,
                          const std::array<double, 3>& scale) {
  const double before = scale[0] / report.chain.scale[0];
  return ConvertLine(report, fmt::format("--mean {:.7g} --scale {:.7g}",
                                         mean[0] - report.chain.mean[0] / before, before));
}

bool HasFinding(const DoctorReport& report, std::string_view name) {
  return std::ranges::any_of(report.findings, [&](const Finding& f) { return f.name == name; });
}

void AddFinding(DoctorReport& report, Finding finding) {
  const auto known = std::ranges::find_if(
      report.findings, [&](const Finding& other) { return other.name == finding.name; });
  if (known == report.findings.end()) {
    report.findings.push_back(std::move(finding));
    return;
  }
  known->severity = std::max(known->severity, finding.severity);
  known->certainty = std::min(known->certainty, finding.certainty);
  if (!finding.evidence.empty()) {
    known->evidence += (known->evidence.empty() ? "" : "; ") + finding.evidence;
  }
  if (known->remedy.empty()) known->remedy = std::move(finding.remedy);
}

void ReportDefects(std::span<const Defect> defects, DoctorReport& report) {
  struct Known {
    DefectKind kind;
    const char* name;
    Severity severity;
    const char* what;
  };
  constexpr Known kKnown[] = {
      {DefectKind::kSpatialZero, "spatial", Severity::kFault,
       "BatchNormalization says spatial=0 though its statistics are per channel; other runtimes "
       "refuse the file or give NaN"},
      {DefectKind::kFlatSlope, "slope_shape", Severity::kFault,
       "PRelu slopes of shape [C] do not broadcast over N x C x H x W; other runtimes refuse the "
       "file"},
      {DefectKind::kFloat64Constant, "float64_constants", Severity::kFault,
       "float64 constants in a float32 network; other runtimes refuse the file"},
      {DefectKind::kUnfixedGamma, "gamma", Severity::kWarning,
       "the scale of the embedding's BatchNormalization is not 1, at which training fixes it"},
      {DefectKind::kTrainingMode, "training_mode", Severity::kFault,
       "Dropout or BatchNormalization in training mode"},
      {DefectKind::kComputedSlope, "computed_slope", Severity::kNote,
       "PRelu slopes come through other nodes; some importers want constants"},
      {DefectKind::kInitializerInput, "initializer_inputs", Severity::kNote,
       "constants are listed as inputs too"},
      {DefectKind::kFixedBatch, "fixed_batch", Severity::kNote,
       "the batch is fixed though the network takes any"}};
  for (const Known& known : kKnown) {
    const auto of_kind = [&](const Defect& d) { return d.kind == known.kind; };
    const auto first = std::ranges::find_if(defects, of_kind);
    if (first == defects.end()) continue;
    const auto count = std::ranges::count_if(defects, of_kind);
    AddFinding(report, {known.severity, known.name, known.what,
                        fmt::format("{} {}: {}", count, count == 1 ? "place" : "places, the first",
                                    first->node.empty() ? first->message
                                                        : first->node + ": " + first->message),
                        Certainty::kCertain, ConvertLine(report, first->flag)});
  }
}

void ReportUnusualEpsilon(const Graph& graph, DoctorReport& report) {
  // insightface's y1 names no epsilon, which is MXNet's 1e-3, but in its last layer; its LResNet
  // names 2e-5 everywhere. ONNX's and PyTorch's default is 1e-5.
  const std::string& network = report.info.recognised_as;
  const float inner = network == "MobileFaceNet" ? 1e-3f : network.ends_with("E-IR") ? 2e-5f : 0;
  if (inner == 0) return;
  constexpr float kLast = 2e-5f;
  const int last = FinalBatchNorm(graph);
  int unusual = 0;
  int layers = 0;
  float example = 0;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (node.op_type != "BatchNormalization") continue;
    ++layers;
    const float wanted = static_cast<int>(i) == last ? kLast : inner;
    const float found = node.Float("epsilon", 1e-5f);
    if (std::abs(found - wanted) < 0.01f * wanted) continue;
    if (unusual++ == 0) example = found;
  }
  if (unusual == 0) return;
  AddFinding(
      report,
      {Severity::kWarning, "eps",
       fmt::format("BatchNormalization epsilon is {:g} in {} of {} layers; insightface trains "
                   "{} with {:g}",
                   example, unusual, layers, network, inner),
       example == 1e-5f ? "1e-5 is ONNX's default, which converters write that drop epsilon"
                        : "known for this architecture",
       Certainty::kWeak, "convert the original file again with a converter that keeps epsilon"});
}

void ReportKnownWeights(const WeightMatch& match, DoctorReport& report) {
  using Kind = WeightDifference::Kind;
  const KnownNetwork& known = *match.network;
  report.known_as = known.name;
  report.known_how =
      fmt::format("{} of {} weight tensors are as published", match.equal, match.tensors);
  CompareChain(known, report);
  const bool weights_reversed = std::ranges::any_of(
      match.differences, [](const auto& d) { return d.kind == Kind::kChannelsReversed; });
  if (report.chain.reversed && !weights_reversed) {
    AddFinding(report, {Severity::kFault, "swapped_channels",
                        fmt::format("a Gather behind the input reverses channels: the file takes "
                                    "the other order than the published network's {}",
                                    known.channel_order),
                        fmt::format("{}", fmt::join(report.chain.steps, ", ")), Certainty::kCertain,
                        ConvertLine(report, "--reverse-input-channels")});
  }
  for (const WeightDifference& difference : match.differences) {
    const std::string where = fmt::format("{} ({})", difference.layers, difference.found);
    switch (difference.kind) {
      case Kind::kChannelsReversed:
        if (report.chain.reversed) break;  // undone by the Gather
        AddFinding(report,
                   {Severity::kFault, "swapped_channels",
                    fmt::format("the first convolution's input channels are reversed: it "
                                "takes BGR where the published network takes {}",
                                known.channel_order),
                    fmt::format("{}: published weights, channels reversed", where),
                    Certainty::kCertain, ConvertLine(report, "--reverse-input-channels=weights")});
        break;
      case Kind::kTransposed:
        AddFinding(report, {Severity::kFault, "transposed_kernels",
                            fmt::format("rows and columns of the kernels of {} convolutions are "
                                        "exchanged",
                                        difference.count),
                            fmt::format("{}: published weights, kernels transposed", where),
                            Certainty::kCertain, ConvertLine(report, "--transpose-hw")});
        break;
      case Kind::kEpsilon:
        AddFinding(report,
                   {Severity::kFault, "eps",
                    fmt::format("BatchNormalization epsilon is {} where training had {} "
                                "({} layers)",
                                difference.found, difference.wanted, difference.count),
                    fmt::format("{}: published epsilon {}", difference.layers, difference.wanted),
                    Certainty::kCertain,
                    "convert the original file again with a converter that keeps epsilon "
                    "(MXNet's default is 1e-3)"});
        break;
      case Kind::kGamma:
        AddFinding(report, {Severity::kFault, "gamma",
                            fmt::format("BatchNormalization scale (gamma) is not the published one "
                                        "in {} layers",
                                        difference.count),
                            fmt::format("{}: found {}, published {}", difference.layers,
                                        difference.found, difference.wanted),
                            Certainty::kCertain, ConvertLine(report, "--repair=gamma")});
        break;
      case Kind::kRounded:
        AddFinding(report, {Severity::kNote, "rounded_weights",
                            fmt::format("{} weight tensors are stored with less precision",
                                        difference.count),
                            where, Certainty::kCertain, ""});
        break;
      case Kind::kOther:
        AddFinding(report,
                   {Severity::kFault, "changed_weights",
                    fmt::format("{} weight tensors are not the published ones", difference.count),
                    where, Certainty::kCertain, "get the published file again"});
        break;
    }
  }
}

}  // namespace visavis
