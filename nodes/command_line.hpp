#pragma once

#include "runtime/clock.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace troupe {

/// Why a word of the command line is invalid; empty if it is valid.
using word_check = std::function<std::string(const std::string& word)>;

/// Refuses every word but these.
word_check one_of(std::vector<std::string> words);

/// The page of a program or of one of its commands: purpose and arguments, for manuals and
/// completion.
struct command_page {
  struct entry {
    /// "FILE" or "--deadline".
    std::string name;
    std::string what;
    bool takes_value = true;
    bool is_required = false;
  };

  std::string name;
  std::string does;
  /// The last paragraph; may be empty.
  std::string footer;
  std::vector<entry> words;
  std::vector<entry> options;
  std::vector<command_page> commands;
};

/// The options of a program, or of one of its commands. A thin wrapper of CLI11, whose templates
/// are slow to compile.
///
/// A handle, valid as long as its `command_line`. Variables are filled when that runs, before the
/// command's function is called; a variable whose option is not given keeps its value.
class command {
public:
  /// Adds a subcommand.
  /// @param does what it does, in a sentence.
  command add(const std::string& name, const std::string& does);

  /// Sets the function of the command.
  /// @param run returns the exit code of the program.
  command& runs(std::function<int()> run);

  /// A required word; words are taken in the order in which they are declared.
  command&
  word(const std::string& name, std::string& to, const std::string& what, word_check check = {});
  command& optional_word(
      const std::string& name, std::string& to, const std::string& what, word_check check = {});
  /// All remaining words, if any.
  command& words(
      const std::string& name,
      std::vector<std::string>& to,
      const std::string& what,
      word_check check = {});

  command&
  option(const std::string& name, std::string& to, const std::string& what, word_check check = {});
  command& required_option(const std::string& name, std::string& to, const std::string& what);
  /// May be repeated.
  command& option(
      const std::string& name,
      std::vector<std::string>& to,
      const std::string& what,
      word_check check = {});
  command& option(
      const std::string& name,
      std::uint64_t& to,
      const std::string& what,
      std::uint64_t least,
      std::uint64_t most);
  command& option(const std::string& name, double& to, const std::string& what, double least);
  /// A duration such as "5s", not zero.
  command& option(const std::string& name, milliseconds& to, const std::string& what);
  command& flag(const std::string& name, bool& to, const std::string& what);
  /// Refuses the two options together.
  command& excludes(const std::string& option, const std::string& other);

  /// The last paragraph of the help.
  command& footer(const std::string& text);

protected:
  command(CLI::App& app, std::function<int()>& chosen) : app_{&app}, chosen_{&chosen} {}

  CLI::App& app() const { return *app_; }

private:
  using take_word = std::function<void(const std::string& word)>;

  enum class kind : std::uint8_t { option, required_option, list, word, optional_word, words };

  command& take(kind as, const std::string& name, const std::string& what, take_word take);

  CLI::App* app_;
  std::function<int()>* chosen_;
};

/// The command line of a program, and what it accepts.
class command_line : public command {
public:
  /// @param count, words are those of main().
  command_line(int count, char** words, const std::string& name, const std::string& does);
  ~command_line();

  command_line(const command_line&) = delete;
  command_line& operator=(const command_line&) = delete;

  /// Prints `text` if --version is given.
  void version(const std::string& text);

  /// Everything that was declared.
  command_page page() const;

  /// The help of one command, which must be declared: {"dead-letters", "list"}.
  std::string help_of(const std::vector<std::string>& names) const;

  /// Whether the command line contains `option` ("--json").
  bool has(std::string_view option) const;

  /// Parses the command line and runs the command it names; prints help on request.
  /// @param refuse is called on wrong usage, with the command ("dead-letters list") and the reason.
  /// @return the exit code of the command or of `refuse`; 0 for help.
  int run(const std::function<int(const std::string& command, const std::string& fault)>& refuse);

private:
  struct parser;

  command_line(std::unique_ptr<parser> made, int count, char** words);

  std::vector<std::string> given_;
  std::unique_ptr<parser> parser_;
};

} // namespace troupe
