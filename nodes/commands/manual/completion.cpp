#include "nodes/commands/manual/completion.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <string_view>

namespace troupe {

namespace {

/// A command, with the words that lead to it after the program's name: "dead-letters list".
struct placed_page {
  std::string path;
  const command_page* page;
};

void collect(const command_page& page, const std::string& path, std::vector<placed_page>& all) {
  all.push_back({path, &page});
  for (const command_page& each : page.commands) {
    collect(each, path.empty() ? each.name : path + ' ' + each.name, all);
  }
}

std::vector<placed_page> pages_of(const command_page& program) {
  std::vector<placed_page> all;
  collect(program, "", all);
  return all;
}

std::string commands_of(const command_page& page) {
  std::vector<std::string> names;
  for (const command_page& each : page.commands) {
    names.push_back(each.name);
  }
  return fmt::to_string(fmt::join(names, " "));
}

std::string options_of(const command_page& page) {
  std::vector<std::string> names;
  for (const command_page::entry& each : page.options) {
    names.push_back(each.name);
  }
  return fmt::to_string(fmt::join(names, " "));
}

/// The `case` statement with the words that may follow each command, for bash and zsh.
std::string cases_of(const command_page& program) {
  std::string text;
  for (const placed_page& each : pages_of(program)) {
    text += fmt::format(
        "    '{}') commands='{}' options='{}' ;;\n",
        each.path,
        commands_of(*each.page),
        options_of(*each.page));
  }
  return text;
}

/// Text inside single quotes of a shell.
std::string quoted(std::string text) {
  for (std::size_t at = 0; (at = text.find('\'', at)) != std::string::npos; at += 4) {
    text.replace(at, 1, "'\\''");
  }
  return '\'' + text + '\'';
}

} // namespace

std::string bash_completion(const command_page& program) {
  return fmt::format(
      R"(# Completion of {0} for bash: {0} completion bash > /usr/share/bash-completion/completions/{0}
_{0}() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} at='' next word commands='' options=''
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    next=${{at:+$at }}$word
    case $next in
    {2}) at=$next ;;
    esac
  done
  case $at in
{1}  esac
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
  elif [[ -n $commands ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}}
complete -o filenames -F _{0} {0}
)",
      program.name,
      cases_of(program),
      [&] {
        std::vector<std::string> paths;
        for (const placed_page& each : pages_of(program)) {
          if (!each.path.empty()) {
            paths.push_back(quoted(each.path));
          }
        }
        return fmt::to_string(fmt::join(paths, " | "));
      }());
}

std::string zsh_completion(const command_page& program) {
  std::vector<std::string> paths;
  for (const placed_page& each : pages_of(program)) {
    if (!each.path.empty()) {
      paths.push_back(quoted(each.path));
    }
  }
  return fmt::format(
      R"(#compdef {0}
# Completion of {0} for zsh: {0} completion zsh > /usr/share/zsh/site-functions/_{0}
_{0}() {{
  local at='' next word commands='' options=''
  for word in ${{words[2,CURRENT-1]}}; do
    next=${{at:+$at }}$word
    case $next in
    {2}) at=$next ;;
    esac
  done
  case $at in
{1}  esac
  if [[ ${{words[CURRENT]}} == -* ]]; then
    compadd -- ${{=options}}
  elif [[ -n $commands ]]; then
    compadd -- ${{=commands}}
  else
    _files
  fi
}}
# Loaded by compinit, this file is the function when it is first asked; else it is read by `source`.
if [[ ${{funcstack[1]}} == _{0} ]]; then
  _{0} "$@"
else
  compdef _{0} {0}
fi
)",
      program.name,
      cases_of(program),
      fmt::join(paths, " | "));
}

namespace {

/// A condition for fish: all words of a path ("sagas list") were typed, and none of `beyond`.
std::string fish_condition(const std::string& path, const std::vector<command_page>& beyond) {
  if (path.empty()) {
    return "__fish_use_subcommand";
  }
  std::string condition;
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    condition +=
        fmt::format("{}__fish_seen_subcommand_from {}", condition.empty() ? "" : "; and ", word);
  }
  if (!beyond.empty()) {
    condition += "; and not __fish_seen_subcommand_from";
    for (const command_page& each : beyond) {
      condition += ' ' + each.name;
    }
  }
  return condition;
}

} // namespace

std::string fish_completion(const command_page& program) {
  std::string text = fmt::format(
      "# Completion of {0} for fish: {0} completion fish > "
      "/usr/share/fish/vendor_completions.d/{0}.fish\n",
      program.name);
  for (const placed_page& each : pages_of(program)) {
    const std::string condition = fish_condition(each.path, each.page->commands);
    for (const command_page& inner : each.page->commands) {
      text += fmt::format(
          "complete -c {} -f -n {} -a {} -d {}\n",
          program.name,
          quoted(condition),
          inner.name,
          quoted(inner.does));
    }
    for (const command_page::entry& option : each.page->options) {
      text += fmt::format(
          "complete -c {} -n {} -l {}{} -d {}\n",
          program.name,
          quoted(condition),
          option.name.substr(2),
          option.takes_value ? " -r" : "",
          quoted(option.what));
    }
  }
  return text;
}

} // namespace troupe
