// Changes of form of pooling and resizing between operator sets; each is one step of OpsetSteps.
#pragma once

#include <cstdint>

#include "model/rewrite/opset_site.h"

namespace visavis::opset {

/// Drops an attribute that the far side does not have. kUnsupported if it says anything but
/// `fallback`.
Status DropAttribute(OpsetSite& site, const char* name, std::int64_t fallback);

Status PoolCeilDown(OpsetSite& site);
Status PoolDilationsDown(OpsetSite& site);
Status PoolIndicesDown(OpsetSite& site);
Status UpsampleInputUp(OpsetSite& site);
Status UpsampleInputDown(OpsetSite& site);
Status UpsampleToResize(OpsetSite& site);
Status ResizeToUpsample(OpsetSite& site);
Status ResizeUp11(OpsetSite& site);
Status ResizeDown11(OpsetSite& site);
Status ResizeDown13(OpsetSite& site);
Status ResizeInputsUp13(OpsetSite& site);
Status ResizeDown18(OpsetSite& site);
Status ResizeDown19(OpsetSite& site);

}  // namespace visavis::opset
