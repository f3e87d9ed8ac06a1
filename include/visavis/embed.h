// FaceCrop[] -> Embedding[].
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "visavis/model.h"
#include "visavis/result.h"
#include "visavis/session.h"
#include "visavis/types.h"

namespace visavis {

/// What becomes of a crop's pixels on their way into the network: planes in the order RGB, or BGR,
/// each (pixel - mean) x scale, with mean and scale in the planes' order.
struct InputPixels {
  bool bgr = false;
  std::array<float, 3> mean{};
  std::array<float, 3> scale{1, 1, 1};
  friend bool operator==(const InputPixels&, const InputPixels&) = default;
};

/// The usual rule for networks that nobody says anything about: RGB; raw pixels if the network
/// normalises them itself, (pixel - 127.5) / 127.5 otherwise. Source: insightface looks for a Sub
/// and a Mul among the first eight nodes, by name; the operator counts too, since exporters may
/// rename nodes.
InputPixels InputPixelsByRule(const Model& model);

struct EmbedOptions {
  SessionOptions session;
  std::optional<InputPixels> pixels;  ///< as the model's contract says; none: InputPixelsByRule
  FaceTemplate face_template = FaceTemplate::kArcFace112;  ///< likewise; only handed on
  int batch = 8;                                           ///< crops per run of the network, >= 1
  bool flip = false;  ///< add the embedding of the mirrored crop (validation practice)
};

/// Runs a recognition network over aligned crops.
/// Threads: Embed is safe concurrently.
class Embedder {
 public:
  /// The network must take one N x 3 x S x S float input and give one N x D output.
  static Result<Embedder> Create(const Model& model, const EmbedOptions& options = {});
  /// The same, letting go of the model's weights as they are packed, as Session::Create(Model&&).
  static Result<Embedder> Create(Model&& model, const EmbedOptions& options = {});
  Embedder(Embedder&&) noexcept;
  Embedder& operator=(Embedder&&) noexcept;
  ~Embedder();

  int dimension() const;       ///< D
  int crop_size_px() const;    ///< S, usually 112
  CropPose crop_pose() const;  ///< the crops it wants
  const InputPixels& pixels() const;
  const Session& session() const;

  /// Embeddings in the order of `crops`, each D floats as the network gives them (not normalised).
  /// Errors: kInvalidArgument if a crop is not S x S.
  Result<std::vector<Embedding>> Embed(std::span<const ImageView> crops) const;
  Result<Embedding> Embed(ImageView crop) const;

 private:
  struct State;
  explicit Embedder(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace visavis
