// JPEG by libjpeg-turbo with its default accurate settings (islow DCT, fancy upsampling), so that
// pixels equal those of other programs over the same library.
#include <csetjmp>
#include <cstddef>
#include <cstdio>
// jpeglib.h needs the two above first.
#include <jerror.h>
#include <jpeglib.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/try.h"
#include "decode/byte_reader.h"
#include "decode/codec.h"

namespace visavis {
namespace {

// libjpeg's error handling: it must not return from an error, so it jumps back to Try.
struct JpegErrors {
  jpeg_error_mgr base;  // first: libjpeg hands back a pointer to it
  std::jmp_buf jump;
  ErrorCode code;
  char message[JMSG_LENGTH_MAX];
};

ErrorCode CodeOf(int message_code) {
  switch (message_code) {
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_ARITH_NOTIMPL:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_CCIR601_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
      return ErrorCode::kUnsupported;
    case JERR_OUT_OF_MEMORY:
    case JERR_WIDTH_OVERFLOW:
    case JERR_IMAGE_TOO_BIG:
      return ErrorCode::kLimitExceeded;
    default:
      return ErrorCode::kCorruptData;
  }
}

[[noreturn]] void GiveUp(j_common_ptr info) {
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  errors->code = CodeOf(info->err->msg_code);
  info->err->format_message(info, errors->message);
  std::longjmp(errors->jump, 1);
}

// A warning means that pixels were made up (missing or undecodable data), except for these, which
// only say that something beside the pixels is unusual.
bool IsHarmless(int warning) {
  return warning == JWRN_EXTRANEOUS_DATA || warning == JWRN_ADOBE_XFORM ||
         warning == JWRN_JFIF_MAJOR || warning == JWRN_BOGUS_ICC || warning == JWRN_NOT_SEQUENTIAL;
}

void OnMessage(j_common_ptr info, int level) {
  if (level < 0 && !IsHarmless(info->err->msg_code)) GiveUp(info);
}

void Ignore(j_common_ptr) {}

// A file may hold any number of scans, each costing a pass over the whole picture while taking a
// few bytes of file. Encoders write at most about ten.
struct ScanLimit {
  jpeg_progress_mgr base;
  int scans;
};

void CheckScans(j_common_ptr info) {
  const auto* limit = reinterpret_cast<const ScanLimit*>(info->progress);
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number > limit->scans) {
    auto* errors = reinterpret_cast<JpegErrors*>(info->err);
    errors->code = ErrorCode::kLimitExceeded;
    std::snprintf(errors->message, sizeof(errors->message), "more than %d scans", limit->scans);
    std::longjmp(errors->jump, 1);
  }
}

// One decompression. Every call into libjpeg happens inside Try, in a step whose frames hold
// nothing with a destructor, because a jump would skip it.
class JpegDecompressor {
 public:
  explicit JpegDecompressor(EncodedBytes bytes) {
    info_.err = jpeg_std_error(&errors_.base);
    errors_.base.error_exit = GiveUp;
    errors_.base.emit_message = OnMessage;
    errors_.base.output_message = Ignore;
    errors_.message[0] = 0;
    scan_limit_.base.progress_monitor = CheckScans;
    created_ = Try([&] {
      jpeg_create_decompress(&info_);
      jpeg_mem_src(&info_, bytes.data(), bytes.size());
    });
  }
  ~JpegDecompressor() { jpeg_destroy_decompress(&info_); }
  JpegDecompressor(const JpegDecompressor&) = delete;
  JpegDecompressor& operator=(const JpegDecompressor&) = delete;

  jpeg_decompress_struct& info() { return info_; }

  bool ReadHeader() {
    return created_ && Try([&] { jpeg_read_header(&info_, TRUE); });
  }
  bool Start() {
    info_.progress = &scan_limit_.base;
    scan_limit_.scans = MaxScans();
    return Try([&] { jpeg_start_decompress(&info_); });
  }
  bool ReadRow(std::uint8_t* row) {
    return Try([&] { jpeg_read_scanlines(&info_, &row, 1); });
  }
  bool Finish() {
    return Try([&] { jpeg_finish_decompress(&info_); });
  }
  Error TakeError(const std::string& name) const {
    return MakeError(errors_.code, "{}: JPEG: {}", name, errors_.message);
  }

 private:
  template <typename Step>
  bool Try(Step&& step) {
    if (setjmp(errors_.jump) != 0) return false;
    step();
    return true;
  }

  // At most 2e9 pixel visits in all (seconds of work), and never fewer scans than encoders write.
  int MaxScans() const {
    const double pixels = static_cast<double>(info_.image_width) * info_.image_height;
    return static_cast<int>(std::clamp(2e9 / pixels, 16.0, 200.0));
  }

  jpeg_decompress_struct info_{};
  JpegErrors errors_{};
  ScanLimit scan_limit_{};
  bool created_ = false;
};

// The orientation in the first EXIF segment before the pixels. Not by jpeg_save_markers, whose time
// grows with the square of the number of segments.
Orientation FindOrientation(EncodedBytes bytes) {
  using namespace std::string_view_literals;
  constexpr std::uint8_t kApp1 = 0xE1;
  constexpr std::uint8_t kStartOfScan = 0xDA;
  const ByteReader file(bytes, ByteOrder::kBigEndian);
  std::size_t segment = 2;
  while (file.Contains(segment, 4) && bytes[segment] == 0xFF) {
    const std::uint8_t marker = bytes[segment + 1];
    if (marker == 0xFF) {  // filler before a marker
      ++segment;
      continue;
    }
    if (marker == kStartOfScan) break;
    const std::size_t size = file.U16(segment + 2);  // counts itself
    const std::size_t content = segment + 4;
    if (size < 2 || !file.Contains(content, size - 2)) break;
    if (marker == kApp1 && HasText(bytes.subspan(content, size - 2), 0, "Exif\0\0"sv)) {
      return ReadExifOrientation(bytes.subspan(content, size - 2));
    }
    segment = content + size - 2;
  }
  return Orientation::kUpright;
}

// Ink on paper to light. Adobe's files store 255 - ink.
void CmykToRgb(const std::uint8_t* cmyk, int width, bool inverted, std::uint8_t* rgb) {
  const int flip = inverted ? 0 : 255;
  for (int x = 0; x < width; ++x, cmyk += 4, rgb += 3) {
    for (int c = 0; c < 3; ++c) rgb[c] = OverBlack(cmyk[c] ^ flip, cmyk[3] ^ flip);
  }
}

int ScaleDivisor(int max_downscale) {
  for (int divisor : {8, 4, 2}) {
    if (divisor <= max_downscale) return divisor;
  }
  return 1;
}

}  // namespace

bool IsJpeg(EncodedBytes bytes) {
  return bytes.size() >= 3 && bytes[0] == 0xFF && bytes[1] == 0xD8 && bytes[2] == 0xFF;
}

Result<StoredImage> DecodeJpeg(EncodedBytes bytes, const std::string& name,
                               const DecodeOptions& options) {
  JpegDecompressor jpeg(bytes);
  if (!jpeg.ReadHeader()) return jpeg.TakeError(name);
  jpeg_decompress_struct& info = jpeg.info();
  VISAVIS_RETURN_IF_ERROR(CheckSize(info.image_width, info.image_height, name, options.limits));
  const bool has_ink = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
  info.out_color_space = has_ink ? JCS_CMYK : JCS_RGB;
  info.scale_num = 1;
  info.scale_denom = static_cast<unsigned>(ScaleDivisor(options.max_downscale));

  if (!jpeg.Start()) return jpeg.TakeError(name);
  StoredImage stored{
      Image(static_cast<int>(info.output_width), static_cast<int>(info.output_height)),
      static_cast<int>(info.image_width), static_cast<int>(info.image_height),
      FindOrientation(bytes)};
  std::vector<std::uint8_t> ink(has_ink ? std::size_t{4} * info.output_width : 0);
  for (int y = 0; y < stored.image.height(); ++y) {
    std::uint8_t* row = stored.image.row(y);
    if (!jpeg.ReadRow(has_ink ? ink.data() : row)) return jpeg.TakeError(name);
    if (has_ink) CmykToRgb(ink.data(), stored.image.width(), info.saw_Adobe_marker, row);
  }
  if (!jpeg.Finish()) return jpeg.TakeError(name);
  return stored;
}

}  // namespace visavis
