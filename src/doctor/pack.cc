#include "doctor/pack.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/error.h"
#include "base/file_system.h"
#include "base/sha256.h"
#include "base/try.h"
#include "doctor/known_weights.h"
#include "recognize/contract_pixels.h"
#include "visavis/align.h"
#include "visavis/decode.h"
#include "visavis/embed.h"
#include "visavis/zoo.h"

namespace visavis {
namespace {

Status CheckOptions(const PackOptions& options) {
  if (options.mean.has_value() != options.scale.has_value()) {
    return MakeError(ErrorCode::kInvalidArgument, "pack: mean and scale, want both or neither");
  }
  if (options.inside && options.mean) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "pack: normalisation inside the graph and a mean outside, want one of them");
  }
  if (options.threshold && options.threshold_origin.empty()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "pack: a threshold without its origin, want both");
  }
  return {};
}

std::vector<std::int64_t> ShapeOf(const ModelInfo::Port& port) {
  std::vector<std::int64_t> shape;
  for (const std::string& extent : port.shape) {
    const bool number = !extent.empty() && extent.find_first_not_of("0123456789") == extent.npos;
    shape.push_back(number ? std::stoll(extent) : -1);
  }
  return shape;
}

void FillInput(const DoctorReport& report, const PackOptions& options, ModelContract& contract) {
  ContractInput& input = contract.input;
  input.name = report.info.inputs[0].name;
  input.shape = ShapeOf(report.info.inputs[0]);
  const bool bgr =
      options.channel_order ? *options.channel_order == ChannelOrder::kBgr : report.pixels.bgr;
  input.channel_order = bgr ? ChannelOrder::kBgr : ChannelOrder::kRgb;
  const InputPixels raw{report.pixels.bgr, {0, 0, 0}, {1, 1, 1}};
  if (options.mean) {
    input.normalised_inside = false;
    input.mean.fill(*options.mean);
    input.scale.fill(*options.scale);
  } else if (options.inside || report.pixels == raw) {
    input.normalised_inside = true;
    input.mean = report.chain.mean;
    input.scale = report.chain.scale;
  } else {
    input.normalised_inside = false;
    for (std::size_t i = 0; i < 3; ++i) {
      const std::size_t from = bgr == report.pixels.bgr ? i : 2 - i;
      input.mean[i] = report.pixels.mean[from];
      input.scale[i] = report.pixels.scale[from];
    }
  }
  const auto note = [&](std::string_view what, const Decision& decision, bool told) {
    if (told || decision.certainty <= Certainty::kMeasured) return;
    contract.provenance.notes.push_back(
        fmt::format("{}: {} ({})", what, decision.value, Name(decision.certainty)));
  };
  note("channel order", report.channel_order, options.channel_order.has_value());
  note("normalisation", report.normalisation, options.mean.has_value() || options.inside);
  note("template", report.face_template, !options.face_template.empty());
}

// What the registry says about the network, where it is known.
void FillFromRegistry(const DoctorReport& report, ModelContract& contract) {
  contract.licence = {"unknown", "not stated", "", false};
  const Asset* asset = FindAsset(report.known_as);
  if (asset == nullptr) return;
  contract.provenance.model = asset->name;
  contract.provenance.source = asset->description;
  contract.licence.name = "see terms";
  contract.licence.terms = asset->licence;
  contract.licence.non_commercial = asset->licence.find("non-commercial") != std::string::npos;
  if (asset->threshold > 0) {
    contract.threshold = ContractThreshold{asset->threshold, asset->threshold_origin, {}, {}, {}};
  }
}

// What calibration and quantization wrote about this very file.
void KeepWhatIsThere(const DoctorReport& report, ModelContract& contract) {
  const Result<std::optional<ModelContract>> there = FindContractFor(report.path);
  if (!there || !*there || (*there)->model_sha256 != contract.model_sha256) return;
  const ModelContract& old = **there;
  if (old.threshold) contract.threshold = old.threshold;
  contract.probability = old.probability;
  contract.precision = old.precision;
  contract.quantization = old.quantization;
  contract.provenance.derived_from = old.provenance.derived_from;
  if (old.licence.name != "unknown") contract.licence = old.licence;
}

Result<std::vector<GoldenVector>> MakeGolden(const DoctorReport& report,
                                             const ModelContract& contract,
                                             const PackOptions& options) {
  EmbedOptions embed;
  embed.pixels = PixelsOf(contract.input);
  VISAVIS_ASSIGN_OR_RETURN(Model model, Model::Load(report.path));
  VISAVIS_ASSIGN_OR_RETURN(const Embedder embedder, Embedder::Create(std::move(model), embed));
  std::vector<GoldenVector> golden;
  const auto add = [&](std::string name, std::vector<std::uint8_t> bytes, ImageView crop,
                       bool with_picture) -> Status {
    VISAVIS_ASSIGN_OR_RETURN(Embedding embedding, embedder.Embed(crop));
    GoldenVector vector{
        std::move(name), Sha256Hex(bytes), {}, std::move(embedding), options.tolerance};
    if (with_picture) vector.png = std::move(bytes);
    golden.push_back(std::move(vector));
    return {};
  };
  const Image pattern = TestPattern(embedder.crop_size_px());
  VISAVIS_ASSIGN_OR_RETURN(std::vector<std::uint8_t> png, EncodePng(pattern));
  VISAVIS_RETURN_IF_ERROR(add("test pattern", std::move(png), pattern, true));
  for (const std::string& path : options.golden_images) {
    VISAVIS_ASSIGN_OR_RETURN(std::vector<std::uint8_t> bytes,
                             FileSystem::Real().ReadFile(path, Limits().image_file_bytes));
    VISAVIS_ASSIGN_OR_RETURN(const DecodedImage crop, DecodeImage(bytes, path));
    // A JPEG decodes differently elsewhere by a grey level or two: the contract holds a PNG.
    if (options.embed_pictures && crop.format != "png") {
      VISAVIS_ASSIGN_OR_RETURN(bytes, EncodePng(crop.image));
    }
    VISAVIS_RETURN_IF_ERROR(add(std::filesystem::path(path).filename().string(), std::move(bytes),
                                crop.image, options.embed_pictures));
  }
  return golden;
}

}  // namespace

Result<ModelContract> PackContract(const DoctorReport& report, const PackOptions& options) {
  VISAVIS_RETURN_IF_ERROR(CheckOptions(options));
  if (report.info.inputs.empty() || report.info.outputs.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: has no input or no output", report.path);
  }
  ModelContract contract;
  contract.task = report.recognition ? ModelTask::kRecognition : ModelTask::kDetection;
  contract.model_file = std::filesystem::path(report.path).filename().string();
  contract.model_bytes = report.info.file_bytes;
  contract.model_sha256 = report.info.sha256;
  FillFromRegistry(report, contract);
  KeepWhatIsThere(report, contract);
  FillInput(report, options, contract);
  for (const ModelInfo::Port& port : report.info.outputs) {
    const std::vector<std::int64_t> shape = ShapeOf(port);
    contract.outputs.push_back(
        {port.name, shape.empty() ? 0 : std::max<std::int64_t>(shape.back(), 0)});
  }
  if (report.recognition) {
    contract.outputs[0].dimension = report.dimension;
    contract.face_template =
        options.face_template.empty() ? report.template_name : options.face_template;
    VISAVIS_RETURN_IF_ERROR(ParseFaceTemplate(contract.face_template));
    contract.crop_size_px = report.crop_size_px;
    if (options.threshold) {
      contract.threshold =
          ContractThreshold{*options.threshold, options.threshold_origin, {}, {}, {}};
      contract.probability.reset();  // it was fitted with the threshold that is replaced
    }
    VISAVIS_ASSIGN_OR_RETURN(contract.golden, MakeGolden(report, contract, options));
  }
  if (options.licence) contract.licence = *options.licence;
  if (!options.source.empty()) contract.provenance.source = options.source;
  contract.provenance.written_by = options.written_by;
  return contract;
}

}  // namespace visavis
