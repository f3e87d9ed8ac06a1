// Model: a network file in memory, before it is made ready to run.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "visavis/limits.h"
#include "visavis/result.h"
#include "visavis/tensor.h"

namespace visavis {

struct Graph;

/// What `visavis model info` prints.
struct ModelInfo {
  struct Port {
    std::string name;
    DType dtype = DType::kF32;
    std::vector<std::string> shape;  ///< extents; unknown ones by symbol or "?"
  };
  std::string
      recognised_as;   ///< "LResNet100E-IR", "MobileFaceNet", "MTCNN PNet", ...; empty if unknown
  std::string format;  ///< "onnx", "mxnet" or "caffe"
  std::string producer;
  int opset = 0;
  std::vector<Port> inputs;
  std::vector<Port> outputs;
  std::map<std::string, int> operators;  ///< type -> count
  std::int64_t nodes = 0;
  double stored_parameters = 0;  ///< elements of all constants in the file
  double parameters = 0;         ///< by the Open Model Zoo's convention: BatchNorm folded
  double flops = 0;              ///< by the same convention, one image; 0 if shapes are unknown
  double multiply_adds = 0;
  std::int64_t file_bytes = 0;
  std::string sha256;              ///< of the model file (for MXNet: of the .params)
  std::vector<std::string> notes;  ///< what import had to repair, one line each
};

/// A network loaded from ONNX, MXNet or Caffe files.
/// Threads: const members are safe concurrently. Copies share constants.
class Model {
 public:
  /// Loads `path`: an `.onnx` file, one of an MXNet pair (`-symbol.json`, `.params`, their prefix),
  /// or one of a Caffe pair (`.prototxt`, `.caffemodel`). Errors: kNotFound, kIo, kCorruptData,
  /// kUnsupported, kLimitExceeded; messages name file, node and cause.
  static Result<Model> Load(const std::string& path, const Limits& limits = {});
  static Model FromGraph(Graph graph);

  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;
  ~Model();

  const Graph& graph() const;
  const std::string& path() const;
  /// `input_shapes`, by name, stand in for extents the file leaves open; without them FLOPs of such
  /// a network are 0. An open batch is one image. Reads the file once more for its checksum.
  Result<ModelInfo> Info(const std::map<std::string, Shape>& input_shapes = {}) const;
  /// Writes ONNX that the official checker accepts; atomic.
  Status SaveOnnx(const std::string& path) const;

 private:
  struct State;
  explicit Model(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace visavis
