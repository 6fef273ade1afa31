#!/bin/sh
# Checks that Prometheus' own parser reads what mrd counts.
# Usage: tests/metrics.sh BUILD
#
# Exits 77 where the parser (python3-prometheus-client) is missing.
set -eu

source=$(cd "$(dirname "$0")/.." && pwd)
build=$1
python=/usr/bin/python3
"$python" -c 'import prometheus_client.parser' 2>/dev/null || { echo "metrics: there is no python3-prometheus-client here" >&2; exit 77; }

# shellcheck source=tests/shell.sh
. "$source/tests/shell.sh"

"$build/mrd/mrd" --sim --socket "$folder/io.mrd" --state "$folder/state" --log-level error &
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
end
