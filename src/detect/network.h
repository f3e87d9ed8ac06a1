// One of MTCNN's four networks, checked once and run on batches of patches.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "visavis/limits.h"
#include "visavis/model.h"
#include "visavis/result.h"
#include "visavis/session.h"
#include "visavis/tensor.h"
#include "visavis/thread_pool.h"

namespace visavis {

/// What the detector expects of a network.
struct NetworkContract {
  std::string_view name;  ///< for messages
  int input_channels = 3;
  int input_side_px = 0;    ///< the (smallest) square input
  std::vector<int> widths;  ///< channels of the outputs, in the order wanted by the caller
};

/// A session whose float outputs are known by their number of channels, whatever their order in the
/// file. Threads: const members are safe concurrently.
class MtcnnNetwork {
 public:
  /// Runs the network once on a black patch to see that it is what the contract says.
  /// Errors: kInvalidArgument if it is not; those of Session::Create.
  static Result<MtcnnNetwork> Create(const Model& model, NetworkContract contract,
                                     const Limits& limits);
  /// From now on `observer` (unless empty) is told about runs, as MtcnnOptions::on_network_run.
  void Observe(std::function<void(std::string_view, double)> observer) {
    observer_ = std::move(observer);
  }

  /// Memory of one run, for reuse by the next.
  struct Buffers {
    std::vector<float> input;
    std::vector<Tensor> outputs;  ///< in the session's order
  };
  /// Runs on `batch` images of height x width in buffers.input.
  Status Run(int batch, int height, int width, Buffers& buffers) const;
  /// The output of the last run that stands at `index` in the contract's widths.
  const Tensor& Output(const Buffers& buffers, std::size_t index) const {
    return buffers.outputs[places_[index]];
  }

  /// Fills and runs `count` patches of input_side_px, a batch at a time. results[k] receives count
  /// rows of widths[k] floats.
  using FillPatch = std::function<void(std::size_t index, std::span<float> planes)>;
  Status RunPatches(std::size_t count, const FillPatch& fill, ThreadPool* pool,
                    std::vector<std::vector<float>>& results) const;

 private:
  MtcnnNetwork(Session session, NetworkContract contract);
  Status Probe();

  Session session_;
  NetworkContract contract_;
  std::function<void(std::string_view, double)> observer_;
  std::vector<std::size_t> places_;  // index in the contract -> index in the session's outputs
};

}  // namespace visavis
