#!/bin/sh
# Entry point: creates the virtual environment if needed, then runs a command in it.
set -eu

usage() {
  cat <<'TEXT'
bash run.sh [COMMAND] [OPTIONS]

  train         train the article's network and write ./log (the default; --help lists the options)
  tensorboard   show ./log in the browser, on this machine only, with a DECONVNET dashboard
  cluster       run train or features on several tasks of this machine: bash run.sh cluster --workers 2 -- train
  check, layers, features, deconv      the other commands of the program; each has --help
  setup         create the Python environment and stop
  test          run the tests in two processes; with options, which go to pytest, in one: bash run.sh test -k deconv
  agreement     compare TensorFlow 1.15 with 2.21; needs both environments, see setup and PYTHON
  lint          check the source with ruff
  matrix        run the tests on every supported Python on this machine
  screenshots   make the pictures of the README files
  bench         measure the speed against Keras and PyTorch, in a separate environment
  lock          update .lock/*.txt after a requirements file changed (needs the network)
  help          print this text

PYTHON=python3.12 bash run.sh ... selects the interpreter: 3.10 to 3.13, or 3.7 for TensorFlow 1.15.
TEXT
}

say() { printf 'run.sh: %s\n' "$*" >&2; }
die() { say "$@" && exit 2; }

# Every command runs through this code. It replaces the current directory in sys.path with the checkout, so that no
# file of the user is imported. PYTHONPATH cannot do this, because it cannot hold a path with a colon.
start='import sys
sys.path[0] = sys.argv.pop(1)
import runpy
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)'
unset PYTHONPATH PYTHONSAFEPATH

# The venv module refuses a path with a colon, the separator of PATH. This script adds no path to PATH.
create='import os, sys, venv
os.pathsep = "\n"
venv.create(sys.argv[1], symlinks=True, with_pip=True)'

# Prints "3.11" for an interpreter. Prints nothing if it does not run, such as an inactive pyenv shim.
version() { "$1" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || :; }

# Sets $base and $version to the interpreter that creates environments: $PYTHON, or the newest supported one on PATH.
find_python() {
  set -- python3.13 python3.12 python3.11 python3.10 python3 python3.7
  [ -z "${PYTHON:-}" ] || set -- "$PYTHON"
  found='' bare=''
  for base; do
    version=$(version "$base")
    case $version in
      3.7 | 3.1[0-3]) "$base" -I -c 'import ensurepip, venv' 2>/dev/null && return || bare=$version ;;
      ?*) found="$found$base is Python $version, " ;;
    esac
  done
  [ -z "$bare" ] || die "Python $bare lacks its venv module: install it (on Debian: apt install python$bare-venv)," \
    "or name another Python: PYTHON=/path/to/python3.12 bash run.sh"
  die "found no supported Python (${found:-"${PYTHON:-python3} does not run, "}needed: 3.10 to 3.13, or 3.7 for" \
    "TensorFlow 1.15): install one, or name it: PYTHON=/path/to/python3.12 bash run.sh"
}

# True if the active environment meets the requirements files that the given locks were made from.
# Reads package metadata, because importing the packages takes seconds.
active_meets() {
  [ -n "${VIRTUAL_ENV:-}" ] && { [ ! -e "$VIRTUAL_ENV/.run.sh" ] || grep -q . "$VIRTUAL_ENV/.run.sh"; } || return 1
  "$VIRTUAL_ENV/bin/python" -I - "$home" "$@" 2>/dev/null <<'PY'
import os, sys
try:
    from importlib.metadata import version
except ImportError:
    from importlib_metadata import version
from packaging.requirements import Requirement
home = sys.argv[1]
for lock in sys.argv[2:]:
    for path in [line.split()[-1] for line in open(os.path.join(home, lock)) if line.startswith("# made from: ")]:
        for line in filter(None, (line.partition("#")[0].strip() for line in open(os.path.join(home, path)))):
            needed = Requirement(line)
            if not needed.marker or needed.marker.evaluate():
                assert version(needed.name) in needed.specifier
PY
}

# Stops if a file is missing, or if it is a lock and a requirements file has changed since the lock was made.
check_current() (
  cd "$home"
  for file; do
    [ -r "$file" ] || die "cannot read $home/$file: restore it (git checkout $file)"
    sed -n 's/^# made from: //p' "$file" | while read -r sum size source; do
      [ "$(cksum "$source" 2>/dev/null)" = "$sum $size $source" ] ||
        die "$source has changed since $file was made: run bash run.sh lock (needs the network)"
    done || exit
  done
)

# True if $venv is complete and was installed from the files as they are now: $mark holds their checksums.
ready() {
  [ -x "$python" ] || return 1
  for file; do grep -qxF "$(cksum <"$home/$file")" "$mark" 2>/dev/null || return 1; done
}

# Writes $mark. This script deletes only environments with this file. An empty $mark means an incomplete environment.
write_mark() { (printf '%s\n' "$1" >"$mark") 2>/dev/null || die "cannot write $mark (disk full?)"; }

# Creates $venv, or updates it.
install() {
  if [ ! -f "$mark" ]; then
    # An empty directory is replaced: it is left by a set-up that was killed before it wrote the mark.
    [ ! -e "$venv" ] || rmdir "$venv" 2>/dev/null ||
      die "$venv was not created by this run.sh: activate it to use it, or move it away"
    mkdir "$venv" 2>/dev/null || die "cannot create $venv"
    write_mark ''
  fi
  if [ ! -x "$python" ] || ! grep -q . "$mark"; then
    say "setting up $venv with Python $version, once: takes a few minutes (pip's log: $venv/setup.log)"
    write_mark ''
    rm -rf "${venv:?}"/* # the mark, a hidden file, stays
    "$base" -I -c "$create" "$venv" >"$venv/setup.log" 2>&1 || die "cannot create $venv; the reason: $venv/setup.log"
  fi
  installed=$(cat "$mark") new=''
  for file; do
    case $file in .lock/*) hashes=--require-hashes ;; *) hashes='' ;; esac
    write_mark ''
    if ! "$python" -I -m pip install $hashes -r "$home/$file" >"$venv/setup.log" 2>&1; then
      # Until pip has downloaded everything and begins to install, the environment is unchanged.
      grep -q '^Installing collected packages' "$venv/setup.log" || write_mark "$installed"
      die "pip cannot install $file (no network?):" \
        "$(grep ERROR "$venv/setup.log" | tail -n 1 | cut -c 1-200); its log: $venv/setup.log"
    fi
    new="$new$(cksum <"$home/$file")
"
    installed=$new
  done
  write_mark "$new"
}

# Allows one set-up at a time. The kernel releases the lock when the last process with file descriptor 9 exits, also
# after a kill. Python takes the lock, because macOS has no flock command.
lock() {
  [ -w "$home" ] || die "cannot write in $home, where $venv must be created"
  if [ -L "$venv.flock" ] || { [ -e "$venv.flock" ] && [ ! -f "$venv.flock" ]; } || ! (: >>"$venv.flock") 2>/dev/null
  then
    die "cannot write the lock file $venv.flock: remove it"
  fi
  exec 9>>"$venv.flock"
  "$base" -I - "$venv" <<'PY' || exit 2
import fcntl, signal, sys, time
signal.signal(signal.SIGINT, signal.SIG_DFL)
venv, limit, waited = sys.argv[1], 1800, 0
while True:
    try:
        fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
        break
    except BlockingIOError:
        if waited == 0:
            print("run.sh: waiting for another run.sh, which is setting up", venv, file=sys.stderr, flush=True)
        if waited >= limit:
            sys.exit("run.sh: %s is still being set up after %d s: stop that process, then try again" % (venv, limit))
        waited += 0.25
        time.sleep(0.25)
    except OSError as error:
        print("run.sh: this file system has no locks (%s): do not start another set-up now" % error, file=sys.stderr)
        break
PY
}

# need SUFFIX FILE...: sets $python to the interpreter of an environment with the packages listed in the files. This is
# the active environment if it has them, else .venv. With a SUFFIX such as -bench it is always .venv-bench.
need() {
  venv=$home/.venv$1 purpose=$1
  shift
  [ "$word" = lock ] || check_current "$@" || exit
  if [ -n "${PYTHON:-}" ]; then
    find_python && venv=$venv-$version
  elif [ -z "$purpose" ] && active_meets "$@"; then
    python=$VIRTUAL_ENV/bin/python && return
  fi
  python=$venv/bin/python mark=$venv/.run.sh
  ! ready "$@" || return 0
  # On SIGINT, pip exits with a different status.
  trap 'exit 130' INT && trap 'exit 143' TERM
  [ -n "${PYTHON:-}" ] || find_python
  lock
  ready "$@" || install "$@"
  exec 9>&-
  trap - INT TERM
}

need_program() { need '' .lock/run.txt; }
need_tests() { need '' .lock/run.txt .lock/tests.txt; }

# Finds or installs a browser. Without a browser, the tests that need one report it.
need_browser() {
  need_tests
  [ ! -e "$home/tests/browser/setup.py" ] || "$python" -c "$start" "$home" tests.browser.setup || :
}

# run MODULE ARGUMENTS...: replaces this shell, so that signals reach the program.
run() { exec "$python" -c "$start" "$home" "$@"; }

# The checkout is the directory of this file, not of a symbolic link to it.
self=$0
while [ -L "$self" ]; do
  target=$(readlink "$self")
  case $target in /*) self=$target ;; *) self=$(dirname -- "$self")/$target ;; esac
done
home=$(CDPATH='' cd -- "$(dirname -- "$self")" && pwd)

case ${1:-train} in
  -h | --help) set -- help ;;
  -*) set -- train "$@" ;;
esac
word=${1:-train}
[ $# -eq 0 ] || shift

case $word in
  help) usage ;;
  setup) need_program && say "ready: $python" ;;
  test)
    need_browser
    cd "$home"
    # A selection runs in one process: it starts sooner, and pytest's -s and --pdb work.
    [ $# -gt 0 ] || set -- -n 2 --dist worksteal
    run pytest "$@"
    ;;
  agreement) need_tests && cd "$home" && run pytest -m agreement tests/agreement "$@" ;;
  lint) need_tests && cd "$home" && "$python" -I -m ruff check && exec "$python" -I -m ruff format --check ;;
  matrix) find_python && python=$base && run tests.matrix "$@" ;;
  lock) need_tests && run tests.lock_requirements "$@" ;;
  screenshots) need_browser && run tests.browser.screenshots "$@" ;;
  bench) need -bench .lock/run.txt tests/benchmarks/requirements.txt && run tests.benchmarks "$@" ;;
  *)
    need_program
    # The program prints this path when it says how to resume a stopped run.
    export LEGACY_GRAPH_LAUNCHER="$0"
    run legacy_graph "$word" "$@"
    ;;
esac
