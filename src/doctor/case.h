// One examination while it goes on.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "doctor/doctor.h"
#include "doctor/known_weights.h"

namespace visavis {

// Everything that the steps of one examination share.
struct Case {
  const Model& model;
  const DoctorOptions& options;
  std::optional<ModelContract> contract;
  const KnownNetwork* known = nullptr;
  Preparation base;  // as the contract says, or by the usual rule
  FaceTemplate base_template = FaceTemplate::kArcFace112;
  DoctorReport report;

  std::string TemplateSource() const { return contract ? "the contract says" : "assumed"; }
};

/// A way of scaling pixels, by channel in the order RGB.
struct NamedNormalisation {
  const char* name;
  std::array<double, 3> mean;  // RGB
  std::array<double, 3> scale;
};
/// What must be done outside so that `wanted` comes out behind the graph's own arithmetic.
Preparation Outside(const InputChain& chain, const NamedNormalisation& wanted, bool bgr);

/// Everything that reference faces tell: channel order, normalisation, template, and whether the
/// layers see what they saw in training. Errors: those of running the network.
Status ExamineWithFaces(Case& c);

}  // namespace visavis
