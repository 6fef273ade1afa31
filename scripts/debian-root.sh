# shellcheck shell=sh
# How a Debian root is made here; to be sourced. Needs root and debootstrap.

PATH=$PATH:/usr/sbin:/sbin

# The mirror and the proxy that apt uses here; debootstrap's own defaults where apt names none.
# shellcheck disable=SC2016 # apt-get, not the shell, fills these in
debian_mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 2>/dev/null | head -n 1)
proxy=
eval "$(apt-config shell proxy Acquire::http::Proxy 2>/dev/null)"
[ -z "$proxy" ] || export http_proxy="$proxy"

# In a mount namespace of its own, so that whatever is mounted goes with it. In a chroot whose root is no mount point its propagation cannot be changed:
# who made the chroot has seen to that.
own_mounts='unshare --mount'
$own_mounts true 2>/dev/null || own_mounts='unshare --mount --propagation unchanged'

# make_debian_root SUITE PACKAGES FOLDER LOG: the packages are separated by commas.
make_debian_root() {
    $own_mounts debootstrap --variant=minbase --include="$2" "$1" "$3" ${debian_mirror:+"$debian_mirror"} >"$4" 2>&1
}

# let_apt_work FOLDER: gives the root what apt needs to reach the mirrors that this machine reaches; not their list.
let_apt_work() {
    for file in /etc/apt/apt.conf /etc/apt/apt.conf.d/*; do
        if [ -f "$file" ] && grep -Eqi '^[^#/]*(proxy|cainfo)' "$file"; then cp "$file" "$1$file"; fi
    done
    for file in /etc/resolv.conf /etc/hosts; do
        [ ! -f "$file" ] || cat "$file" >"$1$file"
    done
    if [ -d /usr/local/share/ca-certificates ]; then
        mkdir -p "$1/usr/local/share/ca-certificates"
        cp -R /usr/local/share/ca-certificates/. "$1/usr/local/share/ca-certificates"
    fi
    if grep -qs 'https:' "$1/etc/apt/sources.list" "$1/etc/apt/sources.list.d/debian.sources" && [ -f /etc/ssl/certs/ca-certificates.crt ]; then
        mkdir -p "$1/etc/ssl/certs"
        cp /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/"
    fi
}
