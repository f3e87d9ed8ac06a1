// The faces that a doctor looks at with a network.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "visavis/image.h"
#include "visavis/result.h"

namespace visavis {

/// Aligned 112x112 crops (template arcface-112) of several people, at least two of each.
struct ReferenceFaces {
  std::string folder;
  std::vector<Image> crops;
  std::vector<int> people;  ///< whose picture each crop is: 0, 0, 1, 1, ...
  int person_count() const { return people.empty() ? 0 : people.back() + 1; }
};

/// Turns a photo that is no 112x112 crop into one; nothing if it shows no face. May be empty: such
/// photos are then passed over.
using AlignPhoto = std::function<Result<std::optional<Image>>(const std::string& path)>;

/// The first two pictures of each of the first `max_people` people with two or more: sub-folders of
/// `folder` by name. Errors: kNotFound (no folder, or fewer than 4 such people), those of reading
/// images.
Result<ReferenceFaces> LoadReferenceFaces(const std::string& folder, int max_people,
                                          const AlignPhoto& align = {});

/// Where aligned faces may be on this machine: `data/lfw/aligned` beside the folders of
/// $VISAVIS_MIRROR and in $VISAVIS_SHARED. Empty if there are none.
std::string FindReferenceFolder();

}  // namespace visavis
