#include "reference.h"

#include <fmt/format.h>

#include <string_view>
#include <vector>

namespace visavis::cli {
namespace {

// A command with its whole name ("model info"), in the order of declaration.
struct Command {
  std::string name;
  const CLI::App* app;
};

void Collect(const CLI::App& app, const std::string& prefix, std::vector<Command>& commands) {
  for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; })) {
    const std::string name = prefix.empty() ? child->get_name() : prefix + " " + child->get_name();
    const std::size_t before = commands.size();
    Collect(*child, name, commands);
    if (commands.size() == before) commands.push_back({name, child});
  }
}

std::vector<Command> Commands(const CLI::App& app) {
  std::vector<Command> commands;
  Collect(app, "", commands);
  return commands;
}

// Every spelling of an option: "-o", "--output".
std::vector<std::string> Spellings(const CLI::Option& option) {
  std::vector<std::string> spellings;
  for (const std::string& name : option.get_snames()) spellings.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) spellings.push_back("--" + name);
  return spellings;
}

bool TakesValue(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

// Replaces characters that a format gives a meaning to.
std::string Escape(std::string_view text,
                   std::initializer_list<std::pair<char, std::string_view>> table) {
  std::string escaped;
  for (const char c : text) {
    std::string_view replacement(&c, 1);
    for (const auto& [from, to] : table) {
      if (c == from) replacement = to;
    }
    escaped += replacement;
  }
  return escaped;
}

std::string ForRoff(std::string_view text) {
  std::string escaped = Escape(text, {{'\\', "\\e"}, {'-', "\\-"}});
  if (escaped.starts_with('.') || escaped.starts_with('\'')) escaped.insert(0, "\\&");
  return escaped;
}

void AppendOption(const CLI::Option& option, std::string& page) {
  std::string names;
  for (const std::string& spelling : Spellings(option)) {
    names += (names.empty() ? "" : ", ") + spelling;
  }
  if (names.empty()) {
    names = option.get_name(/*positional=*/true);
  } else if (TakesValue(option)) {
    names += " " + option.get_type_name();
  }
  page += fmt::format(".TP\n.B {}\n{}\n", ForRoff(names), ForRoff(option.get_description()));
}

// The footer of a command is "Examples:" and one indented command line each.
std::vector<std::string> Examples(const CLI::App& app) {
  std::vector<std::string> examples;
  const std::string footer = const_cast<CLI::App&>(app).get_footer();
  std::string_view rest = footer;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    if (line.starts_with("  ")) examples.emplace_back(line.substr(2));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return examples;
}

void AppendCommand(const Command& command, std::string& page) {
  page += fmt::format(".SS visavis {}\n{}.\n", ForRoff(command.name),
                      ForRoff(command.app->get_description()));
  for (const CLI::Option* option : command.app->get_options()) AppendOption(*option, page);
  const std::vector<std::string> examples = Examples(*command.app);
  if (examples.empty()) return;
  page += ".PP\nExamples:\n.nf\n";
  for (const std::string& example : examples) page += "  " + ForRoff(example) + "\n";
  page += ".fi\n";
}

std::string Words(const CLI::App& app) {
  std::string words;
  for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; })) {
    words += child->get_name() + " ";
  }
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& spelling : Spellings(*option)) words += spelling + " ";
  }
  if (!words.empty()) words.pop_back();
  return words;
}

}  // namespace

std::string ManualPage(const CLI::App& app, const std::string& version) {
  std::string page = fmt::format(
      ".TH VISAVIS 1 \"\" \"visavis {}\" \"User Commands\"\n"
      ".SH NAME\nvisavis \\- face recognition on this machine\n"
      ".SH SYNOPSIS\n.B visavis\n.I COMMAND\n[\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]\n"
      ".SH DESCRIPTION\nFinds faces in photos, turns them into rows of numbers and says whether "
      "two "
      "photos show the same person. Everything is computed on this machine.\n"
      ".SH COMMANDS\n",
      version);
  for (const Command& command : Commands(app)) AppendCommand(command, page);
  page +=
      ".SH EXIT STATUS\n"
      ".nf\n"
      "  0  done\n"
      "  1  part of it could not be done (a photo without a face, some unreadable files of many)\n"
      "  2  usage: arguments that make no sense\n"
      "  3  a file, model or name does not exist\n"
      "  4  corrupt data\n"
      "  5  well-formed, but not supported\n"
      "  6  larger than the limits\n"
      "  7  the operating system refused to read, write or connect\n"
      "  8  a bug in visavis\n"
      "130  interrupted\n"
      ".fi\n"
      ".SH ENVIRONMENT\n"
      ".TP\n.B XDG_CACHE_HOME\nModels are kept in its folder visavis (default: ~/.cache/visavis).\n"
      ".TP\n.B VISAVIS_MIRROR\nColon\\-separated folders that are searched for models before "
      "anything is downloaded.\n"
      ".TP\n.B VISAVIS_ISA\nscalar, avx2 or avx512: the instruction set to use instead of the best "
      "one.\n";
  return page;
}

std::string BashCompletion(const CLI::App& app) {
  std::string cases;
  const auto add = [&](const std::string& name, const CLI::App& command) {
    cases += fmt::format("    \"{}\") words=\"{}\" ;;\n", name, Words(command));
  };
  add("", app);
  for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; })) {
    add(child->get_name(), *child);
    for (const CLI::App* leaf : child->get_subcommands([](const CLI::App*) { return true; })) {
      add(child->get_name() + " " + leaf->get_name(), *leaf);
    }
  }
  return fmt::format(
      R"(# bash completion for visavis
_visavis() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} command="" word words
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    [[ $word == -* ]] && break
    case "$command" in
      "") command=$word ;;
      model) command="model $word" ;;
    esac
  done
  case "$command" in
{}    *) words="" ;;
  esac
  if [[ $current == -* || -z $command || $command == model ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}}
complete -o filenames -F _visavis visavis
)",
      cases);
}

std::string ZshCompletion(const CLI::App& app) {
  const auto quoted = [](std::string_view text) {
    return Escape(text, {{'\'', "'\\''"}, {'[', "("}, {']', ")"}, {':', "\\:"}});
  };
  std::string commands;
  std::string cases;
  for (const Command& command : Commands(app)) {
    commands += fmt::format("  '{}:{}'\n", command.name, quoted(command.app->get_description()));
    cases += fmt::format("    '{}')\n      _arguments", command.name);
    for (const CLI::Option* option : command.app->get_options()) {
      for (const std::string& spelling : Spellings(*option)) {
        cases += fmt::format(" \\\n        '{}[{}]{}'", spelling, quoted(option->get_description()),
                             TakesValue(*option) ? ":value:_files" : "");
      }
    }
    cases += " \\\n        '*:file:_files' ;;\n";
  }
  return fmt::format(
      R"(#compdef visavis
_visavis() {{
  local -a commands
  commands=(
{}  )
  local command=${{words[2]}} skip=1
  if [[ $command == model ]]; then
    command="model ${{words[3]}}"
    skip=2
  fi
  if (( CURRENT <= skip + 1 )); then
    if [[ ${{words[2]}} == model && CURRENT -eq 3 ]]; then
      local -a model_commands
      model_commands=("${{(@)${{(@M)commands:#model *}}#model }}")
      _describe 'command' model_commands
    else
      local -a first
      first=("${{(@)commands:#model *}}" 'model:Commands about a model')
      _describe 'command' first
    fi
    return
  fi
  shift $skip words
  (( CURRENT -= skip ))
  case "$command" in
{}  esac
}}
_visavis "$@"
)",
      commands, cases);
}

}  // namespace visavis::cli
