#include "runtime/broker/events/bus.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <utility>

// The whole bus against a model of what is around it: a disk that fails, publishers that repeat,
// workers that die with what they have, a broker that dies with all it remembers. Whatever happens,
// what was confirmed is handled once by each group, in the order of its key.

using namespace troupe;
using namespace troupe::broker;
namespace utf = boost::unit_test;

namespace {

uuid id_of(std::uint64_t number) {
  uuid id;
  std::memcpy(id.bytes.data(), &number, sizeof number);
  return id;
}

/// What a capability's database keeps about its events, and what its handlers did.
struct database {
  struct place {
    std::uint64_t epoch = 0;
    std::uint64_t handled = 0;
  };

  std::map<std::uint32_t, place> partitions;
  /// By position: the key, and tries that failed.
  std::map<std::uint64_t, std::pair<std::string, std::uint32_t>> postponed;
  std::map<std::string, std::vector<std::uint64_t>> effects; // By key: positions, as they came.
};

/// A worker's process: what it has been sent and not worked on.
struct worker {
  login_id login{nowhere};
  std::uint64_t incarnation = 0;

  struct message {
    std::string capability;
    std::variant<wire::assign, event_ref, wire::buried> what;
  };

  std::deque<message> received;
  /// The epoch it was assigned each partition under, by capability.
  std::map<std::string, std::map<std::uint32_t, std::uint64_t>> epochs;
};

class world {
public:
  explicit world(unsigned seed) : seed_{seed}, random_{seed} { start_broker(); }

  void run() {
    for (int step = 0; step < 400; ++step) {
      one_step(false);
    }
    for (int step = 0; !is_done(); ++step) {
      BOOST_REQUIRE_MESSAGE(step < 20'000, "seed " << seed_ << ": it does not end; " << state());
      one_step(true);
    }
    check();
  }

private:
  bool chance(int percent) { return static_cast<int>(random_() % 100) < percent; }

  void start_broker() {
    journal_state state;
    state.instance = id_of(4711);
    state.generation = ++generation_;
    state.last = journal_.size();
    for (const auto& [name, row] : cursors_) {
      state.cursors.push_back(row);
    }
    for (const event_ref& each : journal_) {
      if (each->digest != 0) {
        state.recent.push_back({each->id, each->position, each->digest});
      }
    }
    for (const dead_letter& each : letters_) {
      state.dead_letters.push_back({each.capability, each.what->position});
    }
    bus_options options;
    for (const char* name : {"mail", "stock"}) {
      options.subscriptions.push_back(
          {.capability = name,
           .patterns = {name == std::string{"mail"} ? "order.*" : "order.created"},
           .backoff = {milliseconds{10}, milliseconds{50}}});
    }
    alone_.emplace();
    cuts_.emplace();
    followed_ = 0;
    bus_ = std::make_unique<bus>(options, std::move(state), *alone_, *cuts_, seed_);
    out_.clear();
    is_writing_ = false;
    questions_.clear();
    for (auto& [name, each] : workers_) {
      each.login = login_id{nowhere};
      each.received.clear();
    }
  }

  void one_step(bool is_calm) {
    now_ += milliseconds{random_() % 15};
    if (!is_calm && chance(50)) {
      publish(chance(15) && !asked_.empty() ? 1 + random_() % published_ : ++published_);
    }
    if (is_calm) {
      for (const auto& [id, topic] : asked_) {
        if (!confirmed_.contains(id)) {
          publish(id);
          break;
        }
      }
    }
    if (is_writing_ && chance(50)) {
      end_write(is_calm || !chance(10));
    } else if (!is_writing_ && bus_->wants_write(now_)) {
      batch_ = bus_->take_batch(now_);
      is_writing_ = true;
    }
    answer_question();
    for (auto& [name, each] : workers_) {
      if (each.login == login_id{nowhere} && (is_calm || chance(20))) {
        log_in(name, each, is_calm || chance(70));
      } else if (!is_calm && chance(4)) {
        log_out(each);
      } else if (each.login != login_id{nowhere} && chance(60)) {
        work(each, is_calm);
      }
    }
    if (!is_calm && chance(2)) {
      start_broker();
    }
    if (chance(30)) {
      bus_->tick(now_, 1'700'000'000'000, out_);
    }
    carry_out();
  }

  void publish(std::uint64_t id) {
    const auto [asked, is_new] =
        asked_.try_emplace(id, chance(70) ? "order.created" : "order.cancelled");
    wire::header_view header;
    const std::string key = "k" + std::to_string(id % 5);
    header.id = id_of(id);
    header.op = asked->second;
    header.key = key;
    bus_->incoming().publish(origin{1}, header, "body", 1, out_);
  }

  void end_write(bool is_good) {
    is_writing_ = false;
    // It may be on disk although the broker dies before it hears of it.
    const bool dies = is_good && chance(3) && asked_.size() > 10;
    if (is_good) {
      for (const event_ref& each : batch_.events) {
        BOOST_REQUIRE_MESSAGE(
            each->position == journal_.size() + 1, "seed " << seed_ << ": a gap in the journal");
        journal_.push_back(each);
      }
      for (const cursor_row& each : batch_.cursors) {
        cursors_[each.capability] = each;
      }
      for (const dead_letter& each : batch_.dead_letters) {
        const bool is_known = std::ranges::any_of(letters_, [&](const dead_letter& other) {
          return other.capability == each.capability && other.what->position == each.what->position;
        });
        if (!is_known) {
          letters_.push_back(each);
        }
      }
    }
    if (dies) {
      return start_broker();
    }
    bus_->written(
        is_good ? outcome<void>{} : failure{{.code = errc::unavailable, .message = "full"}},
        now_,
        out_);
  }

  void answer_question() {
    if (questions_.empty() || chance(50)) {
      return;
    }
    const auto question = questions_.front();
    questions_.pop_front();
    if (const auto* wanted = std::get_if<read_journal>(&question)) {
      std::vector<event_ref> found;
      std::uint64_t looked_to = journal_.size();
      for (std::uint64_t at = wanted->after; at < journal_.size(); ++at) {
        if (subscriber_at(wanted->subscriber).wants(journal_[at]->topic)) {
          found.push_back(journal_[at]);
        }
        if (found.size() == 7) {
          looked_to = at + 1;
          break;
        }
      }
      bus_->feeder().read(wanted->subscriber, found, looked_to, now_, out_);
    } else {
      const auto& [group, positions] = std::get<1>(question);
      std::vector<event_ref> found;
      for (const std::uint64_t each : positions) {
        found.push_back(journal_.at(each - 1));
      }
      bus_->feeder().fetched(group, found, {}, now_, out_);
    }
  }

  void log_in(const std::string& name, worker& who, bool is_new_process) {
    who.login = login_id{next_login_++};
    if (is_new_process) {
      ++who.incarnation;
      who.epochs.clear();
    }
    std::vector<wire::served> serves;
    for (const char* capability : {"mail", "stock"}) {
      serves.push_back(
          {.capability = capability,
           .credit = 1,
           .events = 1 + static_cast<std::uint32_t>(random_() % 9)});
    }
    const std::uint64_t life = who.incarnation * 10 + (name == "n1" ? 1 : 2);
    bus_->joined(who.login, name, id_of(life), serves, now_, out_);
  }

  void log_out(worker& who) {
    if (who.login == login_id{nowhere}) {
      return;
    }
    const login_id login = std::exchange(who.login, login_id{nowhere});
    if (chance(50)) {
      // Its process goes on, and works on what it has: nobody hears of it.
      for (std::size_t left = random_() % 4; left != 0 && !who.received.empty(); --left) {
        work_on(who, who.received.front(), login, false, true);
        who.received.pop_front();
      }
    }
    who.received.clear();
    bus_->left(login, chance(50), now_, out_);
  }

  void work(worker& who, bool is_calm) {
    for (std::size_t left = 1 + random_() % 6; left != 0 && !who.received.empty(); --left) {
      const worker::message message = who.received.front();
      who.received.pop_front();
      work_on(who, message, who.login, is_calm, false);
      carry_out();
    }
  }

  /// A turn with one message. @param is_mute what it says does not arrive.
  void
  work_on(worker& who, const worker::message& message, login_id login, bool is_calm, bool is_mute) {
    database& db = databases_[message.capability];
    if (const auto* given = std::get_if<wire::assign>(&message.what)) {
      wire::assigned answer{message.capability, given->epoch, {}, {}};
      for (const wire::progress& each : given->partitions) {
        auto [place, is_new] =
            db.partitions.try_emplace(each.partition, database::place{0, each.position});
        if (place->second.epoch >= given->epoch) {
          continue;
        }
        place->second.epoch = given->epoch;
        who.epochs[message.capability][each.partition] = given->epoch;
        wire::partition_state state{each.partition, place->second.handled, {}};
        for (const auto& [position, row] : db.postponed) {
          if (journal_.at(position - 1)->partition == each.partition) {
            state.waiting.push_back({position, row.second, row.second >= 3, "transient", "", 0});
          }
        }
        answer.partitions.push_back(std::move(state));
      }
      return is_mute ? void() : bus_->feeder().assigned(login, answer, now_, out_);
    }
    if (const auto* buried = std::get_if<wire::buried>(&message.what)) {
      for (const std::uint64_t position : buried->positions) {
        db.postponed.erase(position);
        database::place& place = db.partitions[journal_.at(position - 1)->partition];
        place.handled = std::max(place.handled, position);
      }
      return;
    }
    const event_ref& event = std::get<event_ref>(message.what);
    database::place& place = db.partitions[event->partition];
    if (place.epoch != who.epochs[message.capability][event->partition]) {
      return; // Fenced.
    }
    wire::handled answer{message.capability, {}, {}, {}};
    const bool is_again = db.postponed.contains(event->position);
    if (!is_again && event->position <= place.handled) {
      answer.upto.push_back({event->partition, event->position});
      return is_mute ? void() : bus_->feeder().handled(login, answer, now_, out_);
    }
    const bool is_behind = std::ranges::any_of(db.postponed, [&](const auto& each) {
      return each.first < event->position && each.second.first == event->key;
    });
    const bool fails = is_behind || (!is_calm && chance(15));
    if (fails) {
      auto& row = db.postponed[event->position];
      row.first = event->key;
      row.second += is_behind ? 0 : 1;
      answer.waiting.push_back(
          {event->position, row.second, row.second >= 3, "transient", "not now", 0});
    } else {
      db.effects[event->key].push_back(event->position);
      if (is_again) {
        db.postponed.erase(event->position);
        answer.done.push_back(event->position);
      }
    }
    if (!is_again) {
      BOOST_REQUIRE_MESSAGE(event->position > place.handled, "seed " << seed_);
      place.handled = event->position;
      answer.upto.push_back({event->partition, event->position});
    }
    if (!is_mute) {
      bus_->feeder().handled(login, answer, now_, out_);
    }
  }

  void carry_out() {
    // What is done may lead to more.
    event_decisions doing;
    std::swap(doing, out_);
    for (const event_action& each : doing.actions) {
      if (const auto* confirmed = std::get_if<answer_published>(&each)) {
        std::uint64_t id = 0;
        std::memcpy(&id, confirmed->id.bytes.data(), sizeof id);
        const auto [known, is_first] = confirmed_.try_emplace(id, confirmed->position);
        BOOST_REQUIRE_MESSAGE(
            known->second == confirmed->position, "seed " << seed_ << ": two positions of " << id);
        BOOST_REQUIRE_MESSAGE(
            confirmed->position <= journal_.size(), "seed " << seed_ << ": confirmed too early");
      } else if (const auto* wanted = std::get_if<read_journal>(&each)) {
        questions_.emplace_back(*wanted);
      } else if (const auto* sent = std::get_if<deliver_event>(&each)) {
        send(sent->to, sent->subscriber, sent->what);
      } else if (const auto* given = std::get_if<send_assign>(&each)) {
        const std::string& name = subscriber_at(given->subscriber).capability();
        send(
            given->to,
            given->subscriber,
            wire::assign{name, bus_->instance(), given->epoch, given->partitions});
      } else if (const auto* dead = std::get_if<send_dead>(&each)) {
        const std::string& name = subscriber_at(dead->subscriber).capability();
        send(dead->to, dead->subscriber, wire::buried{name, dead->positions});
      } else if (const auto* missing = std::get_if<fetch_events>(&each)) {
        questions_.emplace_back(std::pair{missing->subscriber, missing->positions});
      }
    }
    if (followed_ != alone_->changes()) {
      followed_ = alone_->changes();
      bus_->feeder().follow_quarantine(now_, out_);
      carry_out();
    }
  }

  const subscriber& subscriber_at(std::uint32_t index) const {
    return std::as_const(*bus_).feeder()[index];
  }

  template <class Message>
  void send(login_id to, std::uint32_t index, const Message& what) {
    for (auto& [node, each] : workers_) {
      if (each.login == to) {
        each.received.push_back({subscriber_at(index).capability(), what});
      }
    }
  }

  /// How often a subscriber has handled the event, or made a dead letter of it.
  std::size_t ends_of(const std::string& group, const event_ref& event) {
    const auto& effects = databases_[group].effects[event->key];
    return static_cast<std::size_t>(std::ranges::count(effects, event->position))
           + static_cast<std::size_t>(std::ranges::count_if(letters_, [&](const dead_letter& each) {
               return each.capability == group && each.what->position == event->position;
             }));
  }

  bool is_done() {
    if (is_writing_ || !databases_["mail"].postponed.empty()
        || !databases_["stock"].postponed.empty() || confirmed_.size() != asked_.size()) {
      return false;
    }
    return std::ranges::all_of(journal_, [&](const event_ref& each) {
      return ends_of("mail", each) != 0
             && (each->topic != "order.created" || ends_of("stock", each) != 0);
    });
  }

  std::string state() {
    std::string text = std::to_string(asked_.size()) + " asked, "
                       + std::to_string(confirmed_.size()) + " confirmed, "
                       + std::to_string(journal_.size()) + " journaled";
    for (std::uint32_t i = 0; i < 2; ++i) {
      const auto look = subscriber_at(i).look();
      const auto cursors = subscriber_at(i).cursors();
      text += "; group " + std::to_string(i) + ": scanned "
              + std::to_string(subscriber_at(i).scanned()) + ", waiting "
              + std::to_string(look.waiting) + ", in flight " + std::to_string(look.in_flight)
              + ", retrying " + std::to_string(look.retrying) + ", cursor "
              + std::to_string(std::ranges::min(cursors)) + " " + look.trouble;
    }
    return text;
  }

  void check() {
    std::map<uuid, int> journaled;
    for (const event_ref& each : journal_) {
      BOOST_REQUIRE_MESSAGE(++journaled[each->id] == 1, "seed " << seed_ << ": journaled twice");
      const std::size_t mailed = ends_of("mail", each);
      BOOST_REQUIRE_MESSAGE(
          mailed == 1,
          "seed " << seed_ << ": " << each->position << " has ended " << mailed << " times");
      BOOST_REQUIRE_MESSAGE(
          ends_of("stock", each) == (each->topic == "order.created" ? 1U : 0U), "seed " << seed_);
    }
    for (const auto& [name, db] : databases_) {
      for (const auto& [key, positions] : db.effects) {
        BOOST_REQUIRE_MESSAGE(
            std::ranges::is_sorted(positions),
            "seed " << seed_ << ": " << name << " handled " << key << " out of order");
      }
    }
  }

  using pending_question =
      std::variant<read_journal, std::pair<std::uint32_t, std::vector<std::uint64_t>>>;

  unsigned seed_;
  std::mt19937 random_;
  instant now_{std::chrono::seconds{100}};
  std::optional<quarantine> alone_;
  std::optional<cut_links> cuts_;
  std::uint64_t followed_ = 0;
  std::unique_ptr<bus> bus_;
  event_decisions out_;
  std::uint64_t generation_ = 0;
  std::uint32_t next_login_ = 1;
  std::uint64_t published_ = 0;
  std::map<std::uint64_t, std::string> asked_;
  std::map<std::uint64_t, std::uint64_t> confirmed_;
  bool is_writing_ = false;
  journal_batch batch_;
  std::vector<event_ref> journal_;
  std::map<std::string, cursor_row> cursors_;
  std::vector<dead_letter> letters_;
  std::deque<pending_question> questions_;
  std::map<std::string, worker> workers_{{"n1", {}}, {"n2", {}}};
  std::map<std::string, database> databases_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_broker_events_bus_properties, *utf::label("unit") * utf::timeout(480))

BOOST_AUTO_TEST_CASE(what_is_confirmed_is_handled_once_by_each_group_in_the_order_of_its_key) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      world{seed}.run();
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
