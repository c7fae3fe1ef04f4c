#include "nodes/commands/manual/man_page.hpp"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace troupe {

namespace {

/// Escapes text for roff: no escapes, and no request at the beginning of a line.
std::string plain(const std::string& text) {
  std::string all;
  for (const char c : text) {
    if ((c == '.' || c == '\'') && (all.empty() || all.back() == '\n')) {
      all += "\\&";
    }
    all += c == '\\' ? "\\\\" : c == '-' ? "\\-" : std::string{c};
  }
  return all;
}

std::string synopsis_of(const command_page& page) {
  std::string text;
  for (const command_page::entry& each : page.words) {
    const std::string name = fmt::format("\\fI{}\\fR", plain(each.name));
    text += each.is_required ? " " + name : " [" + name + "]";
  }
  for (const command_page::entry& each : page.options) {
    if (each.is_required) {
      text += fmt::format(" \\fB{}\\fR \\fITEXT\\fR", plain(each.name));
    }
  }
  return text + (page.commands.empty() ? " [\\fIoptions\\fR]" : " \\fICOMMAND\\fR");
}

void append_entries(std::string& text, const std::vector<command_page::entry>& entries) {
  for (const command_page::entry& each : entries) {
    text += fmt::format(
        ".TP\n\\fB{}\\fR{}\n{}\n",
        plain(each.name),
        each.takes_value && each.name.starts_with("--") ? " \\fITEXT\\fR" : "",
        plain(each.what));
  }
}

void append_commands(std::string& text, const command_page& page, const std::string& path) {
  for (const command_page& each : page.commands) {
    const std::string name = path + ' ' + each.name;
    text += fmt::format(
        ".SS {}\n\\fB{}\\fR{}\n.PP\n{}.\n",
        plain(name),
        plain(name),
        synopsis_of(each),
        plain(each.does));
    append_entries(text, each.words);
    append_entries(text, each.options);
    if (!each.footer.empty()) {
      text += fmt::format(".PP\n{}\n", plain(each.footer));
    }
    append_commands(text, each, name);
  }
}

} // namespace

std::string man_page(const command_page& program, const std::string& version) {
  std::string title = program.name;
  std::ranges::transform(
      title, title.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  std::string text = fmt::format(
      ".TH {} 1 \"\" \"{}\" \"Troupe\"\n.SH NAME\n{} \\- {}\n.SH SYNOPSIS\n\\fB{}\\fR{}\n",
      plain(title),
      version,
      plain(program.name),
      plain(program.does),
      plain(program.name),
      synopsis_of(program));
  if (!program.words.empty() || !program.options.empty()) {
    text += ".SH OPTIONS\n";
    append_entries(text, program.words);
    append_entries(text, program.options);
  }
  if (!program.commands.empty()) {
    text += ".SH COMMANDS\n";
    append_commands(text, program, program.name);
  }
  if (!program.footer.empty()) {
    text += fmt::format(".SH EXIT STATUS\n{}\n", plain(program.footer));
  }
  return text;
}

} // namespace troupe
