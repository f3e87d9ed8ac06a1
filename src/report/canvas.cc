#include "report/canvas.h"

#include <cairo-svg.h>
#include <cairo.h>

#include <cmath>
#include <numbers>

#include "base/error.h"
#include "base/text.h"

namespace visavis {
namespace {

constexpr char kFont[] = "DejaVu Sans";

struct DestroySurface {
  void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
};
using Surface = std::unique_ptr<cairo_surface_t, DestroySurface>;

struct DestroyContext {
  void operator()(cairo_t* context) const { cairo_destroy(context); }
};

class CairoCanvas : public Canvas {
 public:
  explicit CairoCanvas(cairo_surface_t* surface) : context_(cairo_create(surface)) {}

  cairo_status_t status() const { return cairo_status(context_.get()); }
  cairo_t* context() const { return context_.get(); }

  void Line(const std::vector<Point>& points, const Pen& pen) override {
    if (points.empty()) return;
    SetColour(pen.colour, 1);
    cairo_set_line_width(context(), pen.width);
    cairo_set_line_join(context(), CAIRO_LINE_JOIN_ROUND);
    cairo_set_dash(context(), pen.dashes.data(), static_cast<int>(pen.dashes.size()), 0);
    cairo_move_to(context(), points.front().x, points.front().y);
    for (const Point& point : points) cairo_line_to(context(), point.x, point.y);
    cairo_stroke(context());
  }

  void Fill(const Box& box, Colour colour, double opacity) override {
    SetColour(colour, opacity);
    cairo_rectangle(context(), box.x1, box.y1, box.x2 - box.x1, box.y2 - box.y1);
    cairo_fill(context());
  }

  void Disc(Point centre, double radius, Colour colour) override {
    SetColour(colour, 1);
    cairo_arc(context(), centre.x, centre.y, radius, 0, 2 * std::numbers::pi);
    cairo_fill(context());
  }

  void Text(std::string_view text, double size_px, Point baseline, Colour colour, Anchor anchor,
            bool bold, bool upwards) override {
    const double width = anchor == Anchor::kStart ? 0 : TextWidth(text, size_px, bold);
    SetFont(size_px, bold);
    SetColour(colour, 1);
    cairo_save(context());
    cairo_translate(context(), baseline.x, baseline.y);
    if (upwards) cairo_rotate(context(), -std::numbers::pi / 2);
    cairo_move_to(context(), anchor == Anchor::kEnd ? -width : -width / 2, 0);
    // Broken UTF-8 would put the whole drawing into an error state.
    cairo_show_text(context(), ValidUtf8(text).c_str());
    cairo_restore(context());
  }

  double TextWidth(std::string_view text, double size_px, bool bold) override {
    SetFont(size_px, bold);
    cairo_text_extents_t extents;
    cairo_text_extents(context(), ValidUtf8(text).c_str(), &extents);
    return extents.x_advance;
  }

  void Clip(const Box& box) override {
    cairo_save(context());
    cairo_rectangle(context(), box.x1, box.y1, box.x2 - box.x1, box.y2 - box.y1);
    cairo_clip(context());
  }
  void Unclip() override { cairo_restore(context()); }

 private:
  void SetColour(Colour colour, double opacity) {
    cairo_set_source_rgba(context(), colour.r / 255.0, colour.g / 255.0, colour.b / 255.0, opacity);
  }
  void SetFont(double size_px, bool bold) {
    cairo_select_font_face(context(), kFont, CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(context(), size_px);
  }

  std::unique_ptr<cairo_t, DestroyContext> context_;
};

cairo_status_t AppendBytes(void* closure, const unsigned char* bytes, unsigned int length) {
  auto* out = static_cast<std::vector<std::uint8_t>*>(closure);
  out->insert(out->end(), bytes, bytes + length);
  return CAIRO_STATUS_SUCCESS;
}

Status Draw(const Sheet& sheet, cairo_surface_t* surface, double scale) {
  CairoCanvas canvas(surface);
  cairo_scale(canvas.context(), scale, scale);
  canvas.Fill({0, 0, static_cast<float>(sheet.width), static_cast<float>(sheet.height)},
              {255, 255, 255}, 1);
  sheet.draw(canvas);
  if (canvas.status() != CAIRO_STATUS_SUCCESS) {
    return MakeError(ErrorCode::kInternal, "drawing a plot: {}",
                     cairo_status_to_string(canvas.status()));
  }
  return {};
}

}  // namespace

Result<std::vector<std::uint8_t>> SheetAsSvg(const Sheet& sheet) {
  std::vector<std::uint8_t> bytes;
  Surface surface(
      cairo_svg_surface_create_for_stream(AppendBytes, &bytes, sheet.width, sheet.height));
  cairo_svg_surface_set_document_unit(surface.get(), CAIRO_SVG_UNIT_PX);
  if (const Status drawn = Draw(sheet, surface.get(), 1); !drawn) return drawn.error();
  cairo_surface_finish(surface.get());
  if (cairo_surface_status(surface.get()) != CAIRO_STATUS_SUCCESS) {
    return MakeError(ErrorCode::kInternal, "writing SVG: {}",
                     cairo_status_to_string(cairo_surface_status(surface.get())));
  }
  return bytes;
}

Result<std::vector<std::uint8_t>> SheetAsPng(const Sheet& sheet, double scale) {
  const Surface surface(cairo_image_surface_create(
      CAIRO_FORMAT_RGB24, static_cast<int>(std::lround(sheet.width * scale)),
      static_cast<int>(std::lround(sheet.height * scale))));
  if (const Status drawn = Draw(sheet, surface.get(), scale); !drawn) return drawn.error();
  std::vector<std::uint8_t> bytes;
  const cairo_status_t status =
      cairo_surface_write_to_png_stream(surface.get(), AppendBytes, &bytes);
  if (status != CAIRO_STATUS_SUCCESS) {
    return MakeError(ErrorCode::kInternal, "writing PNG: {}", cairo_status_to_string(status));
  }
  return bytes;
}

}  // namespace visavis
