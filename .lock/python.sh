# How run.sh finds the Python that creates environments. run.sh reads this file; it is no command.
# shellcheck shell=sh
# shellcheck disable=SC2015,SC2034,SC2154

# Prints "3.11" for an interpreter. Prints nothing if it does not run, such as an inactive pyenv shim.
version() { "$1" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || :; }

# Prints the interpreter for a name: the command, or pyenv's Python of this version, which need not be active.
interpreter() {
  case $1,${PYTHON:-} in
    python3.7,) ;; # TensorFlow 1.15 only where this command runs, or by PYTHON
    python3.*)
      [ -n "$(version "$1")" ] || set -- "$1" "${PYENV_ROOT:-${HOME:-}/.pyenv}/versions/${1#python}".*/bin/python
      ;;
  esac
  for path; do [ -z "$(version "$path")" ] || break; done
  printf '%s\n' "$path"
}

has_venv() { "$1" -I -c 'import ensurepip, venv' 2>/dev/null; }

# Sets $base and $version to the interpreter that creates environments: $PYTHON, or the newest supported one of this
# machine, or one that uv installs.
find_python() {
  set -- python3.13 python3.12 python3.11 python3.10 python3 python3.7 python3.15 python3.14 python3.9 python3.8
  [ -z "${PYTHON:-}" ] || set -- "$PYTHON"
  found='' bare='' helper=''
  for name; do
    base=$(interpreter "$name")
    version=$(version "$base")
    case $version in
      3.7 | 3.1[0-3]) has_venv "$base" && return || bare=$version ;;
      ?*) found="$found$name is Python $version, " ;;
    esac
    case $version in 3.[89] | 3.[1-9]?) [ -n "$helper" ] || ! has_venv "$base" || helper=$base ;; esac
  done
  [ -z "$bare" ] || die "Python $bare lacks its venv module: install it (on Debian: apt install python$bare-venv)," \
    "or name another Python: PYTHON=/path/to/python3.12 bash run.sh"
  found="found no supported Python (${found:-"${PYTHON:-python3} does not run, "}needed: 3.10 to 3.13, or 3.7 for"
  found="$found TensorFlow 1.15)"
  [ -n "${PYTHON:-}" ] || ! { [ -n "$helper" ] || command -v uv >/dev/null; } || { fetch_python && return; }
  die "$found: install one, or name it: PYTHON=/path/to/python3.12 bash run.sh"
}

# Sets $base and $version to a Python that uv installs into .venv-python.
fetch_python() {
  wanted=3.13.9 version=3.13 log=$home/.venv-python.log
  fetched && return
  say "$found: getting Python $wanted by uv, into $home/.venv-python"
  uv=$(command -v uv) || { uv=$home/.venv-uv/bin/uv && install_uv 2>"$log"; } &&
    UV_PYTHON_INSTALL_DIR=$home/.venv-python UV_PYTHON_INSTALL_BIN=0 "$uv" python install $wanted >"$log" 2>&1 &&
    fetched || die "uv cannot install Python $wanted (no network?): install Python 3.10 to 3.13, or name it:" \
    "PYTHON=/path/to/python3.12 bash run.sh; the log: $log"
}

fetched() {
  base=$(echo "$home/.venv-python/cpython-$wanted-"*/bin/python3.13)
  [ -n "$(version "$base")" ]
}

# Installs uv into .venv-uv with the interpreter $helper.
install_uv() (
  base=$helper version='' venv=$home/.venv-uv
  python=$venv/bin/python mark=$venv/.run.sh
  check_current .lock/uv.txt || exit
  ready .lock/uv.txt || { lock && { ready .lock/uv.txt || install .lock/uv.txt; }; }
)
