#include "evaluate/pairs.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "base/error.h"
#include "base/try.h"
#include "evaluate/text_lines.h"

namespace visavis {
namespace {

constexpr int kLastFold = 999'999;

// Gives every distinct path an index.
class ImageIndex {
 public:
  explicit ImageIndex(std::vector<std::string>& images) : images_(images) {}
  std::size_t Of(std::string path) {
    const auto [entry, is_new] = index_.try_emplace(path, images_.size());
    if (is_new) images_.push_back(std::move(path));
    return entry->second;
  }

 private:
  std::vector<std::string>& images_;
  std::unordered_map<std::string, std::size_t> index_;
};

Error AtLine(const std::string& name, int line, std::string_view what) {
  return MakeError(ErrorCode::kCorruptData, "{}: line {}: {}", name, line, what);
}

std::string LfwPath(std::string_view person, int number, std::string_view extension) {
  return fmt::format("{0}/{0}_{1:04}{2}", person, number, extension);
}

// The fields of one CSV line; nothing if a quote is left open.
std::optional<std::vector<std::string>> SplitCsv(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted) {
      if (c != '"') {
        fields.back() += c;
      } else if (i + 1 < line.size() && line[i + 1] == '"') {
        fields.back() += line[++i];
      } else {
        quoted = false;
      }
    } else if (c == '"' && fields.back().empty()) {
      quoted = true;
    } else if (c == ',') {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  if (quoted) return std::nullopt;
  return fields;
}

std::optional<bool> Label(std::string_view word) {
  if (word == "1" || word == "true" || word == "True" || word == "same") return true;
  if (word == "0" || word == "false" || word == "False" || word == "different") return false;
  return std::nullopt;
}

// `number path` lines; the number is the 1-based line and is checked.
Result<std::vector<std::string>> ParseCfpList(std::string_view text, const std::string& name) {
  std::vector<std::string> paths;
  LineReader lines(text);
  while (const auto line = lines.Next()) {
    const auto words = SplitWords(*line);
    if (words.empty()) continue;
    if (words.size() != 2 || NumberOf<int>(words[0]) != static_cast<int>(paths.size()) + 1) {
      return AtLine(name, lines.number(), "want `number path`, numbered from 1");
    }
    paths.emplace_back(words[1]);
  }
  return paths;
}

// Lists count folds from 0 or from 1.
void CountFoldsFromZero(std::vector<LabelledPair>& pairs) {
  int lowest = kLastFold;
  for (const LabelledPair& pair : pairs) {
    if (pair.fold >= 0) lowest = std::min(lowest, pair.fold);
  }
  if (lowest != 1) return;
  for (LabelledPair& pair : pairs) {
    if (pair.fold >= 0) --pair.fold;
  }
}

}  // namespace

Result<PairList> ParseLfwPairs(std::string_view text, const std::string& name,
                               std::string_view extension) {
  LineReader lines(text);
  const auto header = SplitWords(lines.Next().value_or(""));
  const auto first = header.empty() ? std::nullopt : NumberOf<int>(header.front());
  const auto per_fold = header.empty() ? std::nullopt : NumberOf<int>(header.back());
  if (header.empty() || header.size() > 2 || !first || !per_fold || *first < 1 || *per_fold < 1) {
    return AtLine(name, 1, "want `folds pairs-per-fold` or `pairs`");
  }
  const int folds = header.size() == 2 ? *first : 1;

  PairList list;
  ImageIndex index(list.images);
  for (int fold = 0; fold < folds; ++fold) {
    for (int i = 0; i < 2 * *per_fold; ++i) {
      const bool same = i < *per_fold;
      const auto line = lines.Next();
      if (!line)
        return AtLine(name, lines.number(),
                      fmt::format("file ends in fold {} of {}", fold + 1, folds));
      const auto words = SplitWords(*line);
      const std::size_t wanted = same ? 3 : 4;
      const auto a = words.size() == wanted ? NumberOf<int>(words[1]) : std::nullopt;
      const auto b = words.size() == wanted ? NumberOf<int>(words[wanted - 1]) : std::nullopt;
      if (!a || !b || *a < 0 || *b < 0) {
        return AtLine(name, lines.number(), same ? "want `name i j`" : "want `name1 i name2 j`");
      }
      LabelledPair pair;
      pair.a = index.Of(LfwPath(words[0], *a, extension));
      pair.b = index.Of(LfwPath(words[same ? 0 : 2], *b, extension));
      pair.same = same;
      pair.fold = fold;
      list.pairs.push_back(pair);
    }
  }
  return list;
}

bool LooksLikeLfwPairs(std::string_view text) {
  const auto words = SplitWords(LineReader(text).Next().value_or(""));
  return (words.size() == 1 || words.size() == 2) && NumberOf<int>(words.front()) &&
         NumberOf<int>(words.back());
}

Result<PairList> ParseAgeDbPairs(std::string_view text, const std::string& name) {
  PairList list;
  ImageIndex images(list.images);
  LineReader lines(text);
  while (const auto line = lines.Next()) {
    const auto words = SplitWords(*line);
    if (words.empty()) continue;
    const auto label = words.size() == 3 ? NumberOf<int>(words[2]) : std::nullopt;
    if (!label || *label < -1 || *label > 1) {
      return AtLine(name, lines.number(), "want `path path label`, label 1, 0 or -1");
    }
    LabelledPair pair;
    pair.a = images.Of(std::string(words[0]));
    pair.b = images.Of(std::string(words[1]));
    pair.same = *label == 1;
    list.pairs.push_back(pair);
  }
  constexpr std::size_t kFolds = 10;
  if (list.pairs.empty()) return MakeError(ErrorCode::kCorruptData, "{}: no pairs", name);
  if (list.pairs.size() % kFolds == 0) {
    const std::size_t per_fold = list.pairs.size() / kFolds;
    for (std::size_t i = 0; i < list.pairs.size(); ++i) {
      list.pairs[i].fold = static_cast<int>(i / per_fold);
    }
  }
  return list;
}

Result<PairList> ParseCsvPairs(std::string_view text, const std::string& name) {
  PairList list;
  ImageIndex images(list.images);
  ImageIndex cohorts(list.cohorts);
  LineReader lines(text);
  // Columns 3 and 4 without a header: fold, then cohort.
  std::vector<std::string> columns = {"fold", "cohort"};
  while (const auto line = lines.Next()) {
    if (line->empty() || line->front() == '#') continue;
    const auto fields = SplitCsv(*line);
    if (!fields) return AtLine(name, lines.number(), "a quote is not closed");
    if (list.pairs.empty() && fields->front().starts_with("path")) {
      columns.assign(fields->begin() + std::min<std::ptrdiff_t>(3, std::ssize(*fields)),
                     fields->end());
      for (const std::string& column : columns) {
        if ((column != "fold" && column != "cohort") ||
            std::count(columns.begin(), columns.end(), column) > 1) {
          return AtLine(name, lines.number(),
                        fmt::format("column `{}`, want fold or cohort once each", column));
        }
      }
      continue;
    }
    if (fields->size() < 3 || fields->size() > 3 + columns.size()) {
      return AtLine(name, lines.number(), "want path_a,path_b,label[,fold][,cohort]");
    }
    const auto label = Label((*fields)[2]);
    if (!label) return AtLine(name, lines.number(), "label is neither 0, 1, same nor different");
    LabelledPair pair;
    pair.a = images.Of((*fields)[0]);
    pair.b = images.Of((*fields)[1]);
    pair.same = *label;
    for (std::size_t c = 3; c < fields->size(); ++c) {
      const std::string& field = (*fields)[c];
      if (field.empty()) continue;
      if (columns[c - 3] == "cohort") {
        pair.cohort = static_cast<int>(cohorts.Of(field));
        continue;
      }
      const auto fold = NumberOf<int>(field);
      if (!fold || *fold < 0 || *fold > kLastFold) {
        return AtLine(name, lines.number(),
                      fmt::format("fold is no number from 0 to {}", kLastFold));
      }
      pair.fold = *fold;
    }
    list.pairs.push_back(pair);
  }
  if (list.pairs.empty()) return MakeError(ErrorCode::kCorruptData, "{}: no pairs", name);
  CountFoldsFromZero(list.pairs);
  return list;
}

Result<PairList> ParseCfpPairs(std::string_view frontal_list, std::string_view profile_list,
                               const std::vector<CfpFold>& folds, bool frontal_profile,
                               const std::string& name) {
  VISAVIS_ASSIGN_OR_RETURN(const auto frontal,
                           ParseCfpList(frontal_list, name + "/Pair_list_F.txt"));
  VISAVIS_ASSIGN_OR_RETURN(const auto profile,
                           ParseCfpList(profile_list, name + "/Pair_list_P.txt"));
  const std::vector<std::string>& second = frontal_profile ? profile : frontal;

  PairList list;
  ImageIndex index(list.images);
  for (std::size_t fold = 0; fold < folds.size(); ++fold) {
    for (const bool same : {true, false}) {
      const std::string where =
          fmt::format("{}/Split/{}/{:02}/{}.txt", name, frontal_profile ? "FP" : "FF", fold + 1,
                      same ? "same" : "diff");
      LineReader lines(same ? folds[fold].same : folds[fold].different);
      while (const auto line = lines.Next()) {
        if (line->empty()) continue;
        const std::size_t comma = std::min(line->find(','), line->size());
        const auto a = NumberOf<int>(line->substr(0, comma));
        const auto b = NumberOf<int>(line->substr(std::min(comma + 1, line->size())));
        if (!a || !b || *a < 1 || *b < 1 || *a > std::ssize(frontal) || *b > std::ssize(second)) {
          return AtLine(where, lines.number(), "want `i,j`, lines of the image lists");
        }
        LabelledPair pair;
        pair.a = index.Of(frontal[static_cast<std::size_t>(*a) - 1]);
        pair.b = index.Of(second[static_cast<std::size_t>(*b) - 1]);
        pair.same = same;
        pair.fold = static_cast<int>(fold);
        list.pairs.push_back(pair);
      }
    }
  }
  return list;
}

}  // namespace visavis
