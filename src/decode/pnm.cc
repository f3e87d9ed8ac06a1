// PGM and PPM, ascii and binary, any maximum value up to 65535.
// Source: the format pages of Netpbm, pgm(5) and ppm(5).
#include <cstdint>

#include "base/error.h"
#include "base/try.h"
#include "decode/codec.h"

namespace visavis {
namespace {

bool IsSpace(std::uint8_t c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\v' || c == '\f' || c == '\r';
}
bool IsDigit(std::uint8_t c) { return c >= '0' && c <= '9'; }

// The numbers of a file, one after another.
class PnmReader {
 public:
  explicit PnmReader(EncodedBytes rest) : rest_(rest) {}

  std::size_t size() const { return rest_.size(); }

  // The next decimal number, after blanks and comments; -1 if there is none or it is 10^9 or more.
  std::int64_t Decimal() {
    SkipBlanks();
    if (rest_.empty() || !IsDigit(rest_.front())) return -1;
    std::int64_t value = 0;
    while (!rest_.empty() && IsDigit(rest_.front())) {
      value = value * 10 + (rest_.front() - '0');
      if (value >= 1'000'000'000) return -1;
      Skip(1);
    }
    return value;
  }
  // The one blank between the header and binary samples.
  bool Blank() {
    if (rest_.empty() || !IsSpace(rest_.front())) return false;
    Skip(1);
    return true;
  }
  // A binary sample, most significant byte first. The caller has checked size().
  std::int64_t Binary(int sample_bytes) {
    std::int64_t value = 0;
    for (int i = 0; i < sample_bytes; ++i) value = value << 8 | rest_[static_cast<std::size_t>(i)];
    Skip(static_cast<std::size_t>(sample_bytes));
    return value;
  }

 private:
  void Skip(std::size_t count) { rest_ = rest_.subspan(count); }
  void SkipBlanks() {
    bool in_comment = false;
    while (!rest_.empty() && (in_comment || IsSpace(rest_.front()) || rest_.front() == '#')) {
      if (rest_.front() == '#') in_comment = true;
      if (rest_.front() == '\n' || rest_.front() == '\r') in_comment = false;
      Skip(1);
    }
  }

  EncodedBytes rest_;
};

struct PnmHeader {
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::int64_t max_value = 0;
  int channels = 1;
  bool binary = false;
};

Result<PnmHeader> ReadHeader(char kind, PnmReader& reader, const std::string& name) {
  PnmHeader header;
  header.channels = kind == '3' || kind == '6' ? 3 : 1;
  header.binary = kind == '5' || kind == '6';
  header.width = reader.Decimal();
  header.height = reader.Decimal();
  header.max_value = reader.Decimal();
  if (header.width < 0 || header.height < 0 || header.max_value < 1 || header.max_value > 65535) {
    return MakeError(ErrorCode::kCorruptData,
                     "{}: PNM: header is not width, height, maximum value 1..65535", name);
  }
  if (header.binary && !reader.Blank()) {
    return MakeError(ErrorCode::kCorruptData, "{}: PNM: no blank after the header", name);
  }
  return header;
}

// Whether the rest of the file can hold all samples: in ascii at least a digit each and blanks
// between.
bool CanHold(const PnmHeader& header, std::size_t rest) {
  const std::int64_t samples = header.width * header.height * header.channels;
  const std::int64_t sample_bytes = header.max_value > 255 ? 2 : 1;
  const std::int64_t want = header.binary ? samples * sample_bytes : 2 * samples - 1;
  return static_cast<std::int64_t>(rest) >= want;
}

}  // namespace

bool IsPnm(EncodedBytes bytes) {
  if (bytes.size() < 3 || bytes[0] != 'P') return false;
  const bool grey_or_colour =
      bytes[1] == '2' || bytes[1] == '3' || bytes[1] == '5' || bytes[1] == '6';
  return grey_or_colour && (IsSpace(bytes[2]) || bytes[2] == '#');
}

Result<StoredImage> DecodePnm(EncodedBytes bytes, const std::string& name,
                              const DecodeOptions& options) {
  PnmReader reader(bytes.subspan(2));
  VISAVIS_ASSIGN_OR_RETURN(const PnmHeader header,
                           ReadHeader(static_cast<char>(bytes[1]), reader, name));
  VISAVIS_RETURN_IF_ERROR(CheckSize(header.width, header.height, name, options.limits));
  if (!CanHold(header, reader.size())) {
    return MakeError(ErrorCode::kCorruptData, "{}: PNM: file ends early", name);
  }
  const int width = static_cast<int>(header.width);
  const int height = static_cast<int>(header.height);
  const int sample_bytes = header.max_value > 255 ? 2 : 1;
  StoredImage stored{Image(width, height), width, height};
  std::uint8_t* to = stored.image.data();
  const std::uint8_t* const end = to + stored.image.size_bytes();
  while (to < end) {
    const std::int64_t value = header.binary ? reader.Binary(sample_bytes) : reader.Decimal();
    if (value < 0 || value > header.max_value) {
      return MakeError(ErrorCode::kCorruptData, "{}: PNM: broken sample, want 0..{}", name,
                       header.max_value);
    }
    const auto scaled =
        static_cast<std::uint8_t>((value * 255 + header.max_value / 2) / header.max_value);
    for (int copies = 3 / header.channels; copies > 0; --copies) *to++ = scaled;
  }
  return stored;
}

}  // namespace visavis
