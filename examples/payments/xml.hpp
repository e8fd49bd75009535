#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// XML in and out: a parser that checks against one schema and gives a plain tree, and the escaping that a writer needs.
namespace payments {

/// The text is not well-formed or not valid; what() says where and why.
class InvalidDocument : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct Element {
    std::string name;  // without prefix
    std::string text;  // of an element without child elements
    std::vector<std::pair<std::string, std::string>> attributes;
    std::vector<Element> children;

    /// The first descendant along a path such as "PmtId/TxId", or null.
    const Element* find(std::string_view path) const;
    /// Its text; empty if it is not there.
    std::string text_of(std::string_view path) const;
    std::string attribute(std::string_view name) const;
};

/// Keeps Xerces started as long as it lives; one for the program, before the first SchemaParser.
class XmlRuntime {
public:
    XmlRuntime();
    ~XmlRuntime();
    XmlRuntime(const XmlRuntime&) = delete;
    XmlRuntime& operator=(const XmlRuntime&) = delete;
};

/// Parses documents of one schema. Documents with a DOCTYPE and those over 1 MiB are refused before they are parsed, nothing is fetched.
/// Used by one thread at a time.
class SchemaParser {
public:
    explicit SchemaParser(std::string_view schema);
    ~SchemaParser();
    SchemaParser(const SchemaParser&) = delete;
    SchemaParser& operator=(const SchemaParser&) = delete;

    /// Throws InvalidDocument.
    Element parse(std::string_view document);

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

/// The text with &, < and > (and quotes) replaced by entities.
std::string escaped(std::string_view text);

}  // namespace payments
