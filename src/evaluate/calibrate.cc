#include "evaluate/calibrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <unordered_map>

#include "base/error.h"
#include "base/try.h"

namespace visavis {
namespace {

constexpr std::int64_t kFewestPairs = 30;
constexpr std::int64_t kFewestPeople = 10;
constexpr int kFolds = 5;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::int64_t CountPeople(std::span<const PeopleOfPair> pairs) {
  std::vector<std::int32_t> people;
  for (const PeopleOfPair& pair : pairs) {
    people.push_back(pair.a);
    people.push_back(pair.b);
  }
  std::sort(people.begin(), people.end());
  return std::unique(people.begin(), people.end()) - people.begin();
}

std::vector<double> OfClass(const CalibrationPairs& pairs, bool same) {
  std::vector<double> similarities;
  for (std::size_t i = 0; i < pairs.similarity.size(); ++i) {
    if ((pairs.same[i] != 0) == same) similarities.push_back(pairs.similarity[i]);
  }
  return similarities;
}

/// "3,000,000"
std::string Grouped(double count) {
  const std::string digits = fmt::format("{:.0f}", std::ceil(count - 1e-6));
  std::string grouped;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) grouped += ',';
    grouped += digits[i];
  }
  return grouped;
}

Status CheckRate(double rate, const char* name) {
  if (rate > 0 && rate < 1) return {};
  return MakeError(ErrorCode::kInvalidArgument, "{} {}, want between 0 and 1", name, rate);
}

Status CheckPeople(const CalibrationPairs& pairs) {
  if (pairs.people.size() == pairs.similarity.size() &&
      pairs.same.size() == pairs.similarity.size()) {
    return {};
  }
  return MakeError(ErrorCode::kInvalidArgument,
                   "calibration: the people of {} pairs, want those of all {}: without them there "
                   "is no interval",
                   pairs.people.size(), pairs.similarity.size());
}

/// The threshold when pair i counts times[i] times. `falling` are all pairs by falling similarity.
double WeightedThreshold(const CalibrationPairs& pairs, std::span<const std::size_t> falling,
                         std::span<const std::uint32_t> times, double fmr) {
  double impostors = 0;
  for (const std::size_t i : falling) {
    if (pairs.same[i] == 0) impostors += times[i];
  }
  if (impostors == 0) return kNone;
  const double allowed = std::floor(fmr * impostors * (1 + 1e-12));
  double accepted = 0;
  double above = std::nextafter(pairs.similarity[falling.front()], 2.0);
  for (std::size_t at = 0; at < falling.size();) {
    // Equal similarities are accepted together.
    const double similarity = pairs.similarity[falling[at]];
    bool counts = false;
    for (; at < falling.size() && pairs.similarity[falling[at]] == similarity; ++at) {
      const std::size_t i = falling[at];
      if (pairs.same[i] == 0) accepted += times[i];
      counts = counts || times[i] > 0;
    }
    if (accepted > allowed) return above;
    if (counts) above = similarity;
  }
  return above;
}

double WeightedRate(const CalibrationPairs& pairs, std::span<const std::uint32_t> times,
                    double threshold, bool same) {
  double all = 0;
  double accepted = 0;
  for (std::size_t i = 0; i < times.size(); ++i) {
    if ((pairs.same[i] != 0) != same) continue;
    all += times[i];
    if (pairs.similarity[i] >= threshold) accepted += times[i];
  }
  return all == 0 ? kNone : accepted / all;
}

/// The better of two lower bounds and the worse of two upper ones: a bootstrap over people sees
/// dependence, but says 0 to 0 where no error was seen; an interval of proportions sees the latter.
Interval Wider(const Interval& a, const Interval& b) {
  return {std::min(a.low, b.low), std::max(a.high, b.high)};
}

}  // namespace

Result<CalibratedThreshold> ThresholdForFmr(const CalibrationPairs& pairs, double fmr,
                                            const CalibrationOptions& options) {
  VISAVIS_RETURN_IF_ERROR(CheckRate(fmr, "FMR"));
  VISAVIS_RETURN_IF_ERROR(CheckPeople(pairs));
  std::vector<double> genuine = OfClass(pairs, true);
  std::vector<double> impostor = OfClass(pairs, false);
  const double wanted = 3 / fmr;
  if (static_cast<double>(impostor.size()) < wanted * (1 - 1e-9)) {
    return MakeError(
        ErrorCode::kInvalidArgument,
        "insufficient data: FMR {} needs at least {} pairs of different people, found "
        "{}, which support FMR {:.2g} at best",
        fmr, Grouped(wanted), Grouped(static_cast<double>(impostor.size())),
        impostor.empty() ? 1 : std::min(1.0, 3 / static_cast<double>(impostor.size())));
  }
  if (std::ssize(genuine) < kFewestPairs) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "insufficient data: {} same-person pairs, want at least {}", genuine.size(),
                     kFewestPairs);
  }
  CalibratedThreshold result;
  result.people = CountPeople(pairs.people);
  if (result.people < kFewestPeople) {
    return MakeError(ErrorCode::kInvalidArgument, "insufficient data: {} people, want at least {}",
                     result.people, kFewestPeople);
  }
  result.genuine = std::ssize(genuine);
  result.impostor = std::ssize(impostor);
  VISAVIS_ASSIGN_OR_RETURN(const Roc roc, Roc::Create(std::move(genuine), std::move(impostor)));
  const OperatingPoint point = roc.AtFmr(fmr);
  result.threshold = point.threshold;
  result.false_rate = point.fmr;
  result.true_rate = point.tar;

  std::vector<std::size_t> falling(pairs.similarity.size());
  std::iota(falling.begin(), falling.end(), 0);
  std::sort(falling.begin(), falling.end(), [&](std::size_t a, std::size_t b) {
    return pairs.similarity[a] > pairs.similarity[b];
  });
  VISAVIS_ASSIGN_OR_RETURN(
      const std::vector<BootstrapResult> spread,
      BootstrapOverPeople(pairs.people,
                          [&](std::span<const std::uint32_t> times) -> std::vector<double> {
                            return {WeightedThreshold(pairs, falling, times, fmr),
                                    WeightedRate(pairs, times, point.threshold, false),
                                    WeightedRate(pairs, times, point.threshold, true)};
                          },
                          {options.resamples, options.seed, options.pool}));
  result.interval = spread[0].interval;
  result.false_rate_interval =
      Wider(spread[1].interval, ClopperPearsonInterval(point.false_accepts, result.impostor));
  result.true_rate_interval =
      Wider(spread[2].interval, WilsonInterval(point.true_accepts, result.genuine));
  return result;
}

namespace {

/// One search in one drawn gallery.
struct Search {
  std::size_t person = 0;  // of the probe
  ProbeOutcome outcome;
};

/// Rows by person, people by rising subject.
std::vector<std::vector<std::size_t>> RowsByPerson(const LabelledEmbeddings& embeddings) {
  std::map<std::int64_t, std::vector<std::size_t>> by_subject;
  for (std::size_t i = 0; i < embeddings.subjects.size(); ++i) {
    by_subject[embeddings.subjects[i]].push_back(i);
  }
  std::vector<std::vector<std::size_t>> people;
  for (auto& [subject, rows] : by_subject) people.push_back(std::move(rows));
  return people;
}

struct OwnedEmbeddings {
  std::vector<float> values;
  std::vector<std::int64_t> subjects;
  void Add(const EmbeddingRows& rows, std::size_t row, std::size_t person) {
    const std::span<const float> from = rows.row(row);
    values.insert(values.end(), from.begin(), from.end());
    subjects.push_back(static_cast<std::int64_t>(person));
  }
  LabelledEmbeddings View(std::size_t dimension) const { return {{values, dimension}, subjects}; }
};

/// The searches of one draw.
Result<std::vector<Search>> DrawAndSearch(const LabelledEmbeddings& embeddings,
                                          const std::vector<std::vector<std::size_t>>& people,
                                          std::int64_t gallery_size, std::mt19937_64& random,
                                          ThreadPool* pool) {
  std::vector<std::size_t> order(people.size());
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), random);
  OwnedEmbeddings gallery;
  OwnedEmbeddings probes;
  for (std::size_t k = 0; k < order.size(); ++k) {
    const std::size_t person = order[k];
    const bool enrolled = k < static_cast<std::size_t>(gallery_size);
    for (std::size_t image = 0; image < people[person].size(); ++image) {
      (enrolled && image == 0 ? gallery : probes)
          .Add(embeddings.rows, people[person][image], person);
    }
  }
  const std::size_t dimension = embeddings.rows.dimension;
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<ProbeOutcome> outcomes,
                           SearchAll(gallery.View(dimension), probes.View(dimension), pool));
  std::vector<Search> searches;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    searches.push_back({static_cast<std::size_t>(probes.subjects[i]), outcomes[i]});
  }
  return searches;
}

/// Threshold, FPIR and TPIR at `fixed` of searches that count as often as their person.
std::array<double, 3> WeightedSearchRates(const std::vector<Search>& searches,
                                          const std::vector<std::uint32_t>& times, double fpir,
                                          double fixed) {
  std::vector<std::pair<double, std::uint32_t>> strangers;
  double all_strangers = 0;
  double false_positives = 0;
  double mated = 0;
  double found = 0;
  for (const Search& search : searches) {
    const std::uint32_t weight = times[search.person];
    if (weight == 0) continue;
    if (search.outcome.mated()) {
      mated += weight;
      if (search.outcome.rank == 1 && search.outcome.mate_similarity >= fixed) found += weight;
    } else {
      strangers.push_back({search.outcome.best_similarity, weight});
      all_strangers += weight;
      if (search.outcome.best_similarity >= fixed) false_positives += weight;
    }
  }
  if (all_strangers == 0 || mated == 0) return {kNone, kNone, kNone};
  std::sort(strangers.begin(), strangers.end(), std::greater<>());
  const double allowed = std::floor(fpir * all_strangers * (1 + 1e-12));
  double accepted = 0;
  double threshold = -1;
  for (const auto& [similarity, weight] : strangers) {
    accepted += weight;
    if (accepted > allowed) {
      threshold = std::nextafter(similarity, 2.0);
      break;
    }
  }
  return {threshold, false_positives / all_strangers, found / mated};
}

Interval Quantiles(std::vector<double> values) {
  std::erase_if(values, [](double v) { return std::isnan(v); });
  if (values.empty()) return {-1, 1};
  std::sort(values.begin(), values.end());
  const auto at = [&](double q) {
    return values[static_cast<std::size_t>(
        std::lround(q * static_cast<double>(values.size() - 1)))];
  };
  return {at(0.025), at(0.975)};
}

}  // namespace

Result<CalibratedThreshold> ThresholdForFpir(const LabelledEmbeddings& embeddings,
                                             const FpirTarget& target,
                                             const CalibrationOptions& options) {
  VISAVIS_RETURN_IF_ERROR(CheckRate(target.fpir, "FPIR"));
  if (target.gallery_size < 1 || target.draws < 1) {
    return MakeError(ErrorCode::kInvalidArgument, "gallery of {} people, {} draws, want at least 1",
                     target.gallery_size, target.draws);
  }
  const std::vector<std::vector<std::size_t>> people = RowsByPerson(embeddings);
  const std::int64_t strangers = std::ssize(people) - target.gallery_size;
  const double wanted = 3 / target.fpir;
  if (static_cast<double>(strangers) < wanted * (1 - 1e-9)) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "insufficient data: FPIR {} with {} people enrolled needs at least {} others, "
                     "found {} of {} people",
                     target.fpir, Grouped(static_cast<double>(target.gallery_size)),
                     Grouped(wanted), std::max<std::int64_t>(strangers, 0), people.size());
  }
  std::vector<std::vector<Search>> draws;
  std::vector<ProbeOutcome> all;
  for (int d = 0; d < target.draws; ++d) {
    std::seed_seq seed{options.seed, options.seed >> 32, static_cast<std::uint64_t>(d)};
    std::mt19937_64 random(seed);
    VISAVIS_ASSIGN_OR_RETURN(
        std::vector<Search> searches,
        DrawAndSearch(embeddings, people, target.gallery_size, random, options.pool));
    for (const Search& search : searches) all.push_back(search.outcome);
    draws.push_back(std::move(searches));
  }
  const auto mated = std::count_if(all.begin(), all.end(), [](const auto& o) { return o.mated(); });
  if (mated < kFewestPairs) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "insufficient data: {} searches by enrolled people with a second image, want "
                     "at least {}",
                     mated, kFewestPairs);
  }
  VISAVIS_ASSIGN_OR_RETURN(const IdentificationPoint point, TpirAtFpir(all, target.fpir));

  CalibratedThreshold result;
  result.threshold = point.threshold;
  result.people = std::ssize(people);
  result.genuine = mated / target.draws;
  result.impostor = (std::ssize(all) - mated) / target.draws;
  result.false_rate = point.fpir;
  result.true_rate = point.tpir;
  std::array<std::vector<double>, 3> spread;
  for (auto& values : spread) values.resize(static_cast<std::size_t>(options.resamples));
  ParallelFor(options.pool, options.resamples, [&](std::int64_t i, int) {
    std::seed_seq seed{options.seed, options.seed >> 32, static_cast<std::uint64_t>(i), 1ul};
    std::mt19937_64 random(seed);
    std::uniform_int_distribution<std::size_t> draw(0, people.size() - 1);
    std::vector<std::uint32_t> times(people.size());
    for (std::size_t p = 0; p < people.size(); ++p) ++times[draw(random)];
    const auto rates = WeightedSearchRates(draws[static_cast<std::size_t>(i) % draws.size()], times,
                                           target.fpir, point.threshold);
    for (std::size_t k = 0; k < rates.size(); ++k)
      spread[k][static_cast<std::size_t>(i)] = rates[k];
  });
  result.interval = Quantiles(std::move(spread[0]));
  result.false_rate_interval = Quantiles(std::move(spread[1]));
  result.true_rate_interval = Quantiles(std::move(spread[2]));
  return result;
}

Result<CalibratedProbability> CalibrateProbability(const CalibrationPairs& pairs,
                                                   ProbabilityModel model, double prior,
                                                   std::uint64_t seed) {
  VISAVIS_RETURN_IF_ERROR(CheckPeople(pairs));
  const std::vector<double> genuine = OfClass(pairs, true);
  const std::vector<double> impostor = OfClass(pairs, false);
  if (std::min(std::ssize(genuine), std::ssize(impostor)) < kFewestPairs) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "insufficient data: {} same-person pairs and {} of different people, want at "
                     "least {} of each for a probability",
                     genuine.size(), impostor.size(), kFewestPairs);
  }
  CalibratedProbability result;
  VISAVIS_ASSIGN_OR_RETURN(result.map, FitProbability(genuine, impostor, model, prior));

  std::unordered_map<std::int32_t, int> fold_of;
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<int> draw(0, kFolds - 1);
  for (const PeopleOfPair& pair : pairs.people) {
    for (const std::int32_t person : {pair.a, pair.b}) {
      if (!fold_of.contains(person)) fold_of[person] = draw(random);
    }
  }
  std::vector<double> said_of_genuine;
  std::vector<double> said_of_impostor;
  for (int fold = 0; fold < kFolds; ++fold) {
    std::vector<double> known[2];
    std::vector<double> unseen[2];
    for (std::size_t i = 0; i < pairs.similarity.size(); ++i) {
      const bool a = fold_of[pairs.people[i].a] == fold;
      const bool b = fold_of[pairs.people[i].b] == fold;
      if (a && b) unseen[pairs.same[i] != 0].push_back(pairs.similarity[i]);
      if (!a && !b) known[pairs.same[i] != 0].push_back(pairs.similarity[i]);
    }
    if (known[0].empty() || known[1].empty()) continue;
    VISAVIS_ASSIGN_OR_RETURN(const ProbabilityMap map,
                             FitProbability(known[1], known[0], model, prior));
    for (const double s : unseen[1]) said_of_genuine.push_back(map.At(s));
    for (const double s : unseen[0]) said_of_impostor.push_back(map.At(s));
  }
  result.held_out_genuine = std::ssize(said_of_genuine);
  result.held_out_impostor = std::ssize(said_of_impostor);
  if (!said_of_genuine.empty() && !said_of_impostor.empty()) {
    result.reliability = ReliabilityOf(said_of_genuine, said_of_impostor, prior);
    for (const ReliabilityBin& bin : result.reliability) {
      result.expected_error += bin.weight * std::abs(bin.mean_probability - bin.observed);
    }
  }
  return result;
}

}  // namespace visavis
