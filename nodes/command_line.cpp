#include "nodes/command_line.hpp"

#include "nodes/text_table.hpp"
#include "runtime/config.hpp"
#include "runtime/contains.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <sstream>
#include <utility>

namespace troupe {

namespace {

/// Stores a word if `check` accepts it.
template <class Store>
auto checked(word_check check, Store store) {
  return [check = std::move(check), store](const std::string& word) {
    if (const std::string fault = check ? check(word) : ""; !fault.empty()) {
      throw CLI::ValidationError(fault);
    }
    store(word);
  };
}

auto into(std::string& to) {
  return [&to](const std::string& word) { to = word; };
}

auto into(std::vector<std::string>& to) {
  return [&to](const std::string& word) { to.push_back(word); };
}

/// The words that `app` takes, as text: "FILE, TOPIC and JSON".
std::string words_of(const CLI::App& app) {
  std::string all;
  const auto words =
      app.get_options([](const CLI::Option* each) { return each->get_positional(); });
  for (std::size_t i = 0; i < words.size(); ++i) {
    all += i == 0 ? "" : i + 1 == words.size() ? " and " : ", ";
    all += words[i]->get_name(true);
  }
  return all;
}

/// The fault in the words given to `app`, the innermost command that they name.
std::string text_of(const CLI::App& app, const CLI::ParseError& fault) {
  const std::vector<std::string> strange = app.remaining();
  const std::string what = strange.empty() ? fault.what() : strange.front();
  std::vector<std::string> known;
  for (const CLI::App* each : app.get_subcommands({})) {
    known.push_back(each->get_name());
  }
  if (!known.empty()) {
    return strange.empty() ? fmt::format("expected {}", fmt::join(known, ", "))
           : what.starts_with('-')
               ? fmt::format("there is no option `{}`", what)
               : fmt::format("there is no command `{}`{}", what, did_you_mean(what, known));
  }
  const bool is_count =
      !strange.empty() || dynamic_cast<const CLI::RequiredError*>(&fault) != nullptr;
  const std::string words = words_of(app);
  if (!is_count || what.starts_with('-') || words.empty()) {
    return fault.what();
  }
  return fmt::format(
      "expected {}{}", words, strange.empty() ? "" : fmt::format("; `{}` is one too many", what));
}

/// The innermost command named, and its full name: "dead-letters list".
std::pair<const CLI::App*, std::string> innermost(const CLI::App& app) {
  const CLI::App* at = &app;
  std::string name;
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
    name += (name.empty() ? "" : " ") + at->get_name();
  }
  return {at, name};
}

/// The help of `app`, wrapped to the terminal; descriptions of options stay in their column. Lines
/// of examples are not wrapped, so that they can be copied.
std::string help_text(const CLI::App& app, const std::string& name = "") {
  constexpr std::size_t columns_least = 40;
  constexpr std::size_t columns_most = 100;
  const std::size_t columns = std::clamp(terminal_columns(80), columns_least, columns_most);
  const std::size_t column = app.get_formatter()->get_column_width();
  std::istringstream lines{app.help(name)};
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    std::string example;
    if (const std::size_t at = line.find("Example: "); at != std::string::npos) {
      example = line.substr(at) + '\n';
      line.resize(at == 0 ? 0 : at - 1);
    }
    const bool is_entry = line.starts_with("  ") && line.size() > column && line[column - 1] == ' ';
    const std::size_t indent = is_entry ? column : 0;
    if (width_of(line) <= columns) {
      text += line.empty() && !example.empty() ? "" : line + '\n';
    } else {
      text += wrapped(
          std::string_view{line}.substr(indent),
          columns,
          line.substr(0, indent),
          std::string(indent, ' '));
    }
    text += example;
  }
  return text;
}

command_page page_of(const CLI::App& app) {
  command_page page;
  page.name = app.get_name();
  page.does = app.get_description();
  page.footer = app.get_footer();
  for (const CLI::Option* each : app.get_options({})) {
    const bool is_word = each->get_positional();
    command_page::entry entry{
        .name = is_word ? each->get_name(true) : "--" + each->get_lnames().front(),
        .what = each->get_description(),
        .takes_value = each->get_type_size() != 0,
        .is_required = each->get_required()};
    (is_word ? page.words : page.options).push_back(std::move(entry));
  }
  for (const CLI::App* each : app.get_subcommands({})) {
    page.commands.push_back(page_of(*each));
  }
  return page;
}

} // namespace

word_check one_of(std::vector<std::string> words) {
  return [words = std::move(words)](const std::string& word) {
    return contains(words, word) ? ""
                                 : fmt::format("`{}` is none of {}", word, fmt::join(words, ", "));
  };
}

command command::add(const std::string& name, const std::string& does) {
  app_->require_subcommand(1);
  return {*app_->add_subcommand(name, does), *chosen_};
}

command& command::runs(std::function<int()> run) {
  app_->callback([chosen = chosen_, run = std::move(run)] { *chosen = run; });
  return *this;
}

command& command::take(kind as, const std::string& name, const std::string& what, take_word take) {
  CLI::Option* const option = app_->add_option(
      name,
      [take = std::move(take)](const CLI::results_t& words) {
        std::ranges::for_each(words, take);
        return true;
      },
      what);
  option->type_name("TEXT")->required(as == kind::word || as == kind::required_option);
  if (as == kind::words) {
    option->expected(1, -1)->allow_extra_args();
  } else if (as == kind::list) {
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }
  return *this;
}

command&
command::word(const std::string& name, std::string& to, const std::string& what, word_check check) {
  return take(kind::word, name, what, checked(std::move(check), into(to)));
}

command& command::optional_word(
    const std::string& name, std::string& to, const std::string& what, word_check check) {
  return take(kind::optional_word, name, what, checked(std::move(check), into(to)));
}

command& command::words(
    const std::string& name,
    std::vector<std::string>& to,
    const std::string& what,
    word_check check) {
  return take(kind::words, name, what, checked(std::move(check), into(to)));
}

command& command::option(
    const std::string& name, std::string& to, const std::string& what, word_check check) {
  return take(kind::option, name, what, checked(std::move(check), into(to)));
}

command&
command::required_option(const std::string& name, std::string& to, const std::string& what) {
  return take(kind::required_option, name, what, into(to));
}

command& command::option(
    const std::string& name,
    std::vector<std::string>& to,
    const std::string& what,
    word_check check) {
  return take(kind::list, name, what, checked(std::move(check), into(to)));
}

command& command::option(
    const std::string& name,
    std::uint64_t& to,
    const std::string& what,
    std::uint64_t least,
    std::uint64_t most) {
  return take(kind::option, name, what, [&to, name, least, most](const std::string& word) {
    const char* const end = word.data() + word.size();
    const auto read = std::from_chars(word.data(), end, to); // Decimal, without a sign.
    if (read.ec != std::errc{} || read.ptr != end || to < least || to > most) {
      throw CLI::ValidationError(
          fmt::format("{}: `{}` is no number from {} to {}", name, word, least, most));
    }
  });
}

command&
command::option(const std::string& name, double& to, const std::string& what, double least) {
  app_->add_option(name, to, what)->check(CLI::Range(least, 1e12));
  return *this;
}

command& command::option(const std::string& name, milliseconds& to, const std::string& what) {
  return take(kind::option, name, what, [&to](const std::string& word) {
    to = parse_duration(word).value_or(milliseconds::zero());
    if (to == milliseconds::zero()) {
      throw CLI::ValidationError(
          fmt::format("`{}` is not a duration; write 500ms, 5s or 1m", word));
    }
    if (to > duration_max) {
      throw CLI::ValidationError(
          fmt::format("`{}` is longer than {}", word, duration_text(duration_max)));
    }
  });
}

command& command::flag(const std::string& name, bool& to, const std::string& what) {
  app_->add_flag(name, to, what);
  return *this;
}

command& command::excludes(const std::string& option, const std::string& other) {
  app_->get_option(option)->excludes(app_->get_option(other));
  return *this;
}

command& command::footer(const std::string& text) {
  app_->footer(text);
  return *this;
}

struct command_line::parser {
  CLI::App app;
  std::function<int()> chosen;
};

command_line::command_line(
    int count, char** words, const std::string& name, const std::string& does)
    : command_line{std::make_unique<parser>(), count, words} {
  parser_->app.name(name);
  parser_->app.description(does);
}

command_line::command_line(std::unique_ptr<parser> made, int count, char** words)
    : command{made->app, made->chosen}, given_(words + 1, words + count), parser_{std::move(made)} {
}

command_line::~command_line() = default;

void command_line::version(const std::string& text) {
  app().set_version_flag("--version", text, "Prints the version");
}

command_page command_line::page() const {
  return page_of(app());
}

std::string command_line::help_of(const std::vector<std::string>& names) const {
  const CLI::App* at = &app();
  std::string before;
  for (const std::string& each : names) {
    before += (before.empty() ? "" : " ") + at->get_name();
    at = at->get_subcommand(each);
  }
  return help_text(*at, before);
}

bool command_line::has(std::string_view option) const {
  return std::ranges::any_of(given_, [option](const std::string& word) {
    return word.substr(0, word.find('=')) == option;
  });
}

int command_line::run(
    const std::function<int(const std::string& command, const std::string& fault)>& refuse) {
  try {
    // CLI11 takes the words in reverse order.
    app().parse(std::vector<std::string>{given_.rbegin(), given_.rend()});
  } catch (const CLI::Success& asked) {
    const bool is_help = dynamic_cast<const CLI::CallForHelp*>(&asked) != nullptr;
    const auto [at, name] = innermost(app());
    // Help of an unknown command.
    if (!at->get_subcommands({}).empty() && !at->remaining().empty()) {
      return refuse(name, text_of(*at, CLI::ExtrasError{at->remaining()}));
    }
    if (is_help) {
      fmt::print("{}", help_text(app()));
      return asked.get_exit_code();
    }
    return app().exit(asked); // Prints the version.
  } catch (const CLI::ParseError& fault) {
    const auto [at, name] = innermost(app());
    return refuse(name, text_of(*at, fault));
  }
  return parser_->chosen();
}

} // namespace troupe
