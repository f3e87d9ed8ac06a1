#include "visavis/model.h"

#include <limits>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "base/sha256.h"
#include "base/try.h"
#include "model/graph/graph.h"
#include "model/info.h"
#include "model/load.h"
#include "model/onnx/onnx_export.h"

namespace visavis {

struct Model::State {
  LoadedModel loaded;
  std::string path;
};

Result<Model> Model::Load(const std::string& path, const Limits& limits) {
  VISAVIS_ASSIGN_OR_RETURN(LoadedModel loaded, LoadModel(path, limits));
  return Model(std::make_unique<State>(State{std::move(loaded), path}));
}

Model Model::FromGraph(Graph graph) {
  LoadedModel loaded;
  loaded.graph = std::move(graph);
  loaded.format = "onnx";
  return Model(std::make_unique<State>(State{std::move(loaded), {}}));
}

Model::Model(std::unique_ptr<State> state) : state_(std::move(state)) {}
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;
Model::~Model() = default;

const Graph& Model::graph() const { return state_->loaded.graph; }
const std::string& Model::path() const { return state_->path; }

Result<ModelInfo> Model::Info(const std::map<std::string, Shape>& input_shapes) const {
  ModelInfo info = InfoOf(graph(), input_shapes);
  info.format = state_->loaded.format;
  info.file_bytes = state_->loaded.file_bytes;
  const std::string& file = state_->loaded.weights_path;
  if (!file.empty()) {
    VISAVIS_ASSIGN_OR_RETURN(
        const std::vector<std::uint8_t> bytes,
        FileSystem::Real().ReadFile(file, std::numeric_limits<std::int64_t>::max()));
    info.sha256 = Sha256Hex(bytes);
  }
  return info;
}

Status Model::SaveOnnx(const std::string& path) const {
  VISAVIS_ASSIGN_OR_RETURN(const std::string bytes, ExportOnnx(graph()));
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  return WriteFileAtomically(FileSystem::Real(), path, {data, bytes.size()});
}

}  // namespace visavis
