// Manual page and shell completions, made from the options as they are declared.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace visavis::cli {

/// A manual page in man(7) macros.
std::string ManualPage(const CLI::App& app, const std::string& version);
/// A completion script for bash.
std::string BashCompletion(const CLI::App& app);
/// A completion function for zsh.
std::string ZshCompletion(const CLI::App& app);

}  // namespace visavis::cli
