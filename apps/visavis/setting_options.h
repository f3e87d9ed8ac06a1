// The options that say how a model is to be run: of `bench`, `model plan` and `model run`.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "bench/setting.h"
#include "command_line.h"
#include "visavis/model.h"
#include "visavis/result.h"

namespace visavis::cli {

/// Model::Load; -v says which file, how long it took and what import had to repair.
Result<Model> LoadModelFor(const Common& common, const std::string& path);

/// "640x480" -> width and height. Errors: kInvalidArgument.
Status ParseSize(const std::string& text, OpenExtents& extents);

/// "fp32" or "bf16".
Result<Precision> ParsePrecision(const std::string& text);
std::string PrecisionName(Precision precision);
/// Declares --precision; `precision` is for ParsePrecision.
void AddPrecisionOption(CLI::App& command, std::string& precision);

/// As given on the command line.
struct SettingOptions {
  std::string precision = "fp32";
  std::string isa;
  std::string size = "640x480";
  int batch = 1;
  bool low_memory = false;

  /// Declares --precision, --isa, --size, --batch and --low-memory.
  void AddTo(CLI::App& command);
  Result<BenchSetting> Parse(int threads) const;
};

}  // namespace visavis::cli
