// Finding and mending known defects of published model files.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/graph/graph.h"
#include "visavis/limits.h"
#include "visavis/result.h"

namespace visavis {

enum class DefectKind : std::uint8_t {
  kSpatialZero,       ///< BatchNormalization says spatial=0 with one scale per channel
  kFloat64Constant,   ///< a float64 constant meets float32 values
  kFlatSlope,         ///< a PRelu slope [C], which ONNX broadcasts along W
  kComputedSlope,     ///< a PRelu slope that nodes compute from a constant
  kUnfixedGamma,      ///< the embedding's BatchNormalization was trained with gamma 1 and stores
                      ///< another
  kInitializerInput,  ///< constants are listed as inputs too
  kFixedBatch,        ///< the batch is fixed though the network takes any
  kTrainingMode,      ///< Dropout or BatchNormalization in training mode
};

/// "spatial", "float64", "slope", "computed-slope", "gamma", "inputs", "batch", "training".
std::string_view Name(DefectKind kind);

/// One defect of one node (or of the file, where `node` is empty).
struct Defect {
  DefectKind kind = DefectKind::kSpatialZero;
  std::string node;             ///< name of the node, constant or input
  std::string message;          ///< what is wrong and what mending does
  std::string flag;             ///< option of `visavis model convert` that mends it
  bool mended_on_read = false;  ///< the file has it, the Graph in memory does not
};

/// The defects that `graph` has, by kind and in the order of the nodes. Importers have mended some
/// kinds already (MendOnRead): FindDefectsInFile sees those too.
/// Threads: pure.
std::vector<Defect> FindDefects(const Graph& graph);
/// The defects of the model file at `path` (anything Model::Load takes); those that reading mends
/// say so.
/// Errors: as Model::Load.
Result<std::vector<Defect>> FindDefectsInFile(const std::string& path, const Limits& limits = {});

/// All kinds, in the order in which they are mended.
std::span<const DefectKind> AllDefectKinds();
/// The kind of that Name(); nothing if there is none.
std::optional<DefectKind> DefectKindNamed(std::string_view name);

/// Mends every defect of the given kinds that is still there and appends it to `mended`, if given.
/// Errors: kUnsupported for BatchNormalization that truly has one scale per position, and for
///         Dropout and BatchNormalization whose training outputs are read; the node is named.
Result<Graph> MendDefects(Graph graph, std::span<const DefectKind> kinds,
                          std::vector<Defect>* mended = nullptr);

/// What importers do: mends spatial, float64 and slope, which no reader could run as they are;
/// leaves a line per kind in Graph::notes. `where` begins messages.
Status MendOnRead(Graph& graph, std::string_view where);

}  // namespace visavis
