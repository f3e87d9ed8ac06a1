#include "model/mxnet/params.h"

#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/try.h"
#include "tensor/convert.h"

namespace visavis::mxnet {
namespace {

constexpr std::uint64_t kListMagic = 0x112;
constexpr std::uint32_t kMagicV1 = 0xF993FAC8;
constexpr std::uint32_t kMagicV2 = 0xF993FAC9;
constexpr std::uint32_t kMagicV3 = 0xF993FACA;
constexpr std::int64_t kMaxRank = 32;  // MXNet's own bound
constexpr std::uint64_t kMaxNameBytes = 4096;

// Little-endian numbers from a byte span; every read is checked.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

  std::size_t remaining() const { return rest_.size(); }

  template <typename T>
  std::optional<T> Read() {
    if (rest_.size() < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, rest_.data(), sizeof(T));
    rest_ = rest_.subspan(sizeof(T));
    return value;
  }

  std::optional<std::span<const std::uint8_t>> Take(std::uint64_t count) {
    if (count > rest_.size()) return std::nullopt;
    const auto taken = rest_.first(static_cast<std::size_t>(count));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

 private:
  std::span<const std::uint8_t> rest_;
};

std::optional<DType> FromTypeFlag(std::int32_t flag) {
  switch (flag) {  // mshadow's type flags
    case 0:
      return DType::kF32;
    case 1:
      return DType::kF64;
    case 2:
      return DType::kF16;
    case 3:
      return DType::kU8;
    case 4:
      return DType::kI32;
    case 5:
      return DType::kI8;
    case 6:
      return DType::kI64;
    case 7:
      return DType::kBool;
    case 12:
      return DType::kBF16;
    default:
      return std::nullopt;
  }
}

class ParamsParser {
 public:
  ParamsParser(std::span<const std::uint8_t> bytes, std::string_view where, const Limits& limits)
      : reader_(bytes), where_(where), limits_(limits) {}

  Result<Params> Parse() {
    const auto magic = reader_.Read<std::uint64_t>();
    const auto reserved = reader_.Read<std::uint64_t>();
    if (!magic || *magic != kListMagic || !reserved) {
      return MakeError(ErrorCode::kCorruptData,
                       "{}: does not start as an MXNet .params file does (0x112)", where_);
    }
    VISAVIS_ASSIGN_OR_RETURN(std::vector<Tensor> tensors, ParseTensors());
    return ParseNames(std::move(tensors));
  }

 private:
  Error Truncated(std::size_t index) const {
    return MakeError(ErrorCode::kCorruptData, "{}: array {}: the file ends inside it", where_,
                     index);
  }

  Result<std::vector<Tensor>> ParseTensors() {
    const auto count = reader_.Read<std::uint64_t>();
    // The shortest array takes four bytes.
    if (!count || *count > reader_.remaining() / 4) {
      return MakeError(ErrorCode::kCorruptData, "{}: claims {} arrays in {} bytes", where_,
                       count.value_or(0), reader_.remaining());
    }
    std::vector<Tensor> tensors;
    for (std::size_t i = 0; i < *count; ++i) {
      VISAVIS_ASSIGN_OR_RETURN(Tensor tensor, ParseTensor(i));
      tensors.push_back(std::move(tensor));
    }
    return tensors;
  }

  // The shape in front of an array's data; no value when the array is empty and nothing follows.
  Result<std::optional<Shape>> ParseShape(std::size_t index) {
    const auto magic = reader_.Read<std::uint32_t>();
    if (!magic) return Truncated(index);
    const bool has_magic = *magic == kMagicV1 || *magic == kMagicV2 || *magic == kMagicV3;
    if (*magic == kMagicV2 || *magic == kMagicV3) {
      const auto storage = reader_.Read<std::int32_t>();
      if (!storage) return Truncated(index);
      if (*storage != 0) {
        return MakeError(ErrorCode::kUnsupported, "{}: array {}: sparse storage {}, want dense (0)",
                         where_, index, *storage);
      }
    }
    std::int64_t rank = *magic;  // the first format starts with the rank
    if (has_magic) {
      const auto stored = reader_.Read<std::int32_t>();
      if (!stored) return Truncated(index);
      rank = *stored;
    }
    const std::int64_t empty_rank = *magic == kMagicV3 ? -1 : 0;
    if (rank == empty_rank) return std::optional<Shape>();
    if (rank < 0 || rank > kMaxRank) {
      return MakeError(ErrorCode::kCorruptData, "{}: array {}: {} dimensions, want at most {}",
                       where_, index, rank, kMaxRank);
    }
    std::vector<std::int64_t> extents;
    for (std::int64_t i = 0; i < rank; ++i) {
      std::optional<std::int64_t> extent;
      if (has_magic) {
        extent = reader_.Read<std::int64_t>();
      } else if (const auto narrow = reader_.Read<std::uint32_t>()) {
        extent = *narrow;
      }
      if (!extent) return Truncated(index);
      extents.push_back(*extent);
    }
    return std::optional<Shape>(Shape(std::move(extents)));
  }

  Result<Tensor> ParseTensor(std::size_t index) {
    VISAVIS_ASSIGN_OR_RETURN(const std::optional<Shape> shape, ParseShape(index));
    if (!shape) return Tensor(DType::kF32, Shape{0});
    const auto device_type = reader_.Read<std::int32_t>();
    const auto device_id = reader_.Read<std::int32_t>();
    const auto type_flag = reader_.Read<std::int32_t>();
    if (!device_type || !device_id || !type_flag) return Truncated(index);
    const std::optional<DType> dtype = FromTypeFlag(*type_flag);
    if (!dtype) {
      return MakeError(ErrorCode::kUnsupported, "{}: array {}: unknown element type {}", where_,
                       index, *type_flag);
    }
    const Result<std::int64_t> elements = CheckedElements(*shape, limits_.tensor_elements);
    if (!elements) {
      return MakeError(elements.error().code, "{}: array {}: {}", where_, index,
                       elements.error().message);
    }
    const auto data = reader_.Take(static_cast<std::uint64_t>(*elements) * SizeOf(*dtype));
    if (!data) return Truncated(index);
    Tensor tensor = Tensor::Uninitialized(*dtype, *shape);
    if (!data->empty()) std::memcpy(tensor.raw(), data->data(), data->size());
    if (IsFloat(*dtype) && *dtype != DType::kF32) return ToFloat32(tensor);
    return tensor;
  }

  Result<Params> ParseNames(std::vector<Tensor> tensors) {
    const auto count = reader_.Read<std::uint64_t>();
    if (!count || *count != tensors.size()) {
      return MakeError(ErrorCode::kCorruptData, "{}: {} names for {} arrays", where_,
                       count.value_or(0), tensors.size());
    }
    Params params;
    for (Tensor& tensor : tensors) {
      const auto length = reader_.Read<std::uint64_t>();
      const auto text = length && *length <= kMaxNameBytes ? reader_.Take(*length) : std::nullopt;
      if (!text) {
        return MakeError(ErrorCode::kCorruptData, "{}: name {}: malformed or cut off", where_,
                         params.size());
      }
      std::string_view name(reinterpret_cast<const char*>(text->data()), text->size());
      if (name.starts_with("arg:") || name.starts_with("aux:")) name.remove_prefix(4);
      const bool added =
          params.emplace(name, std::make_shared<const Tensor>(std::move(tensor))).second;
      if (!added) {
        return MakeError(ErrorCode::kCorruptData, "{}: two arrays are named '{}'", where_, name);
      }
    }
    if (reader_.remaining() != 0) {
      return MakeError(ErrorCode::kCorruptData, "{}: {} bytes follow the last name, want none",
                       where_, reader_.remaining());
    }
    return params;
  }

  Reader reader_;
  std::string_view where_;
  const Limits& limits_;
};

}  // namespace

Result<Params> ParseParams(std::span<const std::uint8_t> bytes, std::string_view where,
                           const Limits& limits) {
  return ParamsParser(bytes, where, limits).Parse();
}

}  // namespace visavis::mxnet
