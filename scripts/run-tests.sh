#!/bin/sh
# Run the tests of all three packages: run-tests.sh PYTHON. `make test` calls it.
# What this machine cannot run is skipped, and named in the last lines with how to get it. With
# FSH_GATE=1 (what .ci/run sets) a skipped napari, browser or dashboard test is a failure.
set -eu
python=$1
packages="xvfb xauth libegl1 libgl1 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 libxkbcommon-x11-0"
missing=""

lacks() {
    missing="$missing
- $1; on Debian: sudo apt-get install $2"
}

# On a screen, or on one that nobody sees. Qt's "offscreen" has no OpenGL, so napari draws nothing there.
display=""
if [ "$(uname)" = Linux ] && [ -z "${DISPLAY:-}" ] && [ -z "${WAYLAND_DISPLAY:-}" ]; then
    if command -v xvfb-run >/dev/null && command -v xauth >/dev/null; then
        display="xvfb-run --auto-servernum --server-args=-screen\ 0\ 1280x1024x24"
    else
        lacks "the napari tests that open a window: no screen, and no Xvfb" "$packages"
    fi
fi
qt=""
if ! "$python" -c "import PySide6.QtWidgets" 2>/dev/null; then
    qt="-p no:pytest-qt" # it stops pytest where Qt cannot be loaded
    lacks "the napari tests: Qt cannot be loaded" "$packages"
fi
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] ||
    lacks "the browser tests: no Chromium (another one: CHROMIUM=/path/to/it)" chromium
command -v strace >/dev/null ||
    lacks "the tests that no program calls another machine: no strace" strace

export QT_API=pyside6
napari=$(mktemp)
trap 'rm -f "$napari"' EXIT
rm -f .coverage .coverage.*
status=0
# Two processes share two cores: threads of one would wait for those of the other, several times as long
# as one thread takes. What must not depend on their number has tests that set it.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
# Two at a time, which take about equally long: windows and pages wait as often as they compute. napari's
# tests have a process of their own, so that a crash in Qt costs the others nothing.
(
    export COVERAGE_FILE=.coverage.napari
    eval "$display \"$python\" -m pytest $qt --cov --cov-report= tests/napari --durations 5"
) >"$napari" 2>&1 &
COVERAGE_FILE=.coverage.core "$python" -m pytest $qt --cov --cov-report= tests \
    --ignore tests/dashboard --ignore tests/napari --durations 10 || status=1
COVERAGE_FILE=.coverage.dashboard "$python" -m pytest $qt --cov --cov-report= tests/dashboard --durations 5 || status=1
# Where there is AMX, once more as on a processor with AVX-512 and without it, whose oneDNN takes other paths.
if grep -q amx_tile /proc/cpuinfo 2>/dev/null; then
    ONEDNN_MAX_CPU_ISA=AVX512_CORE "$python" -m pytest $qt -q tests/core/training || status=1
fi
wait $! || status=1
cat "$napari"
"$python" -m coverage combine -q
# A floor for each package; raise them when you can.
"$python" -m coverage report --include "fsh_core/*" --fail-under 97 || status=1
"$python" -m coverage report --include "fsh_dashboard/*" --fail-under 95 || status=1
if [ -z "$missing" ]; then
    "$python" -m coverage report --include "fsh_napari/*" --fail-under 90 || status=1
else
    printf '\nNot everything was run here:%s\n' "$missing"
fi
exit $status
