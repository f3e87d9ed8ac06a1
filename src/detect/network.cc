#include "detect/network.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/try.h"

namespace visavis {
namespace {

/// Patches per run of a network: enough to fill the fully connected layers' kernels, small enough
/// that O-Net's activations stay in the second-level cache.
constexpr std::size_t kPatchesPerRun = 16;

}  // namespace

MtcnnNetwork::MtcnnNetwork(Session session, NetworkContract contract)
    : session_(std::move(session)), contract_(std::move(contract)) {}

Result<MtcnnNetwork> MtcnnNetwork::Create(const Model& model, NetworkContract contract,
                                          const Limits& limits) {
  SessionOptions options;
  options.limits = limits;
  VISAVIS_ASSIGN_OR_RETURN(Session session, Session::Create(model, options));
  MtcnnNetwork network(std::move(session), std::move(contract));
  VISAVIS_RETURN_IF_ERROR(network.Probe());
  return network;
}

Status MtcnnNetwork::Probe() {
  const auto wrong = [&](std::string_view what) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: {}", contract_.name, what);
  };
  if (session_.inputs().size() != 1 || session_.inputs()[0].dtype != DType::kF32) {
    return wrong("want one float32 input");
  }
  const int side = contract_.input_side_px;
  Buffers buffers;
  buffers.input.assign(static_cast<std::size_t>(contract_.input_channels) * side * side, 0.0f);
  VISAVIS_RETURN_IF_ERROR(Run(1, side, side, buffers));

  std::vector<bool> taken(buffers.outputs.size(), false);
  for (const int width : contract_.widths) {
    std::optional<std::size_t> place;
    for (std::size_t i = 0; i < buffers.outputs.size() && !place; ++i) {
      const Tensor& output = buffers.outputs[i];
      const Shape& shape = output.shape();
      if (!taken[i] && output.dtype() == DType::kF32 && shape.rank() >= 2 && shape[0] == 1 &&
          shape[1] == width && shape.elements() == width) {
        place = i;
      }
    }
    if (!place) return wrong(fmt::format("has no output of {} channels left", width));
    taken[*place] = true;
    places_.push_back(*place);
  }
  return {};
}

Status MtcnnNetwork::Run(int batch, int height, int width, Buffers& buffers) const {
  buffers.outputs.resize(session_.outputs().size());
  const TensorView input(DType::kF32, Shape{batch, contract_.input_channels, height, width},
                         buffers.input.data());
  if (!observer_) return session_.Run({&input, 1}, buffers.outputs);
  const auto start = std::chrono::steady_clock::now();
  VISAVIS_RETURN_IF_ERROR(session_.Run({&input, 1}, buffers.outputs));
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  observer_(contract_.name, taken.count());
  return {};
}

Status MtcnnNetwork::RunPatches(std::size_t count, const FillPatch& fill, ThreadPool* pool,
                                std::vector<std::vector<float>>& results) const {
  const std::size_t side = static_cast<std::size_t>(contract_.input_side_px);
  const std::size_t patch_floats = static_cast<std::size_t>(contract_.input_channels) * side * side;
  results.resize(contract_.widths.size());
  for (std::size_t k = 0; k < results.size(); ++k) {
    results[k].resize(count * static_cast<std::size_t>(contract_.widths[k]));
  }

  const std::size_t runs = (count + kPatchesPerRun - 1) / kPatchesPerRun;
  std::vector<Buffers> buffers(pool != nullptr ? static_cast<std::size_t>(pool->threads()) : 1);
  std::vector<Status> statuses(runs);
  ParallelFor(pool, static_cast<std::int64_t>(runs), [&](std::int64_t run, int slot) {
    Buffers& own = buffers[static_cast<std::size_t>(slot)];
    const std::size_t begin = static_cast<std::size_t>(run) * kPatchesPerRun;
    const std::size_t batch = std::min(kPatchesPerRun, count - begin);
    own.input.resize(batch * patch_floats);
    for (std::size_t i = 0; i < batch; ++i) {
      fill(begin + i, std::span(own.input).subspan(i * patch_floats, patch_floats));
    }
    Status& status = statuses[static_cast<std::size_t>(run)];
    status = Run(static_cast<int>(batch), contract_.input_side_px, contract_.input_side_px, own);
    if (!status) return;
    for (std::size_t k = 0; k < results.size(); ++k) {
      const auto values = Output(own, k).data<float>();
      std::copy(values.begin(), values.end(),
                results[k].begin() + static_cast<std::ptrdiff_t>(
                                         begin * static_cast<std::size_t>(contract_.widths[k])));
    }
  });
  for (Status& status : statuses) VISAVIS_RETURN_IF_ERROR(std::move(status));
  return {};
}

}  // namespace visavis
