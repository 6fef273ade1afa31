#include "mrfs/service.h"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <span>
#include <thread>
#include <utility>

#include "mrfs/report_driver.h"
#include "mrfs/shown_registers.h"

namespace mrfs {

namespace {

using Clock = std::chrono::steady_clock;

// Nobody tells when somebody listens at a path again.
constexpr auto between_attempts = std::chrono::milliseconds(20);

bool has_lost_connection(const mr::Error &error) {
    return error.code == mr::ErrorCode::connection_lost || error.code == mr::ErrorCode::timed_out ||
           error.code == mr::ErrorCode::protocol || error.code == mr::ErrorCode::no_service;
}

bool fill_with_random(std::span<std::uint8_t> bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
        const auto size = ::getrandom(bytes.data() + done, bytes.size() - done, 0);
        if (size < 0 && errno != EINTR) return false;
        if (size > 0) done += static_cast<std::size_t>(size);
    }
    return true;
}

// No two are the same, whatever process asks on whatever machine.
std::optional<std::string> new_id() {
    std::array<std::uint8_t, 16> random{};
    if (!fill_with_random(random)) return std::nullopt;
    return "mrfs-" + mr::to_hex(random);
}

// Of a report of SEV-SNP: little-endian. Source: AMD 56860, ATTESTATION_REPORT.
constexpr std::size_t vmpl_offset = 0x30;
std::optional<std::uint32_t> vmpl_in(const mr::Quoted &quoted) {
    std::uint32_t vmpl = 0;
    if (quoted.format != "snp_report" || quoted.quote.size() < vmpl_offset + sizeof(vmpl)) return std::nullopt;
    constexpr unsigned bits_of_a_byte = 8;
    for (std::size_t i = sizeof(vmpl); i-- > 0;) vmpl = vmpl << bits_of_a_byte | std::uint32_t{quoted.quote[vmpl_offset + i]};
    return vmpl;
}

}  // namespace

Service::Service(std::string socket, bool for_callers)
    : for_callers_(for_callers),
      calls_{.options = {.socket = socket, .connect_timeout = connect_timeout, .call_timeout = call_timeout}},
      inventory_{.options = {.socket = std::move(socket), .connect_timeout = connect_timeout, .call_timeout = inventory_timeout}} {}

std::optional<mr::OnBehalfOf> Service::on_behalf_of(const Caller &caller) const {
    if (!for_callers_) return std::nullopt;
    return mr::OnBehalfOf{.uid = caller.uid, .gid = caller.gid, .pid = caller.pid};
}

Service::Result<mr::Client> Service::take_connection(Connections &connections) {
    {
        const std::scoped_lock lock(mutex_);
        if (!connections.idle.empty()) {
            auto client = std::move(connections.idle.back());
            connections.idle.pop_back();
            return client;
        }
    }
    return mr::Client::connect(connections.options);
}

void Service::give_back(Connections &connections, mr::Client client) {
    last_heard_of_ = Clock::now().time_since_epoch().count();
    const std::scoped_lock lock(mutex_);
    if (connections.idle.size() < max_idle_connections) connections.idle.push_back(std::move(client));
}

void Service::close_connections() {
    std::vector<mr::Client> closed;
    std::vector<mr::Client> closed_too;
    const std::scoped_lock lock(mutex_);
    closed.swap(calls_.idle);
    closed_too.swap(inventory_.idle);
}

bool Service::is_worth_waiting(std::optional<Clock::time_point> &failed) const {
    const auto now = Clock::now();
    if (!failed) failed = now;
    return now < Clock::time_point(Clock::duration(last_heard_of_)) + restart_patience && now < *failed + restart_patience;
}

template <class Call>
auto Service::make(Connections &connections, const Call &call, Patience patience, Outcome *outcome)
    -> decltype(call(std::declval<mr::Client &>())) {
    std::optional<Clock::time_point> failed;
    for (;;) {
        auto client = take_connection(connections);
        if (client) {
            auto result = call(*client);
            if (result || !has_lost_connection(result.error())) {
                give_back(connections, std::move(*client));
                return result;
            }
            // The others of that mrd are no better.
            ++life_;
            close_connections();
            if (outcome != nullptr && result.error().code != mr::ErrorCode::no_service) outcome->is_unknown = true;
            if (result.error().code == mr::ErrorCode::timed_out || patience == Patience::none || !is_worth_waiting(failed)) return result;
        } else if (!has_lost_connection(client.error()) || patience == Patience::none || !is_worth_waiting(failed)) {
            return std::unexpected(std::move(client.error()));
        }
        std::this_thread::sleep_for(between_attempts);
    }
}

Service::Result<std::vector<mr::Register>> Service::list() {
    const auto call = mr::calls::list();
    return make(inventory_, [&](mr::Client &client) { return client.call(call); }, Patience::for_a_restart);
}

Service::Result<std::vector<mr::Register>> Service::list_for(const Caller &caller) {
    const auto call = mr::calls::list(std::nullopt, on_behalf_of(caller));
    return make(inventory_, [&](mr::Client &client) { return client.call(call); }, Patience::for_a_restart);
}

Service::Result<std::vector<mr::Register>> Service::list_virtual(const Caller &caller) {
    const auto call = mr::calls::list(virtual_provider, on_behalf_of(caller));
    auto listed = make(inventory_, [&](mr::Client &client) { return client.call(call); }, Patience::for_a_restart);
    if (!listed && listed.error().code == mr::ErrorCode::no_such_register) return std::vector<mr::Register>();
    return listed;
}

Service::Result<mr::Snapshot> Service::snapshot(const std::vector<std::string> &names) {
    const auto call = mr::calls::snapshot(names);
    return make([&](mr::Client &client) { return client.call(call); }, Patience::for_a_restart);
}

Service::Result<mr::Bytes> Service::read(const Caller &caller, const std::string &name) {
    const auto call = mr::calls::read(name, {.on_behalf_of = on_behalf_of(caller)});
    auto reading = make([&](mr::Client &client) { return client.call(call); }, Patience::for_a_restart);
    if (!reading) return std::unexpected(std::move(reading.error()));
    return std::move(reading->value);
}

Service::Result<void> Service::extend(const Caller &caller, const std::string &name, mr::ByteView digest) {
    const auto id = new_id();
    if (!id) return std::unexpected(mr::Error{mr::ErrorCode::io, "the kernel gives no random bytes"});
    const auto call = mr::calls::extend(name, mr::Digest(digest), {.id = *id, .on_behalf_of = on_behalf_of(caller)});
    Outcome outcome;
    const auto extended = make([&](mr::Client &client) { return client.call(call); }, Patience::for_a_restart, &outcome);
    if (extended) return {};
    if (outcome.is_unknown && has_lost_connection(extended.error()))
        return std::unexpected(mr::Error{mr::ErrorCode::io, "mrd has not answered: nobody can tell whether " + name + " was extended"});
    return std::unexpected(extended.error());
}

Service::Result<mr::Bytes> Service::report(const Caller &caller, const mr::ReportData &data, const std::string &provider) {
    const auto call = mr::calls::report(data, provider, on_behalf_of(caller));
    auto report = make([&](mr::Client &client) { return client.call(call); }, Patience::for_a_restart);
    if (!report) return std::unexpected(std::move(report.error()));
    return std::move(report->report);
}

Service::Result<mr::Quoted> Service::quote(const Caller &caller, const mr::ReportData &data, const mr::ReportOptions &options,
                                           const std::string &provider) {
    const auto call =
        mr::calls::quote(data, {.provider = provider, .report = options, .deadline = quote_deadline, .on_behalf_of = on_behalf_of(caller)});
    return make([&](mr::Client &client) { return client.call(call); }, Patience::for_a_restart);
}

Service::Result<std::uint32_t> Service::privlevel_floor(const Caller &caller, const std::string &provider) {
    // A report that nobody can have asked for.
    mr::ReportData data{};
    if (!fill_with_random(data)) return std::unexpected(mr::Error{mr::ErrorCode::io, "the kernel gives no random bytes"});
    const auto call = mr::calls::quote(data, {.provider = provider, .deadline = inventory_timeout, .on_behalf_of = on_behalf_of(caller)});
    const auto quoted = make(inventory_, [&](mr::Client &client) { return client.call(call); }, Patience::for_a_restart);
    if (!quoted) return std::unexpected(quoted.error());
    const auto vmpl = vmpl_in(*quoted);
    if (!vmpl || *vmpl > max_privlevel)
        return std::unexpected(mr::Error{mr::ErrorCode::protocol, provider + " has given no report that says its privilege level"});
    return *vmpl;
}

Service::Result<void> Service::may_quote(const Caller &caller, const std::string &provider) {
    // Whether he may is judged first; then the call does not say over what, and nothing is made.
    auto parameters = R"({"provider":")" + provider + '"';
    if (const auto other = on_behalf_of(caller))
        parameters += R"(,"onBehalfOf":{"uid":)" + std::to_string(other->uid) + R"(,"gid":)" + std::to_string(other->gid) + R"(,"pid":)" +
                      std::to_string(other->pid) + '}';
    parameters += '}';
    const auto refused =
        make(inventory_, [&](mr::Client &client) { return client.call("io.mrd.Attestation.Quote", parameters); }, Patience::for_a_restart);
    if (refused || refused.error().code == mr::ErrorCode::invalid_parameter) return {};
    return std::unexpected(refused.error());
}

Service::Result<void> Service::may_log(const Caller &caller) {
    // Here, too, whether he may is judged first; a format without a name there is none of.
    const auto call = mr::calls::export_log("", std::nullopt, on_behalf_of(caller));
    const auto refused = make(
        inventory_, [&](mr::Client &client) { return client.stream(call, [](const mr::Bytes &) { return true; }); },
        Patience::for_a_restart);
    if (refused || refused.error().name == "io.mrd.EventLog.UnknownFormat") return {};
    return std::unexpected(refused.error());
}

Service::Result<void> Service::export_log(const Caller &caller, const std::string &format,
                                          const std::function<bool(const mr::Bytes &)> &take) {
    const auto call = mr::calls::export_log(format, std::nullopt, on_behalf_of(caller));
    return make([&](mr::Client &client) { return client.stream(call, take); }, Patience::none);
}

}  // namespace mrfs
