// Boost.JSON is compiled here, once; everybody else uses its declarations only.
#include <boost/json/src.hpp>
