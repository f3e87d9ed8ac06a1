// Two results over the same pairs, and a result against an earlier report.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "evaluate/report.h"
#include "evaluate/verification_report.h"
#include "visavis/result.h"

namespace visavis {

/// Exact two-sided McNemar test: the probability of discordant pairs as uneven as these if both
/// systems were equally good. 1 if there are none.
double McNemarP(std::int64_t only_a_right, std::int64_t only_b_right);

/// One side of a comparison.
struct ComparedResult {
  const ScoredSet* scored = nullptr;
  const Judgement* judgement = nullptr;
};

/// Paired differences over the pairs both could score, with bootstrap intervals over people: of
/// accuracy (as judged), EER, AUC and TAR at each FMR the pairs support. "better" and "worse" mean
/// that the interval leaves out 0 and, for accuracy, that McNemar's p is below 0.05.
/// Errors: kInvalidArgument if a class is empty.
Result<ReportComparison> CompareResults(const ComparedResult& a, const ComparedResult& b,
                                        const VerificationOptions& options);

/// "0.1pp" or "0.1%" (percentage points) or "0.001" -> 0.001. Errors: kInvalidArgument.
Result<double> ParseMaxDrop(std::string_view text);

/// Every figure of `now` that the baseline has too: a result is compared with the one of its label,
/// else with the first of its mode. Errors: kInvalidArgument if the data sets differ or no result
/// can be compared.
Result<BaselineReport> CompareWithBaseline(const EvaluationReport& now,
                                           const EvaluationReport& baseline,
                                           const std::string& path, double max_drop);

}  // namespace visavis
