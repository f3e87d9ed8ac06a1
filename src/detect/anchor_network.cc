#include "detect/anchor_network.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "model/recognise.h"
#include "visavis/image.h"

namespace visavis {
namespace {

/// The finest stride of both families; each next is twice as coarse.
constexpr int kFinestStride = 8;
/// The fewest and most strides: SCRFD's larger variants have five.
constexpr std::size_t kFewestStrides = 3;
constexpr std::size_t kMostStrides = 5;
constexpr int kMostAnchorsPerCell = 4;
/// A multiple of the coarsest of five strides.
constexpr int kProbeSide = 128;

/// The rows of one image in an output, if its shape is rows x columns in any number of axes.
std::int64_t RowsOf(const Tensor& output, std::int64_t columns, std::int64_t batch) {
  const std::int64_t elements = output.shape().elements();
  return elements % (columns * batch) == 0 ? elements / (columns * batch) : -1;
}

std::string ShapesOf(const std::vector<Tensor>& outputs) {
  constexpr std::size_t kMostShown = 16;
  std::string text;
  for (std::size_t i = 0; i < outputs.size() && i < kMostShown; ++i) {
    text += (text.empty() ? "" : ", ") + outputs[i].shape().ToString();
  }
  return outputs.size() > kMostShown ? text + ", ..." : text;
}

}  // namespace

std::string_view FamilyName(AnchorFamily family) {
  return family == AnchorFamily::kScrfd ? "SCRFD" : "YuNet";
}

AnchorNetwork::AnchorNetwork(Session session, std::string name, Observer observer)
    : session_(std::move(session)), name_(std::move(name)), observer_(std::move(observer)) {}

Error AnchorNetwork::Wrong(std::string_view what) const {
  return MakeError(ErrorCode::kInvalidArgument, "{}: {}", name_, what);
}

Result<AnchorNetwork> AnchorNetwork::Create(const Model& model, ThreadPool* pool,
                                            const Limits& limits, Observer observer) {
  const std::string name = model.path().empty() ? "detector model" : model.path();
  const std::string known_as = RecogniseNetwork(model.graph());
  if (!known_as.empty() && known_as != "SCRFD" && known_as != "YuNet") {
    return MakeError(ErrorCode::kInvalidArgument, "{}: is {}, want a SCRFD or YuNet detector", name,
                     known_as);
  }
  SessionOptions options;
  options.limits = limits;
  options.pool = pool;
  VISAVIS_ASSIGN_OR_RETURN(Session session, Session::Create(model, options));
  AnchorNetwork network(std::move(session), name, std::move(observer));
  VISAVIS_RETURN_IF_ERROR(network.ReadInput());
  if (network.fixed_width_ > limits.image_side_px || network.fixed_height_ > limits.image_side_px ||
      std::int64_t{network.fixed_width_} * network.fixed_height_ > limits.image_pixels) {
    return MakeError(ErrorCode::kLimitExceeded, "{}: input is {}x{} pixels, at most {} fit", name,
                     network.fixed_width_, network.fixed_height_, limits.image_pixels);
  }
  VISAVIS_RETURN_IF_ERROR(network.Probe());
  return network;
}

Status AnchorNetwork::ReadInput() {
  const std::vector<Session::Port>& inputs = session_.inputs();
  const bool is_picture = inputs.size() == 1 && inputs[0].dtype == DType::kF32 &&
                          inputs[0].shape.size() == 4 &&
                          (inputs[0].shape[1] == Image::kChannels || inputs[0].shape[1] == -1);
  if (!is_picture) return Wrong("want one float32 input of 1 x 3 x height x width");
  const std::int64_t height = inputs[0].shape[2];
  const std::int64_t width = inputs[0].shape[3];
  constexpr std::int64_t kLargest = 1 << 30;
  if ((height == -1) != (width == -1) || height > kLargest || width > kLargest) {
    return Wrong("want an input of which height and width are either both open or both fixed");
  }
  fixed_height_ = height == -1 ? 0 : static_cast<int>(height);
  fixed_width_ = width == -1 ? 0 : static_cast<int>(width);
  return {};
}

Status AnchorNetwork::Probe() {
  const int height = fixed_height_ > 0 ? fixed_height_ : kProbeSide;
  const int width = fixed_width_ > 0 ? fixed_width_ : kProbeSide;
  Buffers buffers;
  buffers.input.assign(static_cast<std::size_t>(Image::kChannels) *
                           static_cast<std::size_t>(height) * static_cast<std::size_t>(width),
                       0.0f);
  const Observer observer = std::exchange(observer_, nullptr);
  const Status status = Run(1, height, width, buffers);
  if (!status) return status;
  VISAVIS_RETURN_IF_ERROR(
      ReadOutputs(buffers.outputs, (height / kFinestStride) * (width / kFinestStride)));
  if (height % input_step() != 0 || width % input_step() != 0) {
    return Wrong(
        fmt::format("input is {}x{} pixels, want multiples of {}", width, height, input_step()));
  }
  takes_batches_ = fixed_height_ == 0 && ProbeBatch(height, width);
  observer_ = observer;
  return {};
}

Status AnchorNetwork::ReadOutputs(const std::vector<Tensor>& outputs, int finest_cells) {
  const auto wrong = [&] {
    return Wrong(fmt::format(
        "outputs are {}, want per stride one of 1, one of 4 and one of 10 columns (SCRFD with "
        "landmarks), or two of 1, one of 4 and one of 10 (YuNet), one row per anchor",
        ShapesOf(outputs)));
  };
  struct Places {
    std::vector<std::size_t> probabilities, boxes, landmarks;
  };
  std::map<std::int64_t, Places, std::greater<>> by_rows;  // finest stride first
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Shape& shape = outputs[i].shape();
    if (outputs[i].dtype() != DType::kF32 || shape.rank() < 2) return wrong();
    const std::int64_t columns = shape[shape.rank() - 1];
    if (columns != 1 && columns != 4 && columns != 10) return wrong();
    Places& places = by_rows[RowsOf(outputs[i], columns, 1)];
    (columns == 1   ? places.probabilities
     : columns == 4 ? places.boxes
                    : places.landmarks)
        .push_back(i);
  }
  if (by_rows.size() < kFewestStrides || by_rows.size() > kMostStrides) return wrong();

  const std::size_t probabilities = by_rows.begin()->second.probabilities.size();
  if (probabilities != 1 && probabilities != 2) return wrong();
  family_ = probabilities == 1 ? AnchorFamily::kScrfd : AnchorFamily::kYunet;
  std::int64_t cells = finest_cells;
  int stride = kFinestStride;
  for (const auto& [rows, places] : by_rows) {
    const std::int64_t per_cell = cells > 0 && rows % cells == 0 ? rows / cells : 0;
    const bool fits = places.probabilities.size() == probabilities && places.boxes.size() == 1 &&
                      places.landmarks.size() == 1 && per_cell >= 1 &&
                      per_cell <= kMostAnchorsPerCell;
    if (!fits || (!levels_.empty() && per_cell != levels_[0].per_cell)) return wrong();
    levels_.push_back({stride, static_cast<int>(per_cell), places.probabilities, places.boxes[0],
                       places.landmarks[0]});
    cells /= 4;
    stride *= 2;
  }
  return {};
}

/// Some exporters fix the batch at one, or put the rows of all images in one heap.
bool AnchorNetwork::ProbeBatch(int height, int width) const {
  Buffers buffers;
  buffers.input.assign(2 * static_cast<std::size_t>(Image::kChannels) *
                           static_cast<std::size_t>(height) * static_cast<std::size_t>(width),
                       0.0f);
  if (!Run(2, height, width, buffers)) return false;
  return std::ranges::all_of(buffers.outputs, [](const Tensor& output) {
    return output.shape().rank() >= 3 && output.shape()[0] == 2;
  });
}

Status AnchorNetwork::Run(int batch, int height, int width, Buffers& buffers) const {
  buffers.outputs.resize(session_.outputs().size());
  const TensorView input(DType::kF32, Shape{batch, Image::kChannels, height, width},
                         buffers.input.data());
  if (!observer_) return session_.Run({&input, 1}, buffers.outputs);
  const auto start = std::chrono::steady_clock::now();
  VISAVIS_RETURN_IF_ERROR(session_.Run({&input, 1}, buffers.outputs));
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  observer_(FamilyName(family_), taken.count());
  return {};
}

Result<std::vector<Face>> AnchorNetwork::Decode(const Buffers& buffers, int index, int batch,
                                                int height, int width, float threshold) const {
  std::vector<Face> faces;
  for (const Level& level : levels_) {
    const AnchorGrid grid{level.stride, width / level.stride, height / level.stride,
                          level.per_cell};
    const auto rows = static_cast<std::int64_t>(grid.anchors());
    const auto has_rows = [&](std::size_t place, std::int64_t columns) {
      const Tensor& output = buffers.outputs[place];
      return output.dtype() == DType::kF32 && RowsOf(output, columns, batch) == rows;
    };
    const bool fits = has_rows(level.boxes, 4) && has_rows(level.landmarks, 10) &&
                      std::ranges::all_of(level.probabilities,
                                          [&](std::size_t place) { return has_rows(place, 1); });
    if (!fits) {
      return Wrong(
          fmt::format("outputs for {} images of {}x{} pixels are {}, want {} rows of "
                      "stride {} for each",
                      batch, width, height, ShapesOf(buffers.outputs), rows, level.stride));
    }
    const auto image_rows = [&](std::size_t place, std::size_t columns) {
      const std::size_t size = columns * static_cast<std::size_t>(rows);
      return buffers.outputs[place].data<float>().subspan(static_cast<std::size_t>(index) * size,
                                                          size);
    };
    AnchorMaps maps;
    for (std::size_t i = 0; i < level.probabilities.size(); ++i) {
      maps.probabilities[i] = image_rows(level.probabilities[i], 1);
    }
    maps.boxes = image_rows(level.boxes, 4);
    maps.landmarks = image_rows(level.landmarks, 10);
    const BoxCode code =
        family_ == AnchorFamily::kScrfd ? BoxCode::kDistances : BoxCode::kCentreAndSize;
    DecodeAnchors(grid, code, maps, threshold, faces);
  }
  return faces;
}

}  // namespace visavis
