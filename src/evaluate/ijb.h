// IJB-B and IJB-C: templates of many images, compared one to one and one to many.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "evaluate/report.h"
#include "evaluate/verification.h"
#include "visavis/result.h"
#include "visavis/thread_pool.h"
#include "visavis/types.h"

namespace visavis {

/// One line of NAME_name_5pts_score.txt.
struct IjbImage {
  std::string name;
  Landmarks5 landmarks{};
  float score = 0;  ///< the detector's
};

/// Templates with the subject each shows, of a gallery or of the probes.
struct IjbSubjects {
  std::string name;                     ///< "S1", "G2", "probes", ...
  std::vector<std::int32_t> templates;  ///< template numbers as in the files, each once, rising
  std::vector<std::int64_t> subjects;   ///< one per template
};

/// The meta folder. Image i belongs to template image_template[i] and medium image_media[i].
struct IjbMeta {
  std::vector<IjbImage> images;
  std::vector<std::int32_t> image_template;
  std::vector<std::int32_t> image_media;
  struct Pair {
    std::int32_t a = 0;  ///< template numbers
    std::int32_t b = 0;
    bool same = false;
  };
  std::vector<Pair> pairs;
  std::vector<IjbSubjects> galleries;  ///< empty without 1:N files
  IjbSubjects probes;
};

/// Parse one file each. Errors: kCorruptData with the line number.
Status ParseIjbTemplates(std::string_view text, const std::string& name, IjbMeta& meta);
Status ParseIjbImages(std::string_view text, const std::string& name, IjbMeta& meta);
Status ParseIjbPairs(std::string_view text, const std::string& name, IjbMeta& meta);
Result<IjbSubjects> ParseIjbSubjects(std::string_view text, const std::string& name);

/// How image embeddings become template embeddings.
struct IjbPooling {
  bool unit_norm = false;  ///< image embeddings to length 1 first (ijb_evals.py's
                           ///< use_norm_score; ijb_11.py's flag of that name means the opposite)
  bool detector_score = true;  ///< then times the detector's score
};

/// Template embeddings of unit length: sum over media of the mean over a medium's images.
struct IjbTemplates {
  std::vector<std::int32_t> numbers;  ///< rising
  std::size_t dimension = 0;
  std::vector<float> values;  ///< numbers.size() x dimension
  /// Row of a template, or -1.
  std::int64_t RowOf(std::int32_t number) const;
};

/// `rows`: one per image, `usable` false where an image gave none (it is left out of its template;
/// a template without images is left out). Errors: kInvalidArgument for differing counts. Source:
/// insightface recognition/_evaluation_/ijb (image2template_feature).
Result<IjbTemplates> PoolTemplates(const IjbMeta& meta, const EmbeddingRows& rows,
                                   const std::vector<bool>& usable, const IjbPooling& pooling);

/// TPR at the FPR nearest to `fpr`; of equally near ones the higher, and at one FPR the largest
/// TPR. Source: the same folder, plot_roc_and_calculate_tpr.
struct IjbPoint {
  double fpr = 0;
  double tpr = 0;
};
IjbPoint TprAtNearestFpr(const Roc& roc, double fpr);

/// 1:N as ijb_1n.py does it: the galleries joined, threshold = the ceil(Q x FAR)-th largest of all
/// non-mate similarities of Q probes, TPIR counts mates above it whatever their rank.
Result<IdentificationReport> IjbSearchJoined(const IjbMeta& meta, const IjbTemplates& templates,
                                             ThreadPool* pool);
/// 1:N as ijb_evals.py does it: each gallery alone, probes without a mate set the threshold, a mate
/// must also beat every other entry. One report per gallery, then their mean.
Result<std::vector<IdentificationReport>> IjbSearchApart(const IjbMeta& meta,
                                                         const IjbTemplates& templates,
                                                         ThreadPool* pool);

}  // namespace visavis
