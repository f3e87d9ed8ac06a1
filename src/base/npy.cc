#include "base/npy.h"

#include <bit>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>

#include "base/error.h"
#include "base/try.h"

namespace visavis {
namespace {

static_assert(std::endian::native == std::endian::little, ".npy elements are copied as they lie");

constexpr std::string_view kMagic("\x93NUMPY", 6);
constexpr std::size_t kAlignment = 64;  // of the first element, as numpy writes it

/// The literal of a Python dictionary with the three keys of a header, in any order.
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view text) : rest_(text) {}

  struct Header {
    std::string_view descr;
    bool fortran_order = false;
    std::vector<std::int64_t> shape;
  };

  /// Nothing if the text is not such a dictionary.
  std::optional<Header> Read() {
    Header header;
    bool has_descr = false, has_order = false, has_shape = false;
    if (!Take('{')) return std::nullopt;
    while (!Take('}')) {
      std::string_view key;
      if (!TakeString(key) || !Take(':')) return std::nullopt;
      if (key == "descr" && !has_descr) {
        has_descr = TakeString(header.descr);
        if (!has_descr) return std::nullopt;
      } else if (key == "fortran_order" && !has_order) {
        has_order = TakeBool(header.fortran_order);
        if (!has_order) return std::nullopt;
      } else if (key == "shape" && !has_shape) {
        has_shape = TakeTuple(header.shape);
        if (!has_shape) return std::nullopt;
      } else {
        return std::nullopt;
      }
      if (Take(',')) continue;
      if (!Take('}')) return std::nullopt;
      break;
    }
    SkipSpace();
    if (!rest_.empty() || !has_descr || !has_order || !has_shape) return std::nullopt;
    return header;
  }

 private:
  void SkipSpace() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n')) rest_.remove_prefix(1);
  }
  bool Take(char wanted) {
    SkipSpace();
    if (rest_.empty() || rest_[0] != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool TakeWord(std::string_view word) {
    SkipSpace();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  bool TakeBool(bool& value) {
    value = TakeWord("True");
    return value || TakeWord("False");
  }
  bool TakeString(std::string_view& value) {
    SkipSpace();
    if (rest_.empty() || (rest_[0] != '\'' && rest_[0] != '"')) return false;
    const std::size_t end = rest_.find(rest_[0], 1);
    if (end == std::string_view::npos) return false;
    value = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return true;
  }
  bool TakeTuple(std::vector<std::int64_t>& values) {
    if (!Take('(')) return false;
    while (!Take(')')) {
      SkipSpace();
      std::int64_t value = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
      if (error != std::errc() || value < 0) return false;
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      values.push_back(value);
      if (Take(',')) continue;
      return Take(')');
    }
    return true;
  }

  std::string_view rest_;
};

Result<std::int64_t> ElementsOf(const std::vector<std::int64_t>& shape, std::string_view name,
                                std::int64_t max_elements) {
  std::int64_t elements = 1;
  for (const std::int64_t extent : shape) {
    if (extent != 0 && elements > max_elements / extent) {
      return MakeError(ErrorCode::kLimitExceeded, "{}: more than {} elements", name, max_elements);
    }
    elements *= extent;
  }
  if (elements > max_elements) {
    return MakeError(ErrorCode::kLimitExceeded, "{}: {} elements, want at most {}", name, elements,
                     max_elements);
  }
  return elements;
}

/// Splits a file into the text of its header and its elements.
Status Split(std::span<const std::uint8_t> bytes, std::string_view name, std::string_view& header,
             std::span<const std::uint8_t>& elements) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(kMagic) || text.size() < kMagic.size() + 4) {
    return MakeError(ErrorCode::kCorruptData, "{}: not a .npy file", name);
  }
  const int version = bytes[6];
  if (version < 1 || version > 3) {
    return MakeError(ErrorCode::kUnsupported, "{}: .npy version {}, want 1 to 3", name, version);
  }
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  const std::size_t begin = 8 + length_bytes;
  std::size_t length = 0;
  for (std::size_t i = length_bytes; i-- > 0;) {
    if (8 + i >= bytes.size()) {
      return MakeError(ErrorCode::kCorruptData, "{}: the header is cut off", name);
    }
    length = length << 8 | bytes[8 + i];
  }
  if (length > bytes.size() - begin) {
    return MakeError(ErrorCode::kCorruptData, "{}: the header is cut off", name);
  }
  header = text.substr(begin, length);
  elements = bytes.subspan(begin + length);
  return {};
}

}  // namespace

Result<NpyArray> ParseNpy(std::span<const std::uint8_t> bytes, std::string_view name,
                          std::int64_t max_elements) {
  std::string_view text;
  std::span<const std::uint8_t> data;
  VISAVIS_RETURN_IF_ERROR(Split(bytes, name, text, data));
  std::optional<HeaderReader::Header> header = HeaderReader(text).Read();
  if (!header) return MakeError(ErrorCode::kCorruptData, "{}: the header cannot be read", name);
  if (header->descr != "<f4" || header->fortran_order) {
    return MakeError(ErrorCode::kUnsupported, "{}: elements '{}'{}, want '<f4' in C order", name,
                     header->descr, header->fortran_order ? " in Fortran order" : "");
  }
  VISAVIS_ASSIGN_OR_RETURN(const std::int64_t elements,
                           ElementsOf(header->shape, name, max_elements));
  if (data.size() / sizeof(float) != static_cast<std::size_t>(elements) ||
      data.size() % sizeof(float) != 0) {
    return MakeError(ErrorCode::kCorruptData, "{}: {} bytes of elements, want {} x 4", name,
                     data.size(), elements);
  }
  NpyArray array{std::move(header->shape), std::vector<float>(static_cast<std::size_t>(elements))};
  if (!data.empty()) std::memcpy(array.values.data(), data.data(), data.size());
  return array;
}

std::string NpyHeader(std::span<const std::int64_t> shape) {
  std::string tuple;
  for (const std::int64_t extent : shape) tuple += fmt::format("{}, ", extent);
  if (shape.size() > 1) tuple.resize(tuple.size() - 2);  // only one extent needs the comma
  if (shape.size() == 1) tuple.resize(tuple.size() - 1);
  std::string header =
      fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}", tuple);
  const std::size_t before = kMagic.size() + 4;
  const std::size_t whole = (before + header.size() + 1 + kAlignment - 1) / kAlignment * kAlignment;
  header.append(whole - before - header.size() - 1, ' ');
  header.push_back('\n');
  std::string file(kMagic);
  file.push_back(1);
  file.push_back(0);
  file.push_back(static_cast<char>(header.size() & 0xff));
  file.push_back(static_cast<char>(header.size() >> 8));
  return file + header;
}

}  // namespace visavis
