#!/usr/bin/env bash
# Makes the archive of a release and its entry in a Bazel registry: tools/release.sh OUT_DIRECTORY [OPTION...]
#
#   --repository=OWNER/NAME   on GitHub; by default that of the remote `origin`
#   --maintainer=NAME:ID      a GitHub user and its number (https://api.github.com/users/NAME has it); the registry
#                             notifies this user. Needed for the first version in a registry
#   --tag=TAG                 of the release, by default vVERSION; must fit the version in MODULE.bazel
#   --url=URL                 of the archive, by default its place in the release on GitHub
#   --registry=DIRECTORY      the registry that gets the entry, such as a clone of the Bazel Central Registry; by
#                             default OUT_DIRECTORY/registry
#
# The archive is OUT_DIRECTORY/evnet-VERSION.tar.gz. It contains the commit HEAD. The same commit always results in the
# same archive with the same gzip, and the entry contains its checksum, so it must be uploaded as it is.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  echo "tools/release.sh: $*" >&2
  exit 2
}

out='' repository='' maintainer='' tag='' url='' registry=''
for argument in "$@"; do
  case $argument in
    -h | --help)
      sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' tools/release.sh
      exit 0
      ;;
    --repository=*/*) repository=${argument#*=} ;;
    --maintainer=*:*) maintainer=${argument#*=} ;;
    --tag=?*) tag=${argument#*=} ;;
    --url=?*) url=${argument#*=} ;;
    --registry=?*) registry=${argument#*=} ;;
    -*) fail "unknown option, or no value: '$argument'; see tools/release.sh --help" ;;
    *)
      [ -z "$out" ] || fail "one directory is enough: '$out', '$argument'"
      out=$argument
      ;;
  esac
done
[ -n "$out" ] || fail 'name the directory for the archive; see tools/release.sh --help'

version=$(git show HEAD:MODULE.bazel | sed -n 's/^    version = "\(.*\)",$/\1/p' | head -n 1)
[ -n "$version" ] || fail 'MODULE.bazel has no version'
tag=${tag:-v$version}
[ "${tag#v}" = "$version" ] || fail "tag '$tag' does not fit version '$version' in MODULE.bazel"
if [ -z "$repository" ]; then
  repository=$(git remote get-url origin 2> /dev/null | sed -n 's|^.*github\.com[:/]\(.*/.*\)$|\1|p')
  repository=${repository%.git}
  [ -n "$repository" ] || fail "the remote 'origin' is not on GitHub; give --repository=OWNER/NAME"
fi
registry=${registry:-$out/registry}
entry=$registry/modules/evnet
[ ! -e "$entry/$version" ] || fail "'$registry' has evnet $version already; a version is never changed"

archive=$out/evnet-$version.tar.gz
mkdir -p "$out"
git archive --format=tar --prefix="evnet-$version/" HEAD | gzip -9n > "$archive"

mkdir -p "$entry/$version"
[ -e "$registry/bazel_registry.json" ] || echo '{}' > "$registry/bazel_registry.json"
git show HEAD:MODULE.bazel > "$entry/$version/MODULE.bazel"
git show HEAD:.bcr/presubmit.yml > "$entry/$version/presubmit.yml"
python3 - "$archive" "$entry" "$version" "$repository" "$maintainer" "$tag" "$url" << 'EOF'
import base64, hashlib, json, os, sys

archive, entry, version, repository, maintainer, tag, url = sys.argv[1:]
owner, name = repository.split("/", 1)
maintainer, _, number = maintainer.partition(":")


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def fill(value):
    if isinstance(value, dict):
        return {key: fill(item) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item) for item in value]
    if value == "{MAINTAINER_ID}":
        return int(number)
    if isinstance(value, str):
        for key, text in (("OWNER", owner), ("REPO", name), ("TAG", tag), ("VERSION", version),
                          ("MAINTAINER", maintainer)):
            value = value.replace("{%s}" % key, text)
    return value


def write(path, value):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=4)
        file.write("\n")


metadata_path = os.path.join(entry, "metadata.json")
if os.path.exists(metadata_path):
    metadata = read(metadata_path)
elif number.isdigit():
    metadata = fill(read(".bcr/metadata.template.json"))
else:
    sys.exit("tools/release.sh: the registry does not have evnet yet; give --maintainer=NAME:ID")
metadata["versions"].append(version)

with open(archive, "rb") as file:
    digest = hashlib.sha256(file.read()).digest()
source = fill(read(".bcr/source.template.json"))
source["url"] = url or source["url"]
source["integrity"] = "sha256-" + base64.b64encode(digest).decode()
write(os.path.join(entry, version, "source.json"), source)
write(metadata_path, metadata)
EOF
echo "$archive"
echo "$entry/$version"
