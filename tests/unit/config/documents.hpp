#pragma once

#include <cppunit/extensions/HelperMacros.h>

#include <string>

#include "config/config.hpp"

/// What the tests of the configuration share: a document around its content, and whether it is taken.
namespace giromq::config {

/// The content begins on the second line.
inline std::string document(const std::string& content) { return "<giromq xmlns='urn:giromq:config:1'>\n" + content + "</giromq>"; }

inline Config read(const std::string& content) {
    const auto config = parse_config(document(content));
    CPPUNIT_ASSERT_MESSAGE(content + " -> " + (config ? "" : config.error().to_string()), config.ok());
    return *config;
}

/// Refused with this code, and a sentence that has these words.
inline void assert_refused(errc code, const std::string& content, const std::string& words = {}) {
    const auto config = parse_config(document(content));
    CPPUNIT_ASSERT_MESSAGE(content, !config);
    CPPUNIT_ASSERT_MESSAGE(content + " -> " + config.error().to_string(), config.error().is(code));
    CPPUNIT_ASSERT_MESSAGE(config.error().to_string(), config.error().detail().find(words) != std::string::npos);
}

}  // namespace giromq::config
