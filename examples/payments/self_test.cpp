#include "self_test.hpp"

#include <unistd.h>

#include <functional>
#include <limits>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "bank.hpp"
#include "generator.hpp"
#include "iban.hpp"
#include "large_book.hpp"
#include "ledger.hpp"
#include "money.hpp"
#include "pacs.hpp"
#include "schemas.hpp"
#include "status_book.hpp"
#include "verify.hpp"

namespace payments {
namespace {

class Failed : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

void require(bool condition, const std::string& what) {
    if (!condition) throw Failed(what);
}

/// A folder that is gone when the test is over.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "giromq-payments-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) throw Failed("cannot create " + name);
        state.folder = name;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(state.folder, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    StateFolder state;
};

void ibans_have_right_check_digits() {
    // The examples of the IBAN registry and of ISO 11649.
    for (const char* iban :
         {"DE89370400440532013000", "FR1420041010050500013M02606", "ES9121000418450200051332", "IT60X0542811101000000123456",
          "NL91ABNA0417164300", "AT611904300234573201", "FI2112345600000785", "CH9300762011623852957", "SE4550000000058398257466",
          "NO9386011117947", "DK5000400440116243", "PL61109010140000071219812874", "IS140159260076545510730339",
          "KW81CBKU0000000000001234560101", "GB29NWBK60161331926819"}) {
        require(is_valid_iban(iban), std::string(iban) + " is valid");
        const std::string text(iban);
        require(make_iban(text.substr(0, 2), text.substr(4)) == text, "check digits of " + text);
        std::string wrong = text;
        std::swap(wrong[wrong.size() - 1], wrong[wrong.size() - 2]);
        require(wrong == text || !is_valid_iban(wrong), wrong + " has two characters swapped");
        require(!is_valid_iban(text + "0"), text + " with one digit more");
    }
    require(!is_valid_iban("XX82WEST12345698765432"), "an unknown country");
    require(!is_valid_iban(""), "an empty IBAN");
    require(is_valid_creditor_reference("RF18539007547034"), "the example of ISO 11649");
    require(make_creditor_reference("539007547034") == "RF18539007547034", "its check digits");
}

void amounts_are_exact() {
    require(to_decimal(123456, 2) == "1234.56" && to_decimal(5, 2) == "0.05" && to_decimal(0, 2) == "0.00", "two decimals");
    require(to_decimal(7, 0) == "7" && to_decimal(7, 3) == "0.007" && to_decimal(-7, 3) == "-0.007", "no and three decimals");
    require(to_decimal(std::numeric_limits<std::int64_t>::min(), 2) == "-92233720368547758.08", "the smallest number");
    require(parse_decimal("1234.56", 2) == 123456 && parse_decimal("1234.5", 2) == 123450 && parse_decimal("1234", 2) == 123400, "parsed");
    for (const char* wrong : {"", ".", "1.", ".5", "1.234", "1e3", "1,50", "1.2.3", " 1", "9999999999999999999"}) {
        require(!parse_decimal(wrong, 2), std::string("'") + wrong + "' is no amount");
    }
}

void generated_messages_are_valid() {
    Generator generator(7, 600);
    Generator again(7, 600);
    SchemaParser parser(pacs_008_schema);
    for (const Account& account : generator.accounts()) require(is_valid_iban(account.iban), account.iban);
    for (int i = 0; i < 600; ++i) {
        const Payment payment = generator.next();
        const std::string document = write_pacs_008(payment);
        require(document == write_pacs_008(again.next()), "the same seed gives the same");
        const Payment read = read_pacs_008(parser, document);
        require(read.transaction_id == payment.transaction_id && read.amount_minor == payment.amount_minor, "read back " + document);
        require(read.currency == payment.currency && read.debtor.iban == payment.debtor.iban, "read back " + document);
        require(read.creditor.owner.name == payment.creditor.owner.name && read.remittance == payment.remittance, "read back " + document);
        require(payment.creditor_reference.empty() || is_valid_creditor_reference(payment.creditor_reference), payment.creditor_reference);
        require(read.debtor.iban != read.creditor.iban, "nobody pays himself");
    }
}

void wrong_messages_are_refused() {
    SchemaParser parser(pacs_008_schema);
    Generator generator(8, 10);
    const std::string good = write_pacs_008(generator.next());
    const auto refused = [&](std::string_view from, std::string_view to) {
        std::string text = good;
        const std::size_t at = text.find(from);
        require(at != std::string::npos, "the message has " + std::string(from));
        text.replace(at, from.size(), to);
        try {
            read_pacs_008(parser, text);
        } catch (const InvalidDocument&) {
            return;
        }
        throw Failed("accepted with " + std::string(from) + " replaced by " + std::string(to));
    };
    refused("</Document>", "");
    refused("pacs.008.001.08\"", "pacs.008.001.09\"");
    refused("<NbOfTxs>1<", "<NbOfTxs>2<");
    refused("<ChrgBr>", "<ChrgBr>X");
    refused("<InstrId>", "<Unknown/><InstrId>");
    refused("Ccy=\"", "Currency=\"");
    refused("<IBAN>", "<IBAN>X");
    refused("<Document", "<!DOCTYPE Document [<!ENTITY a 'b'>]><Document");
    refused(" Ccy=\"", " Ccy=\"A");
    read_pacs_008(parser, good);
}

Arrival arrival(const Payment& payment, std::int64_t delivery_count = 1) {
    return {"ID:" + payment.transaction_id, delivery_count, write_pacs_008(payment)};
}

void the_ledger_books_once() {
    const TemporaryFolder folder;
    Generator generator(9, 10);
    SchemaParser parser(pacs_008_schema);
    const Payment first = generator.next();
    const Payment second = generator.next();
    {
        Ledger ledger(folder.state.ledger(), Database::Mode::write);
        ledger.open_accounts(generator.accounts());
        const auto counts = ledger.book(parser, {arrival(first), arrival(first, 2), arrival(second)});
        require(counts.booked == 2 && counts.recognised == 1, "booked once within one transaction");
        require(ledger.unsent_answers(10).size() == 2, "one answer for each");
        ledger.mark_sent({ledger.unsent_answers(10).front().number});
    }
    Ledger ledger(folder.state.ledger(), Database::Mode::write);
    const auto counts = ledger.book(parser, {arrival(second, 2), {"ID:bad", 1, "<no>"}});
    require(counts.booked == 0 && counts.recognised == 1 && counts.unreadable == 1, "booked once after a restart");
    require(ledger.unsent_answers(10).size() == 1, "an answer that is sent is not sent again");
    Payment poor = generator.next();
    poor.amount_minor = std::numeric_limits<std::int32_t>::max();
    require(ledger.book(parser, {arrival(poor)}).refused == 1, "insufficient funds are refused");
    SchemaParser answers(pacs_002_schema);
    const PaymentStatus status = read_pacs_002(answers, ledger.unsent_answers(10).back().document);
    require(status.status == "RJCT" && status.reason == "AM04" && status.transaction_id == poor.transaction_id, "and answered so");
}

/// A whole run without a broker, as it should be.
void run_everything(const StateFolder& state) {
    constexpr std::int64_t count = 40;
    Generator generator(10, count);
    Bank bank(state.bank(), Database::Mode::write);
    bank.fill(generator, count, 10);
    Ledger ledger(state.ledger(), Database::Mode::write);
    ledger.open_accounts(generator.accounts());
    StatusBook status(state.status(), Database::Mode::write);
    SchemaParser payments_parser(pacs_008_schema);
    SchemaParser status_parser(pacs_002_schema);
    std::vector<Arrival> arrivals;
    std::vector<std::int64_t> sequences;
    for (const Bank::Outgoing& payment : bank.unconfirmed(0, count)) {
        arrivals.push_back({"ID:" + payment.transaction_id, 1, payment.document});
        sequences.push_back(payment.sequence);
    }
    bank.confirm(sequences);
    ledger.book(payments_parser, arrivals);
    arrivals.front().delivery_count = 2;
    ledger.book(payments_parser, {arrivals.front()});
    std::vector<Arrival> answers;
    std::vector<std::int64_t> numbers;
    for (const Ledger::Answer& answer : ledger.unsent_answers(count)) {
        answers.push_back({"ID:A" + answer.transaction_id, 1, answer.document});
        numbers.push_back(answer.number);
    }
    ledger.mark_sent(numbers);
    status.record(status_parser, answers);
    answers.back().delivery_count = 3;
    status.record(status_parser, {answers.back()});
    std::vector<Arrival> large;
    for (const Arrival& arrival : arrivals) {
        if (is_large(read_pacs_008(payments_parser, arrival.document))) large.push_back(arrival);
    }
    LargeBook book(state.large(), Database::Mode::write);
    book.record(payments_parser, large);
    large.back().delivery_count = 2;
    book.record(payments_parser, {large.back()});
}

void verify_finds_every_damage() {
    struct Damage {
        const char* file;
        const char* sql;
    };
    const std::vector<Damage> damages{
        {"bank.db", "UPDATE payment SET confirmed_at = NULL WHERE sequence = 5"},
        {"bank.db", "DELETE FROM payment WHERE sequence = 5"},
        {"bank.db", "UPDATE payment SET amount_minor = amount_minor + 1 WHERE sequence = 5"},
        {"bank.db", "UPDATE account SET opening_minor = opening_minor + 1"},
        {"ledger.db", "PRAGMA foreign_keys = OFF; DELETE FROM payment WHERE number = 5"},
        {"ledger.db",
         "PRAGMA foreign_keys = OFF; UPDATE payment SET number = 1000 WHERE number = 5; UPDATE posting SET payment = 1000 WHERE payment = "
         "5;"
         "UPDATE answer SET number = 1000 WHERE number = 5"},
        {"ledger.db", "UPDATE payment SET status = 'RJCT' WHERE number = 5"},
        {"ledger.db", "DELETE FROM posting WHERE payment = 5 AND amount_minor > 0"},
        {"ledger.db", "UPDATE account SET balance_minor = balance_minor + 1 WHERE iban = (SELECT iban FROM account LIMIT 1)"},
        {"ledger.db", "UPDATE answer SET sent_at = NULL WHERE number = 5"},
        {"ledger.db", "INSERT INTO unreadable VALUES ('a', 'b', 'c')"},
        {"ledger.db", "INSERT INTO arrival VALUES ('a', 'b', 1, 'doubled', 'now')"},
        {"status.db", "DELETE FROM status WHERE rowid = 5"},
        {"status.db", "UPDATE status SET status = 'RJCT' WHERE rowid = 5"},
        {"status.db", "UPDATE status SET transaction_id = 'X' WHERE rowid = 5"},
        {"status.db", "INSERT INTO arrival VALUES ('a', 'b', 1, 'doubled', 'now')"},
        {"status.db", "INSERT INTO unreadable VALUES ('a', 'b', 'c')"},
        {"large.db", "DELETE FROM payment WHERE rowid = 2"},
        {"large.db", "INSERT INTO payment VALUES ('X', 'a', 'EUR', 5000000, 'now')"},
        {"large.db", "UPDATE payment SET amount_minor = amount_minor + 1 WHERE rowid = 2"},
        {"large.db", "INSERT INTO doubled VALUES ('a', 'b')"},
        {"large.db", "INSERT INTO unreadable VALUES ('a', 'b')"},
    };
    {
        const TemporaryFolder folder;
        run_everything(folder.state);
        std::ostringstream report;
        require(verify(folder.state, true, report), "an undamaged run is right: " + report.str());
    }
    for (const Damage& damage : damages) {
        const TemporaryFolder folder;
        run_everything(folder.state);
        Database(folder.state.folder / damage.file, Database::Mode::write).run(damage.sql);
        std::ostringstream report;
        require(!verify(folder.state, true, report), std::string("not found: ") + damage.sql);
        require(report.str().find("MISMATCH") != std::string::npos, "said");
    }
    const TemporaryFolder empty;
    std::ostringstream report;
    require(!verify(empty.state, false, report), "an empty folder proves nothing");
    const TemporaryFolder without_large;
    run_everything(without_large.state);
    std::filesystem::remove(without_large.state.large());
    require(verify(without_large.state, false, report), "large payments are not asked for");
    require(!verify(without_large.state, true, report), "large payments are asked for and there are none");
}

}  // namespace

bool self_test(std::ostream& output) {
    const std::vector<std::pair<const char*, std::function<void()>>> tests{
        {"ibans_have_right_check_digits", ibans_have_right_check_digits},
        {"amounts_are_exact", amounts_are_exact},
        {"generated_messages_are_valid", generated_messages_are_valid},
        {"wrong_messages_are_refused", wrong_messages_are_refused},
        {"the_ledger_books_once", the_ledger_books_once},
        {"verify_finds_every_damage", verify_finds_every_damage},
    };
    bool good = true;
    for (const auto& [name, test] : tests) {
        try {
            test();
            output << "ok      " << name << '\n';
        } catch (const std::exception& failure) {
            output << "FAILED  " << name << ": " << failure.what() << '\n';
            good = false;
        }
    }
    return good;
}

}  // namespace payments
