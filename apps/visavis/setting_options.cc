#include "setting_options.h"

#include <charconv>

#include "base/error.h"
#include "base/try.h"

namespace visavis::cli {
namespace {

// All of `text` as a number in [1, 65536].
bool ParseExtent(std::string_view text, int& extent) {
  constexpr int kLargest = 1 << 16;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), extent);
  return error == std::errc() && end == text.data() + text.size() && extent >= 1 &&
         extent <= kLargest;
}

}  // namespace

Result<Model> LoadModelFor(const Common& common, const std::string& path) {
  const LoggedStep step(common, path + ": loaded");
  Result<Model> model = Model::Load(path);
  if (model) {
    for (const std::string& note : model->graph().notes) Log(common, 1, path + ": " + note);
  }
  return model;
}

Status ParseSize(const std::string& text, OpenExtents& extents) {
  const std::size_t cross = text.find('x');
  if (cross != std::string::npos &&
      ParseExtent(std::string_view(text).substr(0, cross), extents.width) &&
      ParseExtent(std::string_view(text).substr(cross + 1), extents.height)) {
    return {};
  }
  return MakeError(ErrorCode::kInvalidArgument, "--size {}: want WIDTHxHEIGHT, e.g. 640x480", text);
}

Result<Precision> ParsePrecision(const std::string& text) {
  if (text == "fp32") return Precision::kFp32;
  if (text == "fp32-high") return Precision::kFp32High;
  if (text == "bf16") return Precision::kBf16;
  if (text == "fast") return Precision::kFast;
  return MakeError(ErrorCode::kInvalidArgument,
                   "--precision {}: want fp32, fp32-high, bf16 or fast", text);
}

std::string PrecisionName(Precision precision) {
  switch (precision) {
    case Precision::kFp32High:
      return "fp32-high";
    case Precision::kBf16:
      return "bf16";
    case Precision::kFast:
      return "fast";
    case Precision::kFp32:
      break;
  }
  return "fp32";
}

void AddPrecisionOption(CLI::App& command, std::string& precision) {
  command.add_option("--precision", precision, "fp32, fp32-high, bf16 or fast")
      ->capture_default_str();
}

void SettingOptions::AddTo(CLI::App& command) {
  AddPrecisionOption(command, precision);
  command.add_option(
      "--isa", isa,
      "Instruction set: scalar, avx2, avx_vnni, avx512, avx512_vnni, avx512_bf16, amx; default the "
      "best here");
  command.add_option("--size", size, "Image size where the model leaves it open")
      ->capture_default_str();
  command.add_option("--batch", batch, "Images per run")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command.add_flag("--low-memory", low_memory, "Keep the weights as they are in the file only");
}

Result<BenchSetting> SettingOptions::Parse(int threads) const {
  BenchSetting setting;
  VISAVIS_ASSIGN_OR_RETURN(setting.precision, ParsePrecision(precision));
  VISAVIS_RETURN_IF_ERROR(ParseSize(size, setting.extents));
  setting.extents.batch = batch;
  setting.isa = isa;
  setting.threads = threads;
  setting.low_memory = low_memory;
  return setting;
}

}  // namespace visavis::cli
