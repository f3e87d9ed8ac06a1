#include "evaluate/lfw_pairs.h"

#include <charconv>

#include "base/error.h"
#include "base/try.h"

namespace visavis {
namespace {

constexpr std::int64_t kMostPairs = 1'000'000;

/// Lines and their fields.
class Lines {
 public:
  Lines(std::string_view text, std::string_view file) : rest_(text), file_(file) {}

  /// The fields of the next line; none at the end.
  std::vector<std::string_view> Next() {
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    ++number_;
    std::vector<std::string_view> fields;
    while (true) {
      const std::size_t begin = line.find_first_not_of(" \t\r");
      if (begin == std::string_view::npos) return fields;
      const std::size_t stop = std::min(line.find_first_of(" \t\r", begin), line.size());
      fields.push_back(line.substr(begin, stop - begin));
      line.remove_prefix(stop);
    }
  }
  Error Bad(std::string_view wanted) const {
    return MakeError(ErrorCode::kCorruptData, "{}: line {}: want {}", file_, number_, wanted);
  }

 private:
  std::string_view rest_;
  std::string_view file_;
  int number_ = 0;
};

bool ReadNumber(std::string_view field, int& number) {
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), number);
  return error == std::errc() && end == field.data() + field.size() && number >= 1;
}

Result<FacePair> ReadPair(Lines& lines, bool same) {
  const std::vector<std::string_view> fields = lines.Next();
  FacePair pair;
  pair.same = same;
  if (same) {
    if (fields.size() != 3 || !ReadNumber(fields[1], pair.number_a) ||
        !ReadNumber(fields[2], pair.number_b)) {
      return lines.Bad("NAME I J");
    }
    pair.name_a = pair.name_b = fields[0];
    return pair;
  }
  if (fields.size() != 4 || !ReadNumber(fields[1], pair.number_a) ||
      !ReadNumber(fields[3], pair.number_b)) {
    return lines.Bad("NAME1 I NAME2 J");
  }
  pair.name_a = fields[0];
  pair.name_b = fields[2];
  return pair;
}

}  // namespace

Result<LfwPairs> ParseLfwPairs(std::string_view text, std::string_view file) {
  Lines lines(text, file);
  const std::vector<std::string_view> header = lines.Next();
  LfwPairs result;
  int per_kind = 0;
  if (header.size() != 2 || !ReadNumber(header[0], result.folds) ||
      !ReadNumber(header[1], per_kind)) {
    return lines.Bad("FOLDS PAIRS_OF_EACH_KIND");
  }
  if (std::int64_t{result.folds} * per_kind > kMostPairs / 2) {
    return MakeError(ErrorCode::kLimitExceeded,
                     "{}: {} folds of 2 x {} pairs, want at most {} pairs", file, result.folds,
                     per_kind, kMostPairs);
  }
  for (int fold = 0; fold < result.folds; ++fold) {
    for (int i = 0; i < 2 * per_kind; ++i) {
      VISAVIS_ASSIGN_OR_RETURN(FacePair pair, ReadPair(lines, i < per_kind));
      result.pairs.push_back(std::move(pair));
    }
  }
  return result;
}

std::string LfwPath(const std::string& name, int number) {
  return fmt::format("{}/{}_{:04d}.jpg", name, name, number);
}

}  // namespace visavis
