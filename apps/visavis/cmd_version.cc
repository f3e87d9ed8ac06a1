// visavis version
#include <fmt/format.h>

#include "base/exit_code.h"
#include "commands.h"
#include "json_output.h"

namespace visavis::cli {

void AddVersion(CommandLine& line) {
  line.Add({"version", "The version of this program", {"visavis version --json"}},
           [](const Common& common) -> Result<int> {
             if (common.json) {
               PrintJson({{"version", VISAVIS_VERSION}});
             } else {
               fmt::print("visavis {}\n", VISAVIS_VERSION);
             }
             return kExitOk;
           });
}

}  // namespace visavis::cli
