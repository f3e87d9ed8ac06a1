// Well-known networks built from their papers' layer tables, with seeded weights.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "model/graph/graph.h"
#include "visavis/result.h"

namespace visavis {

/// The names BuildArch knows, smallest network first.
std::vector<std::string_view> ArchNames();

/// The network `name` with weights drawn from `seed`: for tests, benchmarks and as a start for
/// training. Names, order and form of nodes and tensors are those that MXNet's ONNX exporter gave
/// the published files (opset 8, slopes reshaped by a node, normalisation inside the graph); only
/// the batch extent differs, which is the symbol "N" where the published files say 1.
///
/// Weights are the same bits on every platform and depend only on `seed` and the tensor's name.
/// BatchNorm's running statistics are those that the weights before it give for images of
/// independent pixels, so that activations keep a variance near 1 through any depth and different
/// images give different embeddings.
///
/// Shapes:  input `data` N x 3 x 112 x 112 float32, RGB 0..255; output `fc1` N x 512 (LResNet) or
///          N x 128 (MobileFaceNet) float32.
/// Errors:  kNotFound for an unknown name; the message lists the known ones.
/// Threads: pure; safe concurrently.
/// Source:  LResNet*E-IR: insightface's fresnet with output block E (Deng et al. 2019);
///          MobileFaceNet: insightface's y1 (Chen et al. 2018).
Result<Graph> BuildArch(std::string_view name, std::uint64_t seed);

}  // namespace visavis
