#include "model/onnx/wire_split.h"

#include <utility>

#include "base/error.h"
#include "base/try.h"

namespace visavis::onnx_format {
namespace {

using Bytes = std::span<const std::uint8_t>;

// Field numbers of onnx.proto.
constexpr std::uint64_t kModelGraph = 7;
constexpr std::uint64_t kGraphInitializer = 5;
constexpr std::uint64_t kTensorRawData = 9;

enum WireType : std::uint64_t { kVarint = 0, kFixed64 = 1, kLengthDelimited = 2, kFixed32 = 5 };

// One field: its number, all its bytes, and the payload of a length-delimited one.
struct Field {
  std::uint64_t number = 0;
  bool is_message = false;  // or string, or bytes
  Bytes whole;
  Bytes payload;
};

class FieldReader {
 public:
  FieldReader(Bytes message, std::string_view where) : rest_(message), where_(where) {}

  bool done() const { return rest_.empty(); }

  Result<Field> Next() {
    const Bytes start = rest_;
    const std::optional<std::uint64_t> tag = Varint();
    if (!tag || *tag >> 3 == 0) return Malformed();
    Field field;
    field.number = *tag >> 3;
    bool complete = false;
    switch (*tag & 7) {
      case kVarint:
        complete = Varint().has_value();
        break;
      case kFixed64:
        complete = Skip(8);
        break;
      case kFixed32:
        complete = Skip(4);
        break;
      case kLengthDelimited: {
        const std::optional<std::uint64_t> length = Varint();
        if (!length || *length > rest_.size()) break;
        field.is_message = true;
        field.payload = rest_.first(static_cast<std::size_t>(*length));
        complete = Skip(*length);
        break;
      }
      default:  // groups, which ONNX never had
        break;
    }
    if (!complete) return Malformed();
    field.whole = start.first(start.size() - rest_.size());
    return field;
  }

 private:
  Error Malformed() const {
    return MakeError(ErrorCode::kCorruptData, "{}: broken or cut off, want an ONNX model", where_);
  }

  std::optional<std::uint64_t> Varint() {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 10 && i < rest_.size(); ++i) {
      value |= static_cast<std::uint64_t>(rest_[i] & 0x7f) << (7 * i);
      if ((rest_[i] & 0x80) == 0) {
        rest_ = rest_.subspan(i + 1);
        return value;
      }
    }
    return std::nullopt;
  }

  bool Skip(std::uint64_t count) {
    if (count > rest_.size()) return false;
    rest_ = rest_.subspan(static_cast<std::size_t>(count));
    return true;
  }

  Bytes rest_;
  std::string_view where_;
};

void Append(Bytes bytes, std::string& out) {
  out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void AppendVarint(std::uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

void AppendMessage(std::uint64_t number, const std::string& payload, std::string& out) {
  AppendVarint(number << 3 | kLengthDelimited, out);
  AppendVarint(payload.size(), out);
  out += payload;
}

Result<std::string> SplitTensor(Bytes tensor, std::string_view where, SplitModel& split) {
  std::string rest;
  std::optional<Bytes> raw_data;
  FieldReader reader(tensor, where);
  while (!reader.done()) {
    VISAVIS_ASSIGN_OR_RETURN(const Field field, reader.Next());
    if (field.number == kTensorRawData && field.is_message) {
      raw_data = field.payload;
    } else {
      Append(field.whole, rest);
    }
  }
  split.raw_data.push_back(raw_data);
  return rest;
}

Result<std::string> SplitGraph(Bytes graph, std::string_view where, SplitModel& split) {
  std::string rest;
  FieldReader reader(graph, where);
  while (!reader.done()) {
    VISAVIS_ASSIGN_OR_RETURN(const Field field, reader.Next());
    if (field.number == kGraphInitializer && field.is_message) {
      VISAVIS_ASSIGN_OR_RETURN(const std::string tensor, SplitTensor(field.payload, where, split));
      AppendMessage(kGraphInitializer, tensor, rest);
    } else {
      Append(field.whole, rest);
    }
  }
  return rest;
}

}  // namespace

Result<SplitModel> SplitWeights(std::span<const std::uint8_t> model, std::string_view where) {
  SplitModel split;
  FieldReader reader(model, where);
  while (!reader.done()) {
    VISAVIS_ASSIGN_OR_RETURN(const Field field, reader.Next());
    if (field.number == kModelGraph && field.is_message) {
      VISAVIS_ASSIGN_OR_RETURN(const std::string graph, SplitGraph(field.payload, where, split));
      AppendMessage(kModelGraph, graph, split.without_weights);
    } else {
      Append(field.whole, split.without_weights);
    }
  }
  return split;
}

}  // namespace visavis::onnx_format
