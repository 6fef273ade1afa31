// Random tenants, events and redactions: what each party is given leads to what is signed and to what its own registers hold, and nothing that was left out, moved,
// added or relabelled does.
#include "libmr/src/attestation/virtual_judgement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "libmr/src/attestation/log_judgement.h"
#include "mr/digest.h"
#include "mr/envelope.h"
#include "mr/event_log.h"

namespace mr::attestation {
namespace {

using ::testing::HasSubstr;

constexpr auto bank = HashAlgorithm::sha384;
constexpr const char *carrier = "tdx/rtmr3";

struct Made {
    std::string name = carrier;
    Bytes data;
    Bytes digest;
    EventOrigin origin = EventOrigin::service;
    std::optional<std::size_t> tenant = {};
    std::uint32_t type = ev_event_tag;

    [[nodiscard]] Made hidden() const {
        auto one = *this;
        const std::array banks{bank};
        if (auto made = redact_envelope(data, banks)) one.data = *made;
        return one;
    }
};

struct Tenant {
    std::string name;
    VirtualRegisterId id{};
    HashAlgorithm hash = HashAlgorithm::sha384;
    Digest value;
    bool made = false;
    bool closed = false;
};

Digest extended_by(HashAlgorithm algorithm, const Digest &old, const Digest &by) { return *extend(algorithm, old.bytes(), by.bytes()); }

class World {
public:
    explicit World(unsigned seed) : random_(seed) {
        for (std::size_t i = 0; i < 2 + below(4); ++i) {
            Tenant tenant;
            tenant.name = "virtual/t" + std::to_string(i);
            tenant.id = some_bytes<VirtualRegisterId>();
            tenant.hash = std::array{HashAlgorithm::sha256, HashAlgorithm::sha384, HashAlgorithm::sha512}.at(below(3));
            tenant.value = Digest::zero(tenant.hash);
            tenants.push_back(tenant);
        }
        // Some come before any tenant does.
        for (std::size_t i = 0; i < below(3); ++i) of_carrier();
        for (std::size_t i = 0; i < 10 + below(30); ++i) step();
        for (std::size_t i = 0; i < tenants.size(); ++i) {
            if (!tenants[i].made) create(i);
        }
    }

    std::size_t below(std::size_t limit) { return random_() % limit; }
    template <class Array>
    Array some_bytes() {
        Array bytes;
        for (auto &byte : bytes) byte = static_cast<std::uint8_t>(random_());
        return bytes;
    }

    Envelope envelope(std::size_t tenant, std::string type, EnvelopeBody body = {}) {
        body.salt = some_bytes<EnvelopeSalt>();
        return {.header = {.type = std::move(type), .id = tenants[tenant].id}, .body = std::move(body)};
    }
    void add(const Envelope &envelope, std::optional<std::size_t> tenant, EventOrigin origin = EventOrigin::service) {
        const auto digest = *envelope_digest(envelope, bank);
        value = extended_by(bank, value, digest);
        events.push_back({.data = encode_envelope(envelope),
                          .digest = Bytes(digest.bytes().begin(), digest.bytes().end()),
                          .origin = origin,
                          .tenant = tenant});
        if (!tenant) return;
        auto &reg = tenants[*tenant];
        reg.value = extended_by(reg.hash, reg.value, *envelope_digest(envelope, reg.hash));
    }
    void create(std::size_t tenant) {
        tenants[tenant].made = true;
        add(envelope(tenant, "create",
                     {.created =
                          CreatedRegister{
                              .name = tenants[tenant].name, .hash = tenants[tenant].hash, .owner = 1000 + tenant, .carrier = carrier}}),
            tenant);
    }
    void of_carrier() {
        add({.header = {.type = "measure", .register_name = carrier},
             .body = {.data = Bytes(below(40), 7), .salt = some_bytes<EnvelopeSalt>()}},
            {});
    }
    void step() {
        const auto tenant = below(tenants.size());
        auto &reg = tenants[tenant];
        if (below(6) == 0) return of_carrier();
        if (!reg.made) return create(tenant);
        if (reg.closed) return;
        if (tenant != 0 && below(12) == 0) {
            reg.closed = true;
            return add(envelope(tenant, "close"), tenant);
        }
        const std::string secret = "secret of " + reg.name + " " + std::to_string(random_());
        add(envelope(tenant, "measure", {.description = secret, .data = Bytes(secret.begin(), secret.end())}), tenant);
    }

    // One whose register is not closed: of the first one there always is.
    std::size_t open_tenant() {
        for (;;) {
            if (const auto one = below(tenants.size()); !tenants[one].closed) return one;
        }
    }

    // As that tenant is given it.
    [[nodiscard]] std::vector<Made> view_of(std::size_t tenant) const {
        std::vector<Made> view;
        for (const auto &event : events) view.push_back(event.tenant == tenant ? event : event.hidden());
        return view;
    }

    std::vector<Tenant> tenants;
    std::vector<Made> events;
    Digest value = Digest::zero(bank);  // of the carrier

private:
    std::mt19937 random_;
};

struct Judged {
    bool holds = false;
    std::string reason;  // of what is said of the virtual registers
};

Judged judge(const std::vector<Made> &events, const Digest &value, const std::string &name, bool is_log_only = true) {
    ReferenceValues reference;
    reference.virtual_registers = {{.name = name}};
    if (is_log_only) reference.log_only_registers = {"rtmr3"};
    SignedRegister reg;
    reg.kind = "tdx";
    reg.claimed = {.name = "rtmr3", .algorithm = bank, .value = value, .initial = Digest::zero(bank)};
    reg.shown = "rtmr3";
    reg.logged = "tdx/rtmr3";
    const std::vector registers{reg};
    std::string log;
    append_json_header(log, {{carrier, bank, Digest::zero(bank), Digest::zero(bank)}});
    for (std::size_t i = 0; i < events.size(); ++i) {
        Event event;
        event.sequence = i + 1;
        event.index = *tcg_index(events[i].name);
        event.name = events[i].name;
        event.type = events[i].type;
        event.digests = {{tcg_id(bank), events[i].digest}};
        if (!events[i].data.empty()) event.data = events[i].data;
        event.origin = events[i].origin;
        append_json_event(log, event);
    }
    const PreparedRules rules(reference);
    LogJudgement judgement(reference, rules, registers, nullptr);
    Verdict verdict;
    if (const auto read = judgement.read(as_bytes(log)); !read) return {false, read.error().message};
    judgement.judge(verdict);
    const auto *said = verdict.find(statement::virtual_registers);
    return {verdict.verified() && said != nullptr, said == nullptr ? "" : said->reason};
}

constexpr unsigned worlds = 40;

TEST(VirtualJudgement, WhatEachTenantIsGivenLeadsToTheSignedValueAndToWhatItsRegisterHolds) {
    for (unsigned seed = 0; seed < worlds; ++seed) {
        const World world(seed);
        for (std::size_t i = 0; i < world.tenants.size(); ++i) {
            const auto &tenant = world.tenants[i];
            const auto view = world.view_of(i);
            const auto judged = judge(view, world.value, tenant.name);
            if (tenant.closed) {
                EXPECT_FALSE(judged.holds);
                EXPECT_THAT(judged.reason, HasSubstr("another may have its name since"));
                continue;
            }
            EXPECT_TRUE(judged.holds) << seed << ": " << judged.reason;
            EXPECT_THAT(judged.reason, HasSubstr("of uid " + std::to_string(1000 + i)));
            EXPECT_THAT(judged.reason, HasSubstr(to_hex(tenant.value.bytes())));
            EXPECT_THAT(judged.reason, HasSubstr("none of them names it"));
            for (std::size_t other = 0; other < world.tenants.size(); ++other) {
                if (other == i) continue;
                EXPECT_FALSE(judge(view, world.value, world.tenants[other].name).holds) << "what is hidden proves nothing of who it is";
            }
        }
        EXPECT_TRUE(judge(world.events, world.value, world.tenants[0].name).holds) << "the carrier's owner hides nothing";
    }
}

TEST(VirtualJudgement, NothingThatWasLeftOutMovedAddedOrRelabelledIsTaken) {
    for (unsigned seed = 0; seed < worlds; ++seed) {
        World world(seed);
        const auto tenant = world.open_tenant();
        const auto &name = world.tenants[tenant].name;
        const auto view = world.view_of(tenant);
        const auto refused = [&](const std::vector<Made> &changed, const char *what, std::size_t at) {
            EXPECT_FALSE(judge(changed, world.value, name).holds) << what << " " << at << " of seed " << seed;
        };
        for (std::size_t at = 0; at < view.size(); ++at) {
            auto changed = view;
            changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(at));
            refused(changed, "left out", at);
            changed = view;
            changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(at), view[at]);
            refused(changed, "there twice", at);
            if (at + 1 < view.size()) {
                changed = view;
                std::swap(changed[at], changed[at + 1]);
                refused(changed, "moved", at);
            }
            changed = view;
            changed[at].name = "tdx/rtmr2";
            refused(changed, "of another register", at);
            changed = view;
            changed[at].type = ev_no_action;
            refused(changed, "of a type that extends nothing", at);
            for (const auto origin : {EventOrigin::resync, EventOrigin::firmware}) {
                changed = view;
                changed[at].origin = origin;
                refused(changed, origin == EventOrigin::resync ? "called a resync" : "called the firmware's", at);
            }
            // No digest is over an event's type: what is said rests on nothing of it.
            changed = view;
            changed[at].type = ev_ipl;
            const auto judged = judge(changed, world.value, name);
            EXPECT_TRUE(judged.holds) << at << " of seed " << seed;
            EXPECT_EQ(judged.reason, judge(view, world.value, name).reason) << at << " of seed " << seed;
        }
    }
}

// Header, body and its digest are what the register took, or the record says nothing.
TEST(VirtualJudgement, ARecordWhoseHeaderOrBodyIsAnotherSaysNothingAndNothingIsProvedBehindIt) {
    for (unsigned seed = 0; seed < worlds; ++seed) {
        World world(seed);
        const auto tenant = world.open_tenant();
        const auto &name = world.tenants[tenant].name;
        const auto view = world.view_of(tenant);
        std::size_t created = 0;
        while (view[created].tenant != tenant) ++created;
        for (auto at = created; at < view.size(); ++at) {
            const auto refused = [&](Bytes data, const char *what) {
                auto changed = view;
                changed[at].data = std::move(data);
                EXPECT_FALSE(judge(changed, world.value, name).holds) << what << " at " << at << " of seed " << seed;
            };
            refused({}, "no data");
            refused(Bytes{1, 2, 3}, "other data");
            if (view[at].tenant == tenant) refused(view[at].hidden().data, "hidden from its own tenant");
            if (const auto whole = decode_envelope(view[at].data)) {
                auto other = *whole;
                other.header.type += "d";
                refused(encode_envelope(other), "another type");
                other = *whole;
                other.header.id = world.tenants[(tenant + 1) % world.tenants.size()].id;
                other.header.register_name.clear();
                refused(encode_envelope(other), "another's");
                other = *whole;
                other.body.description = "another";
                if (whole->body.description != "another") refused(encode_envelope(other), "another body");
            }
            if (const auto hidden = decode_redacted_envelope(view[at].data)) {
                auto other = *hidden;
                other.header = {.type = "measure", .register_name = "tdx/rtmr3"};
                if (other.header != hidden->header) refused(encode_redacted_envelope(other), "the carrier's own");
                other = *hidden;
                other.header = {.type = "measure", .id = world.tenants[tenant].id};
                refused(encode_redacted_envelope(other), "the tenant's");
            }
        }
    }
}

TEST(VirtualJudgement, ABareDigestForgesNothing) {
    World world(1);
    const auto own = world.tenants.size();
    world.tenants.push_back({.name = "virtual/late", .id = {1}, .hash = bank, .value = Digest::zero(bank), .made = false, .closed = false});
    world.create(own);
    // Whoever extends the carrier by a digest that he chose, and says that it is the tenant's event: here it is, digest and all.
    const auto forged = world.envelope(own, "measure", {.data = Bytes{1}});
    const auto before = world.tenants[own].value;
    world.add(forged, own);
    EXPECT_FALSE(judge(world.view_of(own), world.value, world.tenants[own].name, false).holds)
        << "unless the verifier knows that the register takes no bare digest, nothing of it is believed";
    EXPECT_NE(world.tenants[own].value, before);
    // Where one came in, it says nothing of itself, and nothing is proved over it.
    World other(2);
    const auto digest = *hash(bank, as_bytes("bare"));
    other.value = extended_by(bank, other.value, digest);
    other.events.push_back({.data = {}, .digest = Bytes(digest.bytes().begin(), digest.bytes().end())});
    const auto judged = judge(other.view_of(0), other.value, other.tenants[0].name);
    EXPECT_FALSE(judged.holds);
    EXPECT_THAT(judged.reason, HasSubstr("has no envelope at event"));
}

TEST(VirtualJudgement, AGapBehindTheCreateIsNoProofAndOneBeforeItIsNothingToIt) {
    World world(3);
    const auto resync = [&](World &of) {
        const auto found = extended_by(bank, of.value, *hash(bank, as_bytes("somebody else")));
        const auto bytes = [](const Digest &digest) { return Bytes(digest.bytes().begin(), digest.bytes().end()); };
        const Envelope envelope{.header = {.type = "resync", .register_name = carrier},
                                .body = {.expected = bytes(of.value), .found = bytes(found)}};
        of.value = found;
        of.add(envelope, {}, EventOrigin::resync);
    };
    resync(world);
    for (std::size_t i = 0; i < world.tenants.size(); ++i) {
        if (world.tenants[i].closed) continue;
        const auto judged = judge(world.view_of(i), world.value, world.tenants[i].name);
        EXPECT_FALSE(judged.holds);
        EXPECT_THAT(judged.reason, HasSubstr("has a gap at event"));
    }
    const auto late = world.tenants.size();
    world.tenants.push_back({.name = "virtual/late", .id = {1}, .hash = bank, .value = Digest::zero(bank), .made = false, .closed = false});
    world.create(late);
    EXPECT_THAT(judge(world.view_of(late), world.value, "virtual/late").reason, HasSubstr("none of them names it"));
    // A gap that is called something else is none, and nothing leads over it.
    for (const auto origin : {EventOrigin::service, EventOrigin::firmware}) {
        auto relabelled = world.view_of(late);
        std::ranges::find(relabelled, EventOrigin::resync, &Made::origin)->origin = origin;
        EXPECT_FALSE(judge(relabelled, world.value, "virtual/late").holds);
    }
}

// mrd gives a name again once its register is closed: what is said of the old one is not said of the new one.
TEST(VirtualJudgement, ANameIsThatOfTheRegisterThatIsNotClosedAndOfNoneThatMayBeHiddenBehindAnother) {
    World world(4);
    const auto add = [&world](VirtualRegisterId id) {
        world.tenants.push_back(
            {.name = "virtual/build", .id = id, .hash = bank, .value = Digest::zero(bank), .made = false, .closed = false});
        world.create(world.tenants.size() - 1);
        return world.tenants.size() - 1;
    };
    const auto first = add({1});
    world.add(world.envelope(first, "close"), first);
    EXPECT_THAT(judge(world.events, world.value, "virtual/build").reason, HasSubstr("another may have its name since"));
    const auto second = add({2});
    world.add(world.envelope(second, "measure", {.data = Bytes{1}}), second);
    const auto whole = judge(world.events, world.value, "virtual/build");
    EXPECT_TRUE(whole.holds) << whole.reason;
    EXPECT_THAT(whole.reason, HasSubstr(to_hex(world.tenants[second].value.bytes())));
    EXPECT_FALSE(judge(world.view_of(first), world.value, "virtual/build").holds) << "the second one is hidden";
    EXPECT_TRUE(judge(world.view_of(second), world.value, "virtual/build").holds) << "the first one is hidden, and closed";
    (void)add({3});
    EXPECT_THAT(judge(world.events, world.value, "virtual/build").reason, HasSubstr("two registers that are not closed"));
}

TEST(VirtualJudgement, WithoutALogWhatWasAskedForIsNoSilentYes) {
    ReferenceValues reference;
    Verdict verdict;
    state_without_log(verdict, reference, {}, fails("no log was given"));
    EXPECT_EQ(verdict.find(statement::virtual_registers), nullptr);
    reference.virtual_registers = {{.name = "virtual/build"}};
    state_without_log(verdict, reference, {}, fails("no log was given"));
    ASSERT_NE(verdict.find(statement::virtual_registers), nullptr);
    EXPECT_EQ(verdict.find(statement::virtual_registers)->result, Judgement::fails);
}

}  // namespace
}  // namespace mr::attestation
