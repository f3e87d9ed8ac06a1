// Anti-aliased text on pictures.
#pragma once

#include <memory>
#include <string_view>

#include "visavis/image.h"

namespace visavis {

/// An opaque colour, 8 bits each.
struct Colour {
  std::uint8_t r = 0;
  std::uint8_t g = 0;
  std::uint8_t b = 0;
};

/// pixel = mix of pixel and colour; `coverage` 0 keeps the pixel, 1 replaces it.
void BlendPixel(std::uint8_t* pixel, Colour colour, float coverage);

/// DejaVu Sans, if this system has it. Without it every text is empty: pictures stay useful, only
/// unlabelled.
/// Threads: one thread at a time.
class Font {
 public:
  /// Looks in the places where distributions put the font.
  Font();
  Font(Font&&) noexcept;
  Font& operator=(Font&&) noexcept;
  ~Font();

  bool available() const { return state_ != nullptr; }

  /// The advance of a UTF-8 line at `size_px` per em, in pixels; 0 without a font.
  int Width(std::string_view text, int size_px) const;
  /// Draws the line with its baseline starting at (x, baseline). Clipped to the picture.
  void Draw(std::string_view text, int size_px, int x, int baseline, Colour colour,
            Image* image) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace visavis
