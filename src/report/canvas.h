// Lines, boxes and text on a white sheet, as SVG or PNG from the same drawing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "image/text.h"
#include "visavis/result.h"
#include "visavis/types.h"

namespace visavis {

enum class Anchor { kStart, kMiddle, kEnd };

struct Pen {
  Colour colour;
  double width = 1;
  std::vector<double> dashes{};  ///< lengths on and off; empty: solid
};

/// Positions in pixels of the sheet, (0,0) its top left corner.
class Canvas {
 public:
  virtual ~Canvas() = default;
  virtual void Line(const std::vector<Point>& points, const Pen& pen) = 0;
  virtual void Fill(const Box& box, Colour colour, double opacity = 1) = 0;
  virtual void Disc(Point centre, double radius, Colour colour) = 0;
  /// `baseline` is where the text starts, is centred or ends; turned by a quarter to read upwards
  /// if `upwards`.
  virtual void Text(std::string_view text, double size_px, Point baseline, Colour colour,
                    Anchor anchor = Anchor::kStart, bool bold = false, bool upwards = false) = 0;
  virtual double TextWidth(std::string_view text, double size_px, bool bold = false) = 0;
  /// Until Unclip nothing is drawn outside the box.
  virtual void Clip(const Box& box) = 0;
  virtual void Unclip() = 0;
};

/// A picture of a sheet of `width` x `height` pixels.
struct Sheet {
  int width = 0;
  int height = 0;
  std::function<void(Canvas&)> draw;
};

/// Errors: kInternal if the drawing library gives up (out of memory).
Result<std::vector<std::uint8_t>> SheetAsSvg(const Sheet& sheet);
/// `scale` pixels of the picture per pixel of the sheet.
Result<std::vector<std::uint8_t>> SheetAsPng(const Sheet& sheet, double scale = 2);

}  // namespace visavis
