// PNG by libpng: every colour type and depth to 8-bit RGB, alpha laid over black.
#include <png.h>

#include <csetjmp>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/try.h"
#include "decode/codec.h"

namespace visavis {
namespace {

// Palette and transparency are far smaller; EXIF blocks are up to 64 KiB in JPEG.
constexpr png_alloc_size_t kMaxChunkBytes = 1 << 20;

struct PngErrors {
  std::jmp_buf jump;
  char message[128];
};

[[noreturn]] void GiveUp(png_structp png, png_const_charp message) {
  auto* errors = static_cast<PngErrors*>(png_get_error_ptr(png));
  std::strncpy(errors->message, message, sizeof(errors->message) - 1);
  std::longjmp(errors->jump, 1);
}

void Ignore(png_structp, png_const_charp) {}

void TakeBytes(png_structp png, png_bytep to, std::size_t count) {
  auto* rest = static_cast<EncodedBytes*>(png_get_io_ptr(png));
  if (rest->size() < count) png_error(png, "file ends early");
  std::memcpy(to, rest->data(), count);
  *rest = rest->subspan(count);
}

// One PNG being read. Every call into libpng that may fail happens inside Try, in a step whose
// frames hold nothing with a destructor, because a jump would skip it.
class PngReader {
 public:
  PngReader(EncodedBytes bytes, const Limits& limits) : rest_(bytes) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &errors_, GiveUp, Ignore);
    if (png_ == nullptr) return;
    info_ = png_create_info_struct(png_);
    if (info_ == nullptr) return;
    ready_ = Try([&] {
      png_set_read_fn(png_, &rest_, TakeBytes);
      png_set_user_limits(png_, static_cast<png_uint_32>(limits.image_side_px),
                          static_cast<png_uint_32>(limits.image_side_px));
      png_set_chunk_malloc_max(png_, kMaxChunkBytes);
      // Everything but pixels, palette, transparency and orientation is skipped unread: text and
      // profiles may unpack to far more than they hold.
      constexpr int kAllOptional = -1;
      png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, kAllOptional);
      const auto* exif = reinterpret_cast<png_const_bytep>("eXIf");
      png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_AS_DEFAULT, exif, 1);
    });
  }
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  bool ReadHeader() {
    return ready_ && Try([&] { png_read_info(png_, info_); });
  }
  png_uint_32 width() const { return png_get_image_width(png_, info_); }
  png_uint_32 height() const { return png_get_image_height(png_, info_); }
  int channels() const { return png_get_channels(png_, info_); }

  // Asks for 8-bit RGB, or RGBA where the file has transparency.
  bool ChooseRgb() {
    return Try([&] {
      png_set_expand(png_);
      png_set_scale_16(png_);
      png_set_gray_to_rgb(png_);
      png_set_interlace_handling(png_);
      png_read_update_info(png_, info_);
    });
  }
  bool ReadPixels(png_bytepp rows) {
    return Try([&] {
      png_read_image(png_, rows);
      png_read_end(png_, info_);
    });
  }
  Orientation ReadOrientation() {
    png_uint_32 size = 0;
    png_bytep exif = nullptr;
    if (png_get_eXIf_1(png_, info_, &size, &exif) == 0) return Orientation::kUpright;
    return ReadExifOrientation({exif, size});
  }
  Error TakeError(const std::string& name) const {
    return MakeError(ErrorCode::kCorruptData, "{}: PNG: {}", name,
                     ready_ ? errors_.message : "libpng could not start");
  }

 private:
  template <typename Step>
  bool Try(Step&& step) {
    if (setjmp(errors_.jump) != 0) return false;
    step();
    return true;
  }

  EncodedBytes rest_;
  PngErrors errors_{};
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  bool ready_ = false;
};

std::vector<png_bytep> RowPointers(std::uint8_t* pixels, std::size_t stride_bytes, int height) {
  std::vector<png_bytep> rows(static_cast<std::size_t>(height));
  for (auto& row : rows) {
    row = pixels;
    pixels += stride_bytes;
  }
  return rows;
}

}  // namespace

bool IsPng(EncodedBytes bytes) { return bytes.size() >= 8 && png_sig_cmp(bytes.data(), 0, 8) == 0; }

Result<StoredImage> DecodePng(EncodedBytes bytes, const std::string& name,
                              const DecodeOptions& options) {
  // Before libpng, whose own size check cannot be told from corruption.
  if (bytes.size() >= 24 && std::memcmp(bytes.data() + 12, "IHDR", 4) == 0) {
    VISAVIS_RETURN_IF_ERROR(CheckSize(png_get_uint_32(bytes.data() + 16),
                                      png_get_uint_32(bytes.data() + 20), name, options.limits));
  }
  PngReader png(bytes, options.limits);
  if (!png.ReadHeader() || !png.ChooseRgb()) return png.TakeError(name);
  const int width = static_cast<int>(png.width());
  const int height = static_cast<int>(png.height());
  VISAVIS_RETURN_IF_ERROR(CheckSize(width, height, name, options.limits));

  StoredImage stored{Image(width, height), width, height};
  const bool has_alpha = png.channels() == 4;
  const std::size_t pixels = static_cast<std::size_t>(width) * height;
  std::vector<std::uint8_t> rgba(has_alpha ? pixels * 4 : 0);
  std::vector<png_bytep> rows =
      has_alpha ? RowPointers(rgba.data(), std::size_t{4} * width, height)
                : RowPointers(stored.image.data(), std::size_t{3} * width, height);
  if (!png.ReadPixels(rows.data())) return png.TakeError(name);
  if (has_alpha) CompositeOverBlack(rgba.data(), pixels, stored.image.data());
  stored.orientation = png.ReadOrientation();
  return stored;
}

}  // namespace visavis
