// Image -> file bytes, and the atomic write.
#include <csetjmp>
#include <cstddef>
#include <cstdio>
// jpeglib.h needs the two above first.
#include <jpeglib.h>
#include <png.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file_system.h"
#include "base/try.h"
#include "visavis/decode.h"

namespace visavis {
namespace {

using Bytes = std::vector<std::uint8_t>;

Status CheckNotEmpty(ImageView image) {
  if (!image.empty()) return {};
  return MakeError(ErrorCode::kInvalidArgument, "encode: image is {}x{}, want positive sides",
                   image.width, image.height);
}

struct JpegErrors {
  jpeg_error_mgr base;  // first: libjpeg hands back a pointer to it
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void GiveUp(j_common_ptr info) {
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  info->err->format_message(info, errors->message);
  std::longjmp(errors->jump, 1);
}

// The whole of a compression; frames here hold nothing with a destructor, because GiveUp's jump
// would skip it.
void CompressJpeg(jpeg_compress_struct* info, ImageView image, int quality, unsigned char** bytes,
                  unsigned long* size) {
  jpeg_create_compress(info);
  jpeg_mem_dest(info, bytes, size);
  info->image_width = static_cast<JDIMENSION>(image.width);
  info->image_height = static_cast<JDIMENSION>(image.height);
  info->input_components = Image::kChannels;
  info->in_color_space = JCS_RGB;
  jpeg_set_defaults(info);
  jpeg_set_quality(info, quality, TRUE);
  info->optimize_coding = TRUE;
  jpeg_start_compress(info, TRUE);
  for (int y = 0; y < image.height; ++y) {
    auto* row = const_cast<JSAMPROW>(image.row(y));
    jpeg_write_scanlines(info, &row, 1);
  }
  jpeg_finish_compress(info);
}

bool TryCompressJpeg(jpeg_compress_struct* info, JpegErrors* errors, ImageView image, int quality,
                     unsigned char** bytes, unsigned long* size) {
  if (setjmp(errors->jump) != 0) return false;
  CompressJpeg(info, image, quality, bytes, size);
  return true;
}

Bytes EncodePpm(ImageView image) {
  const std::string header = fmt::format("P6\n{} {}\n255\n", image.width, image.height);
  Bytes bytes(header.begin(), header.end());
  for (int y = 0; y < image.height; ++y) {
    bytes.insert(bytes.end(), image.row(y), image.row(y) + image.width * Image::kChannels);
  }
  return bytes;
}

std::string LowerCaseExtension(const std::string& path) {
  const auto dot = path.find_last_of("./");
  if (dot == std::string::npos || path[dot] == '/') return "";
  std::string extension = path.substr(dot);
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

Result<Bytes> EncodeFor(const std::string& path, ImageView image) {
  constexpr int kFileQuality = 95;
  const std::string extension = LowerCaseExtension(path);
  if (extension == ".png") return EncodePng(image);
  if (extension == ".jpg" || extension == ".jpeg") return EncodeJpeg(image, kFileQuality);
  if (extension == ".ppm") return EncodePpm(image);
  return MakeError(ErrorCode::kInvalidArgument,
                   "{}: extension is \"{}\", want .png, .jpg, .jpeg or .ppm", path, extension);
}

}  // namespace

Result<Bytes> EncodePng(ImageView image) {
  VISAVIS_RETURN_IF_ERROR(CheckNotEmpty(image));
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(image.width);
  png.height = static_cast<png_uint_32>(image.height);
  png.format = PNG_FORMAT_RGB;
  const auto stride = static_cast<png_int_32>(image.stride_bytes);
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png);
  Bytes bytes(size);
  if (png_image_write_to_memory(&png, bytes.data(), &size, 0, image.data, stride, nullptr) == 0) {
    return MakeError(ErrorCode::kInternal, "encode PNG: {}", png.message);
  }
  bytes.resize(size);
  return bytes;
}

Result<Bytes> EncodeJpeg(ImageView image, int quality) {
  VISAVIS_RETURN_IF_ERROR(CheckNotEmpty(image));
  if (quality < 1 || quality > 100) {
    return MakeError(ErrorCode::kInvalidArgument, "encode JPEG: quality is {}, want 1..100",
                     quality);
  }
  jpeg_compress_struct info{};
  JpegErrors errors{};
  info.err = jpeg_std_error(&errors.base);
  errors.base.error_exit = GiveUp;
  unsigned char* data = nullptr;
  unsigned long size = 0;
  const bool done = TryCompressJpeg(&info, &errors, image, quality, &data, &size);
  const std::unique_ptr<unsigned char, decltype(&std::free)> owner(data, std::free);
  jpeg_destroy_compress(&info);
  if (!done) {
    return MakeError(ErrorCode::kInvalidArgument, "encode JPEG: {}x{}: {}", image.width,
                     image.height, errors.message);
  }
  return Bytes(data, data + size);
}

Status WriteImage(const std::string& path, ImageView image) {
  VISAVIS_RETURN_IF_ERROR(CheckNotEmpty(image));
  VISAVIS_ASSIGN_OR_RETURN(const Bytes bytes, EncodeFor(path, image));
  return WriteFileAtomically(FileSystem::Real(), path, bytes);
}

}  // namespace visavis
