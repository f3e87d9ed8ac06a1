#include "model/load.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file_system.h"
#include "base/try.h"
#include "model/caffe/caffe_import.h"
#include "model/mxnet/mxnet_import.h"
#include "model/onnx/onnx_import.h"

namespace visavis {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

constexpr std::string_view kSymbolSuffix = "-symbol.json";
constexpr std::string_view kCaffeNetworkSuffix = ".prototxt";
constexpr std::string_view kCaffeWeightsSuffix = ".caffemodel";
constexpr std::string_view kParamsSuffix = ".params";

enum class Kind { kOnnx, kSymbol, kParams };

Kind KindOf(const Bytes& bytes) {
  constexpr std::array<std::uint8_t, 8> kParamsMagic{0x12, 0x01, 0, 0, 0, 0, 0, 0};
  if (bytes.size() >= kParamsMagic.size() &&
      std::equal(kParamsMagic.begin(), kParamsMagic.end(), bytes.begin())) {
    return Kind::kParams;
  }
  const auto first = std::ranges::find_if_not(
      bytes, [](std::uint8_t c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
  return first != bytes.end() && *first == '{' ? Kind::kSymbol : Kind::kOnnx;
}

bool Exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

// "model-0012.params" -> "model", "0012".
struct ParamsName {
  std::string prefix;
  std::string epoch;
};
std::optional<ParamsName> SplitParamsName(std::string_view path) {
  constexpr std::string_view kDigits = "0123456789";
  if (!path.ends_with(kParamsSuffix)) return std::nullopt;
  path.remove_suffix(kParamsSuffix.size());
  const std::size_t dash = path.rfind('-');
  if (dash == std::string_view::npos || dash + 1 == path.size()) return std::nullopt;
  const std::string_view epoch = path.substr(dash + 1);
  if (epoch.find_first_not_of(kDigits) != std::string_view::npos) return std::nullopt;
  return ParamsName{std::string(path.substr(0, dash)), std::string(epoch)};
}

// Of prefix-NNNN.params the last epoch: the longest number, then the highest.
std::optional<std::string> FindParams(const std::string& prefix) {
  const fs::path as_path(prefix);
  const fs::path folder = as_path.has_parent_path() ? as_path.parent_path() : fs::path(".");
  std::optional<std::pair<std::size_t, std::string>> best;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::optional<ParamsName> name = SplitParamsName(it->path().filename().string());
    if (!name || name->prefix != as_path.filename().string()) continue;
    best = std::max(best, {{name->epoch.size(), name->epoch}});
  }
  if (!best) return std::nullopt;
  return prefix + "-" + best->second + std::string(kParamsSuffix);
}

Result<LoadedModel> FromMxnet(const std::string& symbol_path, const Bytes& symbol,
                              const std::string& params_path, const Bytes& params,
                              const Limits& limits) {
  LoadedModel loaded;
  VISAVIS_ASSIGN_OR_RETURN(loaded.graph,
                           ImportMxnet(symbol, symbol_path, params, params_path, limits));
  loaded.format = "mxnet";
  loaded.weights_path = params_path;
  loaded.file_bytes = static_cast<std::int64_t>(params.size());
  return loaded;
}

Result<LoadedModel> FromSymbol(const std::string& path, const Bytes& symbol, const Limits& limits) {
  if (!path.ends_with(kSymbolSuffix)) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "{}: is JSON; an MXNet symbol must be named PREFIX{}, so that its weights can "
                     "be found",
                     path, kSymbolSuffix);
  }
  const std::string prefix = path.substr(0, path.size() - kSymbolSuffix.size());
  const std::optional<std::string> params_path = FindParams(prefix);
  if (!params_path) {
    return MakeError(ErrorCode::kNotFound, "{}: its weights {}-NNNN.params are missing", path,
                     prefix);
  }
  VISAVIS_ASSIGN_OR_RETURN(const Bytes params,
                           FileSystem::Real().ReadFile(*params_path, limits.model_file_bytes));
  return FromMxnet(path, symbol, *params_path, params, limits);
}

Result<LoadedModel> FromParams(const std::string& path, const Bytes& params, const Limits& limits) {
  const std::optional<ParamsName> name = SplitParamsName(path);
  if (!name) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "{}: holds MXNet weights, which must be named PREFIX-NNNN.params, so that "
                     "their symbol can be found",
                     path);
  }
  const std::string symbol_path = name->prefix + std::string(kSymbolSuffix);
  if (!Exists(symbol_path)) {
    return MakeError(ErrorCode::kNotFound, "{}: its network {} is missing", path, symbol_path);
  }
  VISAVIS_ASSIGN_OR_RETURN(const Bytes symbol,
                           FileSystem::Real().ReadFile(symbol_path, limits.model_file_bytes));
  return FromMxnet(symbol_path, symbol, path, params, limits);
}

// NAME.prototxt + NAME.caffemodel, whichever of them `path` names. Content does not tell: a
// .caffemodel is protobuf, as ONNX files are.
Result<LoadedModel> FromCaffe(const std::string& path, const Limits& limits) {
  const std::string stem = path.substr(0, path.rfind('.'));
  const std::string network_path = stem + std::string(kCaffeNetworkSuffix);
  const std::string weights_path = stem + std::string(kCaffeWeightsSuffix);
  for (const std::string& file : {network_path, weights_path}) {
    if (!Exists(file)) {
      return MakeError(ErrorCode::kNotFound, "{}: {} is missing; a Caffe network is both files",
                       path, file);
    }
  }
  VISAVIS_ASSIGN_OR_RETURN(const Bytes network,
                           FileSystem::Real().ReadFile(network_path, limits.model_file_bytes));
  VISAVIS_ASSIGN_OR_RETURN(const Bytes weights,
                           FileSystem::Real().ReadFile(weights_path, limits.model_file_bytes));
  LoadedModel loaded;
  VISAVIS_ASSIGN_OR_RETURN(loaded.graph,
                           ImportCaffe(network, network_path, weights, weights_path, limits));
  loaded.format = "caffe";
  loaded.weights_path = weights_path;
  loaded.file_bytes = static_cast<std::int64_t>(weights.size());
  return loaded;
}

Result<LoadedModel> FromOnnx(const std::string& path, Bytes bytes, const Limits& limits,
                             Reading reading) {
  LoadedModel loaded;
  loaded.file_bytes = static_cast<std::int64_t>(bytes.size());
  if (reading == Reading::kAsIs) {
    VISAVIS_ASSIGN_OR_RETURN(OnnxAsIs as_is, ImportOnnxAsIs(bytes, path, limits));
    loaded.graph = std::move(as_is.graph);
    loaded.initializers_listed_as_inputs = as_is.initializers_listed_as_inputs;
  } else {
    VISAVIS_ASSIGN_OR_RETURN(loaded.graph, ImportOnnx(std::move(bytes), path, limits));
  }
  loaded.format = "onnx";
  loaded.weights_path = path;
  return loaded;
}

}  // namespace

Result<LoadedModel> LoadModel(const std::string& path, const Limits& limits, Reading reading) {
  const std::string symbol_path = path + std::string(kSymbolSuffix);
  if (!Exists(path) && Exists(symbol_path)) return LoadModel(symbol_path, limits, reading);

  if (path.ends_with(kCaffeNetworkSuffix) || path.ends_with(kCaffeWeightsSuffix)) {
    return FromCaffe(path, limits);
  }

  VISAVIS_ASSIGN_OR_RETURN(Bytes bytes, FileSystem::Real().ReadFile(path, limits.model_file_bytes));
  if (bytes.empty()) {
    return MakeError(ErrorCode::kCorruptData, "{}: is empty, want an ONNX or MXNet model", path);
  }
  switch (KindOf(bytes)) {
    case Kind::kSymbol:
      return FromSymbol(path, bytes, limits);
    case Kind::kParams:
      return FromParams(path, bytes, limits);
    case Kind::kOnnx:
      break;
  }
  return FromOnnx(path, std::move(bytes), limits, reading);
}

}  // namespace visavis
