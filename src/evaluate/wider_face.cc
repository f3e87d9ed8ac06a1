#include "evaluate/wider_face.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "base/try.h"

namespace visavis {
namespace {

/// Far more than a photo of any data set has; bounds memory before lines are seen.
constexpr std::int64_t kMostFaces = 1'000'000;
constexpr std::size_t kValidColumn =
    7;  // "invalid", behind the box, blur, expression, illumination

/// The words of a text line by line, with the number of the line for messages.
class Lines {
 public:
  Lines(std::string_view text, std::string name) : text_(text), name_(std::move(name)) {}

  bool AtEnd() const { return at_ >= text_.size(); }
  /// The next line without its end and without blanks around it.
  std::string_view Next() {
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    std::string_view line = text_.substr(at_, end - at_);
    at_ = end + 1;
    ++number_;
    const std::size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return {};
    return line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
  }
  /// The next line without moving on.
  std::string_view Peek() const { return Lines(*this).Next(); }
  Error Wrong(std::string_view found, std::string_view want) const {
    constexpr std::size_t kShown = 60;
    return MakeError(ErrorCode::kCorruptData, "{}: line {}: \"{}\", want {}", name_, number_,
                     OneLine(found.substr(0, kShown)), want);
  }

 private:
  std::string_view text_;
  std::string name_;
  std::size_t at_ = 0;
  int number_ = 0;
};

std::vector<std::string_view> Words(std::string_view line) {
  std::vector<std::string_view> words;
  std::size_t at = 0;
  while ((at = line.find_first_not_of(" \t", at)) != std::string_view::npos) {
    const std::size_t end = std::min(line.find_first_of(" \t", at), line.size());
    words.push_back(line.substr(at, end - at));
    at = end;
  }
  return words;
}

std::optional<double> Number(std::string_view word) {
  const std::string text(word);
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  constexpr double kLargest = 1e6;
  if (text.empty() || *end != 0 || !(std::abs(value) <= kLargest)) return std::nullopt;
  return value;
}

/// All words of a line as numbers, or nothing.
std::optional<std::vector<double>> Numbers(std::string_view line) {
  std::vector<double> numbers;
  for (const std::string_view word : Words(line)) {
    const std::optional<double> number = Number(word);
    if (!number) return std::nullopt;
    numbers.push_back(*number);
  }
  return numbers;
}

std::optional<std::int64_t> Count(std::string_view line) {
  const std::optional<double> number = Number(line);
  if (!number || *number < 0 || *number > kMostFaces || *number != std::floor(*number)) return {};
  return static_cast<std::int64_t>(*number);
}

/// Whether a path stays in its folder: results may be written under the same name elsewhere.
bool StaysInside(std::string_view path) {
  if (path.starts_with('/')) return false;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    if (path.substr(at, end - at) == "..") return false;
    at = end + 1;
  }
  return true;
}

Box BoxFrom(const std::vector<double>& row) {
  return {static_cast<float>(row[0]), static_cast<float>(row[1]),
          static_cast<float>(row[0] + row[2]), static_cast<float>(row[1] + row[3])};
}

}  // namespace

Result<std::vector<WiderPhoto>> ParseWiderAnnotations(std::string_view text,
                                                      const std::string& name) {
  std::vector<WiderPhoto> photos;
  Lines lines(text, name);
  while (!lines.AtEnd()) {
    const std::string_view path = lines.Next();
    if (path.empty()) continue;
    if (lines.AtEnd()) return lines.Wrong(path, "a path with a number of faces behind it");
    if (!StaysInside(path)) return lines.Wrong(path, "a path inside the folder of photos");
    const std::string_view number = lines.Next();
    const std::optional<std::int64_t> count = Count(number);
    if (!count) return lines.Wrong(number, "a number of faces");
    WiderPhoto photo{std::string(path), {}, {}};
    for (std::int64_t i = 0; i < *count; ++i) {
      const std::string_view line = lines.AtEnd() ? std::string_view() : lines.Next();
      const std::optional<std::vector<double>> row = Numbers(line);
      if (!row || row->size() < 4) return lines.Wrong(line, "x y width height ...");
      photo.faces.push_back(BoxFrom(*row));
      photo.valid.push_back(row->size() <= kValidColumn || (*row)[kValidColumn] == 0);
    }
    if (*count == 0 && !lines.AtEnd()) {
      const std::optional<std::vector<double>> zeros = Numbers(lines.Peek());
      if (zeros && zeros->size() >= 4) lines.Next();
    }
    photos.push_back(std::move(photo));
  }
  return photos;
}

Result<CountedFaces> ParseCountedFaces(std::string_view text, const std::string& name) {
  CountedFaces counted;
  Lines lines(text, name);
  while (!lines.AtEnd()) {
    const std::string_view line = lines.Next();
    if (line.empty()) continue;
    const std::vector<std::string_view> words = Words(line);
    std::vector<int>& places = counted[std::string(words[0])];
    for (std::size_t i = 1; i < words.size(); ++i) {
      const std::optional<std::int64_t> place = Count(words[i]);
      if (!place || *place < 1) return lines.Wrong(line, "a path and places from 1 on");
      places.push_back(static_cast<int>(*place));
    }
  }
  return counted;
}

Result<std::vector<Face>> ParseWiderDetections(std::string_view text, const std::string& name) {
  Lines lines(text, name);
  lines.Next();  // the photo's name
  const std::string_view number = lines.AtEnd() ? std::string_view() : lines.Next();
  const std::optional<std::int64_t> count = Count(number);
  if (!count) return lines.Wrong(number, "a number of detections on the second line");
  std::vector<Face> faces;
  for (std::int64_t i = 0; i < *count; ++i) {
    const std::string_view line = lines.AtEnd() ? std::string_view() : lines.Next();
    const std::optional<std::vector<double>> row = Numbers(line);
    if (!row || row->size() != 5) return lines.Wrong(line, "x y width height score");
    faces.push_back({BoxFrom(*row), static_cast<float>((*row)[4]), {}});
  }
  return faces;
}

std::string FormatWiderDetections(std::string_view photo, const std::vector<Face>& faces) {
  std::string text = fmt::format("{}\n{}\n", OneLine(photo), faces.size());
  for (const Face& face : faces) {
    text += fmt::format("{} {} {} {} {}\n", face.box.x1, face.box.y1, face.box.width(),
                        face.box.height(), face.score);
  }
  return text;
}

}  // namespace visavis
