// visavis reference man|bash|zsh
#include <cstdio>
#include <memory>

#include "base/exit_code.h"
#include "commands.h"
#include "reference.h"

namespace visavis::cli {

void AddReference(CommandLine& line) {
  auto kind = std::make_shared<std::string>();
  CLI::App* command =
      line.Add({"reference",
                "Print the manual page, or a completion script for a shell",
                {"visavis reference man | man -l -", "source <(visavis reference bash)"}},
               [kind, &line](const Common&) -> Result<int> {
                 const std::string text = *kind == "man" ? ManualPage(line.app(), VISAVIS_VERSION)
                                          : *kind == "bash" ? BashCompletion(line.app())
                                                            : ZshCompletion(line.app());
                 std::fwrite(text.data(), 1, text.size(), stdout);
                 return kExitOk;
               });
  command->add_option("KIND", *kind, "man, bash or zsh")
      ->required()
      ->check(CLI::IsMember({"man", "bash", "zsh"}));
}

}  // namespace visavis::cli
