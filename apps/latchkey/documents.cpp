/// Shell completion and the man page, generated from the definitions of the command line itself.
#include "cli.h"

namespace latchkey::cli {

namespace {

std::vector<std::string> words_of(const CLI::App& app) {
  std::vector<std::string> out;
  for (const auto* command : app.get_subcommands({})) out.push_back(command->get_name());
  for (const auto* option : app.get_options())
    if (!option->get_lnames().empty()) out.push_back("--" + option->get_lnames().front());
  return out;
}

/// One `case` branch per command: the words that may follow it.
void completion_cases(const CLI::App& app, const std::string& path, std::string& out) {
  out += "    \"" + path + "\") words=\"";
  for (const auto& word : words_of(app)) out += word + " ";
  out += "\" ;;\n";
  for (const auto* command : app.get_subcommands({}))
    completion_cases(*command, path + (path.empty() ? "" : " ") + command->get_name(), out);
}

std::string bash_completion(const CLI::App& app) {
  std::string cases;
  completion_cases(app, "", cases);
  return "_latchkey() {\n  local words path=\"\" word\n  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; "
         "do\n    case \"$word\" in -*) ;; *) path=\"${path:+$path }$word\" ;; esac\n  done\n"
         "  case \"$path\" in\n" +
         cases +
         "    *) words=\"\" ;;\n  esac\n  COMPREPLY=($(compgen -W \"$words\" -- "
         "\"${COMP_WORDS[COMP_CWORD]}\"))\n"
         "  [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "
         "\"${COMP_WORDS[COMP_CWORD]}\"))\n}\ncomplete -F _latchkey latchkey\n";
}

std::string roff(std::string text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '-') out += '\\';
    out += c;
  }
  return out;
}

void man_section(const CLI::App& app, const std::string& path, std::string& out) {
  if (!path.empty()) out += ".SS \"" + roff(path) + "\"\n" + roff(app.get_description()) + "\n";
  if (!app.get_footer().empty()) out += ".PP\n" + roff(app.get_footer()) + "\n";
  for (const auto* option : app.get_options()) {
    if (option->get_description().empty()) continue;
    const auto name = option->get_lnames().empty() ? option->get_name() : "--" + option->get_lnames().front();
    out += ".TP\n.B " + roff(name) + "\n" + roff(option->get_description()) + "\n";
  }
  for (const auto* command : app.get_subcommands({}))
    man_section(*command, path + (path.empty() ? "" : " ") + command->get_name(), out);
}

}  // namespace

void add_documents(CLI::App& app, int&) {
  auto* completion = app.add_subcommand("completion", "print the completion for bash: source it");
  completion->callback([&app] { std::printf("%s", bash_completion(app).c_str()); });
  auto* man = app.add_subcommand("man", "print the manual page: pipe it to man -l -");
  man->callback([&app] {
    std::string body;
    man_section(app, "", body);
    std::printf(".TH LATCHKEY 1\n.SH NAME\nlatchkey \\- %s\n.SH COMMANDS\n%s",
                roff(app.get_description()).c_str(), body.c_str());
  });
}

}  // namespace latchkey::cli
