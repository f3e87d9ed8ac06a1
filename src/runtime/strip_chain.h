// Chains of steps that run by strips of rows: the values between them stay in a core's cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "runtime/op.h"
#include "runtime/row_step.h"
#include "runtime/step.h"

namespace visavis {

/// A step that may become a link of a chain.
struct ChainLink {
  std::shared_ptr<const NodeTypes> types;
  std::shared_ptr<const Step> step;
};

/// What the cutting of chains goes by, in bytes of a core's own cache.
struct StripBudget {
  std::int64_t small_value = 0;  ///< a value up to this stays there from maker to reader
  std::int64_t windows = 0;      ///< for the rows a chain holds between its links; 0: no chains
};
/// A half and a third of L2; the rest is for the rows that come and go.
StripBudget BudgetOfThisMachine();

/// Cuts `links`, each of which reads only the value of the one before that nobody else reads and
/// can run by rows, into chains so that the fewest bytes leave a core's own cache: the numbers of
/// links in each, 1 being no chain. Results do not depend on the cut.
std::vector<std::size_t> CutIntoChains(std::span<const ChainLink> links, const StripBudget& budget);

/// The chain of `links` as one step from the inputs of the first to the output of the last.
std::unique_ptr<Step> MakeStripChain(std::vector<ChainLink> links, const StripBudget& budget,
                                     int threads);

/// Scratch of the chain's step, all `threads` together.
std::size_t StripChainScratch(std::span<const ChainLink> links, const StripBudget& budget,
                              int threads);

}  // namespace visavis
