// What changed in which operator set for pooling and resizing. Source: onnx/onnx,
// docs/Changelog.md.
#include "model/rewrite/opset_windows.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/try.h"

namespace visavis::opset {
namespace {

using IntList = std::vector<std::int64_t>;

bool AllOnes(const IntList* values) {
  return values == nullptr || std::ranges::all_of(*values, [](std::int64_t v) { return v == 1; });
}

}  // namespace

Status DropAttribute(OpsetSite& site, const char* name, std::int64_t fallback) {
  if (site.node.Int(name, fallback) != fallback) {
    return site.Fail("{}={} cannot be said", name, site.node.Int(name, fallback));
  }
  site.node.attributes.erase(name);
  return {};
}

// Rounding up is rounding down with more padding behind, which no maximum sees.
Status PoolCeilDown(OpsetSite& site) {
  Node& node = site.node;
  if (!AllOnes(node.Ints("dilations"))) return site.Fail("dilations cannot be said");
  node.attributes.erase("dilations");
  if (node.Int("ceil_mode", 0) == 0) {
    node.attributes.erase("ceil_mode");
    return {};
  }
  const auto* shape = site.ShapeOf(node.input(0));
  const IntList* kernel = node.Ints("kernel_shape");
  if (shape == nullptr || kernel == nullptr || shape->size() != kernel->size() + 2) {
    return site.Fail("ceil_mode=1 cannot be said");
  }
  const std::size_t axes = kernel->size();
  const IntList strides = node.Ints("strides") ? *node.Ints("strides") : IntList(axes, 1);
  IntList pads = node.Ints("pads") ? *node.Ints("pads") : IntList(axes * 2, 0);
  if (strides.size() != axes || pads.size() != axes * 2) return site.Fail("has odd attributes");
  for (std::size_t i = 0; i < axes; ++i) {
    const Dim& extent = (*shape)[i + 2];
    if (!extent.known() || strides[i] < 1) {
      return site.Fail("ceil_mode=1 over an open height or width cannot be said");
    }
    const std::int64_t rest =
        (extent.extent + pads[i] + pads[i + axes] - (*kernel)[i]) % strides[i];
    if (rest == 0) continue;
    if (node.op_type != "MaxPool") return site.Fail("ceil_mode=1 cannot be said");
    pads[i + axes] += strides[i] - rest;
    if (pads[i + axes] >= (*kernel)[i]) return site.Fail("ceil_mode=1 cannot be said");
  }
  node.attributes["pads"] = pads;
  node.attributes.erase("ceil_mode");
  return {};
}

Status PoolDilationsDown(OpsetSite& site) {
  if (!AllOnes(site.node.Ints("dilations"))) return site.Fail("dilations cannot be said");
  site.node.attributes.erase("dilations");
  return {};
}

Status PoolIndicesDown(OpsetSite& site) {
  if (site.node.outputs.size() > 1) return site.Fail("Indices cannot be said");
  return DropAttribute(site, "storage_order", 0);
}

// --- Resize and Upsample: until 10 pixel centres map by scale alone, rounded down.

Status UpsampleInputUp(OpsetSite& site) {
  const auto* scales = site.node.Floats("scales");
  if (scales == nullptr) return site.Fail("has no scales");
  site.SetInput(1, site.AddFloats("scales", Shape{std::ssize(*scales)}, *scales));
  site.node.attributes.erase("scales");
  return {};
}
Status UpsampleInputDown(OpsetSite& site) {
  const Tensor* scales = site.graph.constant(site.node.input(1));
  if (scales == nullptr || scales->dtype() != DType::kF32) {
    return site.Fail("scales are computed at run time; this operator set wants an attribute");
  }
  const auto data = scales->data<float>();
  site.node.attributes["scales"] = std::vector<float>(data.begin(), data.end());
  site.node.inputs.resize(1);
  return {};
}
Status UpsampleToResize(OpsetSite& site) {
  site.node.op_type = "Resize";
  return {};
}
Status ResizeToUpsample(OpsetSite& site) {
  const Tensor* scales = site.graph.constant(site.node.input(1));
  if (scales == nullptr || scales->dtype() != DType::kF32 ||
      std::ranges::any_of(scales->data<float>(), [](float s) { return !(s >= 1); })) {
    return site.Fail("Upsample wants constant scales of at least 1");
  }
  site.node.op_type = "Upsample";
  return {};
}
Status ResizeUp11(OpsetSite& site) {
  const ValueId scales = site.node.input(1);
  site.node.inputs = {site.node.input(0), site.AddFloats("roi", Shape{0}, {}), scales};
  site.node.attributes["coordinate_transformation_mode"] = std::string("asymmetric");
  if (site.node.String("mode", "nearest") == "nearest") {
    site.node.attributes["nearest_mode"] = std::string("floor");
  }
  return {};
}
Status ResizeDown11(OpsetSite& site) {
  Node& node = site.node;
  const std::string mode = node.String("mode", "nearest");
  ValueId scales = node.input(2);
  if (const Tensor* given = site.graph.constant(scales); given != nullptr && !given->elements()) {
    scales = kNoValue;
  }
  if (scales == kNoValue) {
    const auto sizes = site.Ints(node.input(3));
    const auto* from = site.ShapeOf(node.input(0));
    if (!sizes || from == nullptr || from->size() != sizes->size()) {
      return site.Fail("sizes cannot be said");
    }
    std::vector<float> factors;
    for (std::size_t i = 0; i < sizes->size(); ++i) {
      const Dim& extent = (*from)[i];
      if (!extent.known() || extent.extent < 1 || (*sizes)[i] % extent.extent != 0) {
        return site.Fail("sizes that are no multiples of known extents cannot be said");
      }
      factors.push_back(static_cast<float>((*sizes)[i] / extent.extent));
    }
    scales = site.AddFloats("scales", Shape{std::ssize(factors)}, factors);
  }
  const std::string map = node.String("coordinate_transformation_mode", "half_pixel");
  const std::string rounding = node.String("nearest_mode", "round_prefer_floor");
  const Tensor* factors = site.graph.constant(scales);
  // Enlarging by whole numbers, all of these take pixel floor(i / scale).
  const bool whole = factors != nullptr && factors->dtype() == DType::kF32 &&
                     std::ranges::all_of(factors->data<float>(), [](float s) {
                       return s >= 1 && s == static_cast<float>(static_cast<std::int64_t>(s));
                     });
  const bool same = map == "asymmetric" && (mode != "nearest" || rounding == "floor");
  const bool same_for_whole =
      mode == "nearest" && whole && map == "half_pixel" && rounding.starts_with("round_prefer");
  if (!same && !same_for_whole) {
    return site.Fail("coordinate_transformation_mode={} with mode={} cannot be said", map, mode);
  }
  node.inputs = {node.input(0), scales};
  node.attributes.clear();
  node.attributes["mode"] = mode;
  return {};
}
Status ResizeDown13(OpsetSite& site) {
  if (site.node.input(1) == kNoValue) site.SetInput(1, site.AddFloats("roi", Shape{0}, {}));
  if (site.node.input(2) == kNoValue) site.SetInput(2, site.AddFloats("scales", Shape{0}, {}));
  return {};
}
Status ResizeInputsUp13(OpsetSite& site) {
  if (site.node.String("coordinate_transformation_mode", "") == "tf_half_pixel_for_nn") {
    return site.Fail("coordinate_transformation_mode=tf_half_pixel_for_nn cannot be said");
  }
  // From 13 on exactly one of scales and sizes is there; before, scales came empty beside sizes.
  const Tensor* scales = site.graph.constant(site.node.input(2));
  if (site.node.input(3) != kNoValue && scales != nullptr && scales->elements() == 0) {
    site.node.inputs[2] = kNoValue;
  }
  return {};
}
Status ResizeDown18(OpsetSite& site) {
  if (site.node.Has("axes")) return site.Fail("axes cannot be said");
  if (site.node.String("keep_aspect_ratio_policy", "stretch") != "stretch") {
    return site.Fail("keep_aspect_ratio_policy cannot be said");
  }
  site.node.attributes.erase("keep_aspect_ratio_policy");
  return DropAttribute(site, "antialias", 0);
}
Status ResizeDown19(OpsetSite& site) {
  if (site.node.String("coordinate_transformation_mode", "") == "half_pixel_symmetric") {
    return site.Fail("coordinate_transformation_mode=half_pixel_symmetric cannot be said");
  }
  return {};
}

}  // namespace visavis::opset
