// Collecting findings: one of each name, with all its evidence.
#pragma once

#include <array>
#include <span>
#include <string>

#include "doctor/doctor.h"
#include "model/defects.h"
#include "model/graph/graph.h"

namespace visavis {

/// Adds a finding. One of the same name keeps its text; the more severe and the surer count, and
/// the evidence of both is kept.
void AddFinding(DoctorReport& report, Finding finding);
bool HasFinding(const DoctorReport& report, std::string_view name);

/// "visavis model convert MODEL mended.onnx FLAGS".
std::string ConvertLine(const DoctorReport& report, std::string_view flags);
/// The same with the arithmetic in front of the graph that makes `mean` and `scale` come out of it.
std::string NormaliseLine(const DoctorReport& report, const std::array<double, 3>& mean,
                          const std::array<double, 3>& scale);

/// Known defects of published files, one finding of each kind.
void ReportDefects(std::span<const Defect> defects, DoctorReport& report);

/// Whether BatchNormalization's epsilon is another than the one with which networks of this
/// architecture are trained. For weights that are not known: faces cannot tell
/// (docs/decisions/0031-batchnorm-statistics-as-evidence.md).
void ReportUnusualEpsilon(const Graph& graph, DoctorReport& report);

/// What the comparison with the published weights says.
struct WeightMatch;
void ReportKnownWeights(const WeightMatch& match, DoctorReport& report);

}  // namespace visavis
