#include "doctor/probe.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "image/transform.h"
#include "visavis/model.h"

namespace visavis {
namespace {

constexpr std::size_t kBatch = 8;

Image Transposed(ImageView image) {
  Image turned(image.height, image.width);
  for (int y = 0; y < image.height; ++y) {
    const std::uint8_t* from = image.row(y);
    for (int x = 0; x < image.width; ++x, from += Image::kChannels) {
      std::copy_n(from, Image::kChannels, turned.row(x) + y * Image::kChannels);
    }
  }
  return turned;
}

void Prepare(ImageView crop, const Preparation& preparation, std::span<float> planes) {
  const PlaneScale scale{preparation.mean, preparation.scale, preparation.bgr};
  if (preparation.transposed) {
    ToPlanarFloatByPlane(Transposed(crop), scale, planes);
  } else {
    ToPlanarFloatByPlane(crop, scale, planes);
  }
}

// Sums of one plane, in lanes that the compiler can keep in one register.
void SumPlane(const float* values, std::size_t count, double& sum, double& squares) {
  constexpr std::size_t kLanes = 8;
  double sums[kLanes] = {};
  double square_sums[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::size_t k = 0; k < kLanes; ++k) {
      const double v = values[i + k];
      sums[k] += v;
      square_sums[k] += v * v;
    }
  }
  for (; i < count; ++i) {
    sums[0] += values[i];
    square_sums[0] += double{values[i]} * values[i];
  }
  for (std::size_t k = 0; k < kLanes; ++k) {
    sum += sums[k];
    squares += square_sums[k];
  }
}

// Sums over everything but channels.
struct Moments {
  std::vector<double> sum;
  std::vector<double> squares;
  double count = 0;  // per channel

  // One picture's planes, `channels` of them.
  void Add(const float* at, std::size_t channels, std::size_t plane) {
    sum.resize(channels);
    squares.resize(channels);
    for (std::size_t c = 0; c < channels; ++c, at += plane) SumPlane(at, plane, sum[c], squares[c]);
    count += static_cast<double>(plane);
  }
  void Add(const Moments& other) {
    sum.resize(other.sum.size());
    squares.resize(other.squares.size());
    for (std::size_t c = 0; c < sum.size(); ++c) {
      sum[c] += other.sum[c];
      squares[c] += other.squares[c];
    }
    count += other.count;
  }
};

// Every channel counts alike; one that never varies (in training or now) says nothing.
LayerFit Fit(const std::string& name, const Moments& seen, std::span<const float> mean,
             std::span<const float> variance) {
  LayerFit fit{name, 0};
  int channels = 0;
  for (std::size_t c = 0; c < seen.sum.size(); ++c) {
    const double seen_mean = seen.sum[c] / seen.count;
    const double seen_variance = seen.squares[c] / seen.count - seen_mean * seen_mean;
    constexpr double kDead = 1e-12;
    if (!(variance[c] > kDead)) continue;
    const double ratio = std::max(seen_variance, kDead * variance[c]) / variance[c];
    const double shift = seen_mean - mean[c];
    fit.divergence += 0.5 * (ratio - 1 - std::log(ratio) + shift * shift / variance[c]);
    ++channels;
  }
  if (channels > 0) fit.divergence /= channels;
  return fit;
}

// All layers of a network, from the moments of some of the groups.
std::vector<LayerFit> FitAll(const std::vector<std::vector<Moments>>& by_group, int left_out,
                             const auto& layers) {
  std::vector<LayerFit> fits;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    Moments total;
    for (std::size_t g = 0; g < by_group.size(); ++g) {
      if (static_cast<int>(g) != left_out && by_group[g][i].count > 0) total.Add(by_group[g][i]);
    }
    if (total.count > 0)
      fits.push_back(Fit(layers[i].name, total, layers[i].mean, layers[i].variance));
  }
  return fits;
}

NetworkFit Together(const std::vector<LayerFit>& layers) {
  NetworkFit fit;
  const std::size_t early = std::min<std::size_t>(layers.size(), 3);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    fit.divergence += layers[i].divergence / static_cast<double>(layers.size());
    if (i < early) fit.early += layers[i].divergence / static_cast<double>(early);
  }
  return fit;
}

}  // namespace

Result<ModelProbe> ModelProbe::Create(const Graph& original, const SessionOptions& options) {
  Graph graph = original;
  const auto no_recognition = [&](std::string_view what) {
    return MakeError(ErrorCode::kInvalidArgument, "probe: {}, want a recognition network", what);
  };
  if (graph.inputs.size() != 1 || graph.outputs.size() != 1) {
    return no_recognition(
        fmt::format("{} inputs and {} outputs", graph.inputs.size(), graph.outputs.size()));
  }
  std::vector<Layer> layers;
  for (const Node& node : graph.nodes) {
    const Tensor* mean = graph.constant(node.input(3));
    const Tensor* variance = graph.constant(node.input(4));
    if (node.op_type != "BatchNormalization" || mean == nullptr || variance == nullptr ||
        mean->dtype() != DType::kF32 || variance->dtype() != DType::kF32 ||
        graph.value(node.input(0)).constant != nullptr || node.input(0) == graph.inputs[0]) {
      continue;
    }
    Layer layer;
    layer.name = graph.Describe(node);
    layer.mean.assign(mean->data<float>().begin(), mean->data<float>().end());
    layer.variance.assign(variance->data<float>().begin(), variance->data<float>().end());
    const auto known = std::find(graph.outputs.begin(), graph.outputs.end(), node.input(0));
    layer.output = static_cast<std::size_t>(known - graph.outputs.begin());
    if (known == graph.outputs.end()) graph.outputs.push_back(node.input(0));
    layers.push_back(std::move(layer));
  }
  VISAVIS_ASSIGN_OR_RETURN(Session session,
                           Session::Create(Model::FromGraph(std::move(graph)), options));
  const std::vector<std::int64_t>& shape = session.inputs()[0].shape;
  if (shape.size() != 4 || (shape[1] != 3 && shape[1] != -1) || shape[2] != shape[3] ||
      shape[2] == 0 || shape[2] > 1024 || shape[0] > 64) {
    return no_recognition("the input is not N x 3 x S x S");
  }
  const int side_px = shape[2] < 0 ? 112 : static_cast<int>(shape[2]);
  const int fixed_batch = shape[0] < 0 ? 0 : static_cast<int>(shape[0]);
  return ModelProbe(std::move(session), std::move(layers), side_px, fixed_batch);
}

Result<ProbeResult> ModelProbe::Run(std::span<const Image> crops, const Preparation& preparation,
                                    std::span<const int> group_of) const {
  ProbeResult result;
  const int groups = group_of.empty() ? 1 : 1 + *std::ranges::max_element(group_of);
  std::vector<std::vector<Moments>> moments(static_cast<std::size_t>(groups),
                                            std::vector<Moments>(layers_.size()));
  std::vector<Tensor> outputs(session_.outputs().size());
  const std::size_t planes =
      std::size_t{3} * static_cast<std::size_t>(side_px_) * static_cast<std::size_t>(side_px_);
  const std::size_t batch = fixed_batch_ > 0 ? static_cast<std::size_t>(fixed_batch_) : kBatch;
  std::vector<float> input;
  for (std::size_t begin = 0; begin < crops.size(); begin += batch) {
    const std::size_t count = std::min(batch, crops.size() - begin);
    const std::size_t rows = fixed_batch_ > 0 ? batch : count;
    input.assign(rows * planes, 0);
    for (std::size_t i = 0; i < count; ++i) {
      Prepare(crops[begin + i], preparation, std::span(input).subspan(i * planes, planes));
    }
    const TensorView view(
        DType::kF32, Shape{static_cast<std::int64_t>(rows), 3, side_px_, side_px_}, input.data());
    VISAVIS_RETURN_IF_ERROR(session_.Run({&view, 1}, outputs));
    const Shape& shape = outputs[0].shape();
    if (outputs[0].dtype() != DType::kF32 || shape.rank() < 2 ||
        shape[0] != static_cast<std::int64_t>(rows) || shape[1] < 1 ||
        shape.elements() != shape[0] * shape[1]) {
      return MakeError(ErrorCode::kInvalidArgument, "probe: the network gives {}, want N x D",
                       shape.ToString());
    }
    const auto width = static_cast<std::size_t>(shape[1]);
    const std::span<const float> values = outputs[0].data<float>();
    for (std::size_t i = 0; i < count; ++i) {
      const std::span<const float> row = values.subspan(i * width, width);
      result.embeddings.emplace_back(row.begin(), row.end());
    }
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const Tensor& seen = outputs[layers_[i].output];
      const std::size_t channels = layers_[i].mean.size();
      if (seen.dtype() != DType::kF32 || seen.shape().rank() < 2 ||
          seen.shape()[1] != static_cast<std::int64_t>(channels)) {
        continue;
      }
      const auto picture = static_cast<std::size_t>(seen.elements() / seen.shape()[0]);
      for (std::size_t n = 0; n < count; ++n) {
        const int group = group_of.empty() ? 0 : group_of[begin + n];
        moments[static_cast<std::size_t>(group)][i].Add(seen.data<float>().data() + n * picture,
                                                        channels, picture / channels);
      }
    }
  }
  constexpr int kNone = -1;
  result.layers = FitAll(moments, kNone, layers_);
  result.fit = Together(result.layers);
  for (int g = 0; g < groups && groups > 1; ++g) {
    result.without.push_back(Together(FitAll(moments, g, layers_)));
  }
  return result;
}

}  // namespace visavis
