// The steps that Open Model Zoo applies to files after a download.
#pragma once

#include <string>
#include <vector>

#include "visavis/zoo.h"

namespace visavis {

/// Applies the steps to the files in `folder`, in their order. A regex_replace keeps the file as it
/// came as FILE.orig; an unpack_archive removes its archive.
/// Errors: those of RegexReplace and UnpackArchive; kNotFound for a file that is not there.
Status Postprocess(const std::vector<Postprocessing>& steps, const std::string& folder,
                   const FetchOptions& options);

}  // namespace visavis
