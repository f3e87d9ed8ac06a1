#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "image/transform.h"
#include "model/graph/graph.h"
#include "visavis/embed.h"

namespace visavis {
namespace {

constexpr int kUsualCropSide = 112;
/// Networks without a normalisation of their own were trained on (pixel - 127.5) / 127.5.
constexpr float kPixelMean = 127.5f;

bool NormalisesPixels(const Graph& graph) {
  const auto named = [](const Node& node, std::string_view op_type, std::string_view mxnet_name) {
    return node.op_type == op_type || node.name.starts_with(op_type) ||
           node.name.starts_with(mxnet_name);
  };
  const auto end = graph.nodes.begin() +
                   static_cast<std::ptrdiff_t>(std::min<std::size_t>(graph.nodes.size(), 8));
  return std::any_of(graph.nodes.begin(), end,
                     [&](const Node& n) { return named(n, "Sub", "_minus"); }) &&
         std::any_of(graph.nodes.begin(), end,
                     [&](const Node& n) { return named(n, "Mul", "_mul"); });
}

Error WrongNetwork(std::string_view path, std::string_view what) {
  return MakeError(ErrorCode::kInvalidArgument, "{}: {}, want a recognition network", path, what);
}

/// What a session's input says about crops.
struct CropShape {
  int fixed_batch = 0;  ///< 0 = free
  int side_px = kUsualCropSide;
};

Result<CropShape> ReadInput(const Session& session, std::string_view path) {
  if (session.inputs().size() != 1 || session.outputs().size() != 1) {
    return WrongNetwork(path, fmt::format("{} inputs and {} outputs", session.inputs().size(),
                                          session.outputs().size()));
  }
  const Session::Port& port = session.inputs()[0];
  constexpr std::int64_t kFree = -1;
  constexpr std::int64_t kLargestBatch = 1024;
  constexpr std::int64_t kLargestSide = 4096;
  if (port.shape.empty()) return CropShape{};  // no shape declared
  const bool images = port.dtype == DType::kF32 && port.shape.size() == 4 &&
                      (port.shape[1] == Image::kChannels || port.shape[1] == kFree) &&
                      port.shape[2] == port.shape[3];
  if (!images || port.shape[0] > kLargestBatch || port.shape[2] > kLargestSide ||
      port.shape[0] == 0 || port.shape[2] == 0) {
    return WrongNetwork(path, fmt::format("input {} is not float32 N x 3 x S x S", port.name));
  }
  CropShape crop;
  if (port.shape[0] != kFree) crop.fixed_batch = static_cast<int>(port.shape[0]);
  if (port.shape[2] != kFree) crop.side_px = static_cast<int>(port.shape[2]);
  return crop;
}

}  // namespace

InputPixels InputPixelsByRule(const Model& model) {
  if (NormalisesPixels(model.graph())) return {};
  constexpr float kScale = 1 / kPixelMean;
  return {false, {kPixelMean, kPixelMean, kPixelMean}, {kScale, kScale, kScale}};
}

struct Embedder::State {
  Session session;
  CropShape crop;
  InputPixels pixels;
  FaceTemplate face_template = FaceTemplate::kArcFace112;
  std::size_t batch = 1;
  bool flip = false;
  int dimension = 0;

  std::size_t PlaneFloats() const {
    return static_cast<std::size_t>(Image::kChannels) * static_cast<std::size_t>(crop.side_px) *
           static_cast<std::size_t>(crop.side_px);
  }
  Status Run(std::size_t count, std::vector<float>& input, std::vector<Tensor>& output) const;
  Status AddEmbeddings(std::span<const ImageView> crops, bool mirrored, std::vector<float>& input,
                       std::vector<Tensor>& output, std::span<Embedding> sums) const;

  /// `model` as Session::Create takes it: borrowed or handed over.
  template <typename AnyModel>
  static Result<std::unique_ptr<State>> Make(AnyModel&& model, const EmbedOptions& options);
};

/// Runs the first `count` crops of `input`; a network of fixed batch size sees zeros behind them.
Status Embedder::State::Run(std::size_t count, std::vector<float>& input,
                            std::vector<Tensor>& output) const {
  const std::size_t rows =
      crop.fixed_batch > 0 ? static_cast<std::size_t>(crop.fixed_batch) : count;
  input.resize(rows * PlaneFloats());
  output.resize(1);
  const TensorView view(
      DType::kF32,
      Shape{static_cast<std::int64_t>(rows), Image::kChannels, crop.side_px, crop.side_px},
      input.data());
  VISAVIS_RETURN_IF_ERROR(session.Run({&view, 1}, output));
  const Shape& shape = output[0].shape();
  const bool rows_of_vectors = shape.rank() >= 2 && shape[0] == static_cast<std::int64_t>(rows) &&
                               shape.elements() == shape[0] * shape[1] && shape[1] > 0;
  if (!rows_of_vectors || output[0].dtype() != DType::kF32) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "embed: the network gives {} {} for {} crops, want float32 N x D",
                     Name(output[0].dtype()), shape.ToString(), rows);
  }
  return {};
}

Status Embedder::State::AddEmbeddings(std::span<const ImageView> crops, bool mirrored,
                                      std::vector<float>& input, std::vector<Tensor>& output,
                                      std::span<Embedding> sums) const {
  input.resize(crops.size() * PlaneFloats());
  const PlaneScale scale{pixels.mean, pixels.scale, pixels.bgr};
  for (std::size_t i = 0; i < crops.size(); ++i) {
    const std::span<float> planes = std::span(input).subspan(i * PlaneFloats(), PlaneFloats());
    if (mirrored) {
      ToPlanarFloatByPlane(Mirror(crops[i]), scale, planes);
    } else {
      ToPlanarFloatByPlane(crops[i], scale, planes);
    }
  }
  VISAVIS_RETURN_IF_ERROR(Run(crops.size(), input, output));
  const std::span<const float> values = output[0].data<float>();
  for (std::size_t i = 0; i < crops.size(); ++i) {
    for (std::size_t k = 0; k < sums[i].size(); ++k) {
      sums[i][k] += values[i * sums[i].size() + k];
    }
  }
  return {};
}

template <typename AnyModel>
Result<std::unique_ptr<Embedder::State>> Embedder::State::Make(AnyModel&& model,
                                                               const EmbedOptions& options) {
  if (options.batch < 1) {
    return MakeError(ErrorCode::kInvalidArgument, "embed: batch is {}, want at least 1",
                     options.batch);
  }
  const std::string path = model.path();
  const InputPixels pixels = options.pixels ? *options.pixels : InputPixelsByRule(model);
  VISAVIS_ASSIGN_OR_RETURN(Session session,
                           Session::Create(std::forward<AnyModel>(model), options.session));
  VISAVIS_ASSIGN_OR_RETURN(const CropShape crop, ReadInput(session, path));
  const int batch = crop.fixed_batch > 0 ? crop.fixed_batch : options.batch;
  auto state =
      std::make_unique<State>(State{std::move(session), crop, pixels, options.face_template,
                                    static_cast<std::size_t>(batch), options.flip, 0});
  std::vector<float> input;
  std::vector<Tensor> output;
  VISAVIS_RETURN_IF_ERROR(state->Run(1, input, output));
  state->dimension = static_cast<int>(output[0].shape()[1]);
  return state;
}

Result<Embedder> Embedder::Create(const Model& model, const EmbedOptions& options) {
  VISAVIS_ASSIGN_OR_RETURN(std::unique_ptr<State> state, State::Make(model, options));
  return Embedder(std::move(state));
}

Result<Embedder> Embedder::Create(Model&& model, const EmbedOptions& options) {
  VISAVIS_ASSIGN_OR_RETURN(std::unique_ptr<State> state, State::Make(std::move(model), options));
  return Embedder(std::move(state));
}

Embedder::Embedder(std::unique_ptr<State> state) : state_(std::move(state)) {}
Embedder::Embedder(Embedder&&) noexcept = default;
Embedder& Embedder::operator=(Embedder&&) noexcept = default;
Embedder::~Embedder() = default;

int Embedder::dimension() const { return state_->dimension; }
int Embedder::crop_size_px() const { return state_->crop.side_px; }
CropPose Embedder::crop_pose() const { return {state_->crop.side_px, state_->face_template}; }
const InputPixels& Embedder::pixels() const { return state_->pixels; }
const Session& Embedder::session() const { return state_->session; }

Result<std::vector<Embedding>> Embedder::Embed(std::span<const ImageView> crops) const {
  const int side = state_->crop.side_px;
  for (const ImageView& crop : crops) {
    if (crop.width != side || crop.height != side || crop.data == nullptr) {
      return MakeError(ErrorCode::kInvalidArgument, "embed: crop of {}x{} pixels, want {}x{}",
                       crop.width, crop.height, side, side);
    }
  }
  std::vector<Embedding> embeddings(crops.size(),
                                    Embedding(static_cast<std::size_t>(state_->dimension), 0.0f));
  std::vector<float> input;
  std::vector<Tensor> output;
  for (std::size_t begin = 0; begin < crops.size(); begin += state_->batch) {
    const std::size_t count = std::min(state_->batch, crops.size() - begin);
    const std::span<const ImageView> part = crops.subspan(begin, count);
    const std::span<Embedding> sums = std::span(embeddings).subspan(begin, count);
    VISAVIS_RETURN_IF_ERROR(state_->AddEmbeddings(part, false, input, output, sums));
    if (state_->flip) {
      VISAVIS_RETURN_IF_ERROR(state_->AddEmbeddings(part, true, input, output, sums));
    }
  }
  return embeddings;
}

Result<Embedding> Embedder::Embed(ImageView crop) const {
  VISAVIS_ASSIGN_OR_RETURN(std::vector<Embedding> embeddings, Embed(std::span(&crop, 1)));
  return std::move(embeddings[0]);
}

}  // namespace visavis
