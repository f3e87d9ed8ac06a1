// FaceCrop[] -> Embedding[].
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "visavis/model.h"
#include "visavis/result.h"
#include "visavis/session.h"
#include "visavis/types.h"

namespace visavis {

struct EmbedOptions {
  SessionOptions session;
  int batch = 8;      ///< crops per run of the network, >= 1
  bool flip = false;  ///< add the embedding of the mirrored crop (validation practice)
};

/// Runs a recognition network over aligned crops.
/// Threads: Embed is safe concurrently.
class Embedder {
 public:
  /// The network must take one N x 3 x S x S float input and give one N x D output. Whether it
  /// normalises pixels itself is decided from its first nodes (insightface's rule: a Sub and a Mul
  /// among the first eight).
  static Result<Embedder> Create(const Model& model, const EmbedOptions& options = {});
  /// The same, letting go of the model's weights as they are packed, as Session::Create(Model&&).
  static Result<Embedder> Create(Model&& model, const EmbedOptions& options = {});
  Embedder(Embedder&&) noexcept;
  Embedder& operator=(Embedder&&) noexcept;
  ~Embedder();

  int dimension() const;     ///< D
  int crop_size_px() const;  ///< S, usually 112
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
