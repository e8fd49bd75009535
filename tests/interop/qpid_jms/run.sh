#!/usr/bin/env bash
# Runs the JMS tests over Apache Qpid JMS against giromqd of GIROMQ_BUILD_DIR: `run.sh [CLASS[.case]...]`. Maven fetches
# the client into the build folder, once. Exit code 77: a tool is missing, or the client cannot be fetched.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export GIROMQ_BUILD_DIR=${GIROMQ_BUILD_DIR:-$here/../../../build/dev}
GIROMQ_BUILD_DIR=$(cd "$GIROMQ_BUILD_DIR" && pwd)

skip() {
    echo "skipped: $1"
    exit 77
}
for tool in java javac mvn openssl keytool; do
    command -v "$tool" >/dev/null || skip "$tool is not installed"
done
[ -x "$GIROMQ_BUILD_DIR/bin/giromqd" ] || skip "$GIROMQ_BUILD_DIR/bin/giromqd is not built"

work=$GIROMQ_BUILD_DIR/interop-qpid-jms
mkdir -p "$work"
if ! cmp -s "$here/pom.xml" "$work/fetched.xml"; then
    rm -rf "$work/libraries"
    copy=org.apache.maven.plugins:maven-dependency-plugin:2.8:copy-dependencies
    mvn -q -B -f "$here/pom.xml" "$copy" -DoutputDirectory="$work/libraries" >"$work/maven.log" 2>&1 ||
        skip "Maven could not fetch the client; $work/maven.log says why"
    cp "$here/pom.xml" "$work/fetched.xml"
fi

rm -rf "$work/classes"
javac -Xlint:all -Werror -d "$work/classes" -cp "$work/libraries/*" "$here"/src/giromq/jms/*.java
exec java -XX:TieredStopAtLevel=1 -Xmx512m -ea -cp "$work/classes:$work/libraries/*" giromq.jms.Runner "$@"
