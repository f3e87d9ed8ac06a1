// Anti-aliased shapes on pictures. Positions in pixels, (0,0) the centre of the top-left one;
// whatever falls outside the picture is not drawn.
#pragma once

#include "image/text.h"
#include "visavis/image.h"
#include "visavis/types.h"

namespace visavis {

/// The box with `margin` more on every side.
Box Grown(const Box& box, float margin);

/// A box with rounded corners, filled.
void FillBox(const Box& box, float radius, Colour colour, Image* image);
/// Its outline, half inside and half outside.
void StrokeBox(const Box& box, float radius, float thickness, Colour colour, Image* image);
void FillDisc(Point centre, float radius, Colour colour, Image* image);

/// Copies `from` with its top-left pixel at (x, y) of `to`, both not negative.
void Paste(ImageView from, int x, int y, Image* to);

}  // namespace visavis
