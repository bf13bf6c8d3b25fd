#!/bin/sh
# The one door to the project: makes the Python environment where it is missing, then hands over to a program in it.
set -eu

usage() {
  cat <<'TEXT'
bash run.sh [WORD] [OPTIONS]

  train         train the article's network, fill ./log (the default; --help lists the options)
  tensorboard   show ./log in the browser, to this machine only
  check, layers, features, deconv      what else the program can do; each has --help
  setup         make the Python environment, nothing more
  test          run the tests; words after it go to pytest: bash run.sh test -k deconv
  agreement     hold TensorFlow 1.15 and 2.21 against each other: needs both, see setup and PYTHON
  lint          look over the code with ruff
  matrix        run the tests on every Python and TensorFlow that this machine can have
  screenshots   make the README's pictures
  bench         measure speed beside Keras and PyTorch
  help          this text

PYTHON=python3.12 bash run.sh ... picks the interpreter: 3.10 to 3.13, or 3.7 for TensorFlow 1.15.
TEXT
}

say() { printf 'run.sh: %s\n' "$*" >&2; }
die() { say "$@" && exit 2; }

# "3.11" for an interpreter; nothing where it does not run, like a pyenv shim of a version that is not switched on.
version() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || :; }

# Sets $base and its $version to what an environment can be made with: $PYTHON, or the newest there is.
find_python() {
  set -- python3.13 python3.12 python3.11 python3.10 python3 python3.7
  [ -z "${PYTHON:-}" ] || set -- "$PYTHON"
  found='' bare=''
  for base; do
    version=$(version "$base")
    case $version in
      3.7 | 3.1[0-3]) "$base" -c 'import ensurepip, venv' 2>/dev/null && return || bare=$version ;;
      ?*) found="$found$base is Python $version, " ;;
    esac
  done
  [ -z "$bare" ] || die "Python $bare lacks its venv module: install that (on Debian: apt install python$bare-venv)," \
    "or name another Python: PYTHON=/path/to/python3.12 bash run.sh"
  die "found no Python that fits (${found:-"${PYTHON:-python3} does not run, "}needed: 3.10 to 3.13, or 3.7 for" \
    "TensorFlow 1.15): install one, or name it: PYTHON=/path/to/python3.12 bash run.sh"
}

# Whether the active environment meets the requirement files; asks the packages' metadata, for importing takes seconds.
active_meets() {
  [ -n "${VIRTUAL_ENV:-}" ] && [ ! -e "$VIRTUAL_ENV/.unfinished" ] || return 1
  "$VIRTUAL_ENV/bin/python" -I - "$@" 2>/dev/null <<'PY'
import sys
try:
    from importlib.metadata import version
except ImportError:
    from importlib_metadata import version
from packaging.requirements import Requirement
for path in sys.argv[1:]:
    for line in filter(None, (line.partition("#")[0].strip() for line in open(path))):
        needed = Requirement(line)
        if not needed.marker or needed.marker.evaluate():
            assert version(needed.name) in needed.specifier
PY
}

# Whether $venv is whole and made from the requirement files as they are now.
ready() {
  [ -x "$python" ] && [ ! -e "$venv/.unfinished" ] || return 1
  for file; do grep -qxF "$(cksum <"$file")" "$venv/.met" 2>/dev/null || return 1; done
}

# Makes $venv, or brings it up to date. `.unfinished` lies in it meanwhile: who finds it there later starts anew.
install() {
  if [ ! -x "$python" ] || [ -e "$venv/.unfinished" ]; then
    [ -n "${PYTHON:-}" ] || find_python
    say "setting up $venv with Python $version, once: a minute or a few (pip's log: $venv/setup.log)"
    rm -rf "$venv" && mkdir "$venv" && : >"$venv/.unfinished"
    "$base" -m venv "$venv" >"$venv/setup.log" 2>&1 || die "cannot make $venv; why: $venv/setup.log"
  fi
  : >"$venv/.unfinished"
  for file; do set -- "$@" -r "$file" && shift; done
  if ! "$python" -m pip install "$@" >"$venv/setup.log" 2>&1; then
    # pip changes nothing before it has downloaded everything, so what worked before still does.
    [ ! -e "$venv/.met" ] || rm "$venv/.unfinished"
    die "pip cannot install the requirements (no network?):" \
      "$(grep ERROR "$venv/setup.log" | tail -n 1 | cut -c 1-200); its log: $venv/setup.log"
  fi
  while [ $# -gt 0 ]; do cksum <"$2" && shift 2; done >"$venv/.met"
  rm "$venv/.unfinished"
}

# Lets one set-up work at a time: a link is made in one step, and names the process that made it.
lock() {
  [ -w "$home" ] || die "cannot write in $home, where $venv must be made"
  until ln -s $$ "$venv.lock" 2>/dev/null; do
    owner=$(readlink "$venv.lock" || echo $$)
    kill -0 "$owner" 2>/dev/null || { rm -f "$venv.lock" && continue; }
    [ -n "${waited:-}" ] || say "waiting for process $owner, which is setting up $venv"
    waited=yes && sleep 1
  done
  trap 'rm -f "$venv.lock"' EXIT && trap 'exit 130' INT && trap 'exit 143' TERM
}

# Sets $python to an interpreter that has what the requirement files name.
need() {
  venv=$home/.venv
  if [ -n "${PYTHON:-}" ]; then
    find_python && venv=$home/.venv-$version
  elif active_meets "$@"; then
    python=$VIRTUAL_ENV/bin/python && return
  fi
  python=$venv/bin/python
  ! ready "$@" || return 0
  lock
  ready "$@" || install "$@"
  rm -f "$venv.lock" && trap - EXIT INT TERM
}

need_tests() { need "$home/requirements.txt" "$home/tests/requirements.txt"; }

# Where no browser can be had, the tests that want one say so.
need_browser() {
  need_tests
  [ ! -e "$home/tests/browser/setup.py" ] || "$python" -m tests.browser.setup || :
}

home=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# The package is found from every directory, and no file that happens to lie in the user's is taken for a module.
export PYTHONPATH="$home" PYTHONSAFEPATH=1

case ${1:-train} in
  -h | --help) set -- help ;;
  -*) set -- train "$@" ;;
esac
word=${1:-train}
[ $# -eq 0 ] || shift

case $word in
  help) usage ;;
  setup) need "$home/requirements.txt" && say "ready: $python" ;;
  test) need_browser && cd "$home" && exec "$python" -m pytest "$@" ;;
  agreement) need_tests && cd "$home" && exec "$python" -m pytest -m agreement tests/agreement "$@" ;;
  lint) need_tests && cd "$home" && "$python" -m ruff check && exec "$python" -m ruff format --check ;;
  matrix) find_python && exec "$base" "$home/tests/matrix.py" "$@" ;;
  screenshots) need_browser && exec "$python" -m tests.browser.screenshots "$@" ;;
  bench)
    need "$home/requirements.txt" "$home/tests/benchmarks/requirements.txt"
    exec "$python" -m tests.benchmarks "$@"
    ;;
  tensorboard)
    need "$home/requirements.txt"
    case " $*" in *" --logdir"* | *" -logdir"*) ;; *) set -- --logdir log "$@" ;; esac
    # TensorBoard 1.15 would show the log to the whole network.
    case " $*" in *" --host"* | *" --bind_all"*) ;; *) set -- --host localhost "$@" ;; esac
    exec "$python" -m tensorboard.main "$@"
    ;;
  *)
    need "$home/requirements.txt"
    # How to call this file again, for a run that is stopped and tells how to go on.
    export LEGACY_GRAPH_LAUNCHER="$0"
    exec "$python" -m legacy_graph "$word" "$@"
    ;;
esac
