// The client and the server of org.varlink.certification, the suite that Varlink implementations test each other with.
//
//     varlink_certification --varlink=ADDRESS             serves until SIGTERM or SIGINT
//     varlink_certification --client --varlink=ADDRESS    makes all calls on one connection; exits 0 if all answers were right
//
// Each call's argument is the answer of the one before, so both sides know every value beforehand. A client of ours checks the answers,
// a server of ours the arguments; it says at the end that all was well only if every step came, once, in order and with its value.
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "proto/varlink/client.h"
#include "proto/varlink/server.h"
#include "tests/certification/interfaces.h"

namespace varlink::certification {

enum class OneTwoThree : std::uint8_t { one, two, three };
enum class FooBarBaz : std::uint8_t { foo, bar, baz };

}  // namespace varlink::certification

template <>
struct varlink::EnumNames<varlink::certification::OneTwoThree> {
    using enum varlink::certification::OneTwoThree;
    static constexpr auto values =
        std::to_array<std::pair<varlink::certification::OneTwoThree, std::string_view>>({{one, "one"}, {two, "two"}, {three, "three"}});
};

template <>
struct varlink::EnumNames<varlink::certification::FooBarBaz> {
    using enum varlink::certification::FooBarBaz;
    static constexpr auto values =
        std::to_array<std::pair<varlink::certification::FooBarBaz, std::string_view>>({{foo, "foo"}, {bar, "bar"}, {baz, "baz"}});
};

namespace varlink::certification {
namespace {

// ---- The types of the interface

using Set = std::map<std::string, NoParameters>;

struct Scalars {
    bool boolean;
    std::int64_t integer;
    double number;
    std::string string;
    static constexpr auto fields() {
        return std::tuple(field("bool", &Scalars::boolean), field("int", &Scalars::integer), field("float", &Scalars::number),
                          field("string", &Scalars::string));
    }
};

struct FirstSecond {
    std::int64_t first;
    std::string second;
    static constexpr auto fields() { return std::tuple(field("first", &FirstSecond::first), field("second", &FirstSecond::second)); }
};

struct Anonymous {
    bool foo;
    bool bar;
    static constexpr auto fields() { return std::tuple(field("foo", &Anonymous::foo), field("bar", &Anonymous::bar)); }
};

struct InterfaceType {
    std::optional<std::vector<std::optional<std::map<std::string, FooBarBaz>>>> foo;
    Anonymous anon;
    static constexpr auto fields() { return std::tuple(field("foo", &InterfaceType::foo), field("anon", &InterfaceType::anon)); }
};

struct MyType {
    RawJson object;
    OneTwoThree choice;
    FirstSecond structure;
    std::vector<std::string> array;
    std::map<std::string, std::string> dictionary;
    Set stringset;
    std::optional<std::string> nullable;
    std::optional<std::vector<FirstSecond>> nullable_array_struct;
    InterfaceType interface;
    static constexpr auto fields() {
        return std::tuple(field("object", &MyType::object), field("enum", &MyType::choice), field("struct", &MyType::structure),
                          field("array", &MyType::array), field("dictionary", &MyType::dictionary), field("stringset", &MyType::stringset),
                          field("nullable", &MyType::nullable), field("nullable_array_struct", &MyType::nullable_array_struct),
                          field("interface", &MyType::interface));
    }
};

// ---- Parameters: what one call answers with and, with the client's name, the next call is given

struct Id {
    std::string client_id;
    static constexpr auto fields() { return std::tuple(field("client_id", &Id::client_id)); }
};

// The parameters of a call: the members of T, and the client's name.
template <Described T>
struct Named : T {
    std::string client_id;

    // A member of T is one of Named<T>; the pointer says so only after this.
    static constexpr auto fields() {
        return std::tuple_cat(std::tuple(field("client_id", &Named::client_id)),
                              std::apply([](const auto &...own) { return std::tuple(inherited(own)...); }, T::fields()));
    }

private:
    template <class Member>
    static constexpr Field<Named, Member> inherited(const Field<T, Member> &own) {
        return {own.name, own.member};
    }
};

// One member of type T with a name that is a type of its own.
template <class T, auto name>
struct One {
    T value;
    static constexpr auto fields() { return std::tuple(field(name(), &One::value)); }
};

using Bool = One<bool, [] { return std::string_view("bool"); }>;
using Int = One<std::int64_t, [] { return std::string_view("int"); }>;
using Float = One<double, [] { return std::string_view("float"); }>;
using String = One<std::string, [] { return std::string_view("string"); }>;
using Struct = One<Scalars, [] { return std::string_view("struct"); }>;
using Map = One<std::map<std::string, std::string>, [] { return std::string_view("map"); }>;
using SetOf = One<Set, [] { return std::string_view("set"); }>;
using Mine = One<MyType, [] { return std::string_view("mytype"); }>;
using Replies = One<std::vector<std::string>, [] { return std::string_view("last_more_replies"); }>;
using AllOk = One<bool, [] { return std::string_view("all_ok"); }>;

struct ClientIdError {
    static constexpr std::string_view error_name = "org.varlink.certification.ClientIdError";
    static constexpr auto fields() { return std::tuple(); }
};

struct CertificationError {
    static constexpr std::string_view error_name = "org.varlink.certification.CertificationError";
    RawJson wants;
    RawJson got;
    static constexpr auto fields() {
        return std::tuple(field("wants", &CertificationError::wants), field("got", &CertificationError::got));
    }
};

// ---- The values of the suite

constexpr std::int64_t more_replies = 10;

std::string more_reply(std::int64_t number) { return "Reply number " + std::to_string(number); }

Scalars scalars() { return {false, 2, 3.141592653589793, "a lot of string"}; }

Set set() { return {{"one", {}}, {"two", {}}, {"three", {}}}; }

MyType my_type() {
    using Choices = std::map<std::string, std::string>;
    return {.object = {R"({"method":"org.varlink.certification.Test09","parameters":{"map":{"foo":"Foo","bar":"Bar"}}})"},
            .choice = OneTwoThree::two,
            .structure = {1, "2"},
            .array = {"one", "two", "three"},
            .dictionary = Choices{{"foo", "Foo"}, {"bar", "Bar"}},
            .stringset = set(),
            .nullable = {},
            .nullable_array_struct = {},
            .interface = {.foo = {{std::nullopt, std::map<std::string, FooBarBaz>{{"Foo", FooBarBaz::foo}, {"Bar", FooBarBaz::bar}},
                                   std::nullopt, std::map<std::string, FooBarBaz>{{"one", FooBarBaz::foo}, {"two", FooBarBaz::bar}}}},
                          .anon = {true, false}}};
}

Replies replies() {
    Replies all;
    for (std::int64_t i = 1; i <= more_replies; ++i) all.value.push_back(more_reply(i));
    return all;
}

template <Described T>
std::string json(const T &value) {
    std::string text;
    write_json(text, value);
    return text;
}

// As JSON, because the order of an object's members says nothing.
template <Described T>
bool same(const T &left, const T &right) {
    return nlohmann::json::parse(json(left)) == nlohmann::json::parse(json(right));
}

// ---- Server

class CertificationServer {
public:
    CertificationServer() : service_(ServiceInfo{"mrd", "Varlink certification", "1", "https://varlink.org"}) {
        Interface interface(interfaces::org_varlink_certification);
        interface.add<NoParameters>("Start", Effect::changes, [this](const Request &, const NoParameters &, Responder responder) {
            auto id = "client-" + std::to_string(++started_);
            passed_[id] = 0;
            responder.reply(Id{std::move(id)});
        });
        add_test(interface, 1, NoParameters{}, Bool{true});
        add_test(interface, 2, Bool{true}, Int{1});
        add_test(interface, 3, Int{1}, Float{1.0});
        add_test(interface, 4, Float{1.0}, String{"ping"});
        add_test(interface, 5, String{"ping"}, scalars());
        add_test(interface, 6, scalars(), Struct{scalars()});
        add_test(interface, 7, Struct{scalars()}, Map{{{"foo", "Foo"}, {"bar", "Bar"}}});
        add_test(interface, 8, Map{{{"foo", "Foo"}, {"bar", "Bar"}}}, SetOf{set()});
        add_test(interface, 9, SetOf{set()}, Mine{my_type()});
        interface.add("Test10", Effect::changes, [this](const Request &request, Responder responder) {
            if (!request.more) return responder.fail(ExpectedMore{});
            if (!passes(10, Mine{my_type()}, request, responder)) return;
            for (std::int64_t i = 1; i < more_replies; ++i) responder.stream(String{more_reply(i)});
            responder.reply(String{more_reply(more_replies)});
        });
        add_test(interface, 11, replies(), NoParameters{});
        interface.add<Id>("End", Effect::changes, [this](const Request &, const Id &id, Responder responder) {
            const auto client = passed_.find(id.client_id);
            if (client == passed_.end()) return responder.fail(ClientIdError{});
            responder.reply(AllOk{client->second == tests});
            passed_.erase(client);
        });
        service_.add(std::move(interface));
    }

    Service &service() { return service_; }

private:
    static constexpr int tests = 11;

    template <Described Argument, Described Answer>
    void add_test(Interface &interface, int number, Argument wanted, Answer answer) {
        interface.add((number < 10 ? "Test0" : "Test") + std::to_string(number), Effect::changes,
                      [this, number, wanted = std::move(wanted), answer = std::move(answer)](const Request &request, Responder responder) {
                          if (passes(number, wanted, request, responder)) responder.reply(answer);
                      });
    }

    // False: it has been answered with an error. Whatever was wrong, the client's next step is then out of order, and the end is not well.
    template <Described Argument>
    bool passes(int number, const Argument &wanted, const Request &request, Responder &responder) {
        const auto got = decode<Named<Argument>>(request.parameters);
        if (!got) {
            responder.fail(InvalidParameter{got.error().name});
            return false;
        }
        const auto client = passed_.find(got->client_id);
        if (client == passed_.end()) {
            responder.fail(ClientIdError{});
            return false;
        }
        if (client->second != number - 1 || !same<Argument>(*got, wanted)) {
            responder.fail(CertificationError{{json(wanted)}, {request.parameters.to_json()}});
            return false;
        }
        client->second = number;
        return true;
    }

    Service service_;
    std::map<std::string, int, std::less<>> passed_;  // of each client, the last test passed
    std::uint64_t started_ = 0;
};

int serve(const Address &address) {
    auto listening = listen_on(address, {});
    if (!listening) {
        std::fprintf(stderr, "%s\n", listening.error().c_str());
        return 1;
    }
    CertificationServer certification;
    boost::asio::io_context loop;
    Server server(loop, Limits{});
    server.accept_on(std::move(*listening), certification.service());
    boost::asio::signal_set signals(loop, SIGTERM, SIGINT);
    signals.async_wait([&loop](const boost::system::error_code &, int) { loop.stop(); });
    loop.run();
    return 0;
}

// ---- Client

class CertificationClient {
public:
    explicit CertificationClient(ClientConnection connection) : connection_(std::move(connection)) {}

    // False: a call failed or was answered wrongly; it has been named.
    bool run() {
        const auto started = call<Id>("Start", NoParameters{}, CallMode::plain, false);
        if (!started) return false;
        id_ = started->client_id;
        std::printf("Start: '%s'\n", id_.c_str());
        return test("Test01", NoParameters{}, Bool{true}) && test("Test02", Bool{true}, Int{1}) && test("Test03", Int{1}, Float{1.0}) &&
               test("Test04", Float{1.0}, String{"ping"}) && test("Test05", String{"ping"}, scalars()) &&
               test("Test06", scalars(), Struct{scalars()}) && test("Test07", Struct{scalars()}, Map{{{"foo", "Foo"}, {"bar", "Bar"}}}) &&
               test("Test08", Map{{{"foo", "Foo"}, {"bar", "Bar"}}}, SetOf{set()}) && test("Test09", SetOf{set()}, Mine{my_type()}) &&
               test_more() && test_oneway() && test_end();
    }

private:
    static constexpr auto patience = std::chrono::seconds(30);

    bool failed(std::string_view test, const std::string &reason) {
        std::printf("%s failed: %s\n", std::string(test).c_str(), reason.c_str());
        return false;
    }

    template <Described Argument>
    bool send(std::string_view test, const Argument &argument, CallMode mode) {
        const auto sent = connection_.send("org.varlink.certification." + std::string(test), argument, patience, mode);
        return sent || failed(test, sent.error().reason);
    }

    template <Described Answer>
    std::optional<Answer> receive(std::string_view test, bool continues) {
        const auto reply = connection_.receive(patience);
        std::expected<Answer, BadField> answer = std::unexpected(BadField{});
        if (!reply) {
            failed(test, reply.error().reason);
        } else if (!reply->error.empty()) {
            failed(test, std::string(reply->error) + (reply->parameters ? reply->parameters->to_json() : ""));
        } else if (reply->continues != continues) {
            failed(test, continues ? "no further answer is announced" : "a further answer is announced");
        } else if (!reply->parameters) {
            failed(test, "the answer has no parameters");
        } else if (answer = decode<Answer>(*reply->parameters); !answer) {
            failed(test, "bad field \"" + answer.error().name + "\" in " + reply->parameters->to_json());
        } else {
            return std::move(*answer);
        }
        return std::nullopt;
    }

    template <Described Answer, Described Argument>
    std::optional<Answer> call(std::string_view test, const Argument &argument, CallMode mode, bool continues) {
        if (!send(test, argument, mode)) return std::nullopt;
        return receive<Answer>(test, continues);
    }

    template <Described Argument>
    Named<Argument> named(const Argument &argument) {
        return {argument, id_};
    }

    template <Described Answer>
    bool check(std::string_view test, const Answer &got, const Answer &wanted) {
        if (!same(got, wanted)) return failed(test, "wants " + json(wanted) + ", got " + json(got));
        std::printf("%s: '%s'\n", std::string(test).c_str(), json(got).c_str());
        return true;
    }

    template <Described Argument, Described Answer>
    bool test(std::string_view name, const Argument &argument, const Answer &wanted) {
        const auto answer = call<Answer>(name, named(argument), CallMode::plain, false);
        return answer && check(name, *answer, wanted);
    }

    bool test_more() {
        if (!send("Test10", named(Mine{my_type()}), CallMode::more)) return false;
        for (std::int64_t i = 1; i <= more_replies; ++i) {
            const auto answer = receive<String>("Test10", i < more_replies);
            if (!answer || !check("Test10", *answer, String{more_reply(i)})) return false;
        }
        return true;
    }

    bool test_oneway() { return send("Test11", named(replies()), CallMode::oneway); }

    bool test_end() {
        const auto answer = call<AllOk>("End", Id{id_}, CallMode::plain, false);
        if (!answer) return false;
        std::printf("End: '%s'\n", answer->value ? "true" : "false");
        return answer->value;
    }

    ClientConnection connection_;
    std::string id_;
};

int make_calls(const Address &address) {
    auto connection = ClientConnection::connect(address, std::chrono::seconds(30));
    if (!connection) {
        std::fprintf(stderr, "cannot connect: %s\n", connection.error().reason.c_str());
        return 1;
    }
    return CertificationClient(std::move(*connection)).run() ? 0 : 1;
}

int run(const std::vector<std::string_view> &arguments) {
    bool is_client = false;
    std::optional<std::string_view> where;
    for (const auto argument : arguments) {
        if (argument == "--client") {
            is_client = true;
        } else if (constexpr std::string_view option = "--varlink="; argument.starts_with(option)) {
            where = argument.substr(option.size());
        } else {
            where.reset();
            break;
        }
    }
    if (!where) {
        std::fprintf(stderr, "usage: varlink_certification [--client] --varlink=ADDRESS\n");
        return 2;
    }
    const auto address = Address::parse(*where);
    if (!address) {
        std::fprintf(stderr, "%s\n", address.error().c_str());
        return 2;
    }
    return is_client ? make_calls(*address) : serve(*address);
}

}  // namespace
}  // namespace varlink::certification

int main(int argc, char **argv) { return varlink::certification::run({argv + 1, argv + argc}); }
