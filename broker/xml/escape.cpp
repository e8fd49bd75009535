#include "xml/escape.hpp"

std::string giromq::xml::escaped(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    for (const char character : text) {
        switch (character) {
            case '&': result += "&amp;"; break;
            case '<': result += "&lt;"; break;
            case '>': result += "&gt;"; break;
            case '"': result += "&quot;"; break;
            case '\t': result += "&#9;"; break;
            case '\n': result += "&#10;"; break;
            case '\r': result += "&#13;"; break;
            default: result += character;
        }
    }
    return result;
}
