#include "runtime/broker/events/group/subscriber.hpp"
#include "tests/broker/events/group/capability_model.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <variant>

// Each of these rules was broken by hand, one at a time, and this test or subscriber_test said so:
//   nothing is delivered before ASSIGNED; only ASSIGNED of the partition's own epoch counts; epochs
//   rise over those of earlier lives; a partition moves with nothing in hand; what a dead worker
//   had is put back; what its database handled or postponed is not delivered in order again; a row
//   that is gone from the database is handled; the first of a key alone is delivered again, the
//   next after it was handled or buried; events that are not in memory are waited for; repetitions
//   use credit; cursors stop at postponed events; dead letters of an earlier life and those under
//   way are not delivered; BURIED waits for what is in hand before it; the database is asked before
//   the fifth death convicts; suspects are sent alone, to a worker that has nothing else, and let
//   go when it leaves, has no credit or loses the partition; deaths of who came back are taken
//   back; an older database is offered again what it lost.

namespace troupe::broker {

namespace utf = boost::unit_test;

namespace {

using namespace std::chrono_literals;

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
    made->position = model_.journal.size() + 1;
    made->id.bytes[0] = std::byte{static_cast<unsigned char>(made->position)};
    made->id.bytes[1] = std::byte{static_cast<unsigned char>(made->position >> 8U)};
    made->topic = "t";
    const std::uint64_t key = below(shape_.keys);
    made->key = key == 0 ? "" : "k" + std::to_string(key);
    const std::uint64_t spread = key == 0 ? below(1'000) : key;
    made->partition = static_cast<std::uint32_t>(spread % shape_.partitions) * 7;
    made->body = "body";
    model_.natures[made->position] = is;
    model_.tries[made->position] = below(4);
    model_.journal.push_back(made);
  }

  void add_poison_and_settle(int events) {
    for (int i = 0; i < events; ++i) {
      publish(i == events / 2 ? nature::poison : nature::good);
    }
    settle();
    BOOST_REQUIRE(letters_.size() == 1);
    BOOST_REQUIRE(letters_.begin()->second == "crashed");
    BOOST_REQUIRE((model_.natures[letters_.begin()->first] == nature::poison));
  }

private:
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  void start_broker() {
    subscriber_options options{
        .capability = "orders", .patterns = {"*"}, .window = {}, .backoff = {}};
    options.epoch_base = ++generation_ << 32U;
    options.seed = random_();
    options.window.events = 5 + below(40);
    options.journal_last = model_.journal.empty() ? 0 : model_.journal.back()->position;
    options.reached = kept_reached_;
    std::vector<std::uint64_t> dead;
    for (const auto& [position, cause] : letters_) {
      dead.push_back(position);
    }
    alone_.emplace();
    cuts_.emplace();
    alone_->join(quarantine::work::calls);
    followed_ = alone_->changes();
    tested_.emplace(options, kept_cursors_, dead, *alone_, *cuts_);
    dying_.clear();
    fetching_.clear();
    owed_.clear();
    deaths_.clear();
    blamed_of_.clear();
    owner_.clear();
    isolated_ = 0;
    cursors_ = tested_->cursors();
  }

  // The subscriber's decisions, carried out and checked.

  void carry_out() {
    auto decided = std::exchange(out_, {});
    // In an input that ends a turn or begins one, no suspect is sent.
    is_turning_ = followed_ != alone_->changes();
    if (is_turning_) {
      followed_ = alone_->changes();
      isolated_ =
          alone_->node() == login_id{nowhere} ? 0 : static_cast<std::uint32_t>(alone_->node());
      is_granted_ = false;
    }
    for (const new_dead_letter& each : decided.dead_letters) {
      check(each);
    }
    for (event_action& each : decided.actions) {
      std::visit([this](auto& what) { carry_out(what); }, each);
    }
    for (const log_event& each : decided.log) {
      went_back_ = went_back_ || each.name == "database_went_back";
    }
  }

  process& at(login_id login) {
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
    return known != deaths_.end() && known->second >= deaths_suspected;
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
      BOOST_REQUIRE_MESSAGE(isolated_ != login || is_turning_, "beside a suspect");
    }
    send(login, what.what);
  }

  void carry_out(send_assign& what) {
    BOOST_REQUIRE(what.epoch > epoch_);
    epoch_ = what.epoch;
    const auto login = static_cast<std::uint32_t>(what.to);
    for (const wire::progress& each : what.partitions) {
      // No partition is taken from a live worker that has events of it in hand.
      for (const std::uint64_t position : owed_[owner_[each.partition].login]) {
        BOOST_REQUIRE(model_.journal[position - 1]->partition != each.partition);
      }
      owner_[each.partition] = {login, what.epoch, false};
    }
    send(login, what);
  }

  void carry_out(send_dead& what) {
    for (const std::uint64_t each : what.positions) {
      BOOST_REQUIRE_MESSAGE(letters_.contains(each), "buried without a letter");
    }
    send(static_cast<std::uint32_t>(what.to), what);
  }

  void send(std::uint32_t login, to_worker what) {
    process& to = at(login_id{login});
    if (to.is_alive && to.login == login) {
      to.inbox.push_back(std::move(what));
    }
  }

  void check(const new_dead_letter& what) {
    const std::uint64_t position = what.letter.what->position;
    BOOST_REQUIRE_MESSAGE(dying_.emplace(position, what.letter.cause).second, "buried twice");
    BOOST_REQUIRE(!letters_.contains(position) || shape_.with_backups);
    BOOST_REQUIRE(what.letter.attempts > 0U);
    BOOST_REQUIRE(what.letter.cause != "crashed" || deaths_[position] >= deaths_convicted);
    BOOST_REQUIRE(what.letter.cause == "crashed" || model_.natures[position] != nature::poison);
  }

  void carry_out(fetch_events& what) {
    fetching_.insert(fetching_.end(), what.positions.begin(), what.positions.end());
  }

  template <class Other>
  void carry_out(Other& /*what*/) {
    BOOST_FAIL("no subscriber wants that");
  }

  // The random steps.

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
    for (std::uint64_t i = below(12); i > 0 && tested_->held().has_room(); --i) {
      const std::uint64_t from = tested_->scanned();
      if (from >= model_.journal.size()) {
        return;
      }
      tested_->offer(model_.journal[from], now_, out_);
      carry_out();
      if (below(20) == 0) { // Again changes nothing.
        tested_->offer(model_.journal[below(from + 1)], now_, out_);
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
    if (!dying_.empty()) {
      std::vector<std::uint64_t> positions;
      for (const auto& [position, cause] : dying_) {
        letters_.emplace(position, cause);
        positions.push_back(position);
      }
      dying_.clear();
      tested_->dead_letters_written(positions, now_, out_);
      carry_out();
    }
    if (!fetching_.empty()) {
      std::vector<event_ref> found;
      for (const std::uint64_t each : std::exchange(fetching_, {})) {
        found.push_back(model_.journal[each - 1]);
      }
      tested_->fetched(found, {}, now_, out_);
      carry_out();
    }
    if (isolated_ != 0 && !is_granted_) {
      is_granted_ = true;
      alone_->emptied(quarantine::work::calls);
      followed_ = alone_->changes();
      tested_->follow_quarantine(now_, out_);
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
    tested_->joined(login_id{who.login}, who.name, incarnation, who.credit, now_, out_);
    carry_out();
  }

  void change_credit(process& who, std::uint32_t credit) {
    who.credit = credit;
    if (who.login != 0) {
      tested_->credit(login_id{who.login}, credit, now_, out_);
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
    tested_->left(login_id{login}, is_blamed, now_, out_);
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
      if (std::ranges::all_of(
              model_.db.partitions, [](const auto& each) { return each.is_known; })) {
        backup_ = model_.db;
      }
      return;
    }
    for (process& each : workers_) {
      kill(each, false);
      each.outbox.clear();
    }
    for (std::uint32_t i = 0; i < model_.db.partitions.size(); ++i) {
      // Epochs come from the journal, and rise over those in the backup.
      BOOST_REQUIRE(backup_->partitions[i].epoch <= epoch_);
    }
    model_.db = *std::exchange(backup_, {});
  }

  /// The group receives what a worker said, perhaps from a login_id that is over.
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
      tested_->assigned(login_id{login}, *state, now_, out_);
    } else {
      const auto& report = std::get<wire::handled>(what);
      forget_owed(login, report);
      tested_->handled(login_id{login}, report, now_, out_);
    }
    BOOST_REQUIRE(tested_->look().trouble.empty());
    carry_out();
  }

  /// Postponed events are delivered one by one from now on, all others in order.
  void take_postponed(const wire::partition_state& state) {
    std::erase_if(again_, [&](std::uint64_t position) {
      return model_.journal[position - 1]->partition == state.partition;
    });
    for (const wire::postponed& each : state.waiting) {
      again_.insert(each.position);
    }
    std::erase_if(deaths_, [&](const auto& each) {
      return model_.journal[each.first - 1]->partition == state.partition
             && each.first <= state.handled
             && !again_.contains(each.first); // The event was handled in spite of its deaths.
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
        if (position <= each.position && model_.journal[position - 1]->partition == each.partition
            && !again_.contains(position)) {
          forget(position);
        }
      }
    }
    for (const wire::postponed& each : report.waiting) {
      forget(each.position);
      again_.insert(each.position); // A report of its own tells how the postponed event ends.
    }
    for (const std::uint64_t each : report.done) {
      forget(each);
    }
  }

  void work(process& who) {
    if (!model_.work(who, 1 + below(4))) {
      kill(who, true);
    }
  }

  // The invariants.

  bool is_over(std::uint64_t position) const {
    return model_.db.effects.contains(position) || letters_.contains(position);
  }

  void check_cursors() {
    const auto cursors = tested_->cursors();
    for (std::uint32_t i = 0; i < cursors.size() && !shape_.with_backups; ++i) {
      BOOST_REQUIRE_MESSAGE(cursors[i] >= cursors_[i], "a cursor went back");
      for (std::uint64_t at = cursors_[i] + 1; at <= cursors[i] && at <= model_.journal.size();
           ++at) {
        BOOST_REQUIRE_MESSAGE(
            model_.journal[at - 1]->partition != i || is_over(at), "a cursor passed an event");
      }
    }
    cursors_ = cursors;
  }

  void settle() {
    for (process& each : workers_) {
      change_credit(each, 3);
    }
    const auto is_done = [&] {
      return std::ranges::all_of(
          model_.journal, [&](const event_ref& each) { return is_over(each->position); });
    };
    int rounds = 0;
    const auto is_idle = [&] {
      const subscriber::status seen = tested_->look();
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
    for (const event_ref& each : model_.journal) {
      const auto effects = model_.db.effects.find(each->position);
      const int times = effects == model_.db.effects.end() ? 0 : effects->second;
      BOOST_REQUIRE(times + (letters_.contains(each->position) ? 1 : 0) == 1);
    }
    check_cursors();
    const auto cursors = tested_->cursors();
    BOOST_REQUIRE(std::ranges::min(cursors) >= model_.journal.size());
  }

  struct ownership {
    std::uint32_t login = 0;
    std::uint64_t epoch = 0;
    bool is_active = false;
  };

  std::mt19937_64 random_;
  shape shape_;
  std::optional<quarantine> alone_;
  std::optional<cut_links> cuts_;
  std::optional<subscriber> tested_;
  event_decisions out_;
  instant now_{1h};
  std::vector<process> workers_;
  capability_model model_;
  std::optional<database> backup_;

  // Dead letters on disk and on their way, and questions to the journal.
  std::map<std::uint64_t, std::string> letters_;
  std::map<std::uint64_t, std::string> dying_;
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
  bool is_turning_ = false;
  std::uint64_t followed_ = 0;
  bool went_back_ = false;
  std::uint8_t incarnations_ = 0;
  std::uint32_t logins_ = 0;
};

} // namespace

BOOST_AUTO_TEST_SUITE(
    runtime_broker_events_group_properties, *utf::label("unit") * utf::timeout(240))

BOOST_AUTO_TEST_CASE(whatever_happens_each_event_is_handled_or_buried_once) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      world{seed, {.partitions = static_cast<std::uint32_t>(1 + seed % 9)}}.run(1'000);
    }
  }
}

// Everything is stopped, the database replaced by an older copy of itself, and all started again.
BOOST_AUTO_TEST_CASE(a_restored_database_gets_again_what_it_has_lost) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      world{seed, {.with_backups = true}}.run(1'000);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_poison_event_is_the_only_dead_letter) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      world{seed, {.with_random_deaths = false, .with_broker_restarts = false}}
          .add_poison_and_settle(50);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
