# Sourced by `run` and `quality`. In: nothing. Out: `$python`, a Python with the pinned peers, made at the first use under target/;
# `$root`, the repository; the number of threads that everybody gets, in THREADS.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
venv=${LOQUAT_BENCH_VENV:-$root/target/inference-bench/venv}
export THREADS=${THREADS:-2}
# The runtime would else send an event when it starts, whatever is set later.
export ORT_DISABLE_TELEMETRY=1
export LOQUAT_CACHE=${LOQUAT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/loquat}
if ! cmp -s "$here/requirements.txt" "$venv/installed.txt"; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/installed.txt"
fi
python=$venv/bin/python
