# Sourced by the scripts beside it: saying what happens, installing what is missing.

# say writes a line of progress to standard error.
say() { printf '%s\n' "$*" >&2; }

# die says why nothing more can be done. Exit codes: 1 a check found something, 2 wrong use, 3 failed.
die() {
  local code=$1
  shift
  say "${0##*/}: $*"
  exit "$code"
}

# missing_packages prints those of the named Debian packages that are not installed.
missing_packages() {
  local package
  for package in "$@"; do
    if [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true) != installed ]]; then
      printf '%s\n' "$package"
    fi
  done
}

# install_packages installs the named Debian packages where they are missing, and starts none of their services.
install_packages() {
  command -v dpkg-query >/dev/null || die 3 "only Debian's packages are installed by this script; install yourself: $*"
  local missing
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  local sudo=()
  if ((EUID != 0)); then
    if ! sudo -n true 2>/dev/null; then
      die 3 "these packages are missing, and installing them needs root: apt-get install ${missing[*]}"
    fi
    sudo=(sudo -n)
  fi
  say "installing ${missing[*]}"
  # invoke-rc.d asks this program whether a service may start.
  local policy=/usr/sbin/policy-rc.d ours=
  if [[ ! -e $policy ]]; then
    ours=yes
    printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee "$policy" >/dev/null
    "${sudo[@]}" chmod 755 "$policy"
  fi
  local status=0
  {
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q update &&
      "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "${missing[@]}"
  } >&2 || status=$?
  [[ -z $ours ]] || "${sudo[@]}" rm -f "$policy"
  ((status == 0)) || die 3 "apt-get could not install ${missing[*]}"
}

# Services of the real stack, and the documentation trees that stand in for old sites.
export SERVICE_PACKAGES="apache2 libapache2-mod-fcgid memcached postgresql varnish"
export TREE_PACKAGES="python3.11-doc apache2-doc libboost1.74-doc cppreference-doc-en-html fp-docs-3.2.2"
# Real wikis, which run on PHP's built-in server.
export WIKI_PACKAGES="mediawiki dokuwiki php-cli php-sqlite3 php-mbstring php-xml php-intl"
# A browser that tests look at pages with.
export BROWSER_PACKAGES="chromium fonts-dejavu-core"
# What scripts/bench measures besides.
export BENCH_PACKAGES="libapache2-mod-wsgi-py3 nginx python3-django python3-pymemcache varnish wrk"
