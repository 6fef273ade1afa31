// Policies about platforms and guests of SEV-SNP: reports that satisfy them, and reports that nearly do, each signed by its platform's key.
#include <gmock/gmock.h>

#include "tests/attestation/policy_table.h"
#include "tests/attestation/tee/snp/test_snp.h"

namespace mr {
namespace {

using nlohmann::json;
using Policy = PolicyOf<TestSnp>;

auto platform_of(SnpProduct product, bool vlek = false) {
    return [=](TestSnp &platform) { platform = TestSnp(product, vlek); };
}

// One component of every TCB that report and certificate have.
auto with_tcb(std::size_t byte, const char *extension, std::uint8_t value) {
    return [=](TestSnp &platform) {
        auto &report = platform.report;
        for (auto *tcb : {&report.reported_tcb, &report.committed_tcb, &report.current_tcb, &report.launch_tcb}) tcb->at(byte) = value;
        platform.extension(extension) = der::integer(value);
    };
}
auto bootloader(std::uint8_t value) { return with_tcb(0, "3.1", value); }
auto tee(std::uint8_t value) { return with_tcb(1, "3.2", value); }
auto snp(std::uint8_t value) { return with_tcb(6, "3.3", value); }
auto microcode(std::uint8_t value) { return with_tcb(7, "3.8", value); }
std::function<void(TestSnp &)> fmc_of_turin(std::uint8_t value) {
    return [=](TestSnp &platform) {
        platform = TestSnp(SnpProduct::turin);
        with_tcb(0, "3.9", value)(platform);
    };
}

auto vmpl(std::uint32_t level) {
    return [=](TestSnp &platform) { platform.report.vmpl = level; };
}
// Over that which has to be one.
auto policy_bits(std::initializer_list<unsigned> bits) {
    return [bits = std::vector(bits)](TestSnp &platform) {
        platform.report.policy = 1U << 17U;
        for (const auto bit : bits) platform.report.policy |= std::uint64_t{1} << bit;
    };
}
auto platform_bits(std::initializer_list<unsigned> bits) {
    return [bits = std::vector(bits)](TestSnp &platform) {
        platform.report.platform_info = 0;
        for (const auto bit : bits) platform.report.platform_info |= std::uint64_t{1} << bit;
    };
}
// By report and certificate.
auto chip(std::uint8_t byte, std::uint8_t last) {
    return [=](TestSnp &platform) {
        platform.report.chip_id.fill(byte);
        platform.report.chip_id.back() = last;
        platform.extension("4") = Bytes(platform.report.chip_id.begin(), platform.report.chip_id.end());
    };
}
auto guest_svn(std::uint32_t number) {
    return [=](TestSnp &platform) { platform.report.guest_svn = number; };
}
auto key_info(std::uint32_t value, SnpProduct product, bool vlek) {
    return [=](TestSnp &platform) {
        platform = TestSnp(product, vlek);
        platform.report.key_info = value;
    };
}
void let_an_agent_be_bound(TestSnp &platform) { platform.report.policy |= 1U << 18U; }
auto agent(std::size_t byte) {
    return [=](TestSnp &platform) { platform.report.report_id_ma.at(byte) = 0; };
}

// Any TCB is up to date.
json asking(json members) {
    members["minimumTcb"] = {{"Milan", {{"snp", 0}}}, {"Genoa", {{"snp", 0}}}, {"Turin", {{"snp", 0}}}};
    return {{"snp", members}};
}
std::string chip_of(char digit) { return std::string(128, digit); }

std::vector<Policy> policies() {
    using enum SnpProduct;
    return {
        {"the least that is up to date",
         {{"snp", {{"minimumTcb", {{"Milan", {{"bootloader", 4}, {"tee", 1}, {"snp", 24}, {"microcode", 217}}}}}}}},
         "tcb",
         {{"that", keep}, {"above it", bootloader(5)}, {"far above it", microcode(255)}},
         {{"a bootloader below it", bootloader(3), "bootloader"},
          {"a TEE below it", tee(0), "tee"},
          {"an SNP firmware below it", snp(23), "snp"},
          {"a microcode below it", microcode(216), "microcode"},
          {"of another product", platform_of(genoa), "Genoa"}}},

        {"the least FMC that is up to date",
         {{"snp", {{"minimumTcb", {{"Turin", {{"fmc", 2}}}}}}}},
         "tcb",
         {{"that", fmc_of_turin(2)}, {"above it", fmc_of_turin(3)}},
         {{"below it", fmc_of_turin(1), "fmc"}, {"none", fmc_of_turin(0), "fmc"}, {"of another product, which has none", keep, "Milan"}}},

        {"keys of cloud providers",
         asking({{"vlek", "accept"}}),
         "signing_key",
         {{"one", platform_of(milan, true)}, {"one on Turin", platform_of(turin, true)}, {"a chip's own", keep}},
         {{"one that the report calls a chip's", key_info(0, milan, true), "the report is signed by a VCEK"},
          {"a chip's that the report calls one", key_info(4, milan, false), "the report is signed by a VLEK"},
          {"one that the report calls no key", key_info(7U << 2U, milan, true), "no key that is known"}}},

        {"no keys of cloud providers",
         asking({{"vlek", "refuse"}}),
         "signing_key",
         {{"a chip's own", keep}, {"of Genoa", platform_of(genoa)}},
         {{"one", platform_of(milan, true), "a key of the cloud provider"},
          {"one on Genoa", platform_of(genoa, true), "a key of the cloud provider"},
          {"one on Turin", platform_of(turin, true), "a key of the cloud provider"}}},

        {"privilege levels",
         asking({{"vmpls", {1, 2}}}),
         "vmpl",
         {{"the one", vmpl(1)}, {"the other", vmpl(2)}},
         {{"the one before", vmpl(0), "privilege level 0"},
          {"the one behind", vmpl(3), "privilege level 3"},
          {"none that there is", vmpl(4), "made for the host"},
          {"the host", vmpl(0xFFFFFFFF), "made for the host"}}},

        {"no migration agent",
         asking({{"migrationAgent", "refuse"}}),
         "migration_agent",
         {{"none", keep}},
         {{"one that may be", let_an_agent_be_bound, "may be bound"},
          {"one whose report id has another first byte than none", agent(0), "00ffff"},
          {"one whose report id has another last byte than none", agent(31), "ffff00"}}},

        {"a migration agent, and nothing else that is not known",
         asking({{"migrationAgent", "accept"}}),
         "guest_policy",
         {{"none", keep},
          {"one that may be", let_an_agent_be_bound},
          {"one",
           [](auto &platform) {
               let_an_agent_be_bound(platform);
               platform.report.report_id_ma = {};
           }}},
         {{"a reserved bit", policy_bits({18, 26}), "0x0000000004000000"},
          {"the last bit", policy_bits({18, 63}), "0x8000000000000000"},
          {"without the bit that has to be one", [](auto &platform) { platform.report.policy = 1U << 18U; }, "lacks bit 17"}}},

        {"bits of the guest's policy that are set",
         asking({{"policySet", {"single_socket", "ciphertext_hiding"}}}),
         "guest_policy",
         {{"both", policy_bits({20, 24})}, {"both, and another", policy_bits({16, 20, 24})}},
         {{"the first alone", policy_bits({20}), "want set: ciphertext_hiding"},
          {"the second alone", policy_bits({24}), "want set: single_socket"},
          {"their neighbours", policy_bits({21, 25}), "want set: single_socket, ciphertext_hiding"}}},

        {"bits of the guest's policy that are clear",
         asking({{"policyClear", {"smt", "cxl"}}}),
         "guest_policy",
         {{"both", policy_bits({})}, {"both, and another set", policy_bits({20, 22})}},
         {{"the first set", policy_bits({16}), "want clear: smt"},
          {"the second set", policy_bits({21}), "want clear: cxl"},
          {"both set", policy_bits({16, 21}), "want clear: smt, cxl"}}},

        {"bits of the platform that are set",
         asking({{"platformSet", {"ecc", "alias_check_complete"}}}),
         "platform_info",
         {{"both", platform_bits({2, 5})}, {"both, and another", platform_bits({0, 2, 5})}},
         {{"the first alone", platform_bits({2}), "want set: alias_check_complete"},
          {"the second alone", platform_bits({5}), "want set: ecc"},
          {"their neighbours", platform_bits({3, 4}), "want set: ecc, alias_check_complete"}}},

        {"bits of the platform that are clear",
         asking({{"platformClear", {"smt", "sev_tio"}}}),
         "platform_info",
         {{"both", platform_bits({})}, {"both, and another set", platform_bits({1, 6})}},
         {{"the first set", platform_bits({0}), "want clear: smt"},
          {"the second set", platform_bits({7}), "want clear: sev_tio"},
          {"both set", platform_bits({0, 7}), "want clear: smt, sev_tio"}}},

        {"named chips",
         asking({{"chipIds", {chip_of('1'), chip_of('9')}}, {"vlek", "accept"}}),
         "platform_identity",
         {{"the one", chip(0x11, 0x11)},
          {"the other", keep},
          {"the other, which masks its id", [](auto &platform) { platform.report.chip_id = {}; }}},
         {{"another", chip(0x22, 0x22), "2222"},
          {"one that differs at its end", chip(0x99, 0x98), "9998"},
          {"one that is made of both", chip(0x11, 0x99), "1199"},
          {"any of a cloud provider's", platform_of(milan, true), "names no chip"}}},

        {"the guest's security version",
         asking({{"minimumGuestSvn", 0x100}}),
         "guest_svn",
         {{"that", guest_svn(0x100)}, {"above it", guest_svn(0xFFFFFFFF)}},
         {{"one below it", guest_svn(0xFF)}, {"its bytes in the other order", guest_svn(0x1)}, {"none", keep}}},
    };
}

Verdict judge(const json &members, const std::function<void(TestSnp &)> &make) {
    TestSnp platform;
    make(platform);
    const auto report = platform.signed_report();
    const auto pem = write_snp_certificates(platform.certificates());
    json file{{"format", "mrd-reference-values"}, {"version", 1}};
    file.update(members);
    VerifyOptions options;
    options.reference = parse_reference_values(file.dump()).value();
    options.anchors = platform.anchors();
    options.waived = {.nonce = true, .reference = true};
    options.time = test_now;
    return verify(TeeEvidence{.quote = report, .auxiliary = as_bytes(pem)}, {}, options);
}

TEST(SnpPolicies, HoldOfReportsThatSatisfyThemAndOfNoneThatNearlyDo) { expect_to_part(policies(), judge); }

}  // namespace

std::vector<json> members_of_snp_policies() { return members_of(policies()); }

}  // namespace mr
