#include "model/onnx/tensor_proto.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/try.h"
#include "model/graph/onnx_types.h"

namespace visavis::onnx_format {
namespace {

// Fills `tensor` from a typed field; the field holds each element in a wider type.
template <typename Stored, typename Field>
bool CopyField(const Field& field, Tensor& tensor) {
  if (static_cast<std::int64_t>(field.size()) != tensor.elements()) return false;
  auto* out = static_cast<Stored*>(tensor.raw());
  for (const auto element : field) *out++ = static_cast<Stored>(element);
  return true;
}

bool CopyTypedData(const onnx::TensorProto& proto, Tensor& tensor) {
  switch (tensor.dtype()) {
    case DType::kF32:
      return CopyField<float>(proto.float_data(), tensor);
    case DType::kF64:
      return CopyField<double>(proto.double_data(), tensor);
    case DType::kI64:
      return CopyField<std::int64_t>(proto.int64_data(), tensor);
    case DType::kI32:
      return CopyField<std::int32_t>(proto.int32_data(), tensor);
    case DType::kF16:  // bit patterns
    case DType::kBF16:
    case DType::kU16:
      return CopyField<std::uint16_t>(proto.int32_data(), tensor);
    case DType::kI16:
      return CopyField<std::int16_t>(proto.int32_data(), tensor);
    case DType::kU8:
      return CopyField<std::uint8_t>(proto.int32_data(), tensor);
    case DType::kI8:
      return CopyField<std::int8_t>(proto.int32_data(), tensor);
    case DType::kBool:
      return CopyField<bool>(proto.int32_data(), tensor);
  }
  return false;
}

bool CopyRawData(std::span<const std::uint8_t> raw, Tensor& tensor, const RawCopied& copied) {
  if (raw.size() != tensor.size_bytes()) return false;
  constexpr std::size_t kStep = std::size_t{2} << 20;
  auto* to = static_cast<std::uint8_t*>(tensor.raw());
  for (auto rest = raw; !rest.empty();) {
    const auto part = rest.first(std::min(rest.size(), kStep));
    std::memcpy(to, part.data(), part.size());
    copied(part);
    to += part.size();
    rest = rest.subspan(part.size());
  }
  if (tensor.dtype() == DType::kBool) {  // any byte but 0 and 1 is no bool in C++
    auto* bytes = static_cast<std::uint8_t*>(tensor.raw());
    for (std::size_t i = 0; i < raw.size(); ++i) bytes[i] = bytes[i] != 0;
  }
  return true;
}

std::int64_t TypedElements(const onnx::TensorProto& proto) {
  return std::int64_t{proto.float_data_size()} + proto.double_data_size() +
         proto.int32_data_size() + proto.int64_data_size();
}

}  // namespace

Result<Tensor> ReadTensor(const onnx::TensorProto& proto,
                          std::optional<std::span<const std::uint8_t>> raw_data,
                          std::string_view where, const Limits& limits, const RawCopied& copied) {
  if (proto.data_location() == onnx::TensorProto::EXTERNAL || proto.external_data_size() > 0) {
    return MakeError(ErrorCode::kUnsupported, "{}: data lie in another file, want them inside",
                     where);
  }
  if (proto.has_segment()) {
    return MakeError(ErrorCode::kUnsupported, "{}: is one segment of a tensor, want it whole",
                     where);
  }
  const std::optional<DType> dtype = DTypeOfOnnxType(proto.data_type());
  if (!dtype) {
    return MakeError(ErrorCode::kUnsupported, "{}: element type {} is not supported", where,
                     proto.data_type());
  }
  const Shape shape(std::vector<std::int64_t>(proto.dims().begin(), proto.dims().end()));
  const Result<std::int64_t> elements = CheckedElements(shape, limits.tensor_elements);
  if (!elements) {
    return MakeError(elements.error().code, "{}: {}", where, elements.error().message);
  }
  // Checked before allocation: the file must hold as much as the shape claims.
  const std::int64_t present = raw_data
                                   ? static_cast<std::int64_t>(raw_data->size() / SizeOf(*dtype))
                                   : TypedElements(proto);
  if (present == *elements) {
    Tensor tensor = Tensor::Uninitialized(*dtype, shape);
    if (raw_data ? CopyRawData(*raw_data, tensor, copied) : CopyTypedData(proto, tensor))
      return tensor;
  }
  return MakeError(ErrorCode::kCorruptData, "{}: found data of {} elements, want shape {} of {}",
                   where, present, shape.ToString(), Name(*dtype));
}

void WriteTensor(const Tensor& tensor, const std::string& name, onnx::TensorProto& proto) {
  proto.set_name(name);
  proto.set_data_type(OnnxTypeOf(tensor.dtype()));
  for (const std::int64_t extent : tensor.shape().dims()) proto.add_dims(extent);
  proto.set_raw_data(tensor.raw(), tensor.size_bytes());
}

}  // namespace visavis::onnx_format
