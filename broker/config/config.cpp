#include "config/config.hpp"

namespace giromq::config {

Config default_config() { return {}; }

Config dev_config() {
    Config config;
    config.broker.data_directory = "giromq-data";
    config.sasl.mechanisms = {Mechanism::anonymous, Mechanism::scram_sha_256, Mechanism::plain};
    config.sasl.anonymous_role = Role::administrator;
    config.core.create_queues = true;
    return config;
}

std::string_view name_of(Mechanism mechanism) {
    switch (mechanism) {
        case Mechanism::anonymous: return "anonymous";
        case Mechanism::plain: return "plain";
        case Mechanism::scram_sha_256: return "scram-sha-256";
        case Mechanism::external: return "external";
    }
    return "unknown";
}

}  // namespace giromq::config
