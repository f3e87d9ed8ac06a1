#include "evaluate/ijb.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/try.h"
#include "evaluate/identification.h"
#include "evaluate/row_products.h"
#include "evaluate/text_lines.h"

namespace visavis {
namespace {

constexpr std::size_t kMostLines = 100'000'000;

Error AtLine(const std::string& name, int line, std::string_view wanted) {
  return MakeError(ErrorCode::kCorruptData, "{}: line {}: want {}", name, line, wanted);
}

// Hands the words of every line that is not empty to `take`, which says whether they fit.
template <typename Take>
Status ForEachLine(std::string_view text, const std::string& name, std::string_view separators,
                   bool header, std::string_view wanted, const Take& take) {
  LineReader lines(text);
  while (const auto line = lines.Next()) {
    if (header && lines.number() == 1) continue;
    const auto words = SplitWords(*line, separators);
    if (words.empty()) continue;
    if (static_cast<std::size_t>(lines.number()) > kMostLines)
      return MakeError(ErrorCode::kLimitExceeded, "{}: more than {} lines", name, kMostLines);
    if (!take(words)) return AtLine(name, lines.number(), wanted);
  }
  return {};
}

// The templates of `subjects` that have a row, as labelled rows.
struct Chosen {
  std::vector<float> values;
  std::vector<std::int64_t> subjects;
  std::size_t dimension = 0;
  LabelledEmbeddings view() const { return {{values, dimension}, subjects}; }
};

void Choose(const IjbTemplates& templates, const IjbSubjects& wanted, Chosen& chosen) {
  chosen.dimension = templates.dimension;
  for (std::size_t i = 0; i < wanted.templates.size(); ++i) {
    const std::int64_t row = templates.RowOf(wanted.templates[i]);
    if (row < 0) continue;
    const float* first =
        templates.values.data() + static_cast<std::size_t>(row) * templates.dimension;
    chosen.values.insert(chosen.values.end(), first, first + templates.dimension);
    chosen.subjects.push_back(wanted.subjects[i]);
  }
}

Measured Share(std::int64_t part, std::int64_t whole) {
  return {whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole),
          WilsonInterval(part, whole), "wilson"};
}

std::int64_t DistinctSubjects(std::vector<std::int64_t> subjects) {
  std::sort(subjects.begin(), subjects.end());
  return std::unique(subjects.begin(), subjects.end()) - subjects.begin();
}

IdentificationReport Describe(const std::string& name, const std::string& rule,
                              const Chosen& gallery, const std::vector<ProbeOutcome>& outcomes) {
  IdentificationReport report;
  report.name = name;
  report.rule = rule;
  report.gallery_entries = std::ssize(gallery.subjects);
  report.gallery_subjects = DistinctSubjects(gallery.subjects);
  report.mated = std::count_if(outcomes.begin(), outcomes.end(),
                               [](const ProbeOutcome& o) { return o.mated(); });
  report.non_mated = std::ssize(outcomes) - report.mated;
  report.cmc = CumulativeMatch(outcomes, 20);
  report.rank1 =
      Share(std::llround(report.cmc[0] * static_cast<double>(report.mated)), report.mated);
  return report;
}

constexpr double kFars[] = {0.01, 0.1};

}  // namespace

Status ParseIjbTemplates(std::string_view text, const std::string& name, IjbMeta& meta) {
  return ForEachLine(text, name, " \t", false, "`image template medium`", [&](const auto& words) {
    const auto number = words.size() == 3 ? NumberOf<std::int32_t>(words[1]) : std::nullopt;
    const auto medium = words.size() == 3 ? NumberOf<std::int32_t>(words[2]) : std::nullopt;
    if (!number || !medium) return false;
    meta.image_template.push_back(*number);
    meta.image_media.push_back(*medium);
    return true;
  });
}

Status ParseIjbImages(std::string_view text, const std::string& name, IjbMeta& meta) {
  VISAVIS_RETURN_IF_ERROR(ForEachLine(
      text, name, " \t", false, "`image x1 y1 ... x5 y5 score`", [&](const auto& words) {
        if (words.size() != 12) return false;
        IjbImage image;
        image.name = std::string(words[0]);
        if (image.name.starts_with('/') || image.name.find("..") != std::string::npos) return false;
        for (std::size_t p = 0; p < 5; ++p) {
          const auto x = NumberOf<float>(words[1 + 2 * p]);
          const auto y = NumberOf<float>(words[2 + 2 * p]);
          if (!x || !y) return false;
          image.landmarks[p] = {*x, *y};
        }
        const auto score = NumberOf<float>(words[11]);
        if (!score || !std::isfinite(*score)) return false;
        image.score = *score;
        meta.images.push_back(std::move(image));
        return true;
      }));
  if (meta.images.size() != meta.image_template.size()) {
    return MakeError(ErrorCode::kCorruptData, "{}: {} images, but {} in the list of templates",
                     name, meta.images.size(), meta.image_template.size());
  }
  return {};
}

Status ParseIjbPairs(std::string_view text, const std::string& name, IjbMeta& meta) {
  return ForEachLine(text, name, " \t", false, "`template template label`", [&](const auto& words) {
    if (words.size() != 3) return false;
    const auto a = NumberOf<std::int32_t>(words[0]);
    const auto b = NumberOf<std::int32_t>(words[1]);
    if (!a || !b || (words[2] != "0" && words[2] != "1")) return false;
    meta.pairs.push_back({*a, *b, words[2] == "1"});
    return true;
  });
}

Result<IjbSubjects> ParseIjbSubjects(std::string_view text, const std::string& name) {
  std::map<std::int32_t, std::int64_t> subject_of;  // a template's lines repeat for its images
  VISAVIS_RETURN_IF_ERROR(
      ForEachLine(text, name, ",", true, "`template,subject`", [&](const auto& words) {
        const auto number = words.size() >= 2 ? NumberOf<std::int32_t>(words[0]) : std::nullopt;
        const auto subject = words.size() >= 2 ? NumberOf<std::int64_t>(words[1]) : std::nullopt;
        if (!number || !subject) return false;
        return subject_of.try_emplace(*number, *subject).first->second == *subject;
      }));
  IjbSubjects subjects;
  for (const auto& [number, subject] : subject_of) {
    subjects.templates.push_back(number);
    subjects.subjects.push_back(subject);
  }
  return subjects;
}

std::int64_t IjbTemplates::RowOf(std::int32_t number) const {
  const auto at = std::lower_bound(numbers.begin(), numbers.end(), number);
  return at != numbers.end() && *at == number ? at - numbers.begin() : -1;
}

Result<IjbTemplates> PoolTemplates(const IjbMeta& meta, const EmbeddingRows& rows,
                                   const std::vector<bool>& usable, const IjbPooling& pooling) {
  const std::size_t n = meta.image_template.size();
  if (rows.rows() != n || usable.size() != n || meta.images.size() != n) {
    return MakeError(ErrorCode::kInvalidArgument, "ijb: {} rows for {} images", rows.rows(), n);
  }
  // Images by template, then medium.
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < n; ++i) {
    if (usable[i]) order.push_back(i);
  }
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const auto key = [&](std::size_t i) {
      return std::tuple(meta.image_template[i], meta.image_media[i], i);
    };
    return key(a) < key(b);
  });
  IjbTemplates templates;
  templates.dimension = rows.dimension;
  std::vector<double> sum(rows.dimension);
  std::vector<double> medium(rows.dimension);
  for (std::size_t i = 0; i < order.size();) {
    const std::int32_t number = meta.image_template[order[i]];
    std::fill(sum.begin(), sum.end(), 0.0);
    while (i < order.size() && meta.image_template[order[i]] == number) {
      const std::int32_t media = meta.image_media[order[i]];
      std::fill(medium.begin(), medium.end(), 0.0);
      double count = 0;
      for (; i < order.size() && meta.image_template[order[i]] == number &&
             meta.image_media[order[i]] == media;
           ++i, ++count) {
        const auto row = rows.row(order[i]);
        double weight = 1;
        if (pooling.unit_norm) {
          double squares = 0;
          for (const float v : row) squares += static_cast<double>(v) * v;
          weight = squares > 0 ? 1 / std::sqrt(squares) : 0;
        }
        if (pooling.detector_score) weight *= meta.images[order[i]].score;
        for (std::size_t k = 0; k < row.size(); ++k) medium[k] += weight * row[k];
      }
      for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += medium[k] / count;
    }
    double squares = 0;
    for (const double v : sum) squares += v * v;
    const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
    templates.numbers.push_back(number);
    for (const double v : sum) templates.values.push_back(static_cast<float>(v * scale));
  }
  return templates;
}

IjbPoint TprAtNearestFpr(const Roc& roc, double fpr) {
  // Points rise in both rates, so at one FPR the last one has the largest TPR.
  IjbPoint best{2, 0};
  roc.ForEachPoint([&](const OperatingPoint& point) {
    if (std::abs(point.fmr - fpr) <= std::abs(best.fpr - fpr)) best = {point.fmr, point.tar};
    return true;
  });
  return best;
}

Result<IdentificationReport> IjbSearchJoined(const IjbMeta& meta, const IjbTemplates& templates,
                                             ThreadPool* pool) {
  Chosen gallery;
  for (const IjbSubjects& part : meta.galleries) Choose(templates, part, gallery);
  Chosen probes;
  Choose(templates, meta.probes, probes);
  VISAVIS_ASSIGN_OR_RETURN(const auto outcomes, SearchAll(gallery.view(), probes.view(), pool));
  IdentificationReport report =
      Describe("galleries joined",
               "ijb_1n.py: threshold from the largest similarities to other subjects, mates count "
               "at any rank",
               gallery, outcomes);

  // The largest similarities of probes to other subjects, by a second pass over the products.
  const std::size_t queries = probes.subjects.size();
  const auto keep = static_cast<std::size_t>(std::ceil(static_cast<double>(queries) * 0.1));
  const RowProducts products(*FindKernels(BestIsa()), gallery.values, gallery.dimension);
  std::vector<float> largest;
  float floor = -2;  // what is below is not among them
  std::vector<float> out(kFcGroup);
  for (std::size_t q = 0; q < queries; ++q) {
    for (std::size_t group = 0; group < products.groups(); ++group) {
      products.Multiply(probes.values.data() + q * probes.dimension, 1, group, out.data());
      const std::size_t first = group * kFcGroup;
      for (std::size_t c = 0; first + c < gallery.subjects.size() && c < kFcGroup; ++c) {
        if (out[c] > floor && gallery.subjects[first + c] != probes.subjects[q])
          largest.push_back(out[c]);
      }
    }
    if (largest.size() > 4 * keep + (std::size_t{1} << 20) || q + 1 == queries) {
      const std::size_t kept = std::min(keep, largest.size());
      std::partial_sort(largest.begin(), largest.begin() + static_cast<std::ptrdiff_t>(kept),
                        largest.end(), std::greater<>());
      largest.resize(kept);
      if (kept == keep && kept > 0) floor = largest.back();
    }
  }
  for (const double far : kFars) {
    const auto k = static_cast<std::size_t>(std::ceil(static_cast<double>(queries) * far));
    if (k == 0 || k > largest.size()) continue;
    IdentificationTarget target;
    target.target_fpir = far;
    target.threshold = largest[k - 1];
    const auto found = std::count_if(outcomes.begin(), outcomes.end(), [&](const ProbeOutcome& o) {
      return o.mated() && o.mate_similarity > target.threshold;
    });
    target.fpir = {far, std::nullopt, ""};
    target.tpir = Share(found, static_cast<std::int64_t>(queries));
    target.supported = static_cast<double>(queries) * far >= 3;
    report.targets.push_back(target);
  }
  return report;
}

Result<std::vector<IdentificationReport>> IjbSearchApart(const IjbMeta& meta,
                                                         const IjbTemplates& templates,
                                                         ThreadPool* pool) {
  Chosen probes;
  Choose(templates, meta.probes, probes);
  std::vector<IdentificationReport> reports;
  for (const IjbSubjects& part : meta.galleries) {
    Chosen gallery;
    Choose(templates, part, gallery);
    VISAVIS_ASSIGN_OR_RETURN(const auto outcomes, SearchAll(gallery.view(), probes.view(), pool));
    IdentificationReport report =
        Describe("gallery " + part.name,
                 "ijb_evals.py: threshold from probes without a mate, a mate must be the first",
                 gallery, outcomes);
    std::vector<double> strangers;
    for (const ProbeOutcome& o : outcomes) {
      if (!o.mated()) strangers.push_back(o.best_similarity);
    }
    std::sort(strangers.begin(), strangers.end(), std::greater<>());
    for (const double far : kFars) {
      if (strangers.empty() || report.mated == 0) break;
      const auto index = std::max<std::ptrdiff_t>(
          static_cast<std::ptrdiff_t>(static_cast<double>(strangers.size()) * far) - 1, 0);
      IdentificationTarget target;
      target.target_fpir = far;
      target.threshold = strangers[static_cast<std::size_t>(index)];
      const auto found =
          std::count_if(outcomes.begin(), outcomes.end(), [&](const ProbeOutcome& o) {
            return o.mated() && o.rank == 1 && o.mate_similarity > target.threshold;
          });
      target.fpir = Share(std::count_if(strangers.begin(), strangers.end(),
                                        [&](double s) { return s > target.threshold; }),
                          report.non_mated);
      target.tpir = Share(found, report.mated);
      target.supported = static_cast<double>(strangers.size()) * far >= 3;
      report.targets.push_back(target);
    }
    reports.push_back(std::move(report));
  }
  if (reports.size() < 2) return reports;
  IdentificationReport mean = reports.front();
  mean.name = "mean of the galleries";
  const auto average = [&](auto&& of) {
    double sum = 0;
    for (const IdentificationReport& report : reports) sum += of(report);
    return sum / static_cast<double>(reports.size());
  };
  mean.rank1 = {average([](const auto& r) { return r.rank1.value; }), std::nullopt, ""};
  for (std::size_t k = 0; k < mean.cmc.size(); ++k)
    mean.cmc[k] = average([&](const auto& r) { return r.cmc[k]; });
  for (std::size_t t = 0; t < mean.targets.size(); ++t) {
    const auto of = [&](const auto& r) {
      return t < r.targets.size() ? r.targets[t].tpir.value : 0.0;
    };
    mean.targets[t].tpir = {average(of), std::nullopt, ""};
  }
  reports.push_back(std::move(mean));
  return reports;
}

}  // namespace visavis
