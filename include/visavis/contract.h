// The model contract: what must be done around a network so that its answers mean something. It is
// the file `NAME.visavis.json` beside `NAME.onnx` (docs/formats/contract.md).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "visavis/match.h"
#include "visavis/result.h"

namespace visavis {

enum class ModelTask { kRecognition, kDetection };
enum class ChannelOrder { kRgb, kBgr };

/// What the network's input wants. A pixel p in 0..255 of channel c becomes
/// (p - mean[c]) x scale[c].
struct ContractInput {
  std::string name;
  std::vector<std::int64_t> shape;  ///< N,C,H,W; -1 = open
  ChannelOrder channel_order = ChannelOrder::kRgb;
  /// The graph does the arithmetic itself: pixels go in as they are, and mean and scale only say
  /// what the graph does with them.
  bool normalised_inside = true;
  std::array<double, 3> mean{};          ///< per channel, in the network's channel order
  std::array<double, 3> scale{1, 1, 1};  ///< likewise; never 0
};

struct ContractOutput {
  std::string name;
  std::int64_t dimension = 0;  ///< last extent; 0 = open. Recognition: length of an embedding
};

/// Where a threshold comes from, and how sure it is.
struct ContractThreshold {
  double similarity = 0;  ///< same person from here on
  std::string origin;     ///< one line for people; never empty

  /// What was aimed at.
  struct Target {
    enum class Rate { kFmr, kFpir };
    Rate rate = Rate::kFmr;
    double value = 0;               ///< in (0,1)
    std::int64_t gallery_size = 0;  ///< kFpir: identities in the gallery
  };
  std::optional<Target> target;

  /// Interval of the threshold itself at `confidence`, e.g. 0.95.
  struct Interval {
    double low = 0;
    double high = 0;
    double confidence = 0.95;
  };
  std::optional<Interval> interval;

  /// The labelled data it was found on.
  struct Data {
    std::string description;
    std::string sha256;  ///< of the list of pairs or identities; empty if unknown
    std::int64_t genuine_pairs = 0;
    std::int64_t impostor_pairs = 0;
    std::int64_t identities = 0;
  };
  std::optional<Data> data;
};

/// A crop whose embedding is known: proof that a network is run as it was meant to be.
struct GoldenVector {
  std::string name;               ///< for messages; never empty
  std::string image_sha256;       ///< of the image file's bytes
  std::vector<std::uint8_t> png;  ///< the aligned crop as PNG bytes; empty = only the hash is known
  std::vector<float> embedding;   ///< as the network gives it, not normalised
  double tolerance = 1e-3;        ///< |got - expected| / |expected|, Euclidean, at most this
};

struct ContractLicence {
  std::string name;             ///< e.g. "MIT"; "unknown" is an answer
  std::string terms;            ///< as the origin states them
  std::string url;              ///< may be empty
  bool non_commercial = false;  ///< somebody who may know says: no commercial use
};

struct ContractProvenance {
  std::string model;         ///< name in the registry, e.g. "mobilefacenet-arcface"; may be empty
  std::string source;        ///< where the weights come from; may be empty
  std::string derived_from;  ///< sha256 of the file this one was made from; may be empty
  std::string written_by;    ///< e.g. "visavis model pack 0.1.0"
  std::vector<std::string> notes;  ///< what was assumed rather than known, one line each
};

/// Everything a contract says.
/// Threads: a value.
struct ModelContract {
  ModelTask task = ModelTask::kRecognition;
  std::string model_file;  ///< name without folders
  std::int64_t model_bytes = 0;
  std::string model_sha256;

  ContractInput input;
  std::string face_template = "arcface-112";  ///< recognition: pose of the crops (visavis/align.h)
  int crop_size_px = 112;                     ///< recognition: side of the crops
  std::vector<ContractOutput> outputs;        ///< recognition: exactly one

  std::optional<ContractThreshold> threshold;
  std::optional<ProbabilityMap> probability;

  std::string precision = "fp32";  ///< of the stored weights: fp32, fp16, bf16, int8, mixed
  /// How the network was quantized and what that cost: the text of a JSON object of the writer's
  /// choice, at most ContractLimits::quantization_bytes; empty if it was not.
  std::string quantization;

  std::vector<GoldenVector> golden;
  ContractLicence licence;
  ContractProvenance provenance;
};

/// Bounds on a contract from outside, checked before anything is taken for it.
struct ContractLimits {
  std::int64_t file_bytes = 8LL << 20;
  int depth = 16;                             ///< of nested arrays and objects
  std::size_t text_bytes = 16 << 10;          ///< one string, PNG apart
  std::size_t quantization_bytes = 64 << 10;  ///< the record as JSON text
  std::size_t knots = 4096;                   ///< of an isotonic probability map
  std::size_t golden_vectors = 64;
  std::size_t dimension = 65536;  ///< of an embedding
  std::size_t png_bytes = 1 << 20;
};

/// Reads a contract's text. `where` names it in messages. Keys that the version does not know are
/// errors: a misspelt one would otherwise be a silent default.
/// Errors: kCorruptData (message names the key, what was found and what is wanted), kUnsupported
///         (another version), kLimitExceeded.
Result<ModelContract> ParseContract(std::string_view json, std::string_view where,
                                    const ContractLimits& limits = {});
/// Errors: also those of reading the file.
Result<ModelContract> ReadContract(const std::string& path, const ContractLimits& limits = {});

/// The contract as text: the same contract gives the same bytes, and ParseContract gives the
/// contract back. Errors: kInvalidArgument if ParseContract would refuse it.
Result<std::string> ContractText(const ModelContract& contract);
/// Writes it whole or not at all. Errors: also kIo.
Status WriteContract(const ModelContract& contract, const std::string& path);

/// "a/model.onnx" -> "a/model.visavis.json".
std::string ContractPathFor(const std::string& model_path);
/// The contract beside a model file; empty if there is none. Errors: those of ReadContract.
Result<std::optional<ModelContract>> FindContractFor(const std::string& model_path,
                                                     const ContractLimits& limits = {});

/// Whether the file is the one the contract speaks of. Reads it once.
/// Errors: kCorruptData naming both sizes, or both checksums; kNotFound, kIo.
Status CheckContract(const ModelContract& contract, const std::string& model_path);

std::string_view Name(ModelTask task);      ///< "recognition", "detection"
std::string_view Name(ChannelOrder order);  ///< "RGB", "BGR"

}  // namespace visavis
