#include "model/arch/arch.h"

#include <fmt/ranges.h>

#include <array>

#include "base/error.h"
#include "model/arch/lresnet.h"
#include "model/arch/mobilefacenet.h"

namespace visavis {
namespace {

struct Residual {
  std::string_view name;
  std::array<int, 4> units;  // of the four stages
};

// insightface's fresnet.
constexpr Residual kResiduals[] = {
    {"lresnet18e-ir", {2, 2, 2, 2}},
    {"lresnet34e-ir", {3, 4, 6, 3}},
    {"lresnet50e-ir", {3, 4, 14, 3}},
    {"lresnet100e-ir", {3, 13, 30, 3}},
};

constexpr std::string_view kMobileFaceNet = "mobilefacenet";

}  // namespace

std::vector<std::string_view> ArchNames() {
  std::vector<std::string_view> names = {kMobileFaceNet};
  for (const Residual& residual : kResiduals) names.push_back(residual.name);
  return names;
}

Result<Graph> BuildArch(std::string_view name, std::uint64_t seed) {
  if (name == kMobileFaceNet) return BuildMobileFaceNet(name, seed);
  for (const Residual& residual : kResiduals) {
    if (residual.name == name) return BuildLResNetEIr(name, residual.units, seed);
  }
  return MakeError(ErrorCode::kNotFound, "{}: not a known architecture, want one of {}", name,
                   fmt::join(ArchNames(), ", "));
}

}  // namespace visavis
