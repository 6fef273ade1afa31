// A whole service in memory, and a script of bytes for what clients send and hardware does: what was answered and counted, as text. The same script tells the same
// by the fast paths and by the plain ones.
//
// A script is a row of steps, each a letter and what belongs to it:
//
//   a b c TEXT NUL  root, an agent and somebody else send this (the NUL byte is sent too), after what they have saved up
//   A B C TEXT NUL  is saved up for the next time, so that calls come together
//   < BYTE          from now on what is sent comes in pieces of so many bytes; 0: at once
//   h H n N u U r R hang-up, a new connection, reads no answers, reads them again: of the agent; capitals: of root
//   1 2 3           other access rules
//   e w             somebody else extends tdx/rtmr3; extends gpu/rtmr3, so that the log does not explain it
//   x y z           the next extend fails: not done; done; known to be unchanged
//   f               the next refresh fails
//   v V g G         tdx/rtmr1 vanishes, is there again; so does gpu/rtmr3, which makes the name "rtmr3" ambiguous
//   i I             the agent, root end what they send (a half-close) behind what they have saved up, without its last byte: the end comes in the middle of a message
//   s               at the script's beginning: the journal has sync = "group", and each step ends when all is durable
//   l               at its beginning, too: the journal has room for few events
//
// Other bytes are passed over.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <numeric>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mr/bytes.h"
#include "mrd/access/caller.h"
#include "mrd/daemon/service.h"
#include "mrd/log.h"
#include "proto/varlink/session.h"
#include "tests/mrd/fake_provider.h"
#include "tests/mrd/test_journal.h"

namespace mrd::test {

inline constexpr std::size_t max_script = 16 * 1024;  // bytes
inline constexpr std::size_t max_steps = 400;
inline constexpr std::uint64_t room_for_few_events = 8192;  // bytes

class ScriptedService {
public:
    explicit ScriptedService(bool fast_paths, journal::Sync sync = journal::Sync::none,
                             std::uint64_t size_limit = journal::default_size_limit)
        : sync_(sync), journal_(loop_, sync, size_limit) {
        log::set_level("error");  // LogLevel may have been called in the run before
        add(tdx_, "tdx",
            {fake_register("mrtd", "R"), fake_register("rtmr1", "XWRL"), fake_register("rtmr2", "XWRL"), fake_register("rtmr3", "XWRL"),
             fake_register("log", "XRL"), fake_register("reportdata", "WRF", 64), fake_register("report0", "RLF", 1024),
             fake_register("secret", "XW")});
        add(gpu_, "gpu", {fake_register("rtmr3", "XWRL"), fake_register("sha256", "XWRL", 32)});
        gpu_.vanish(0);
        (void)daemon_.start_journal();
        run();
        use_rules(1);
        interfaces_ = make_interfaces(daemon_, {.server = [] { return varlink::ServerCounters{}; }, .limits = {}});
        service_ = make_service(daemon_, interfaces_, {});
        service_->set_fast_paths(fast_paths);
        for (std::size_t who = 0; who < clients_.size(); ++who) connect(who);
    }
    ScriptedService(const ScriptedService &) = delete;
    ScriptedService &operator=(const ScriptedService &) = delete;
    ~ScriptedService() {
        for (auto &client : clients_) client.session->close();
    }

    // What was answered to all of it, who was closed, and then all counters, registers and events.
    std::string play(std::string_view script) {
        script = script.substr(0, max_script);
        for (std::size_t steps = 0; !script.empty() && steps < max_steps; ++steps) step(script);
        tell_state();
        return std::move(told_);
    }

private:
    struct Client {
        std::shared_ptr<varlink::Session> session;
        std::string saved_up = {};
        bool woken = false;
        bool input_ended = false;
        bool closed = false;  // behind it
    };

    void add(FakeHardware &hardware, const std::string &name, std::vector<RegisterSpec> specs) {
        auto open = [&hardware, name, specs]() -> std::expected<ReadProvider, std::string> {
            // Generations are the same at each run.
            return ReadProvider::read(std::make_unique<FakeProvider>(hardware, name, specs, false), specs, 1000);
        };
        (void)daemon_.open({.name = name, .type = "fake", .simulated = true, .open = std::move(open)});
    }

    void use_rules(int which) {
        std::vector<AccessRule> rules{{.name = "everybody", .allow = {Right::list}}};
        if (which == 1) {
            rules.push_back({.name = "agents", .users = {1000}, .allow = {Right::read, Right::extend, Right::measure, Right::log}});
            rules.push_back({.name = "some", .users = {1001}, .allow = {Right::read}, .registers = {"tdx/rtmr3"}});
        } else if (which == 2) {
            rules.push_back({.name = "few", .users = {1000}, .allow = {Right::read}, .registers = {"tdx/mrtd"}});
            rules.push_back({.name = "others", .groups = {1001}, .allow = {Right::read, Right::extend, Right::report}});
        } else {
            rules.push_back({.name = "unit", .users = {1000}, .units = {"agent.service"}, .allow = Rights::all()});
        }
        daemon_.set_access(AccessRules(std::move(rules), 0));
    }

    void connect(std::size_t who) {
        auto &client = clients_[who];
        if (client.session) client.session->close();
        client.saved_up.clear();
        client.input_ended = client.closed = false;
        constexpr std::array<uid_t, 3> uids{0, 1000, 1001};
        client.session = varlink::Session::create(*service_, varlink::Peer{.uid = uids[who], .gid = uids[who]},
                                                  varlink::Limits{.max_message = 4000}, [&client] { client.woken = true; });
    }

    void step(std::string_view &script) {
        const char what = script.front();
        script.remove_prefix(1);
        const auto text = [&script] {
            const auto taken = script.substr(0, std::min(script.find('\0'), script.size() - 1) + 1);
            script.remove_prefix(taken.size());
            return taken;
        };
        if (script.empty()) return;
        if (what >= 'a' && what <= 'c') {
            const auto who = static_cast<std::size_t>(what - 'a');
            clients_[who].saved_up += text();
            send(who);
            return;
        }
        if (what >= 'A' && what <= 'C') {
            auto &saved_up = clients_[static_cast<std::size_t>(what - 'A')].saved_up;
            if (const auto more = text(); saved_up.size() < max_script) saved_up += more;
            return;
        }
        switch (what) {
        case '<':
            piece_ = static_cast<std::uint8_t>(script.front());
            script.remove_prefix(1);
            break;
        case 'h': clients_[1].session->hang_up(); break;
        case 'H': clients_[0].session->hang_up(); break;
        case 'n': connect(1); break;
        case 'N': connect(0); break;
        case 'u': clients_[1].session->set_unsent(varlink::max_unsent + 1); break;
        case 'U': clients_[0].session->set_unsent(varlink::max_unsent + 1); break;
        case 'r': clients_[1].session->set_unsent(0); break;
        case 'R': clients_[0].session->set_unsent(0); break;
        case '1':
        case '2':
        case '3': use_rules(what - '0'); break;
        case 'e': tdx_.extend(3, mr::Digest(mr::Bytes(48, 0xEE))); break;
        case 'w': gpu_.extend(0, mr::Digest(mr::Bytes(48, 0xEE))); break;
        case 'x': tdx_.fail_next("extend", FakeHardware::Failure::before); break;
        case 'y': tdx_.fail_next("extend", FakeHardware::Failure::after); break;
        case 'z': tdx_.fail_next("extend", FakeHardware::Failure::known_unchanged); break;
        case 'f': tdx_.fail_next("refresh", FakeHardware::Failure::before); break;
        case 'v': tdx_.vanish(1); break;
        case 'V': tdx_.bring_back(1); break;
        case 'g': gpu_.vanish(0); break;
        case 'G': gpu_.bring_back(0); break;
        case 'i': end_input(1); break;
        case 'I': end_input(0); break;
        default: return;
        }
        settle(0);
        settle(1);
        run();
    }

    void send(std::size_t who) {
        deliver(who);
        run();
    }

    void deliver(std::size_t who) {
        auto &client = clients_[who];
        const auto bytes = std::exchange(client.saved_up, {});
        if (client.input_ended) return;
        for (auto rest = std::string_view(bytes); !rest.empty() && !client.session->broken();) {
            const auto piece = rest.substr(0, piece_ == 0 ? rest.size() : piece_);
            rest.remove_prefix(piece.size());
            std::string out;
            client.session->receive(piece, out);
            tell(who, out);
            settle(who);
        }
    }

    // Answers may still be owed then.
    void end_input(std::size_t who) {
        auto &client = clients_[who];
        if (!client.saved_up.empty()) client.saved_up.pop_back();
        deliver(who);
        client.input_ended = true;
    }

    // As the server does: who sends nothing more is there until all is answered.
    void close_if_answered(std::size_t who) {
        auto &client = clients_[who];
        if (!client.input_ended || client.closed || client.session->busy() || client.session->owes_answers()) return;
        client.closed = true;
        client.session->close();
        told_ += name_of(who) + " is closed\n";
    }

    // All turns that the client has.
    void settle(std::size_t who) {
        auto &client = clients_[who];
        for (std::string out; client.session->turn_is_over() || std::exchange(client.woken, false); out.clear()) {
            client.session->resume(out);
            tell(who, out);
        }
        std::string out;
        client.session->resume(out);
        tell(who, out);
        close_if_answered(who);
    }

    // The event loop, and what it wakes.
    void run() {
        for (;;) {
            loop_.restart();
            if ((sync_ == journal::Sync::group ? loop_.run() : loop_.poll()) == 0) return;
            for (std::size_t who = 0; who < clients_.size(); ++who) {
                if (clients_[who].woken) settle(who);
            }
        }
    }

    static std::string name_of(std::size_t who) { return {static_cast<char>('a' + who)}; }

    void tell(std::size_t who, std::string_view out) {
        const auto name = name_of(who);
        while (!out.empty()) {
            const auto end = out.find('\0');
            told_ += name + ": " + without_times(out.substr(0, end)) + "\n";
            out.remove_prefix(std::min(end, out.size() - 1) + 1);
        }
        const auto &session = *clients_[who].session;
        if (session.broken()) told_ += name + " is broken\n";
        told_ += name + (session.busy() ? " waits, " : " ") + std::to_string(session.messages()) + " messages\n";
    }

    // How long calls took, and when an event was made, is another thing at each run.
    static std::string without_times(std::string_view reply) {
        if (reply.contains("mrd_call_duration_seconds")) return "metrics";
        static const std::regex time(R"("time":[0-9]+)");
        return std::regex_replace(std::string(reply), time, R"("time":0)");
    }

    void tell_state() {
        for (const auto &interface : interfaces_) {
            interface->for_each_method([this](std::string_view name, const varlink::CallCounters &counters) {
                const auto timed = std::accumulate(counters.took.begin(), counters.took.end(), std::uint64_t{0});
                if (counters.calls > 0)
                    told_ += std::string(name) + ": " + std::to_string(counters.calls) + " calls, " + std::to_string(counters.failed) +
                             " failed, timed for " + std::to_string(timed) + "\n";
            });
        }
        const auto &access = daemon_.gate()->access;
        for (std::size_t i = 0; i < mr::wire::operations; ++i)
            told_ += std::to_string(access.refusals().of(static_cast<Operation>(i))) + (i + 1 < mr::wire::operations ? " " : " refused\n");
        for (const auto *provider : daemon_.registers().providers()) {
            const auto &table = provider->table();
            const auto &counters = table.counters();
            told_ += table.provider() + ": " + std::to_string(counters.reads) + " " + std::to_string(counters.cached_reads) + " " +
                     std::to_string(counters.refreshes) + " " + std::to_string(counters.writes) + "\n";
            for (RegisterIndex index = 0; index < table.size(); ++index)
                told_ += table.name(index) + (table.is_there(index) ? " " : " gone ") + std::string(table.hex(index)) + "\n";
        }
        for (auto *hardware : {&tdx_, &gpu_}) {
            for (const auto &call : hardware->take_calls()) told_ += call + "\n";
        }
        told_ += "journal: " + std::to_string(journal_->end()) + " bytes\n";
        connect(0);
        for (const std::string_view call : {R"({"method":"io.mrd.EventLog.Records","parameters":{},"more":true})"}) {
            clients_[0].saved_up = std::string(call) + '\0';
            send(0);
        }
    }

    journal::Sync sync_;
    boost::asio::io_context loop_;
    FakeHardware tdx_;
    FakeHardware gpu_;
    TestJournal journal_;
    Daemon daemon_{loop_, *journal_};
    Interfaces interfaces_;
    std::unique_ptr<varlink::Service> service_;
    std::array<Client, 3> clients_;
    std::size_t piece_ = 0;
    std::string told_;
};

inline std::string played(std::string_view script, bool fast_paths) {
    const auto beginning = script.substr(0, script.find_first_not_of("sl"));
    return ScriptedService(fast_paths, beginning.contains('s') ? journal::Sync::group : journal::Sync::none,
                           beginning.contains('l') ? room_for_few_events : journal::default_size_limit)
        .play(script);
}

}  // namespace mrd::test
