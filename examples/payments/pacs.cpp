#include "pacs.hpp"

#include <array>
#include <ctime>

#include "iban.hpp"
#include "money.hpp"

namespace payments {
namespace {

/// Writes indented elements. The names are constants of this file, the texts are escaped.
class Writer {
public:
    explicit Writer(std::string_view message) {
        text_ = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:" + std::string(message) +
                "\">\n";
    }

    void open(std::string_view name) {
        indent();
        text_.append("<").append(name).append(">\n");
        ++depth_;
    }
    void close(std::string_view name) {
        --depth_;
        indent();
        text_.append("</").append(name).append(">\n");
    }
    void leaf(std::string_view name, std::string_view value, std::string_view attributes = {}) {
        indent();
        text_.append("<").append(name).append(attributes).append(">");
        text_.append(escaped(value)).append("</").append(name).append(">\n");
    }
    std::string finish() {
        text_ += "</Document>\n";
        return std::move(text_);
    }

private:
    void indent() { text_.append(2 * depth_, ' '); }

    std::string text_;
    std::size_t depth_ = 1;
};

void write_party(Writer& writer, std::string_view name, const Party& party) {
    writer.open(name);
    writer.leaf("Nm", party.name);
    writer.open("PstlAdr");
    writer.leaf("StrtNm", party.street);
    writer.leaf("BldgNb", party.building);
    writer.leaf("PstCd", party.post_code);
    writer.leaf("TwnNm", party.town);
    writer.leaf("Ctry", party.country);
    writer.close("PstlAdr");
    writer.close(name);
}

void write_account(Writer& writer, std::string_view name, const Account& account) {
    writer.open(name);
    writer.open("Id");
    writer.leaf("IBAN", account.iban);
    writer.close("Id");
    writer.leaf("Ccy", account.currency);
    writer.close(name);
}

void write_agent(Writer& writer, std::string_view name, const Account& account) {
    writer.open(name);
    writer.open("FinInstnId");
    writer.leaf("BICFI", account.bic);
    writer.close("FinInstnId");
    writer.close(name);
}

void write_group_header(Writer& writer, const Payment& payment) {
    writer.open("GrpHdr");
    writer.leaf("MsgId", payment.message_id);
    writer.leaf("CreDtTm", payment.created_at);
    writer.leaf("NbOfTxs", "1");
    writer.open("SttlmInf");
    writer.leaf("SttlmMtd", "CLRG");
    writer.open("ClrSys");
    writer.leaf("Prtry", "GIRO");
    writer.close("ClrSys");
    writer.close("SttlmInf");
    write_agent(writer, "InstgAgt", payment.debtor);
    write_agent(writer, "InstdAgt", payment.creditor);
    writer.close("GrpHdr");
}

void write_remittance(Writer& writer, const Payment& payment) {
    writer.open("RmtInf");
    if (payment.creditor_reference.empty()) {
        writer.leaf("Ustrd", payment.remittance);
    } else {
        writer.open("Strd");
        writer.open("CdtrRefInf");
        writer.open("Tp");
        writer.open("CdOrPrtry");
        writer.leaf("Cd", "SCOR");
        writer.close("CdOrPrtry");
        writer.leaf("Issr", "ISO");
        writer.close("Tp");
        writer.leaf("Ref", payment.creditor_reference);
        writer.close("CdtrRefInf");
        writer.close("Strd");
    }
    writer.close("RmtInf");
}

std::string checked_iban(const Element& transaction, std::string_view account) {
    std::string iban = transaction.text_of(std::string(account) + "/Id/IBAN");
    if (!is_valid_iban(iban)) throw InvalidDocument(std::string(account) + " is no IBAN with right length and check digits: " + iban);
    return iban;
}

}  // namespace

std::string write_pacs_008(const Payment& payment) {
    Writer writer(pacs_008);
    writer.open("FIToFICstmrCdtTrf");
    write_group_header(writer, payment);
    writer.open("CdtTrfTxInf");
    writer.open("PmtId");
    writer.leaf("InstrId", payment.instruction_id);
    writer.leaf("EndToEndId", payment.end_to_end_id);
    writer.leaf("TxId", payment.transaction_id);
    writer.leaf("UETR", payment.uetr);
    writer.close("PmtId");
    writer.leaf("IntrBkSttlmAmt", to_decimal(payment.amount_minor, decimals_of(payment.currency).value_or(2)),
                " Ccy=\"" + payment.currency + "\"");
    writer.leaf("IntrBkSttlmDt", payment.settlement_date);
    writer.leaf("ChrgBr", payment.charge_bearer);
    write_party(writer, "Dbtr", payment.debtor.owner);
    write_account(writer, "DbtrAcct", payment.debtor);
    write_agent(writer, "DbtrAgt", payment.debtor);
    write_agent(writer, "CdtrAgt", payment.creditor);
    write_party(writer, "Cdtr", payment.creditor.owner);
    write_account(writer, "CdtrAcct", payment.creditor);
    write_remittance(writer, payment);
    writer.close("CdtTrfTxInf");
    writer.close("FIToFICstmrCdtTrf");
    return writer.finish();
}

Payment read_pacs_008(SchemaParser& parser, std::string_view document) {
    const Element root = parser.parse(document);
    const Element* header = root.find("FIToFICstmrCdtTrf/GrpHdr");
    const Element* transaction = root.find("FIToFICstmrCdtTrf/CdtTrfTxInf");
    if (header == nullptr || transaction == nullptr) throw InvalidDocument("is no pacs.008");
    if (root.children.front().children.size() != 2 || header->text_of("NbOfTxs") != "1")
        throw InvalidDocument("has not exactly one transaction");
    Payment payment;
    payment.message_id = header->text_of("MsgId");
    payment.created_at = header->text_of("CreDtTm");
    payment.instruction_id = transaction->text_of("PmtId/InstrId");
    payment.end_to_end_id = transaction->text_of("PmtId/EndToEndId");
    payment.transaction_id = transaction->text_of("PmtId/TxId");
    payment.uetr = transaction->text_of("PmtId/UETR");
    if (payment.transaction_id.empty()) throw InvalidDocument("has no TxId");
    const Element* amount = transaction->find("IntrBkSttlmAmt");
    payment.currency = amount->attribute("Ccy");
    const auto decimals = decimals_of(payment.currency);
    const auto minor = decimals ? parse_decimal(amount->text, *decimals) : std::nullopt;
    if (!minor || *minor <= 0) throw InvalidDocument("the amount '" + amount->text + " " + payment.currency + "' is none");
    payment.amount_minor = *minor;
    payment.settlement_date = transaction->text_of("IntrBkSttlmDt");
    payment.debtor.iban = checked_iban(*transaction, "DbtrAcct");
    payment.debtor.owner.name = transaction->text_of("Dbtr/Nm");
    payment.creditor.iban = checked_iban(*transaction, "CdtrAcct");
    payment.creditor.owner.name = transaction->text_of("Cdtr/Nm");
    payment.remittance = transaction->text_of("RmtInf/Ustrd");
    payment.creditor_reference = transaction->text_of("RmtInf/Strd/CdtrRefInf/Ref");
    return payment;
}

std::string write_pacs_002(const PaymentStatus& status) {
    Writer writer(pacs_002);
    writer.open("FIToFIPmtStsRpt");
    writer.open("GrpHdr");
    writer.leaf("MsgId", status.message_id);
    writer.leaf("CreDtTm", status.created_at);
    writer.close("GrpHdr");
    writer.open("TxInfAndSts");
    writer.open("OrgnlGrpInf");
    writer.leaf("OrgnlMsgId", status.original_message_id);
    writer.leaf("OrgnlMsgNmId", pacs_008);
    writer.close("OrgnlGrpInf");
    if (!status.instruction_id.empty()) writer.leaf("OrgnlInstrId", status.instruction_id);
    if (!status.end_to_end_id.empty()) writer.leaf("OrgnlEndToEndId", status.end_to_end_id);
    writer.leaf("OrgnlTxId", status.transaction_id);
    if (!status.uetr.empty()) writer.leaf("OrgnlUETR", status.uetr);
    writer.leaf("TxSts", status.status);
    if (!status.reason.empty()) {
        writer.open("StsRsnInf");
        writer.open("Rsn");
        writer.leaf("Cd", status.reason);
        writer.close("Rsn");
        writer.close("StsRsnInf");
    }
    writer.close("TxInfAndSts");
    writer.close("FIToFIPmtStsRpt");
    return writer.finish();
}

PaymentStatus read_pacs_002(SchemaParser& parser, std::string_view document) {
    const Element root = parser.parse(document);
    const Element* header = root.find("FIToFIPmtStsRpt/GrpHdr");
    const Element* transaction = root.find("FIToFIPmtStsRpt/TxInfAndSts");
    if (header == nullptr || transaction == nullptr) throw InvalidDocument("is no pacs.002");
    PaymentStatus status;
    status.message_id = header->text_of("MsgId");
    status.created_at = header->text_of("CreDtTm");
    status.original_message_id = transaction->text_of("OrgnlGrpInf/OrgnlMsgId");
    status.instruction_id = transaction->text_of("OrgnlInstrId");
    status.end_to_end_id = transaction->text_of("OrgnlEndToEndId");
    status.transaction_id = transaction->text_of("OrgnlTxId");
    status.uetr = transaction->text_of("OrgnlUETR");
    status.status = transaction->text_of("TxSts");
    status.reason = transaction->text_of("StsRsnInf/Rsn/Cd");
    if (status.transaction_id.empty() || status.status.empty()) throw InvalidDocument("has no OrgnlTxId or no TxSts");
    return status;
}

std::string utc_now() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&now, &parts);
    std::array<char, 32> text{};
    const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    return {text.data(), length};
}

}  // namespace payments
