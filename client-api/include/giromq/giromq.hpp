#pragma once

/// The whole client API of GiroMQ: JMS 2.0 in C++20.
#include "giromq/connection.hpp"
#include "giromq/connection_factory.hpp"
#include "giromq/context.hpp"
#include "giromq/destination.hpp"
#include "giromq/exceptions.hpp"
#include "giromq/listeners.hpp"
#include "giromq/message.hpp"
#include "giromq/message_consumer.hpp"
#include "giromq/message_producer.hpp"
#include "giromq/modes.hpp"
#include "giromq/queue_browser.hpp"
#include "giromq/selector_builder.hpp"
#include "giromq/session.hpp"
#include "giromq/version.hpp"
#include "giromq/xa.hpp"
