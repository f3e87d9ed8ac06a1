// The two files of a Caffe network as messages.
#pragma once

#include <visavis_caffe.pb.h>

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "visavis/limits.h"
#include "visavis/result.h"
#include "visavis/tensor.h"

namespace visavis::caffe {

namespace format = caffe_format;

/// The network that a .prototxt describes, `layers` of 2014 turned into `layer`, without layers for
/// training. Fields that are not in visavis_caffe.proto are skipped.
Result<format::NetParameter> ParseNetwork(std::span<const std::uint8_t> bytes,
                                          std::string_view where, const Limits& limits);

/// The blobs of each layer of a .caffemodel, by the layer's name.
using Blobs = std::map<std::string, std::vector<std::shared_ptr<const Tensor>>, std::less<>>;
Result<Blobs> ParseWeights(std::span<const std::uint8_t> bytes, std::string_view where,
                           const Limits& limits);

}  // namespace visavis::caffe
