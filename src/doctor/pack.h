// Writing a contract from what a doctor found and what the user knows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "doctor/doctor.h"
#include "visavis/contract.h"

namespace visavis {

/// What the user says; everything left out is taken from the report, the registry or the contract
/// that is there.
struct PackOptions {
  std::optional<ChannelOrder> channel_order;
  std::optional<double> mean;  ///< with scale: normalisation outside
  std::optional<double> scale;
  bool inside = false;  ///< the graph normalises: pixels go in raw
  std::string face_template;
  std::optional<double> threshold;
  std::string threshold_origin;
  std::optional<ContractLicence> licence;
  std::string source;
  std::vector<std::string> golden_images;  ///< aligned crops of the network's size
  bool embed_pictures = true;  ///< golden pictures go into the contract; otherwise their checksums
  double tolerance = 1e-3;
  std::string written_by;
};

/// The contract for the model that `report` is about. Golden vectors are made by running it: the
/// test pattern, and `golden_images`. Threshold, probability map and quantization record of a
/// contract that is there stay if the file is still the one it speaks of.
/// Errors: kInvalidArgument for options that contradict one another; those of running the network
///         and of reading images.
Result<ModelContract> PackContract(const DoctorReport& report, const PackOptions& options);

}  // namespace visavis
