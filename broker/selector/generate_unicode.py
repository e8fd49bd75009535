#!/usr/bin/env python3
"""Writes unicode_table.cpp: the general category of every code point, as runs, from the Unicode data that Python carries."""

import pathlib
import unicodedata

CATEGORIES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Zs Zl Zp Sm Sc Sk So Cc Cf Cs Co Cn".split()


def runs():
    last = None
    for code_point in range(0x110000):
        category = CATEGORIES.index(unicodedata.category(chr(code_point)))
        if category != last:
            yield code_point << 5 | category
            last = category


def main():
    numbers = [f"0x{run:x}" for run in runs()]
    lines = [f"// Unicode {unicodedata.unidata_version}, by generate_unicode.py: code point << 5 | category, where each run begins.",
             '#include "selector/unicode.hpp"', "", "namespace giromq::selector {", "", "// clang-format off",
             "const std::array<std::uint32_t, unicode_runs> unicode_table = {"]
    for start in range(0, len(numbers), 12):
        lines.append("    " + ", ".join(numbers[start:start + 12]) + ",")
    lines += ["};", "// clang-format on", "", "}  // namespace giromq::selector", ""]
    pathlib.Path(__file__).with_name("unicode_table.cpp").write_text("\n".join(lines))
    print(len(numbers))


if __name__ == "__main__":
    main()
