#include "selector_rates.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/amqp_writer.hpp"
#include "selector/amqp_message.hpp"
#include "selector/selector.hpp"

namespace giromq::bench {
namespace {

constexpr std::string_view five_terms =
    "currency = 'EUR' AND amount > 1000 AND country IN ('DE', 'AT', 'CH') AND urgent AND bic LIKE 'GQNODE%'";
constexpr std::string_view one_path = "DECIMAL(XPATH('.//IntrBkSttlmAmt')) >= DECIMAL '10000.00'";

/// A credit transfer of about 2 KiB.
std::string payment() {
    std::string party;
    for (const char* const part : {"Dbtr", "DbtrAcct", "DbtrAgt", "CdtrAgt", "Cdtr", "CdtrAcct"}) {
        party += "<" + std::string(part) +
                 "><Nm>A company with a name of usual length</Nm><PstlAdr><StrtNm>Bahnhofstrasse</StrtNm><BldgNb>17</BldgNb>"
                 "<PstCd>8001</PstCd><TwnNm>Zurich</TwnNm><Ctry>CH</Ctry></PstlAdr><Id>CH9300762011623852957</Id></" +
                 part + ">";
    }
    return "<?xml version=\"1.0\"?><Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08\"><FIToFICstmrCdtTrf><GrpHdr>"
           "<MsgId>20261121-0001</MsgId><CreDtTm>2026-11-21T10:00:00Z</CreDtTm><NbOfTxs>1</NbOfTxs></GrpHdr><CdtTrfTxInf><PmtId>"
           "<EndToEndId>E2E-1</EndToEndId><TxId>TX-1</TxId></PmtId>" +
           party +
           "<IntrBkSttlmAmt Ccy=\"EUR\">25000.00</IntrBkSttlmAmt><RmtInf><Ustrd>Invoice 4711</Ustrd></RmtInf></CdtTrfTxInf>"
           "</FIToFICstmrCdtTrf></Document>";
}

Message message() {
    std::vector<std::uint8_t> bytes;
    codec::Writer writer(bytes);
    writer.descriptor(0x74);
    const auto map = writer.begin_map();
    writer.string("currency");
    writer.string("EUR");
    writer.string("amount");
    writer.int64(2500);
    writer.string("country");
    writer.string("CH");
    writer.string("urgent");
    writer.boolean(true);
    writer.string("bic");
    writer.string("GQNODEHH");
    writer.end(map, 10);
    writer.descriptor(0x77);
    writer.string(payment());
    Message message;
    message.bare = SharedBytes::copy_of(std::string(bytes.begin(), bytes.end()));
    return message;
}

/// The view of the message is made anew each time, as for messages that differ.
double rate_of(std::string_view text, const Message& message) {
    const auto program = selector::compile(text).value();
    using Clock = std::chrono::steady_clock;
    const auto begin = Clock::now();
    std::uint64_t evaluations = 0;
    std::uint64_t selected = 0;
    std::chrono::duration<double> elapsed{};
    while (elapsed.count() < 2) {
        for (int turn = 0; turn < 1000; ++turn) selected += program->evaluate(selector::AmqpMessage(message)).is_selected() ? 1U : 0U;
        evaluations += 1000;
        elapsed = Clock::now() - begin;
    }
    // Every one of them selects this message; otherwise something else was measured.
    return selected == evaluations ? static_cast<double>(evaluations) / elapsed.count() : 0;
}

}  // namespace

SelectorRates selector_rates() {
    const Message one = message();
    return {.properties_per_s = rate_of(five_terms, one), .xml_per_s = rate_of(one_path, one)};
}

}  // namespace giromq::bench
