#!/bin/sh
# Checks that Prometheus' own parser reads what mrd counts, and that HTTP gives the same as mrctl, to a client that asks properly and to ones that do not.
# Usage: tests/metrics.sh BUILD
#
# Exits 77 where the parser (python3-prometheus-client) or curl is missing.
set -eu

source=$(cd "$(dirname "$0")/.." && pwd)
build=$1
python=/usr/bin/python3
"$python" -c 'import prometheus_client.parser' 2>/dev/null || { echo "metrics: there is no python3-prometheus-client here" >&2; exit 77; }
command -v curl >/dev/null || { echo "metrics: there is no curl here" >&2; exit 77; }

# shellcheck source=tests/shell.sh
. "$source/tests/shell.sh"

port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
printf '[metrics]\nport = %s\n' "$port" >"$folder/mrd.toml"
"$build/mrd/mrd" --sim --config "$folder/mrd.toml" --socket "$folder/io.mrd" --state "$folder/state" --log-level error &
process=$!
listens "$folder/io.mrd" || { echo "metrics: mrd does not start" >&2; exit 1; }
export MRD_SOCKET="$folder/io.mrd"
"$build/mrctl/mrctl" extend tdx/rtmr3 --digest "$(printf '%096d' 7)" >/dev/null
"$build/mrctl/mrctl" metrics >"$folder/metrics"
"$python" - "$folder/metrics" <<'END' || fail "the parser, or a rule of names, is against it" "$folder/metrics"
import sys
from prometheus_client.parser import text_string_to_metric_families

families = list(text_string_to_metric_families(open(sys.argv[1]).read()))
samples = {(s.name, tuple(sorted(s.labels.items()))): s.value for f in families for s in f.samples}
assert len(samples) == sum(len(f.samples) for f in families), "a sample stands there twice"
assert len({f.name for f in families}) == len(families), "a metric stands there twice"
for family in families:
    assert family.documentation and family.type in ("counter", "gauge", "histogram"), family.name
    assert family.name.startswith(("mrd_", "process_")), family.name
    if family.type == "histogram":
        for labels in {s.labels["method"] for s in family.samples}:
            buckets = [s.value for s in family.samples if s.name.endswith("_bucket") and s.labels["method"] == labels]
            assert buckets == sorted(buckets), labels
            assert buckets[-1] == samples[(family.name + "_count", (("method", labels),))], labels
assert samples[("mrd_calls_total", (("method", "io.mrd.Registers.Extend"),))] == 1
assert samples[("mrd_journal_events_total", ())] == 1
END

# asks FILE ARGUMENT...: the status that curl is answered with, and what it is told, in the file.
asks() {
    to=$1
    shift
    curl --silent --show-error --noproxy '*' --max-time 60 --output "$to" --write-out '%{http_code} %{content_type}' "$@" 2>"$folder/curl"
}
expect() {
    wanted=$1
    shift
    answered=$(asks "$folder/answer" "$@") || fail "curl has no answer: $*" "$folder/curl"
    case $answered in "$wanted"*) ;; *) fail "$* is answered $answered" "$folder/answer" ;; esac
}
url=http://127.0.0.1:$port/metrics

expect '200 text/plain; version=0.0.4; charset=utf-8' "$url"
# The same metrics; what they measure has gone on.
for file in metrics answer; do sed 's/ [^ ]*$//; /^mrd_call_duration_seconds/d' "$folder/$file" >"$folder/$file.names"; done
cmp -s "$folder/metrics.names" "$folder/answer.names" || fail "HTTP does not tell what mrctl tells" "$folder/answer"
expect 404 "http://127.0.0.1:$port/"
expect 405 --data x "$url"
expect 200 --head "$url"
expect 431 --header "X: $(printf '%020000d' 0)" "$url"
expect 200 --http1.0 "$url"
expect 200 --header 'Accept-Encoding: gzip' --header "Authorization: Bearer $(printf '%04000d' 0)" "$url"

# Those who ask for half, do not read, and are many keep nobody from being told.
"$python" - "$port" <<'END' || fail "hostile clients keep others from being told"
import socket, sys, urllib.request

port = int(sys.argv[1])
held = []
for number in range(100):
    held.append(socket.create_connection(("127.0.0.1", port)))
    try:
        held[-1].sendall([b"GET /metrics HTTP/1.1\r\n", b"GET /metrics HTTP/1.1\r\n\r\n", b"\0" * 4096, b""][number % 4])
    except OSError:
        pass
told = urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://127.0.0.1:{port}/metrics", timeout=60).read()
assert b"\nmrd_connections 0\n" in told, told
END
end
