#include "doctor/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/error.h"
#include "base/try.h"
#include "doctor/case.h"
#include "doctor/findings.h"
#include "recognize/contract_pixels.h"
#include "visavis/align.h"
#include "visavis/decode.h"
#include "visavis/embed.h"
#include "visavis/zoo.h"

namespace visavis {
namespace {

using Severity = Finding::Severity;

Preparation AsPreparation(const InputPixels& pixels) {
  return {pixels.bgr, false, pixels.mean, pixels.scale};
}

void FindInRegistry(DoctorReport& report) {
  for (const Asset& asset : KnownAssets()) {
    for (const AssetFile& file : asset.files) {
      if (file.sha256 != report.info.sha256) continue;
      report.known_as = asset.name;
      report.known_how = fmt::format("the file {} of the registry, byte for byte", file.name);
    }
  }
}

// Whether it takes N x 3 x S x S and gives one vector per picture.
bool MakesEmbeddings(const ModelInfo& info) {
  if (info.inputs.size() != 1 || info.outputs.size() != 1) return false;
  for (const char* detector : {"MTCNN", "SCRFD", "YuNet"}) {
    if (info.recognised_as.starts_with(detector)) return false;
  }
  const std::vector<std::string>& shape = info.inputs[0].shape;
  return shape.size() == 4 && shape[2] == shape[3];
}

// A contract in the way is a finding; the examination goes on without it.
void ReadItsContract(Case& c) {
  Result<std::optional<ModelContract>> contract = FindContractFor(c.report.path);
  if (!contract) {
    AddFinding(c.report,
               {Severity::kFault, "contract_invalid", contract.error().message, "",
                Certainty::kCertain, fmt::format("visavis model pack {}", c.report.path)});
    return;
  }
  if (!*contract) return;
  if (const Status status = CheckContract(**contract, c.report.path); !status) {
    AddFinding(c.report,
               {Severity::kFault, "contract_mismatch",
                "the file is not the one its contract was written for", status.error().message,
                Certainty::kCertain, fmt::format("visavis model pack {}", c.report.path)});
  }
  c.contract = **std::move(contract);
}

void ChooseBase(Case& c) {
  c.report.chain = ReadInputChain(c.model.graph());
  InputPixels pixels = InputPixelsByRule(c.model);
  // The rule looks at names and operators; the chain at what they compute.
  if (c.report.chain.normalises()) pixels = {};
  if (c.contract) {
    const ContractInput& input = c.contract->input;
    pixels = PixelsOf(input);
    if (const auto named = ParseFaceTemplate(c.contract->face_template)) c.base_template = *named;
    if (input.normalised_inside && !c.report.chain.normalises()) {
      AddFinding(c.report, {Severity::kFault, "missing_normalisation",
                            "the contract says that the graph normalises, but it does not",
                            "no Sub or Mul before the first layer", Certainty::kCertain,
                            fmt::format("visavis model pack {}", c.report.path)});
    }
    if (!input.normalised_inside && c.report.chain.normalises()) {
      AddFinding(c.report,
                 {Severity::kFault, "double_normalisation",
                  "the contract asks for normalisation outside, but the graph does it too",
                  fmt::format("{}", fmt::join(c.report.chain.steps, ", ")), Certainty::kCertain,
                  fmt::format("visavis model pack {}", c.report.path)});
    }
  }
  c.base = AsPreparation(pixels);
  c.report.pixels = pixels;
  c.report.normalisation = {
      c.report.chain.normalises()
          ? fmt::format("inside: {}", NormalisationText(c.report.chain.mean, c.report.chain.scale))
          : "outside: (pixel - 127.5) / 127.5",
      c.report.chain.normalises() ? Certainty::kCertain : Certainty::kAssumed,
      c.report.chain.normalises() ? fmt::format("{}", fmt::join(c.report.chain.steps, ", "))
                                  : "no Sub or Mul before the first layer"};
  c.report.channel_order = {pixels.bgr ? "BGR" : "RGB", Certainty::kAssumed,
                            c.contract ? "the contract says so" : "the usual rule"};
  c.report.face_template = {std::string(Name(c.base_template)), Certainty::kAssumed,
                            c.contract ? "the contract says so" : "the usual rule"};
}

void LookUpWeights(Case& c) {
  if (!c.options.known_weights) return;
  const std::optional<WeightMatch> match = FindKnownNetwork(c.model.graph());
  if (!match) return;
  c.known = match->network;
  ReportKnownWeights(*match, c.report);
  const bool reversed = HasFinding(c.report, "swapped_channels");
  c.report.channel_order = {reversed ? "BGR" : c.known->channel_order, Certainty::kCertain,
                            "known weights"};
  c.report.face_template = {c.known->face_template, Certainty::kCertain, "known weights"};
  if (c.contract && c.contract->face_template != c.known->face_template) {
    AddFinding(c.report,
               {Severity::kFault, "wrong_template",
                fmt::format("the contract says template {}, the network was trained on {}",
                            c.contract->face_template, c.known->face_template),
                "known weights", Certainty::kCertain,
                fmt::format("visavis model pack {} --template {}", c.report.path,
                            c.known->face_template)});
  }
}

void CheckGolden(Case& c, std::vector<GoldenVector> golden) {
  if (c.contract) {
    golden.insert(golden.begin(), c.contract->golden.begin(), c.contract->golden.end());
  }
  if (golden.empty()) return;
  EmbedOptions options;
  options.session = c.options.session;
  options.pixels = InputPixels{c.base.bgr, c.base.mean, c.base.scale};
  const Result<Embedder> embedder = Embedder::Create(c.model, options);
  for (const GoldenVector& vector : golden) {
    GoldenCheck check;
    check.name = vector.name;
    check.tolerance = vector.tolerance;
    const auto embed = [&]() -> Result<Embedding> {
      if (!embedder) return embedder.error();
      if (vector.png.empty()) {
        return MakeError(ErrorCode::kNotFound, "the contract holds only the picture's checksum");
      }
      VISAVIS_ASSIGN_OR_RETURN(const DecodedImage image, DecodeImage(vector.png, vector.name));
      return embedder->Embed(image.image);
    };
    const Result<Embedding> got = embed();
    if (!got) {
      check.problem = got.error().message;
    } else if (got->size() != vector.embedding.size()) {
      check.problem = fmt::format("{} numbers, want {}", got->size(), vector.embedding.size());
    } else {
      double error = 0;
      double norm = 0;
      for (std::size_t i = 0; i < got->size(); ++i) {
        error += std::pow(double{(*got)[i]} - vector.embedding[i], 2);
        norm += std::pow(double{vector.embedding[i]}, 2);
      }
      check.error = std::sqrt(error / std::max(norm, 1e-30));
      check.similarity = Similarity(*got, vector.embedding).value_or(0);
      if (!check.passed()) {
        AddFinding(c.report,
                   {Severity::kFault, "golden_mismatch",
                    fmt::format("embedding of {} is not the stored one", vector.name),
                    fmt::format("{}: relative error {:.2g}, want at most {:.2g}; similarity {:.6f}",
                                vector.name, check.error, vector.tolerance, check.similarity),
                    Certainty::kCertain, ""});
      }
    }
    c.report.golden.push_back(std::move(check));
  }
}

// A network that behaves like a known one though its weights are folded or stored otherwise.
Status MatchByPattern(Case& c, const ModelProbe& probe) {
  if (!c.options.known_weights || c.known != nullptr) return {};
  const Image pattern = TestPattern(probe.crop_size_px());
  for (const KnownNetwork& known : KnownNetworks()) {
    if (known.pattern_embedding.size() != static_cast<std::size_t>(c.report.dimension)) continue;
    const NamedNormalisation wanted{"", known.mean, known.scale};
    for (const bool bgr : {false, true}) {
      VISAVIS_ASSIGN_OR_RETURN(const ProbeResult result,
                               probe.Run({&pattern, 1}, Outside(c.report.chain, wanted, bgr)));
      const double similarity =
          Similarity(result.embeddings[0], known.pattern_embedding).value_or(0);
      constexpr double kSame = 0.999;
      if (similarity < kSame) continue;
      c.report.known_as = known.name;
      c.report.known_how = fmt::format(
          "gives the published embedding of a test pattern (similarity {:.6f})", similarity);
      c.report.channel_order = {bgr ? "BGR" : "RGB", Certainty::kCertain, c.report.known_how};
      c.report.face_template = {known.face_template, Certainty::kCertain, "known network"};
      return {};
    }
  }
  return {};
}

Status MeasureSpeed(Case& c) {
  constexpr int kRuns = 15;
  SessionOptions options = c.options.session;
  options.pool = nullptr;
  VISAVIS_ASSIGN_OR_RETURN(const Session session, Session::Create(c.model, options));
  c.report.isa = session.isa();
  std::vector<Tensor> inputs;
  for (const Session::Port& port : session.inputs()) {
    std::vector<std::int64_t> extents = port.shape;
    constexpr std::int64_t kDetectorSide = 640;
    for (std::size_t i = 0; i < extents.size(); ++i) {
      if (extents[i] < 0) extents[i] = i == 0 ? 1 : i == 1 ? 3 : kDetectorSide;
    }
    if (port.dtype != DType::kF32 || extents.empty()) return {};
    inputs.emplace_back(DType::kF32, Shape(extents));
    std::ranges::fill(inputs.back().data<float>(), 100.0f);
  }
  std::vector<TensorView> views;
  for (const Tensor& input : inputs) views.emplace_back(input);
  std::vector<Tensor> outputs(session.outputs().size());
  std::vector<double> times;
  double total = 0;
  constexpr double kEnoughMs = 1500;
  for (int i = 0; i <= kRuns && total < kEnoughMs; ++i) {
    const auto start = std::chrono::steady_clock::now();
    VISAVIS_RETURN_IF_ERROR(session.Run(views, outputs));
    const std::chrono::duration<double, std::milli> ms = std::chrono::steady_clock::now() - start;
    total += ms.count();
    if (i > 0 || total >= kEnoughMs) times.push_back(ms.count());
  }
  std::sort(times.begin(), times.end());
  c.report.ms_per_image = times[times.size() / 2];
  return {};
}

}  // namespace

std::string_view Name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kHealthy:
      return "healthy";
    case Verdict::kUsable:
      return "usable with care";
    case Verdict::kFaulty:
      return "faulty";
  }
  return "faulty";
}

std::string_view Name(Finding::Severity severity) {
  switch (severity) {
    case Severity::kNote:
      return "note";
    case Severity::kWarning:
      return "warning";
    case Severity::kFault:
      return "fault";
  }
  return "fault";
}

Verdict DoctorReport::verdict() const {
  Verdict verdict = Verdict::kHealthy;
  for (const Finding& finding : findings) {
    if (finding.severity == Severity::kFault) return Verdict::kFaulty;
    if (finding.severity == Severity::kWarning) verdict = Verdict::kUsable;
  }
  return verdict;
}

Result<DoctorReport> ExamineModel(const std::string& path, const DoctorOptions& options) {
  VISAVIS_ASSIGN_OR_RETURN(const Model model, Model::Load(path, options.session.limits));
  Case c{model, options, {}, nullptr, {}, FaceTemplate::kArcFace112, {}};
  c.report.path = path;
  VISAVIS_ASSIGN_OR_RETURN(c.report.info, model.Info());
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<Defect> defects,
                           FindDefectsInFile(path, options.session.limits));
  ReportDefects(defects, c.report);
  FindInRegistry(c.report);
  ReadItsContract(c);

  Result<ModelProbe> probe = MakesEmbeddings(c.report.info)
                                 ? ModelProbe::Create(model.graph(), options.session)
                                 : Error{ErrorCode::kUnsupported, "no embeddings"};
  if (probe) {
    const Image pattern = TestPattern(probe->crop_size_px());
    const Result<ProbeResult> result = probe->Run({&pattern, 1}, Preparation{});
    c.report.recognition = result.has_value();
    if (result) c.report.dimension = static_cast<int>(result->embeddings[0].size());
    c.report.crop_size_px = probe->crop_size_px();
  }
  if (c.report.recognition) {
    ChooseBase(c);
    LookUpWeights(c);
    VISAVIS_RETURN_IF_ERROR(MatchByPattern(c, *probe));
    if (c.known == nullptr) ReportUnusualEpsilon(model.graph(), c.report);
    if (options.faces != nullptr) {
      VISAVIS_RETURN_IF_ERROR(ExamineWithFaces(c));
    } else {
      c.report.undecided.push_back(
          "no reference faces (--faces DIR): channel order, normalisation, template and whether "
          "people are kept apart were not measured");
    }
    CheckGolden(c, options.golden);
  }
  if (options.measure_speed) {
    if (const Status speed = MeasureSpeed(c); !speed) {
      AddFinding(c.report, {Severity::kFault, "cannot_run", speed.error().message, "",
                            Certainty::kCertain, ""});
    }
  }
  return std::move(c.report);
}

}  // namespace visavis
