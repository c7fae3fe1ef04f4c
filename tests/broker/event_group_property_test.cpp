#include "runtime/broker/event_group.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <deque>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <variant>

// Mutations of the group that were made by hand, one at a time, and caught here:
//   delivering before ASSIGNED; taking ASSIGNED of any epoch; moving a partition with events in
//   hand; making the letter at the third death already, without asking the database; sending a
//   suspect beside others; not putting back what a dead worker had; a postponed event that is not
//   the first of its key; saying BURIED with events before it in hand; forgetting the dead letters
//   of an earlier life; a cursor that passes postponed events; not counting redelivered events as
//   credit; keeping the deaths of a worker that came back; offering nothing again to an older
//   database.

namespace troupe::broker {

namespace utf = boost::unit_test;

namespace {

using namespace std::chrono_literals;

/// The database of the capability: one for all of its workers, whatever they believe.
struct database {
  struct partition {
    bool is_known = false;
    std::uint64_t epoch = 0;
    std::uint64_t handled = 0;
    std::map<std::uint64_t, wire::postponed> rows;
  };

  std::array<partition, 64> partitions;
  std::set<std::uint64_t> graves;
  std::map<std::uint64_t, int> effects;
  std::map<std::string, std::uint64_t> last_of_key;
};

using to_worker = std::variant<event_ref, send_assign, send_buried>;
using to_group = std::variant<wire::assigned, wire::handled>;

struct process {
  std::string name;
  bool is_alive = false;
  std::uint8_t incarnation = 0;
  /// 0: its link is cut.
  std::uint32_t login = 0;
  /// The last one it had.
  std::uint32_t said_as = 0;
  std::uint32_t credit = 3;
  std::map<std::uint32_t, std::uint64_t> epochs{};
  std::deque<to_worker> inbox{};
  std::deque<std::pair<std::uint32_t, to_group>> outbox{};
};

enum class nature : std::uint8_t { good, poison, refused, flaky };

struct shape {
  bool with_random_deaths = true;
  bool with_broker_restarts = true;
  bool with_backups = false;
  std::uint32_t partitions = 4;
  std::uint32_t keys = 8;
};

class world {
public:
  world(std::uint64_t seed, shape of) : random_{seed}, shape_{of} {
    for (const char* name : {"n1", "n2", "n3"}) {
      workers_.push_back({.name = name});
    }
    start_broker();
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      step();
      check_cursors();
    }
    settle();
  }

  void publish(nature is) {
    auto made = std::make_shared<event>();
    made->position = journal_.size() + 1;
    made->id.bytes[0] = std::byte{static_cast<unsigned char>(made->position)};
    made->id.bytes[1] = std::byte{static_cast<unsigned char>(made->position >> 8U)};
    made->topic = "t";
    const std::uint64_t key = below(shape_.keys);
    made->key = key == 0 ? "" : "k" + std::to_string(key);
    const std::uint64_t spread = key == 0 ? below(1'000) : key;
    made->partition = static_cast<std::uint32_t>(spread % shape_.partitions) * 7;
    made->body = "body";
    natures_[made->position] = is;
    tries_[made->position] = below(4);
    journal_.push_back(made);
  }

  void add_poison_and_settle(int events) {
    for (int i = 0; i < events; ++i) {
      publish(i == events / 2 ? nature::poison : nature::good);
    }
    settle();
    BOOST_REQUIRE(letters_.size() == 1);
    BOOST_REQUIRE(letters_.begin()->second == "crashed");
    BOOST_REQUIRE((natures_[letters_.begin()->first] == nature::poison));
  }

private:
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  void start_broker() {
    event_group_options options{.capability = "orders", .patterns = {"*"}};
    options.epoch_base = ++generation_ << 32U;
    options.seed = random_();
    options.window_events = 5 + below(40);
    options.journal_last = journal_.empty() ? 0 : journal_.back()->position;
    options.reached = kept_reached_;
    std::vector<std::uint64_t> graves;
    for (const auto& [position, cause] : letters_) {
      graves.push_back(position);
    }
    tested_.emplace(options, kept_cursors_, graves);
    burying_.clear();
    fetching_.clear();
    owed_.clear();
    deaths_.clear();
    blamed_of_.clear();
    owner_.clear();
    isolated_ = 0;
    cursors_ = tested_->cursors();
  }

  // What the group decides.

  void carry_out() {
    auto decided = std::exchange(out_, {});
    for (group_action& each : decided.actions) {
      std::visit([this](auto& what) { carry_out(what); }, each);
    }
    for (const log_event& each : decided.events) {
      went_back_ = went_back_ || each.name == "database_went_back";
    }
  }

  process& at(session login) {
    for (process& each : workers_) {
      if (each.said_as == static_cast<std::uint32_t>(login)) {
        return each;
      }
    }
    BOOST_FAIL("nobody is logged in as that");
    return workers_.front();
  }

  bool is_suspect(std::uint64_t position) const {
    const auto known = deaths_.find(position);
    return known != deaths_.end() && known->second >= 2;
  }

  void carry_out(deliver_event& what) {
    const auto login = static_cast<std::uint32_t>(what.to);
    const std::uint64_t position = what.what->position;
    const ownership& has = owner_[what.what->partition];
    BOOST_REQUIRE(sessions_.contains(login));
    BOOST_REQUIRE_MESSAGE(has.login == login && has.is_active, "not its owner");
    std::set<std::uint64_t>& owed = owed_[login];
    BOOST_REQUIRE_MESSAGE(owed.size() < at(what.to).credit, "beyond its credit");
    BOOST_REQUIRE_MESSAGE(owed.insert(position).second, "delivered twice");
    for (const auto& [other, events] : owed_) {
      BOOST_REQUIRE_MESSAGE(other == login || !events.contains(position), "two have it");
    }
    BOOST_REQUIRE_MESSAGE(!letters_.contains(position), "a dead letter is delivered");
    if (is_suspect(position)) {
      BOOST_REQUIRE_MESSAGE(isolated_ == login && is_granted_, "a suspect where others may be");
      BOOST_REQUIRE_MESSAGE(owed.size() == 1, "a suspect is not alone");
    } else {
      BOOST_REQUIRE_MESSAGE(isolated_ != login, "beside a suspect");
    }
    send(login, what.what);
  }

  void carry_out(send_assign& what) {
    BOOST_REQUIRE(what.epoch > epoch_);
    epoch_ = what.epoch;
    const auto login = static_cast<std::uint32_t>(what.to);
    for (const wire::progress& each : what.partitions) {
      // Of a live worker nothing is taken that it has in hand.
      for (const std::uint64_t position : owed_[owner_[each.partition].login]) {
        BOOST_REQUIRE(journal_[position - 1]->partition != each.partition);
      }
      owner_[each.partition] = {login, what.epoch, false};
    }
    send(login, what);
  }

  void carry_out(send_buried& what) {
    for (const std::uint64_t each : what.positions) {
      BOOST_REQUIRE_MESSAGE(letters_.contains(each), "buried without a letter");
    }
    send(static_cast<std::uint32_t>(what.to), what);
  }

  void send(std::uint32_t login, to_worker what) {
    process& to = at(session{login});
    if (to.is_alive && to.login == login) {
      to.inbox.push_back(std::move(what));
    }
  }

  void carry_out(bury& what) {
    const std::uint64_t position = what.letter.what->position;
    BOOST_REQUIRE_MESSAGE(burying_.emplace(position, what.letter.cause).second, "buried twice");
    BOOST_REQUIRE(!letters_.contains(position) || shape_.with_backups);
    BOOST_REQUIRE(what.letter.attempts > 0U);
    BOOST_REQUIRE(what.letter.cause != "crashed" || deaths_[position] >= 3);
    BOOST_REQUIRE(what.letter.cause == "crashed" || natures_[position] != nature::poison);
  }

  void carry_out(fetch& what) {
    fetching_.insert(fetching_.end(), what.positions.begin(), what.positions.end());
  }

  void carry_out(isolate_worker& what) {
    BOOST_REQUIRE(isolated_ == 0);
    isolated_ = static_cast<std::uint32_t>(what.whom);
    is_granted_ = false;
  }

  void carry_out(release_worker& what) {
    BOOST_REQUIRE(isolated_ == static_cast<std::uint32_t>(what.whom));
    isolated_ = 0;
  }

  // What happens.

  void step() {
    const std::uint64_t dice = below(200);
    process& any = workers_[below(workers_.size())];
    if (dice < 30) {
      const std::uint64_t kind = below(60);
      publish(
          kind == 0  ? nature::poison
          : kind < 4 ? nature::refused
          : kind < 9 ? nature::flaky
                     : nature::good);
    } else if (dice < 60) {
      feed();
    } else if (dice < 100) {
      work(any);
    } else if (dice < 140) {
      hear(any);
    } else if (dice < 150) {
      write();
    } else if (dice < 165) {
      tick(milliseconds{below(60)});
    } else if (dice < 170) {
      log_in(any);
    } else if (dice < 175) {
      change_credit(any, below(3) == 0 ? 0 : static_cast<std::uint32_t>(1 + below(4)));
    } else if (dice < 178) {
      cut(any, below(2) == 0);
    } else if (dice < 180 && shape_.with_random_deaths) {
      kill(any, true);
    } else if (dice < 181 && shape_.with_broker_restarts && below(3) == 0) {
      restart_broker();
    } else if (dice < 182 && shape_.with_backups) {
      back_up_or_restore();
    } else if (dice < 184) {
      kept_cursors_ = tested_->cursors(); // The journal writes them now and then.
      kept_reached_ = tested_->reached();
    }
  }

  void feed() {
    for (std::uint64_t i = below(12); i > 0 && tested_->has_room(); --i) {
      const std::uint64_t from = tested_->scanned();
      if (from >= journal_.size()) {
        return;
      }
      tested_->offer(journal_[from], now_, out_);
      carry_out();
      if (below(20) == 0) { // Again changes nothing.
        tested_->offer(journal_[below(from + 1)], now_, out_);
        carry_out();
      }
    }
  }

  void tick(milliseconds by) {
    now_ += by;
    tested_->tick(now_, out_);
    carry_out();
  }

  /// Dead letters get on disk, questions are answered, a node gets idle.
  void write() {
    if (!burying_.empty()) {
      std::vector<std::uint64_t> positions;
      for (const auto& [position, cause] : burying_) {
        letters_.emplace(position, cause);
        positions.push_back(position);
      }
      burying_.clear();
      tested_->buried(positions, now_, out_);
      carry_out();
    }
    if (!fetching_.empty()) {
      std::vector<event_ref> found;
      for (const std::uint64_t each : std::exchange(fetching_, {})) {
        found.push_back(journal_[each - 1]);
      }
      tested_->fetched(found, {}, now_, out_);
      carry_out();
    }
    if (isolated_ != 0 && !is_granted_) {
      is_granted_ = true;
      tested_->isolated(session{isolated_}, now_, out_);
      carry_out();
    }
  }

  void log_in(process& who) {
    if (who.login != 0) {
      return;
    }
    if (!who.is_alive) {
      who.is_alive = true;
      who.incarnation = ++incarnations_;
    }
    for (const std::uint64_t each : std::exchange(blamed_of_[who.incarnation], {})) {
      if (const auto known = deaths_.find(each); known != deaths_.end() && --known->second == 0) {
        deaths_.erase(known);
      }
    }
    who.login = who.said_as = ++logins_;
    sessions_.insert(who.login);
    uuid incarnation;
    incarnation.bytes[0] = std::byte{who.incarnation};
    tested_->joined(session{who.login}, who.name, incarnation, who.credit, now_, out_);
    carry_out();
  }

  void change_credit(process& who, std::uint32_t credit) {
    who.credit = credit;
    if (who.login != 0) {
      tested_->credit(session{who.login}, credit, now_, out_);
      carry_out();
    }
  }

  /// The link is lost; the process goes on with what it has.
  void cut(process& who, bool is_blamed) {
    const std::uint32_t login = std::exchange(who.login, 0);
    if (login == 0) {
      return;
    }
    if (is_blamed) {
      for (const std::uint64_t each : owed_[login]) {
        ++deaths_[each];
        blamed_of_[who.incarnation].push_back(each);
      }
    }
    owed_.erase(login);
    sessions_.erase(login);
    for (auto& [partition, has] : owner_) {
      if (has.login == login) {
        has = {};
      }
    }
    tested_->left(session{login}, is_blamed, now_, out_);
    carry_out();
  }

  void kill(process& who, bool is_blamed) {
    if (!who.is_alive) {
      return;
    }
    who.is_alive = false;
    who.inbox.clear();
    who.epochs.clear();
    if (below(2) == 0) {
      who.outbox.clear();
    }
    while (!who.outbox.empty() && below(3) != 0) {
      hear(who);
    }
    cut(who, is_blamed);
  }

  void restart_broker() {
    for (process& each : workers_) {
      each.login = 0;
      each.outbox.clear();
    }
    sessions_.clear();
    start_broker();
  }

  void back_up_or_restore() {
    if (!backup_) {
      // A database that has never seen a partition begins where the group says.
      if (std::all_of(db_.partitions.begin(), db_.partitions.end(), [](const auto& each) {
            return each.is_known;
          })) {
        backup_ = db_;
      }
      return;
    }
    for (process& each : workers_) {
      kill(each, false);
      each.outbox.clear();
    }
    for (std::uint32_t i = 0; i < db_.partitions.size(); ++i) {
      // Epochs come from the journal, and rise over those in the backup.
      BOOST_REQUIRE(backup_->partitions[i].epoch <= epoch_);
    }
    db_ = *std::exchange(backup_, {});
  }

  /// The group receives what a worker said, perhaps from a session that is over.
  void hear(process& who) {
    if (who.outbox.empty()) {
      return;
    }
    const auto [login, what] = std::move(who.outbox.front());
    who.outbox.pop_front();
    if (const auto* const state = std::get_if<wire::assigned>(&what)) {
      for (const wire::partition_state& each : state->partitions) {
        ownership& has = owner_[each.partition];
        if (has.login == login && has.epoch == state->epoch && !has.is_active) {
          has.is_active = true;
          take_postponed(each);
        }
      }
      tested_->assigned(session{login}, *state, now_, out_);
    } else {
      const auto& report = std::get<wire::handled>(what);
      forget_owed(login, report);
      tested_->handled(session{login}, report, now_, out_);
    }
    BOOST_REQUIRE(tested_->look().trouble.empty());
    carry_out();
  }

  /// What is postponed is delivered by itself from now on, and all else in order.
  void take_postponed(const wire::partition_state& state) {
    std::erase_if(again_, [&](std::uint64_t position) {
      return journal_[position - 1]->partition == state.partition;
    });
    for (const wire::postponed& each : state.waiting) {
      again_.insert(each.position);
    }
    std::erase_if(deaths_, [&](const auto& each) {
      return journal_[each.first - 1]->partition == state.partition && each.first <= state.handled
             && !again_.contains(each.first); // It was handled in spite of them.
    });
  }

  void forget_owed(std::uint32_t login, const wire::handled& report) {
    if (!sessions_.contains(login)) {
      return;
    }
    std::set<std::uint64_t>& owed = owed_[login];
    auto forget = [&](std::uint64_t position) {
      if (owed.erase(position) != 0) {
        deaths_.erase(position);
      }
    };
    for (const wire::progress& each : report.upto) {
      const ownership& has = owner_[each.partition];
      if (has.login != login || !has.is_active) {
        continue;
      }
      const std::set<std::uint64_t> all = owed;
      for (const std::uint64_t position : all) {
        if (position <= each.position && journal_[position - 1]->partition == each.partition
            && !again_.contains(position)) {
          forget(position);
        }
      }
    }
    for (const wire::postponed& each : report.waiting) {
      forget(each.position);
      again_.insert(each.position); // What comes of it is said by itself.
    }
    for (const std::uint64_t each : report.done) {
      forget(each);
    }
  }

  // What a worker does: a turn over some of what it was sent.

  void work(process& who) {
    wire::handled report;
    report.capability = "orders";
    std::set<std::uint32_t> touched;
    for (std::uint64_t i = 1 + below(4); i > 0 && !who.inbox.empty(); --i) {
      const to_worker next = std::move(who.inbox.front());
      who.inbox.pop_front();
      if (const auto* const order = std::get_if<send_assign>(&next)) {
        flush(who, report, touched);
        take(who, *order);
      } else if (const auto* const gone = std::get_if<send_buried>(&next)) {
        for (const std::uint64_t each : gone->positions) {
          forget(each);
        }
      } else if (!handle(who, *std::get<event_ref>(next), report, touched)) {
        flush(who, report, touched);
        if (who.is_alive) {
          kill(who, true);
        }
        return;
      }
    }
    flush(who, report, touched);
  }

  void flush(process& who, wire::handled& report, std::set<std::uint32_t>& touched) {
    for (const std::uint32_t each : touched) {
      report.upto.push_back({each, db_.partitions[each].handled});
    }
    if (!report.upto.empty() || !report.waiting.empty() || !report.done.empty()) {
      who.outbox.emplace_back(who.said_as, report);
    }
    touched.clear();
    report.upto.clear();
    report.waiting.clear();
    report.done.clear();
  }

  void take(process& who, const send_assign& order) {
    wire::assigned answer;
    answer.capability = "orders";
    answer.epoch = order.epoch;
    for (const wire::progress& each : order.partitions) {
      database::partition& of = db_.partitions[each.partition];
      if (of.epoch >= order.epoch) {
        continue;
      }
      if (!of.is_known) {
        of.is_known = true;
        of.handled = each.position;
      }
      of.epoch = order.epoch;
      who.epochs[each.partition] = order.epoch;
      wire::partition_state& state = answer.partitions.emplace_back();
      state.partition = each.partition;
      state.handled = of.handled;
      for (const auto& [position, row] : of.rows) {
        state.waiting.push_back(row);
      }
    }
    who.outbox.emplace_back(who.said_as, std::move(answer));
  }

  void forget(std::uint64_t position) {
    database::partition& of = db_.partitions[journal_[position - 1]->partition];
    if (of.rows.erase(position) == 0 && position > of.handled) {
      if (position % 2 == 0) { // A worker may do either.
        of.handled = position;
      } else {
        db_.graves.insert(position);
      }
    }
  }

  /// @return false if it dies of it.
  bool
  handle(process& who, const event& what, wire::handled& report, std::set<std::uint32_t>& touched) {
    database::partition& of = db_.partitions[what.partition];
    const auto epoch = who.epochs.find(what.partition);
    if (epoch == who.epochs.end() || epoch->second != of.epoch) {
      return true; // Fenced.
    }
    const auto row = of.rows.find(what.position);
    const bool is_first = what.position > of.handled;
    if (!is_first && row == of.rows.end()) {
      touched.insert(what.partition);
      return true;
    }
    if (is_first) {
      if (db_.graves.contains(what.position)) {
        of.handled = what.position;
        touched.insert(what.partition);
        return true;
      }
      if (is_behind(of, what)) {
        postpone(of, what, {.position = what.position, .cause = {}, .error = {}}, report, touched);
        return true;
      }
    } else {
      BOOST_REQUIRE_MESSAGE(!is_behind(of, what), "not the first of its key");
      BOOST_REQUIRE(!row->second.dead);
    }
    return run(of, what, report, touched);
  }

  bool
  run(database::partition& of,
      const event& what,
      wire::handled& report,
      std::set<std::uint32_t>& touched) {
    const auto row = of.rows.find(what.position);
    const bool is_first = row == of.rows.end();
    wire::postponed said =
        is_first ? wire::postponed{.position = what.position, .cause = {}, .error = {}}
                 : row->second;
    switch (natures_[what.position]) {
    case nature::poison:
      return false;
    case nature::refused:
      ++said.attempts;
      said.dead = true;
      said.cause = "rejected";
      postpone(of, what, said, report, touched);
      return true;
    case nature::flaky:
      if (said.attempts < tries_[what.position]) {
        ++said.attempts;
        said.dead = said.attempts == 3;
        said.cause = "transient";
        postpone(of, what, said, report, touched);
        return true;
      }
      break;
    case nature::good:
      break;
    }
    BOOST_REQUIRE_MESSAGE(++db_.effects[what.position] == 1, "handled twice");
    if (!what.key.empty()) {
      BOOST_REQUIRE_MESSAGE(db_.last_of_key[what.key] < what.position, "out of order");
      db_.last_of_key[what.key] = what.position;
    }
    if (is_first) {
      of.handled = what.position;
      touched.insert(what.partition);
    } else {
      of.rows.erase(row);
      report.done.push_back(what.position);
    }
    return true;
  }

  static void postpone(
      database::partition& of,
      const event& what,
      const wire::postponed& said,
      wire::handled& report,
      std::set<std::uint32_t>& touched) {
    of.rows[what.position] = said;
    report.waiting.push_back(said);
    if (what.position > of.handled) {
      of.handled = what.position;
      touched.insert(what.partition);
    }
  }

  bool is_behind(const database::partition& of, const event& what) const {
    return !what.key.empty() && std::any_of(of.rows.begin(), of.rows.end(), [&](const auto& each) {
      return each.first < what.position && journal_[each.first - 1]->key == what.key;
    });
  }

  // What must hold.

  bool is_over(std::uint64_t position) const {
    return db_.effects.contains(position) || letters_.contains(position);
  }

  void check_cursors() {
    const auto cursors = tested_->cursors();
    for (std::uint32_t i = 0; i < cursors.size() && !shape_.with_backups; ++i) {
      BOOST_REQUIRE_MESSAGE(cursors[i] >= cursors_[i], "a cursor went back");
      for (std::uint64_t at = cursors_[i] + 1; at <= cursors[i] && at <= journal_.size(); ++at) {
        BOOST_REQUIRE_MESSAGE(
            journal_[at - 1]->partition != i || is_over(at), "a cursor passed an event");
      }
    }
    cursors_ = cursors;
  }

  void settle() {
    for (process& each : workers_) {
      change_credit(each, 3);
    }
    const auto is_done = [&] {
      return std::all_of(journal_.begin(), journal_.end(), [&](const event_ref& each) {
        return is_over(each->position);
      });
    };
    int rounds = 0;
    const auto is_idle = [&] {
      const event_group::status seen = tested_->look();
      return seen.in_flight + seen.waiting + seen.retrying == 0 && isolated_ == 0;
    };
    while (!is_done() || !is_idle()) {
      BOOST_REQUIRE_MESSAGE(++rounds < 5'000, "it does not go on");
      for (process& each : workers_) {
        log_in(each);
        work(each);
        hear(each);
      }
      feed();
      write();
      tick(20ms);
    }
    for (const event_ref& each : journal_) {
      const auto effects = db_.effects.find(each->position);
      const int times = effects == db_.effects.end() ? 0 : effects->second;
      BOOST_REQUIRE(times + (letters_.contains(each->position) ? 1 : 0) == 1);
    }
    check_cursors();
    const auto cursors = tested_->cursors();
    BOOST_REQUIRE(*std::min_element(cursors.begin(), cursors.end()) >= journal_.size());
  }

  struct ownership {
    std::uint32_t login = 0;
    std::uint64_t epoch = 0;
    bool is_active = false;
  };

  std::mt19937_64 random_;
  shape shape_;
  std::optional<event_group> tested_;
  group_decisions out_;
  instant now_{1h};
  std::vector<process> workers_;
  database db_;
  std::optional<database> backup_;

  // The journal.
  std::vector<event_ref> journal_;
  std::map<std::uint64_t, nature> natures_;
  std::map<std::uint64_t, std::uint64_t> tries_;
  std::map<std::uint64_t, std::string> letters_;
  std::map<std::uint64_t, std::string> burying_;
  std::vector<std::uint64_t> fetching_;
  std::array<std::uint64_t, 64> kept_cursors_{};
  std::array<std::uint64_t, 64> kept_reached_{};
  std::uint64_t generation_ = 0;

  // What the group has said and heard.
  std::set<std::uint32_t> sessions_;
  std::map<std::uint32_t, ownership> owner_;              // By partition.
  std::map<std::uint32_t, std::set<std::uint64_t>> owed_; // By login.
  std::set<std::uint64_t> again_;
  std::map<std::uint64_t, int> deaths_;
  std::map<std::uint8_t, std::vector<std::uint64_t>> blamed_of_; // By incarnation.
  std::array<std::uint64_t, 64> cursors_{};
  std::uint64_t epoch_ = 0;
  std::uint32_t isolated_ = 0;
  bool is_granted_ = false;
  bool went_back_ = false;
  std::uint8_t incarnations_ = 0;
  std::uint32_t logins_ = 0;
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_broker_event_group_properties, *utf::label("unit") * utf::timeout(25))

BOOST_AUTO_TEST_CASE(whatever_happens_each_event_is_handled_or_buried_once) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      world{seed, {.partitions = static_cast<std::uint32_t>(1 + seed % 9)}}.run(1'000);
    }
  }
}

// Everything is stopped, the database replaced by an older copy of itself, and all started again.
BOOST_AUTO_TEST_CASE(a_restored_database_gets_again_what_it_has_lost) {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      world{seed, {.with_backups = true}}.run(1'000);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_poison_event_is_the_only_dead_letter) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      world{seed, {.with_random_deaths = false, .with_broker_restarts = false}}
          .add_poison_and_settle(50);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
