// A plot: two axes with ticks, curves, bars, a shaded part and a legend.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/canvas.h"

namespace visavis {

struct Axis {
  std::string label;
  double low = 0;
  double high = 1;
  bool logarithmic = false;  ///< low > 0
  bool percent = false;      ///< linear ticks as percent

  /// 0 at low, 1 at high.
  double Place(double value) const;
};

struct Series {
  enum class Style { kSteps, kLine, kDots };
  std::string label;  ///< empty: not in the legend
  std::vector<double> x;
  std::vector<double> y;
  Colour colour;
  std::vector<double> dashes{};
  Style style = Style::kLine;
  double width = 2;
};

/// Bars from the bottom of the plot: bar i spans [edges[i], edges[i + 1]].
struct Bars {
  std::string label;
  std::vector<double> edges;
  std::vector<double> heights;
  Colour colour;
};

enum class LegendPlace { kBottomRight, kTopRight, kTopLeft, kBottomLeft };

struct Plot {
  std::string title;
  std::string subtitle;
  Axis x;
  Axis y;
  std::vector<Bars> bars;
  std::vector<Series> series;
  /// x below this is shaded: the data cannot support it.
  std::optional<double> unsupported_below;
  /// A line from the bottom to the top, and its name.
  std::optional<double> mark;
  std::string mark_label;
  LegendPlace legend = LegendPlace::kBottomRight;
};

/// 720 x 540 pixels, black on white.
Sheet PlotSheet(Plot plot);

/// Colours that people with any colour vision can tell apart (Okabe and Ito 2008, darkened for
/// white), repeated after six.
Colour SeriesColour(std::size_t index);
std::vector<double> SeriesDashes(std::size_t index);

}  // namespace visavis
