# Sourced by packaging/quickstart.sh, tests/run.sh and .ci/run: the one list of Debian packages, and the function that installs
# those of them that are missing. Everything comes from Debian 12 ("bookworm"); nothing is taken from elsewhere.

# To configure the whole tree, and to build the broker, the client, the command line, the example and the benchmarks. Without nodejs and npm
# all of it builds, too, and the broker has no web console.
giromq_build_packages=(
    g++
    cmake
    ninja-build
    pkg-config
    mold
    ccache
    libboost1.81-dev
    libsqlite3-dev
    libssl-dev
    libxerces-c-dev
    libicu-dev
    libqpid-proton11-dev
    libspdlog-dev
    libfmt-dev
    libcli11-dev
    prometheus-cpp-dev
    libsystemd-dev
    libpq-dev
    libcppunit-dev
    python3
    nodejs
    npm
)

# To run the tests, too: a browser, the second compiler, the clients and the transaction manager that nobody here wrote (Bitronix, in Java,
# with PostgreSQL as the second resource of global transactions), and the tools that the scripts call.
giromq_test_packages=(
    chromium
    clang
    clang-format
    clang-tidy
    libclang-rt-14-dev
    lld
    python3-qpid-proton
    python3-jsonschema
    python3-yaml
    libsasl2-modules
    sqlite3
    curl
    openssl
    postgresql
    default-jdk-headless
    libbtm-java
    libgeronimo-jta-1.2-spec-java
    libslf4j-java
    libpostgresql-jdbc-java
)

# Package -> a program that does the same when it came from elsewhere (a Node of its own, for example): then the package is left out.
declare -A giromq_package_programs=(
    [nodejs]=node
    [npm]=npm
    [chromium]=chromium
    [cmake]=cmake
    [ninja-build]=ninja
    [curl]=curl
    [openssl]=openssl
    [sqlite3]=sqlite3
    [default-jdk-headless]=javac
)

# giromq_missing_packages PACKAGE...: prints those that are not installed, one on each line.
giromq_missing_packages() {
    local package program status
    for package in "$@"; do
        status="$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)"
        [ "$status" = installed ] && continue
        program="${giromq_package_programs[$package]:-}"
        if [ -n "$program" ] && command -v "$program" >/dev/null 2>&1; then
            continue
        fi
        printf '%s\n' "$package"
    done
}

# giromq_as_root COMMAND...: runs it as root, through sudo if need be.
giromq_as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        echo "error: '$*' has to be run as root, and there is no sudo. Run it as root and start this again." >&2
        return 1
    fi
}

# giromq_install_dependencies build|test: installs what is missing of the build packages (or of both lists) and says what that is.
# Does nothing, and needs no root, when all is there.
giromq_install_dependencies() {
    local kind="${1:-build}" missing=() wanted=("${giromq_build_packages[@]}")
    if [ "$kind" = test ]; then
        wanted+=("${giromq_test_packages[@]}")
    fi
    if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
        echo "error: this installs packages of Debian 12; on another system install the equivalents of these and skip this step:" >&2
        echo "  ${wanted[*]}" >&2
        return 1
    fi
    mapfile -t missing < <(giromq_missing_packages "${wanted[@]}")
    if [ "${#missing[@]}" -eq 0 ]; then
        echo "All ${#wanted[@]} packages that are needed are installed."
        return 0
    fi
    echo "Installing ${#missing[@]} missing Debian packages: ${missing[*]}"
    giromq_as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    giromq_as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends \
        "${missing[@]}"
}
