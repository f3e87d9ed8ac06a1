#include "image/text.h"

#include <ft2build.h>
#include FT_FREETYPE_H

#include <algorithm>
#include <cmath>
#include <utility>

namespace visavis {
namespace {

constexpr const char* kPaths[] = {
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",    // Debian, Ubuntu
    "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",  // Fedora
    "/usr/share/fonts/TTF/DejaVuSans.ttf",                // Arch
    "/usr/share/fonts/dejavu/DejaVuSans.ttf",             // Alpine
};

constexpr char32_t kReplacement = 0xFFFD;

// Takes the next character off the front of UTF-8 text; broken bytes give the replacement mark.
char32_t TakeCharacter(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  const bool broken = (lead >= 0x80 && lead < 0xC2) || lead > 0xF4 || length > text.size();
  if (broken) {
    text.remove_prefix(1);
    return kReplacement;
  }
  char32_t character = length == 1 ? lead : lead & (0xFF >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0) != 0x80) {
      text.remove_prefix(i);
      return kReplacement;
    }
    character = character << 6 | (byte & 0x3F);
  }
  text.remove_prefix(length);
  return character;
}

void BlendGlyph(const FT_Bitmap& glyph, int left, int top, Colour colour, Image* image) {
  const int x_begin = std::max(0, -left);
  const int x_end = std::min(static_cast<int>(glyph.width), image->width() - left);
  const int y_begin = std::max(0, -top);
  const int y_end = std::min(static_cast<int>(glyph.rows), image->height() - top);
  for (int y = y_begin; y < y_end; ++y) {
    const unsigned char* coverage = glyph.buffer + y * glyph.pitch;
    std::uint8_t* row = image->row(top + y) + left * Image::kChannels;
    for (int x = x_begin; x < x_end; ++x) {
      BlendPixel(row + x * Image::kChannels, colour, static_cast<float>(coverage[x]) / 255.0f);
    }
  }
}

}  // namespace

void BlendPixel(std::uint8_t* pixel, Colour colour, float coverage) {
  const std::uint8_t to[Image::kChannels] = {colour.r, colour.g, colour.b};
  for (int c = 0; c < Image::kChannels; ++c) {
    const float mixed = pixel[c] + coverage * static_cast<float>(to[c] - pixel[c]);
    pixel[c] = static_cast<std::uint8_t>(std::lrintf(mixed));
  }
}

struct Font::State {
  FT_Library library = nullptr;
  FT_Face face = nullptr;

  ~State() {
    if (face != nullptr) FT_Done_Face(face);
    if (library != nullptr) FT_Done_FreeType(library);
  }

  bool Open() {
    if (FT_Init_FreeType(&library) != 0) return false;
    return std::any_of(std::begin(kPaths), std::end(kPaths), [this](const char* path) {
      return FT_New_Face(library, path, 0, &face) == 0;
    });
  }

  // Calls place(glyph slot, pen x) for every character and returns the width of the line.
  template <typename Place>
  int Walk(std::string_view text, int size_px, FT_Int32 flags, Place&& place) const {
    FT_Set_Pixel_Sizes(face, 0, static_cast<FT_UInt>(size_px));
    FT_Pos pen = 0;  // in 1/64 px
    FT_UInt previous = 0;
    while (!text.empty()) {
      const FT_UInt glyph = FT_Get_Char_Index(face, TakeCharacter(text));
      FT_Vector kerning{};
      FT_Get_Kerning(face, previous, glyph, FT_KERNING_DEFAULT, &kerning);
      pen += kerning.x;
      if (FT_Load_Glyph(face, glyph, flags) == 0) {
        place(*face->glyph, static_cast<int>(pen >> 6));
        pen += face->glyph->advance.x;
      }
      previous = glyph;
    }
    return static_cast<int>(pen >> 6);
  }
};

Font::Font() : state_(std::make_unique<State>()) {
  if (!state_->Open()) state_.reset();
}
Font::Font(Font&&) noexcept = default;
Font& Font::operator=(Font&&) noexcept = default;
Font::~Font() = default;

int Font::Width(std::string_view text, int size_px) const {
  if (!available()) return 0;
  return state_->Walk(text, size_px, FT_LOAD_TARGET_LIGHT, [](const FT_GlyphSlotRec&, int) {});
}

void Font::Draw(std::string_view text, int size_px, int x, int baseline, Colour colour,
                Image* image) const {
  if (!available()) return;
  state_->Walk(text, size_px, FT_LOAD_RENDER | FT_LOAD_TARGET_LIGHT,
               [&](const FT_GlyphSlotRec& glyph, int pen) {
                 BlendGlyph(glyph.bitmap, x + pen + glyph.bitmap_left, baseline - glyph.bitmap_top,
                            colour, image);
               });
}

}  // namespace visavis
