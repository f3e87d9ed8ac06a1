#include "report/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace visavis {
namespace {

constexpr int kWidth = 720;
constexpr int kHeight = 540;
constexpr Box kFrame{84, 62, kWidth - 24, kHeight - 60};
constexpr Colour kInk{27, 30, 35};
constexpr Colour kMuted{91, 98, 107};
constexpr Colour kGrid{228, 225, 218};
constexpr Colour kShade{244, 241, 236};

std::string PowerOfTen(int exponent) {
  if (exponent == 0) return "1";
  static constexpr std::array<const char*, 10> kDigits = {"⁰", "¹", "²", "³", "⁴",
                                                          "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text = "10";
  for (const char c : std::to_string(exponent)) {
    text += c == '-' ? "⁻" : kDigits[static_cast<std::size_t>(c - '0')];
  }
  return text;
}

struct Tick {
  double value = 0;
  std::string label;
};

std::vector<Tick> LogarithmicTicks(const Axis& axis) {
  std::vector<Tick> ticks;
  const int first = static_cast<int>(std::ceil(std::log10(axis.low) - 1e-9));
  const int last = static_cast<int>(std::floor(std::log10(axis.high) + 1e-9));
  for (int e = first; e <= last; ++e) ticks.push_back({std::pow(10.0, e), PowerOfTen(e)});
  return ticks;
}

// Steps of 1, 2 or 5 times a power of ten, four to nine of them.
std::vector<Tick> LinearTicks(const Axis& axis) {
  const double rough = (axis.high - axis.low) / 6;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  const double factor = rough / power;
  const double step = power * (factor < 1.5 ? 1 : factor < 3.5 ? 2 : factor < 7.5 ? 5 : 10);
  const double shown = axis.percent ? step * 100 : step;
  const int digits = std::max(0, static_cast<int>(std::ceil(-std::log10(shown) - 1e-9)));
  std::vector<Tick> ticks;
  for (double k = std::ceil(axis.low / step - 1e-6); k * step <= axis.high * (1 + 1e-9) + 1e-12;
       ++k) {
    const double value = k * step;
    const double magnitude = std::abs(axis.percent ? value * 100 : value);
    ticks.push_back({value, fmt::format("{}{:.{}f}{}", value < -step / 2 ? "−" : "", magnitude,
                                        digits, axis.percent ? " %" : "")});
  }
  return ticks;
}

std::vector<Tick> Ticks(const Axis& axis) {
  return axis.logarithmic ? LogarithmicTicks(axis) : LinearTicks(axis);
}

class Painter {
 public:
  Painter(const Plot& plot, Canvas& canvas) : plot_(plot), canvas_(canvas) {}

  void Paint() {
    Titles();
    Background();
    canvas_.Clip(Box{kFrame.x1, kFrame.y1 - 2, kFrame.x2 + 2, kFrame.y2 + 1});
    for (const Bars& bars : plot_.bars) Draw(bars);
    for (const Series& series : plot_.series) Draw(series);
    Mark();
    canvas_.Unclip();
    Axes();
    Legend();
  }

 private:
  float X(double value) const {
    return static_cast<float>(kFrame.x1 + plot_.x.Place(value) * (kFrame.x2 - kFrame.x1));
  }
  float Y(double value) const {
    return static_cast<float>(kFrame.y2 - plot_.y.Place(value) * (kFrame.y2 - kFrame.y1));
  }

  void Titles() {
    canvas_.Text(plot_.title, 17, {kFrame.x1, 28}, kInk, Anchor::kStart, /*bold=*/true);
    canvas_.Text(plot_.subtitle, 12, {kFrame.x1, 47}, kMuted);
  }

  void Background() {
    if (plot_.unsupported_below && *plot_.unsupported_below > plot_.x.low) {
      const float end = X(std::min(*plot_.unsupported_below, plot_.x.high));
      canvas_.Fill({kFrame.x1, kFrame.y1, end, kFrame.y2}, kShade);
      if (end - kFrame.x1 > 90) {
        canvas_.Text("too few pairs", 11, {kFrame.x1 + 8, kFrame.y2 - 22}, kMuted);
        canvas_.Text("to tell from 0", 11, {kFrame.x1 + 8, kFrame.y2 - 8}, kMuted);
      }
    }
    for (const Tick& tick : Ticks(plot_.x)) {
      canvas_.Line({{X(tick.value), kFrame.y1}, {X(tick.value), kFrame.y2}}, {kGrid, 1});
    }
    for (const Tick& tick : Ticks(plot_.y)) {
      canvas_.Line({{kFrame.x1, Y(tick.value)}, {kFrame.x2, Y(tick.value)}}, {kGrid, 1});
    }
  }

  void Axes() {
    canvas_.Line({{kFrame.x1, kFrame.y1}, {kFrame.x1, kFrame.y2}, {kFrame.x2, kFrame.y2}},
                 {kInk, 1});
    for (const Tick& tick : Ticks(plot_.x)) {
      const float x = X(tick.value);
      canvas_.Line({{x, kFrame.y2}, {x, kFrame.y2 + 5}}, {kInk, 1});
      canvas_.Text(tick.label, 12, {x, kFrame.y2 + 20}, kInk, Anchor::kMiddle);
    }
    for (const Tick& tick : Ticks(plot_.y)) {
      const float y = Y(tick.value);
      canvas_.Line({{kFrame.x1 - 5, y}, {kFrame.x1, y}}, {kInk, 1});
      canvas_.Text(tick.label, 12, {kFrame.x1 - 9, y + 4}, kInk, Anchor::kEnd);
    }
    canvas_.Text(plot_.x.label, 13, {(kFrame.x1 + kFrame.x2) / 2, kHeight - 16}, kInk,
                 Anchor::kMiddle);
    canvas_.Text(plot_.y.label, 13, {20, (kFrame.y1 + kFrame.y2) / 2}, kInk, Anchor::kMiddle,
                 /*bold=*/false, /*upwards=*/true);
  }

  void Draw(const Bars& bars) {
    for (std::size_t i = 0; i < bars.heights.size(); ++i) {
      if (bars.heights[i] <= 0) continue;
      canvas_.Fill({X(bars.edges[i]), Y(bars.heights[i]), X(bars.edges[i + 1]), kFrame.y2},
                   bars.colour, 0.55);
    }
  }

  void Draw(const Series& series) {
    std::vector<Point> points;
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      const Point point{X(series.x[i]), Y(series.y[i])};
      if (series.style == Series::Style::kDots) {
        canvas_.Disc(point, 4.5, series.colour);
      } else {
        // The rate of the stricter threshold holds until the next one.
        if (series.style == Series::Style::kSteps && !points.empty()) {
          points.push_back({point.x, points.back().y});
        }
        points.push_back(point);
      }
    }
    canvas_.Line(points, {series.colour, series.width, series.dashes});
  }

  void Mark() {
    if (!plot_.mark || *plot_.mark < plot_.x.low || *plot_.mark > plot_.x.high) return;
    const float x = X(*plot_.mark);
    canvas_.Line({{x, kFrame.y1}, {x, kFrame.y2}}, {kInk, 1.5, {5, 3}});
    const bool left = plot_.x.Place(*plot_.mark) > 0.7;
    canvas_.Text(plot_.mark_label, 12, {left ? x - 7 : x + 7, kFrame.y1 + 14}, kInk,
                 left ? Anchor::kEnd : Anchor::kStart);
  }

  void Legend() {
    struct Entry {
      const std::string* label;
      Pen pen;
      bool box;
    };
    std::vector<Entry> entries;
    for (const Bars& bars : plot_.bars) entries.push_back({&bars.label, {bars.colour}, true});
    for (const Series& series : plot_.series) {
      if (!series.label.empty()) {
        entries.push_back({&series.label, {series.colour, series.width, series.dashes}, false});
      }
    }
    if (entries.empty()) return;
    float width = 0;
    for (const Entry& entry : entries) {
      width = std::max(width, static_cast<float>(canvas_.TextWidth(*entry.label, 12)));
    }
    width = std::min(width + 52, kFrame.x2 - kFrame.x1 - 24);
    const float height = 20 * static_cast<float>(entries.size()) + 8;
    const bool right =
        plot_.legend == LegendPlace::kBottomRight || plot_.legend == LegendPlace::kTopRight;
    const bool top =
        plot_.legend == LegendPlace::kTopRight || plot_.legend == LegendPlace::kTopLeft;
    const float x = right ? kFrame.x2 - 10 - width : kFrame.x1 + 12;
    float y = top ? kFrame.y1 + 10 : kFrame.y2 - 12 - height;
    const Box box{x, y, x + width, y + height};
    canvas_.Fill(box, {255, 255, 255}, 0.88);
    canvas_.Clip(box);
    for (const Entry& entry : entries) {
      y += 20;
      if (entry.box) {
        canvas_.Fill({x + 14, y - 10, x + 26, y + 2}, entry.pen.colour, 0.55);
      } else {
        canvas_.Line({{x + 8, y - 4}, {x + 34, y - 4}}, entry.pen);
      }
      canvas_.Text(*entry.label, 12, {x + 42, y}, kInk);
    }
    canvas_.Unclip();
  }

  const Plot& plot_;
  Canvas& canvas_;
};

}  // namespace

double Axis::Place(double value) const {
  if (!logarithmic) return (value - low) / (high - low);
  return (std::log10(std::max(value, low * 1e-3)) - std::log10(low)) /
         (std::log10(high) - std::log10(low));
}

Sheet PlotSheet(Plot plot) {
  return {kWidth, kHeight,
          [plot = std::move(plot)](Canvas& canvas) { Painter(plot, canvas).Paint(); }};
}

Colour SeriesColour(std::size_t index) {
  static constexpr std::array<Colour, 6> kColours = {{{21, 115, 182},
                                                      {194, 65, 12},
                                                      {28, 124, 84},
                                                      {138, 63, 252},
                                                      {151, 112, 10},
                                                      {176, 39, 109}}};
  return kColours[index % kColours.size()];
}

std::vector<double> SeriesDashes(std::size_t index) {
  static const std::array<std::vector<double>, 4> kDashes = {
      std::vector<double>{}, {7, 3}, {2, 3}, {9, 3, 2, 3}};
  return kDashes[index % kDashes.size()];
}

}  // namespace visavis
