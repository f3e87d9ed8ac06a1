// What `model doctor` and `model pack` share: reference faces, and a report on the terminal.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "command_line.h"
#include "doctor/doctor.h"
#include "json_output.h"

namespace visavis::cli {

struct DoctorArguments {
  std::string path;
  std::string faces;  ///< folder; empty = the usual places
  bool no_faces = false;
  int people = 24;
  bool no_known_weights = false;
  std::vector<std::string> golden;  ///< "image,embedding.npy"

  /// Declares MODEL, --faces, --no-faces, --people.
  void AddTo(CLI::App& command);
};

/// ExamineModel with reference faces read, photos among them aligned with the default detector.
Result<DoctorReport> RunDoctor(const DoctorArguments& arguments, const Common& common,
                               bool measure_speed);

Json ReportAsJson(const DoctorReport& report);
void PrintReport(const DoctorReport& report, int verbosity);
/// The findings alone.
void PrintFindings(const DoctorReport& report);

}  // namespace visavis::cli
