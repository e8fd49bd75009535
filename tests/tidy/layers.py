"""The one table of layers and of third-party fences (docs/architecture.md, "Layers").

The rule `layer_table_matches_cmake` compares it with the LEVEL numbers in the CMakeLists.txt files, so the build and the checks
over the #include lines cannot drift apart.
"""

# Folder -> level. A folder includes only folders of a lower level. The longest matching prefix wins.
LEVELS = {
    "broker/base": 0,
    "broker/model": 1,
    "broker/xml": 1,
    "xa": 1,
    "broker/store": 2,
    "broker/config": 2,
    "broker/security": 2,
    "broker/selector": 2,
    "broker/store/sqlite": 3,
    "broker/store/memory": 3,
    "broker/tx": 3,
    "broker/core": 4,
    "broker/amqp": 5,
    "broker/admin": 5,
    "broker/net": 6,
    "admin-web": 6,
    "broker/main": 7,
}

# Folders with a program in place of a layer library: no LEVEL in their CMakeLists.txt.
PROGRAMS = ("broker/main",)

# Folders outside the broker -> the only folders of the project, beside themselves, whose headers they may include.
OUTSIDE = {
    "client-api/include": (),
    "client-api/src": ("client-api/include", "xa"),
    "client-api/selector": ("client-api/include", "broker/selector"),
    "client-api/tools": ("client-api/include",),
    "examples": ("client-api/include",),
    "bench": ("client-api/include", "broker/base", "broker/model", "broker/selector"),
    "xa/switch": ("client-api/include", "xa"),
}

# Tests include anything; nothing includes tests.
TESTS = "tests"

# Edges that are allowed although they break the rule: (including folder, included folder). Keep it empty.
EXCEPTIONS = ()

# Where a quoted or angled include path is looked for, after the folder of the including file.
INCLUDE_ROOTS = ("broker", ".", "xa/switch/include", "client-api/include", "client-api/src", "tests")

# Headers made by the build, not in the tree.
GENERATED_PREFIXES = ("generated/",)

# Beginning of a third-party include path -> folders that may include it. `tests` may include anything.
FENCES = {
    "sqlite3": ("broker/store/sqlite", "examples", "bench"),
    "proton/": ("broker/amqp", "client-api/src", "bench"),
    "xercesc/": ("broker/xml", "examples"),
    "boost/": ("broker/net", "admin-web", "client-api/src", "client-api/tools", "broker/main", "bench"),
    "unicode/": ("broker/security",),
    "openssl/": ("broker/net", "admin-web", "broker/security", "client-api/src", "client-api/tools"),
    "spdlog/": ("broker/base",),
    "fmt/": ("broker/base",),
    "libpq-fe.h": ("examples",),
    "CLI/": ("broker/main", "client-api/tools", "examples", "bench"),
    "prometheus/": ("broker/admin",),
    "systemd/": ("broker/main",),
    "cppunit/": (),
}


def folder_of(path, folders):
    """The longest of `folders` that `path` is in, or None."""
    best = None
    for folder in folders:
        if (path == folder or path.startswith(folder + "/")) and (best is None or len(folder) > len(best)):
            best = folder
    return best


def layer_of(path):
    """The layer folder that a file of the broker (or admin-web, xa) belongs to, or None. Folders of OUTSIDE come first."""
    if folder_of(path, OUTSIDE) is not None:
        return None
    return folder_of(path, LEVELS)


def target_of(folder):
    """The name that add_layer_library() has for a layer folder: broker/store/sqlite -> store_sqlite."""
    return folder.removeprefix("broker/").replace("/", "_").replace("-", "_")
