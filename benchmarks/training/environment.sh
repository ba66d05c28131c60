# Sourced by `run`, and by whoever makes the fixtures of training/finetune. In: nothing. Out: `$python`, a Python with the pinned peer,
# made at the first use under target/; `$root`, the repository; the number of threads that everybody gets, in THREADS.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
venv=${LOQUAT_BENCH_VENV:-$root/target/training-bench/venv}
export THREADS=${THREADS:-2}
if ! cmp -s "$here/requirements.txt" "$venv/installed.txt"; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/requirements.txt"
    # Where CUDA itself is installed beside torch, nothing is missing and nothing is made.
    "$venv/bin/python" "$here/stand_ins.py" "$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/torch"
    cp "$here/requirements.txt" "$venv/installed.txt"
fi
python=$venv/bin/python
