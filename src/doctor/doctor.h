// What a model file is, how it must be fed, and what is wrong with it.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "doctor/evidence.h"
#include "doctor/input_chain.h"
#include "doctor/reference_faces.h"
#include "visavis/contract.h"
#include "visavis/embed.h"
#include "visavis/model.h"
#include "visavis/result.h"

namespace visavis {

/// Something about a file that its user should know.
struct Finding {
  enum class Severity {
    kNote,     ///< worth knowing
    kWarning,  ///< right answers only if handled
    kFault     ///< wrong answers, or other programs refuse the file
  };
  Severity severity = Severity::kNote;
  std::string name;  ///< stable, e.g. "swapped_channels" (docs/commands/model-doctor.md)
  std::string what;  ///< one line
  std::string evidence;
  Certainty certainty = Certainty::kCertain;
  std::string remedy;  ///< a command line, or what to do; may be empty
};

/// An answer with its reason.
struct Decision {
  std::string value;
  Certainty certainty = Certainty::kAssumed;
  std::string reason;
};

struct GoldenCheck {
  std::string name;
  double error = 0;  ///< |got - expected| / |expected|
  double tolerance = 0;
  double similarity = 0;
  std::string problem;  ///< why it could not be checked; empty if it was
  bool passed() const { return problem.empty() && error <= tolerance; }
};

enum class Verdict { kHealthy, kUsable, kFaulty };
std::string_view Name(Verdict verdict);  ///< "healthy", "usable with care", "faulty"
std::string_view Name(Finding::Severity severity);

struct DoctorReport {
  std::string path;
  ModelInfo info;
  bool recognition = false;  ///< a network that makes embeddings; otherwise the rest is short
  std::string known_as;      ///< name in the registry
  std::string known_how;     ///< e.g. "304 of 304 weights are as published"
  InputChain chain;
  Decision normalisation;
  Decision channel_order;
  Decision face_template;
  InputPixels pixels;  ///< what was decided, for the caller to do
  std::string template_name = "arcface-112";
  int dimension = 0;
  int crop_size_px = 0;
  std::string faces_folder;  ///< empty if there were none
  int faces = 0;
  int people = 0;
  std::optional<FaceTrial> best;  ///< as decided; with embeddings' statistics
  double mirror_similarity = 0;
  std::vector<FaceTrial> trials;
  std::vector<GoldenCheck> golden;
  double ms_per_image = 0;  ///< one thread, batch 1, median; 0 if it could not be run
  std::string isa;
  std::vector<Finding> findings;
  std::vector<std::string> undecided;

  Verdict verdict() const;
};

struct DoctorOptions {
  SessionOptions session;
  const ReferenceFaces* faces = nullptr;  ///< borrowed; null: only what the file itself tells
  std::vector<GoldenVector> golden;       ///< with `png` holding any image file's bytes
  bool known_weights = true;              ///< look the weights up among those of published networks
  bool measure_speed = true;
};

/// Errors: those of Model::Load; kCancelled.
Result<DoctorReport> ExamineModel(const std::string& path, const DoctorOptions& options);

}  // namespace visavis
