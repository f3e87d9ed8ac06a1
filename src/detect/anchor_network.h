// The network of a whole-picture detector: its outputs recognised once, then run on batches.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "detect/anchors.h"
#include "visavis/limits.h"
#include "visavis/model.h"
#include "visavis/result.h"
#include "visavis/session.h"
#include "visavis/tensor.h"
#include "visavis/thread_pool.h"
#include "visavis/types.h"

namespace visavis {

/// Which maps a network puts out for each anchor.
enum class AnchorFamily {
  kScrfd,  ///< a score, four distances, ten landmark offsets; one or two anchors per cell
  kYunet,  ///< class and objectness, centre and size, ten landmark offsets; one anchor per cell
};
std::string_view FamilyName(AnchorFamily family);

/// A session whose outputs are known by their number of columns and rows, whatever their names and
/// order in the file. Threads: const members are safe concurrently.
class AnchorNetwork {
 public:
  using Observer = std::function<void(std::string_view, double)>;

  /// Runs the network on a black picture to see what its outputs are.
  /// Errors: kInvalidArgument naming the model if they are neither family's; those of Session.
  static Result<AnchorNetwork> Create(const Model& model, ThreadPool* pool, const Limits& limits,
                                      Observer observer);

  AnchorFamily family() const { return family_; }
  /// The input the file fixes; 0 if any multiple of input_step() will do.
  int fixed_width() const { return fixed_width_; }
  int fixed_height() const { return fixed_height_; }
  /// Sides of the input must be multiples of this: the coarsest stride.
  int input_step() const { return levels_.back().stride; }
  /// Whether several images of one size can share a run.
  bool takes_batches() const { return takes_batches_; }

  /// Memory of one run, for reuse by the next.
  struct Buffers {
    std::vector<float> input;  ///< batch x 3 x height x width
    std::vector<Tensor> outputs;
  };
  Status Run(int batch, int height, int width, Buffers& buffers) const;
  /// The faces in image `index` of the last run, in pixels of the input.
  /// Errors: kInvalidArgument if outputs have other shapes than the first run led to expect.
  Result<std::vector<Face>> Decode(const Buffers& buffers, int index, int batch, int height,
                                   int width, float threshold) const;

 private:
  /// The outputs of one stride, by place among the session's.
  struct Level {
    int stride = 0;
    int per_cell = 1;
    std::vector<std::size_t> probabilities;  ///< one or two
    std::size_t boxes = 0;
    std::size_t landmarks = 0;
  };

  AnchorNetwork(Session session, std::string name, Observer observer);
  Status ReadInput();
  Status Probe();
  Status ReadOutputs(const std::vector<Tensor>& outputs, int finest_cells);
  bool ProbeBatch(int height, int width) const;
  Error Wrong(std::string_view what) const;

  Session session_;
  std::string name_;  // of the model, for messages
  Observer observer_;
  AnchorFamily family_ = AnchorFamily::kScrfd;
  int fixed_width_ = 0;
  int fixed_height_ = 0;
  bool takes_batches_ = false;
  std::vector<Level> levels_;  // by rising stride
};

}  // namespace visavis
