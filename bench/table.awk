# Lines "ROW PROGRAM ROUND FIGURE..." in, the table of bench/run out.

function median(list, count,    i, j, t) {
    for (i = 2; i <= count; ++i) {
        t = list[i]
        for (j = i - 1; j > 0 && list[j] > t; --j) list[j + 1] = list[j]
        list[j + 1] = t
    }
    return count % 2 ? list[(count + 1) / 2] : (list[count / 2] + list[count / 2 + 1]) / 2
}

# A figure that was not measured is an error: it would be counted as 0, and at most anything.
function need(row, program) {
    if ((row, program) in rounds) return
    print "bench/table.awk: nothing was measured of " row " " program > "/dev/stderr"
    exit 1
}

# The median over the rounds of one figure.
function middle(row, program, column,    round, list, count) {
    need(row, program)
    for (round = 1; round <= rounds[row, program]; ++round) list[++count] = figure[row, program, round, column]
    return median(list, count)
}

# The median over the rounds of a program's figure against a peer's in the same round; of two peers, the better one's (the lesser).
function ratio(row, program, peer, column, other_peer,    round, list, count, divisor) {
    need(row, program)
    need(row, peer)
    for (round = 1; round <= rounds[row, program]; ++round) {
        divisor = figure[row, peer, round, column]
        if (other_peer != "" && figure[row, other_peer, round, column] < divisor) divisor = figure[row, other_peer, round, column]
        list[++count] = figure[row, program, round, column] / divisor
    }
    return median(list, count)
}

# The same against what a peer has in another row.
function ratio_across(row, program, column, peer_row, peer,    round, list, count) {
    need(row, program)
    need(peer_row, peer)
    for (round = 1; round <= rounds[row, program]; ++round) list[++count] = figure[row, program, round, column] / figure[peer_row, peer, round, column]
    return median(list, count)
}

# The median over the rounds of a program's op/s against those of one that does nothing but `part` of the row "attestation", which has ns.
function ratio_to_limit(row, program, part,    round, list, count) {
    need(row, program)
    need("attestation", part)
    for (round = 1; round <= rounds[row, program]; ++round) list[++count] = figure[row, program, round, 1] * figure["attestation", part, round, 1] / 1e9
    return median(list, count)
}

# The largest of the rounds' figures but for one in a hundred: of what is measured once in a round.
function nearly_worst(row, program, column,    round, list, count, i, j, t) {
    for (round = 1; round <= rounds[row, program]; ++round) list[++count] = figure[row, program, round, column]
    median(list, count)  # sorts
    return list[count - int(count / 100)]
}

# p50 and p99 in us, and the server's or the program's CPU ns for each, as the measurement of that row has them; nothing where there are none.
function times(row, program) {
    if (program == "") return ""
    if (row == "replay" && program != "mrctl")  # of an event
        return sprintf("%10.3f %10.3f %12.0f", middle(row, program, 2) / 1000, middle(row, program, 3) / 1000, middle(row, program, 1))
    if (row ~ /^(start|command|replay$)/)  # bench_costs: us and CPU us, one in a round
        return sprintf("%10.1f %10.1f %12.0f", middle(row, program, 1), nearly_worst(row, program, 1), middle(row, program, 2) * 1000)
    if (row == "attestation")
        return sprintf("%10.2f %10.2f %12.0f", middle(row, program, 2) / 1000, middle(row, program, 3) / 1000, middle(row, program, 1))
    return sprintf("%10.1f %10.1f %12.0f", middle(row, program, 2) / 1000, middle(row, program, 3) / 1000, middle(row, program, 4))
}

# One line: what was measured against its target, and the times of the measurement that it is about. `unless`: why it says nothing about mrd where it is missed.
function say(target, what, value, limit, at_most, row, program, unless,    verdict) {
    if (limit != "") verdict = (at_most ? value <= limit : value >= limit) ? "reached" : unless != "" ? unless : "missed"
    printf "%-4s %-58s %8.3f   %-14s %-8s %s\n", target, what, value, limit == "" ? "-" : (at_most ? "at most " : "at least ") limit, verdict, times(row, program)
}

{
    for (i = 4; i <= NF; ++i) figure[$1, $2, $3, i - 3] = $i
    if ($3 > rounds[$1, $2]) rounds[$1, $2] = $3
}

END {
    shapes = split("1x1-same 1x64-same 8x16-split 8x64-split 64x1-split durable-1x1 durable-64x1 durable-64x64", shape, " ")
    programs = split("read extend file-read file-extend report quote evidence device-evidence echo-wait echo-read get pcr-read pcr-extend group aof", program, " ")
    label["read"] = "mrd Read"; label["extend"] = "mrd Extend"; label["report"] = "mrd Report"; label["quote"] = "mrd Quote"
    label["evidence"] = "mrd Evidence, log of " boot_events " events"; label["echo-wait"] = "Asio echo, async_wait + recv"
    label["echo-read"] = "Asio echo, async_read_some"; label["get"] = "redis GET"
    label["device-evidence"] = "mrd Devices.Evidence, 5 blocks"
    label["file-read"] = "mrfs, a register's file read"; label["file-extend"] = "mrfs, a register's file written"
    label["pcr-read"] = "swtpm PCR_Read"; label["pcr-extend"] = "swtpm PCR_Extend"
    label["group"] = "mrd Extend, sync = group"; label["aof"] = "redis SET, appendfsync = always"
    printf "%-13s %-32s %12s %10s %10s %14s\n", "shape", "program", "op/s", "p50 us", "p99 us", "server ns/op"
    for (s = 1; s <= shapes; ++s) {
        for (p = 1; p <= programs; ++p) {
            if (!((shape[s], program[p]) in rounds)) continue
            printf "%-13s %-32s %12.0f %10.1f %10.1f %14.0f\n", shape[s], label[program[p]], middle(shape[s], program[p], 1),
                middle(shape[s], program[p], 2) / 1000, middle(shape[s], program[p], 3) / 1000, middle(shape[s], program[p], 4)
        }
    }
    print "(p50 and p99: from a connection's calls to the last of their replies)"
    print ""
    printf "%-44s %10.2f ms\n", "start to first reply, mrd", middle("start", "mrd", 1) / 1000
    printf "%-44s %10.2f ms\n", "start to first reply, mrd, not confined", middle("start", "mrd-unconfined", 1) / 1000
    printf "%-44s %10.2f ms\n", "start to first reply, swtpm", middle("start", "swtpm", 1) / 1000
    for (i = 1; i <= split("empty short long", name, " "); ++i) {
        events = name[i] == "long" ? long_events : name[i] == "short" ? short_events : 0
        printf "%-44s %10.2f ms (CPU %.2f)\n", "start to first reply, journal of " events " events",
            middle("start-" name[i], "mrd", 1) / 1000, middle("start-" name[i], "mrd", 2) / 1000
    }
    printf "%-44s %10.2f ms\n", "process mrctl read", middle("command", "mrctl-read", 1) / 1000
    printf "%-44s %10.2f ms\n", "process mrctl extend", middle("command", "mrctl-extend", 1) / 1000
    printf "%-44s %10.2f ms\n", "process tpm2_pcrextend", middle("command", "tpm2_pcrextend", 1) / 1000
    printf "%-44s %10.2f ms\n", "process /bin/true", middle("command", "true", 1) / 1000
    printf "%-44s %10.1f MB (PSS %.1f)\n", "resident, idle, mrd", middle("memory", "mrd", 1) / 1e6, middle("memory", "mrd", 2) / 1e6
    printf "%-44s %10.1f MB (PSS %.1f)\n", "resident, idle, mrd, not confined", middle("memory", "mrd-unconfined", 1) / 1e6, middle("memory", "mrd-unconfined", 2) / 1e6
    printf "%-44s %10.1f MB (PSS %.1f)\n", "resident, idle, swtpm", middle("memory", "swtpm", 1) / 1e6, middle("memory", "swtpm", 2) / 1e6
    for (i = 1; i <= split("empty long", name, " "); ++i)
        printf "%-44s %10.1f MB (PSS %.1f)\n", "resident, journal of " (name[i] == "long" ? long_events : 0) " events",
            middle("memory", name[i], 1) / 1e6, middle("memory", name[i], 2) / 1e6
    printf "%-44s %10.0f bytes\n", "an event in the journal", figure["journal", "mrd", 1, 1] / figure["journal", "mrd", 1, 2]
    split("limit replay limit-bindings bindings journal", part, " ")
    label["limit"] = "SHA-384 of each extend"; label["replay"] = "EventLogReader, Replay"
    label["limit-bindings"] = "SHA-384 of each extend and each event's data"
    label["bindings"] = "EventLogReader, Replay, recompute_binding"; label["journal"] = "the journal's records, proved"
    for (i = 1; i <= 5; ++i) printf "%-44s %10.0f CPU ns an event\n", label[part[i]], middle("replay", part[i], 1)
    printf "%-44s %10.0f ns an event\n", "process mrctl replay --log", middle("replay", "mrctl", 1) * 1000 / short_events
    printf "%-44s %10.0f ns an event\n", "process tpm2_eventlog", middle("replay", "tpm2_eventlog", 1) * 1000 / short_events
    split("report-limit sign-limit quote verify-limit verify verify-one appraise evidence-json evidence-cbor cca-limit cca snp-limit snp", part, " ")
    label["report-limit"] = "the hashes and the MAC of a TDREPORT"; label["sign-limit"] = "an ECDSA P-256 signature"
    label["quote"] = "QuotingService::quote"; label["verify-limit"] = "nine ECDSA P-256 verifications"
    label["verify"] = "verify_quote, with collateral"
    label["verify-one"] = "an ECDSA P-256 verification"; label["appraise"] = "Appraiser, of a platform that it knows"
    label["evidence-json"] = "parse_evidence, JSON, log of " boot_events " events"; label["evidence-cbor"] = "parse_evidence, CBOR"
    label["cca-limit"] = "two ECDSA P-384 verifications"; label["cca"] = "Appraiser, of a CCA token"
    label["snp-limit"] = "an ECDSA P-384 verification"; label["snp"] = "Appraiser, of an SEV-SNP report"
    for (i = 1; i <= 13; ++i) printf "%-44s %10.2f CPU us\n", label[part[i]], middle("attestation", part[i], 1) / 1000
    echoes = ratio("8x64-split", "echo-read", "get", 1)
    if (ratio("8x64-split", "echo-wait", "get", 1) > echoes) echoes = ratio("8x64-split", "echo-wait", "get", 1)
    print ""
    printf "%-4s %-58s %8s   %-14s %-8s %10s %10s %12s\n", "row", "ratio", "measured", "target", "", "p50 us", "p99 us", "CPU ns"
    say(1, "Read 1x1 same, p50 : the better echo's", ratio("1x1-same", "read", "echo-wait", 2, "echo-read"), 1.05, 1, "1x1-same", "read")
    say(1, "Read 1x1 same, op/s : swtpm PCR_Read's", ratio("1x1-same", "read", "pcr-read", 1), 1, 0, "1x1-same", "read")
    # How the machine wakes a process up decides this one: the echo shows whether it lets a server be that fast.
    say(2, "Read 8x64 split, op/s : redis GET's", ratio("8x64-split", "read", "get", 1), 2.3, 0, "8x64-split", "read",
        echoes > 2.5 ? "" : "unjudged")
    say("", "  the echo, op/s : redis GET's", echoes, "", 0, "8x64-split", "echo-read")
    say(2, "Read 8x64 split, CPU ns : redis GET's", ratio("8x64-split", "read", "get", 4), 0.4, 1, "8x64-split", "read")
    say(3, "Read 1x64 same, op/s : redis GET's", ratio("1x64-same", "read", "get", 1), 2, 0, "1x64-same", "read")
    say(4, "Extend 1x1 same, op/s : swtpm PCR_Extend's", ratio("1x1-same", "extend", "pcr-extend", 1), 0.9, 0, "1x1-same", "extend")
    # swtpm serves one client at a time and cannot pipeline: 1x1 is its best.
    say(5, "Extend 8x64 split, op/s : swtpm's best", ratio_across("8x64-split", "extend", 1, "1x1-same", "pcr-extend"), 8, 0, "8x64-split", "extend")
    say(6, "Extend 64x1, sync = group, op/s : redis AOF's", ratio("durable-64x1", "group", "aof", 1), 1.3, 0, "durable-64x1", "group")
    say(6, "Extend 64x64, sync = group, op/s : redis AOF's", ratio("durable-64x64", "group", "aof", 1), 0.7, 0, "durable-64x64", "group")
    say("", "Extend 1x1, sync = group, op/s : redis AOF's", ratio("durable-1x1", "group", "aof", 1), "", 0, "durable-1x1", "group")
    say(7, "replay : the SHA-384 limit", ratio("replay", "replay", "limit", 1), 1.2, 1, "replay", "replay")
    say(7, "the journal's check : the SHA-384 limit", ratio("replay", "journal", "limit", 1), 1.5, 1, "replay", "journal")
    say(7, "replay with every data's digest : the SHA-384 limit", ratio("replay", "bindings", "limit", 1), 2.3, 1, "replay", "bindings")
    say("", "replay with every data's digest : its own SHA-384 limit", ratio("replay", "bindings", "limit-bindings", 1), "", 0, "replay", "bindings")
    say(7, "tpm2_eventlog, whole process : mrctl replay's", ratio("replay", "tpm2_eventlog", "mrctl", 1), 15, 0, "replay", "mrctl")
    say(8, "Report 8x16 split, op/s : what its hashes and MAC allow", ratio_to_limit("8x16-split", "report", "report-limit"), 0.5, 0, "8x16-split", "report")
    say(8, "Quote, the service alone : the signing limit", ratio("attestation", "sign-limit", "quote", 1), 0.8, 0, "attestation", "quote")
    say(8, "Quote 8x16 split, op/s : the signing limit", ratio_to_limit("8x16-split", "quote", "sign-limit"), 0.4, 0, "8x16-split", "quote")
    say("", "Evidence 8x16 split, op/s : Quote's", ratio("8x16-split", "evidence", "quote", 1), "", 0, "8x16-split", "evidence")
    say(9, "verify_quote : its ECDSA verifications", ratio("attestation", "verify-limit", "verify", 1), 0.85, 0, "attestation", "verify")
    say(9, "an Appraiser's verdict : one ECDSA verification", ratio("attestation", "appraise", "verify-one", 1), 3.5, 1, "attestation", "appraise")
    say(9, "a CCA token's verdict : its two ECDSA verifications", ratio("attestation", "cca", "cca-limit", 1), 1.3, 1, "attestation", "cca")
    say(9, "an SEV-SNP report's verdict : its ECDSA verification", ratio("attestation", "snp", "snp-limit", 1), 1.3, 1, "attestation", "snp")
    say("", "Read 1x1 same, p50 : redis GET's", ratio("1x1-same", "read", "get", 2), "", 0, "1x1-same", "read")
    say("", "Read 64x1 split, op/s : redis GET's", ratio("64x1-split", "read", "get", 1), "", 0, "64x1-split", "read")
    say("", "Extend 1x64 same, op/s : redis GET's", ratio("1x64-same", "extend", "get", 1), "", 0, "1x64-same", "extend")
    say("", "Extend 8x64 split, op/s : redis GET's", ratio("8x64-split", "extend", "get", 1), "", 0, "8x64-split", "extend")
    say("", "Extend 64x1 split, op/s : redis GET's", ratio("64x1-split", "extend", "get", 1), "", 0, "64x1-split", "extend")
    if (("1x1-same", "file-read") in rounds) {
        say("", "a file read through mrfs, p50 : Read 1x1 same", ratio("1x1-same", "file-read", "read", 2), "", 0, "1x1-same", "file-read")
        say("", "a file written through mrfs, p50 : Extend 1x1 same", ratio("1x1-same", "file-extend", "extend", 2), "", 0, "1x1-same", "file-extend")
    }
    say(10, "start to first reply : swtpm's", ratio("start", "mrd", "swtpm", 1), 0.75, 1, "start", "mrd")
    say("", "  the same with confinement = \"off\"", ratio("start", "mrd-unconfined", "swtpm", 1), "", 1, "start", "mrd-unconfined")
    say(11, "mrctl read, whole process : tpm2_pcrextend's", ratio("command", "mrctl-read", "tpm2_pcrextend", 1), 0.25, 1, "command", "mrctl-read")
    say(11, "mrctl extend, whole process : tpm2_pcrextend's", ratio("command", "mrctl-extend", "tpm2_pcrextend", 1), 0.25, 1, "command", "mrctl-extend")
    say(12, "resident, idle : swtpm's", ratio("memory", "mrd", "swtpm", 1), 1.2, 1)
    say("", "  the same with confinement = \"off\"", ratio("memory", "mrd-unconfined", "swtpm", 1))
    say(12, "KiB for each of 1000 idle connections (RSS)", middle("memory", "connections", 1) / 1024, 6, 1)
    say("", "KiB for each of 1000 idle connections (PSS)", middle("memory", "connections", 2) / 1024)
    say(13, "Read 1x1 same, p50, long journal : empty journal", ratio("length", "read-long", "read-empty", 2), 1.1, 1, "length", "read-long")
    say(13, "Extend 1x1 same, p50, long journal : empty journal", ratio("length", "extend-long", "extend-empty", 2), 1.1, 1, "length", "extend-long")
    say(13, "resident, long journal : empty journal", ratio("memory", "long", "empty", 1), 1.1, 1)
    say(13, "start to first reply, long journal : empty journal", ratio_across("start-long", "mrd", 1, "start-empty", "mrd"), 1.5, 1, "start-long", "mrd")
    say(14, "evidence of " boot_events " events as JSON, parsed, ms", middle("attestation", "evidence-json", 1) / 1e6, 0.7, 1, "attestation", "evidence-json")
    say(14, "evidence of " boot_events " events as CBOR, parsed, ms", middle("attestation", "evidence-cbor", 1) / 1e6, 0.03, 1, "attestation", "evidence-cbor")
    say(14, "Evidence 1x1 same, p50 : Quote's", ratio("1x1-same", "evidence", "quote", 2), 2, 1, "1x1-same", "evidence")
    say("", "a device's evidence 1x1 same, p50, ms", middle("1x1-same", "device-evidence", 2) / 1e6, "", 0, "1x1-same", "device-evidence")
    if (("virtual", "many") in rounds)
        say(15, "Measure 1x64 same, CPU ns, of " virtual_registers " virtual registers : 1", ratio("virtual", "many", "one", 4), 1.1, 1, "virtual", "many")
    print "(p50, p99 and CPU ns: of mrd's measurement in that line. unjudged: in this run the echo is not above 2.5 x either)"
}
