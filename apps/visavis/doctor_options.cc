#include "doctor_options.h"

#include <fmt/format.h>

#include <memory>

#include "base/error.h"
#include "base/file_system.h"
#include "base/npy.h"
#include "base/sha256.h"
#include "base/text.h"
#include "base/try.h"
#include "photo_options.h"

namespace visavis::cli {
namespace {

// Photos that are no crops need the detector; it is loaded when the first comes.
AlignPhoto Aligner(const Common& common) {
  auto detector = std::make_shared<std::unique_ptr<Detector>>();
  return [detector, &common](const std::string& path) -> Result<std::optional<Image>> {
    if (*detector == nullptr) {
      VISAVIS_ASSIGN_OR_RETURN(*detector, LoadDetectorFor(common, {}));
    }
    VISAVIS_ASSIGN_OR_RETURN(
        std::vector<RecognizedFace> faces,
        FindFacesInPhoto(path, **detector, FaceChoice::kLargestCentral, CropPose()));
    if (faces.empty()) return std::optional<Image>();
    return std::optional<Image>(std::move(faces[0].crop.image));
  };
}

Result<GoldenVector> ReadGolden(const std::string& argument) {
  const std::size_t comma = argument.rfind(',');
  if (comma == std::string::npos) {
    return MakeError(ErrorCode::kInvalidArgument, "--golden {}: want IMAGE,EMBEDDING.npy",
                     argument);
  }
  constexpr std::int64_t kMostBytes = 1 << 20;
  GoldenVector golden;
  golden.name = argument.substr(0, comma);
  const std::string npy = argument.substr(comma + 1);
  VISAVIS_ASSIGN_OR_RETURN(golden.png,
                           FileSystem::Real().ReadFile(golden.name, Limits().image_file_bytes));
  golden.image_sha256 = Sha256Hex(golden.png);
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<std::uint8_t> bytes,
                           FileSystem::Real().ReadFile(npy, kMostBytes));
  VISAVIS_ASSIGN_OR_RETURN(NpyArray array, ParseNpy(bytes, npy, kMostBytes));
  golden.embedding = std::move(array.values);
  return golden;
}

Json DecisionAsJson(const Decision& decision) {
  return {{"value", decision.value},
          {"certainty", Name(decision.certainty)},
          {"reason", decision.reason}};
}

Json FaceTrialAsJson(const FaceTrial& trial) {
  return {{"question", trial.question},
          {"answer", trial.answer},
          {"divergence", trial.divergence},
          {"early_divergence", trial.early},
          {"d_prime", trial.separation.d_prime},
          {"same_similarity", trial.separation.same_mean},
          {"different_similarity", trial.separation.different_mean},
          {"norm", trial.norms.mean}};
}

void PrintDecision(const char* label, const Decision& decision) {
  fmt::print("{:<15}{} ({}{}{})\n", label, OneLine(decision.value), Name(decision.certainty),
             decision.reason.empty() ? "" : ": ", OneLine(decision.reason));
}

}  // namespace

void DoctorArguments::AddTo(CLI::App& command) {
  command
      .add_option("MODEL", path, "An .onnx file, or the symbol, params or prefix of an MXNet pair")
      ->required();
  command.add_option(
      "--faces", faces,
      "Folder of reference faces, one sub-folder for each person with two photos or "
      "aligned 112x112 crops (default: data/lfw/aligned beside $VISAVIS_MIRROR or in "
      "$VISAVIS_SHARED, if there)");
  command.add_flag("--no-faces", no_faces, "Judge by the file alone");
  command.add_option("--people", people, "People to look at, two pictures of each")
      ->check(CLI::Range(4, 1000))
      ->capture_default_str();
}

Result<DoctorReport> RunDoctor(const DoctorArguments& arguments, const Common& common,
                               bool measure_speed) {
  const LoggedStep step(common, arguments.path + ": examined");
  DoctorOptions options;
  options.measure_speed = measure_speed;
  options.known_weights = !arguments.no_known_weights;
  std::unique_ptr<ThreadPool> pool;
  if (const int threads = common.ThreadCount(); threads > 1) {
    pool = std::make_unique<ThreadPool>(threads);
    options.session.pool = pool.get();
  }
  std::optional<ReferenceFaces> faces;
  const std::string folder = arguments.no_faces        ? ""
                             : arguments.faces.empty() ? FindReferenceFolder()
                                                       : arguments.faces;
  if (!folder.empty()) {
    VISAVIS_ASSIGN_OR_RETURN(faces, LoadReferenceFaces(folder, arguments.people, Aligner(common)));
    options.faces = &*faces;
  }
  for (const std::string& argument : arguments.golden) {
    VISAVIS_ASSIGN_OR_RETURN(GoldenVector golden, ReadGolden(argument));
    options.golden.push_back(std::move(golden));
  }
  return ExamineModel(arguments.path, options);
}

Json ReportAsJson(const DoctorReport& report) {
  Json json{{"path", report.path},
            {"recognised_as", report.info.recognised_as},
            {"known_as", report.known_as},
            {"known_how", report.known_how},
            {"task", report.recognition ? "recognition" : "other"},
            {"sha256", report.info.sha256},
            {"verdict", Name(report.verdict())}};
  Json findings = Json::array();
  for (const Finding& finding : report.findings) {
    findings.push_back({{"severity", Name(finding.severity)},
                        {"name", finding.name},
                        {"what", finding.what},
                        {"evidence", finding.evidence},
                        {"certainty", Name(finding.certainty)},
                        {"remedy", finding.remedy}});
  }
  json["findings"] = std::move(findings);
  json["undecided"] = report.undecided;
  json["speed"] = {{"ms_per_image", report.ms_per_image}, {"isa", report.isa}, {"threads", 1}};
  if (!report.recognition) return json;
  json["normalisation"] = DecisionAsJson(report.normalisation);
  json["channel_order"] = DecisionAsJson(report.channel_order);
  json["template"] = DecisionAsJson(report.face_template);
  json["crop_size_px"] = report.crop_size_px;
  json["dimension"] = report.dimension;
  if (report.best) {
    json["faces"] = {
        {"folder", report.faces_folder}, {"pictures", report.faces}, {"people", report.people}};
    json["embeddings"] = FaceTrialAsJson(*report.best);
    json["embeddings"]["smallest_norm"] = report.best->norms.smallest;
    json["embeddings"]["largest_norm"] = report.best->norms.largest;
    json["embeddings"]["mirror_similarity"] = report.mirror_similarity;
  }
  Json trials = Json::array();
  for (const FaceTrial& trial : report.trials) trials.push_back(FaceTrialAsJson(trial));
  json["trials"] = std::move(trials);
  Json golden = Json::array();
  for (const GoldenCheck& check : report.golden) {
    golden.push_back({{"name", check.name},
                      {"passed", check.passed()},
                      {"error", check.error},
                      {"tolerance", check.tolerance},
                      {"similarity", check.similarity},
                      {"problem", check.problem}});
  }
  json["golden"] = std::move(golden);
  return json;
}

void PrintFindings(const DoctorReport& report) {
  for (const Finding& finding : report.findings) {
    fmt::print("\n{}: {}\n  {}\n", Name(finding.severity), finding.name, OneLine(finding.what));
    if (!finding.evidence.empty()) {
      fmt::print("  {}: {}\n", Name(finding.certainty), OneLine(finding.evidence));
    }
    if (!finding.remedy.empty()) fmt::print("  remedy: {}\n", OneLine(finding.remedy));
  }
}

void PrintReport(const DoctorReport& report, int verbosity) {
  const ModelInfo& info = report.info;
  fmt::print("{}\n", OneLine(report.path));
  fmt::print("{:<15}{}\n", "recognised as",
             info.recognised_as.empty() ? "nothing known" : info.recognised_as);
  if (!report.known_as.empty()) {
    fmt::print("{:<15}{} ({})\n", "known as", report.known_as, report.known_how);
  }
  if (report.recognition) {
    PrintDecision("normalisation", report.normalisation);
    PrintDecision("channel order", report.channel_order);
    PrintDecision("template", report.face_template);
    fmt::print("{:<15}{} numbers from crops of {}x{}\n", "embedding", report.dimension,
               report.crop_size_px, report.crop_size_px);
    if (report.best) {
      const FaceTrial& best = *report.best;
      fmt::print(
          "{:<15}norm {:.2f} ({:.2f} to {:.2f}), same person {:.3f}, different {:.3f}, d' "
          "{:.2f}, mirror image {:.3f}\n",
          "", best.norms.mean, best.norms.smallest, best.norms.largest, best.separation.same_mean,
          best.separation.different_mean, best.separation.d_prime, report.mirror_similarity);
      fmt::print("{:<15}{} pictures of {} people in {}\n", "faces", report.faces, report.people,
                 OneLine(report.faces_folder));
    }
    for (const GoldenCheck& check : report.golden) {
      if (check.problem.empty()) {
        fmt::print("{:<15}{}: {}, relative error {:.2g} (at most {:.2g}), similarity {:.6f}\n",
                   "golden", OneLine(check.name), check.passed() ? "holds" : "differs", check.error,
                   check.tolerance, check.similarity);
      } else {
        fmt::print("{:<15}{}: not checked: {}\n", "golden", OneLine(check.name),
                   OneLine(check.problem));
      }
    }
  }
  if (report.ms_per_image > 0) {
    fmt::print("{:<15}{:.2f} ms per image, one thread, {}\n", "speed", report.ms_per_image,
               report.isa);
  }
  if (verbosity > 0 && !report.trials.empty()) {
    fmt::print("\n{:<15} {:<40} {:>10} {:>10} {:>6} {:>6} {:>7} {:>6}\n", "tried", "", "divergence",
               "early", "d'", "same", "differ", "norm");
    for (const FaceTrial& trial : report.trials) {
      fmt::print("{:<15} {:<40} {:>10.4f} {:>10.4f} {:>6.2f} {:>6.3f} {:>7.3f} {:>6.2f}\n",
                 trial.question, trial.answer, trial.divergence, trial.early,
                 trial.separation.d_prime, trial.separation.same_mean,
                 trial.separation.different_mean, trial.norms.mean);
    }
  }
  PrintFindings(report);
  if (!report.undecided.empty()) fmt::print("\nnot decided\n");
  for (const std::string& what : report.undecided) fmt::print("  {}\n", OneLine(what));
  fmt::print("\nverdict: {}\n", Name(report.verdict()));
}

}  // namespace visavis::cli
