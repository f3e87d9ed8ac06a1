#include "evaluate_outputs.h"

namespace visavis::cli {

void EvaluateOutputs::AddTo(CLI::App&) {}

Status EvaluateOutputs::Write(const EvaluationReport&, const CropSource&) const { return {}; }

}  // namespace visavis::cli
