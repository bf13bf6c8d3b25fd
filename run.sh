#!/bin/sh
# Entry point: creates the virtual environment if needed, then runs a command in it.
# shellcheck disable=SC2031  # install_uv has variables of its own
set -eu

usage() {
  cat <<'TEXT'
bash run.sh [COMMAND] [OPTIONS]

  train         train the article's network and write ./log (the default)
  tensorboard   show ./log in the browser, on this machine only, with a DECONVNET dashboard
  features      show what each feature map of a layer responds to
  deconv        show the activations and projections of your own picture
  layers        list the layers of a network
  check         list which dashboards have data, and why a dashboard is empty
  cluster       run train or features on several tasks of this machine: bash run.sh cluster --workers 2 -- train
  setup         create the Python environment and stop
  test          run the tests in two processes; with options, which go to pytest, in one: bash run.sh test -k deconv
  agreement     compare TensorFlow 1.15 with 2.21; needs both environments, see setup and PYTHON
  lint          check the source with ruff
  matrix        run the tests on every supported Python on this machine
  screenshots   make the pictures of the README files
  bench         measure the speed against Keras and PyTorch, in a separate environment
  lock          update .lock/*.txt after a requirements file changed (needs the network)
  help          print this text; for the options of a command: bash run.sh train --help

PYTHON=python3.12 bash run.sh ... selects the interpreter: 3.10 to 3.13, or 3.7 for TensorFlow 1.15.
If none is installed, run.sh installs Python 3.13 with uv. Package indexes and proxies of pip's configuration are used.
TEXT
}

say() { printf 'run.sh: %s\n' "$*" >&2; }
die() { say "$@" && exit 2; }

# Every command runs through this code. It replaces the current directory in sys.path with the checkout, so that no
# file of the user is imported. PYTHONPATH cannot do this, because it cannot hold a path with a colon. Ctrl-C during the
# first imports, before the program handles it, ends the process without a traceback.
start='import sys
try:
    sys.path[0] = sys.argv.pop(1)
    import runpy
    runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
except KeyboardInterrupt:
    sys.exit(130)'
unset PYTHONPATH PYTHONSAFEPATH

# The venv module refuses a path with a colon, the separator of PATH. This script adds no path to PATH.
create='import os, sys, venv
os.pathsep = "\n"
venv.create(sys.argv[1], symlinks=True, with_pip=True)'

# Runs a step of .lock/steps.py in an interpreter.
step() { by=$1 && shift && "$by" -I "$home/.lock/steps.py" "$@"; }

# True if the active environment meets the requirements files that the given locks were made from.
active_meets() {
  [ -n "${VIRTUAL_ENV:-}" ] && { [ ! -e "$VIRTUAL_ENV/.run.sh" ] || grep -q . "$VIRTUAL_ENV/.run.sh"; } &&
    step "$VIRTUAL_ENV/bin/python" meets "$home" "$@" 2>/dev/null
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
    case $version in '') size='' ;; 3.7) size='0.7 GB' ;; *) size='2.4 GB' ;; esac
    [ -z "$size" ] || say "setting up $venv with Python $version, once: $size, takes a few minutes" \
      "(pip's log: $venv/setup.log)"
    write_mark ''
    rm -rf "${venv:?}"/* # the mark, a hidden file, stays
    "$base" -I -c "$create" "$venv" >"$venv/setup.log" 2>&1 || die "cannot create $venv; the reason: $venv/setup.log"
  fi
  installed=$(cat "$mark") new=''
  for file; do
    case $file in .lock/*) hashes=--require-hashes ;; *) hashes='' ;; esac
    write_mark ''
    if ! step "$python" pip "$venv/setup.log" install $hashes -r "$home/$file"; then
      # Until pip has downloaded everything and begins to install, the environment is unchanged.
      grep -q 'Installing collected packages' "$venv/setup.log" || write_mark "$installed"
      die "pip cannot install $file (no network?):" \
        "$(sed -n 's/.*ERROR: /ERROR: /p' "$venv/setup.log" | tail -n 1 | cut -c 1-200); its log: $venv/setup.log"
    fi
    new="$new$(cksum <"$home/$file")
"
    installed=$new
  done
  step "$python" meets "$home" "$@" 2>>"$venv/setup.log" ||
    die "pip has not installed the packages into $venv: see $venv/setup.log"
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
  step "$base" lock "$venv" || exit 2
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

[ -r "$home/.lock/python.sh" ] || die "cannot read $home/.lock/python.sh: restore it (git checkout .lock)"
# shellcheck source=.lock/python.sh
. "$home/.lock/python.sh"

case ${1:-train} in
  -h | --help) set -- help ;;
  -*) set -- train "$@" ;;
esac
word=${1:-train}
[ $# -eq 0 ] || shift

# The help of these commands is the text at the top of a module. Printing it needs no environment.
case $word,${1:-} in
  *,-h | *,--help)
    case $word in
      bench) module=tests/benchmarks/__main__.py ;;
      screenshots) module=tests/browser/screenshots.py ;;
      lock) module=tests/lock_requirements.py ;;
      matrix) module=tests/matrix.py ;;
      *) module='' ;;
    esac
    [ -z "$module" ] || { sed '1s/^"""//; /"""$/,$d' "$home/$module" && exit; }
    ;;
esac

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
