#include "generator.hpp"

#include <array>
#include <cstdio>
#include <stdexcept>
#include <string_view>

#include "iban.hpp"
#include "money.hpp"

namespace payments {
namespace {

/// BBAN structure as the IBAN registry writes it: 'n' digit, 'a' capital letter, 'c' digit or capital letter.
struct Country {
    std::string_view code;
    std::string_view bban;       // one character for each position
    std::string_view post_code;  // '#' digit, '@' capital letter, anything else as it is
    std::array<std::string_view, 3> towns;
    std::array<std::string_view, 3> streets;
    std::array<std::string_view, 4> people;
    std::array<std::string_view, 4> companies;
    std::array<std::string_view, 2> bics;  // of invented banks
};

constexpr std::array<Country, 14> countries{{
    {"DE",
     "nnnnnnnnnnnnnnnnnn",
     "#####",
     {"Frankfurt am Main", "München", "Bremen"},
     {"Lindenstraße", "Hafenweg", "Am Markt"},
     {"Jürgen Weiß", "Annika Vogt", "Mehmet Yıldız", "Clara Brandt"},
     {"Großmann & Söhne GmbH", "Elbkontor Logistik AG", "Bäckerei Öhler", "Nordlicht Solar GmbH & Co. KG"},
     {"GQNODEHH", "GQSUDEMMXXX"}},
    {"FR",
     "nnnnnnnnnncccccccccccnn",
     "#####",
     {"Lyon", "Nantes", "Besançon"},
     {"rue de l'Église", "avenue Foch", "quai des Brumes"},
     {"Hélène Lefèvre", "Noël Garçon", "Amélie Dubois", "Youssef Benali"},
     {"Société Générique d'Optique", "L'Atelier <Bois & Fer>", "Vignobles Château-Clair SARL", "Transports Étoile SAS"},
     {"GQLYFRLL", "GQATFRPPXXX"}},
    {"ES",
     "nnnnnnnnnnnnnnnnnnnn",
     "#####",
     {"Sevilla", "A Coruña", "Málaga"},
     {"Calle Mayor", "Avenida del Puerto", "Plaza Nueva"},
     {"Íñigo Muñoz", "Lucía Fernández", "Jordi Puig", "Carmen Ibáñez"},
     {"Aceites Sierra Azul S.L.", "Construcciones Peñalba S.A.", "Hilos y Telas Aragón", "Pesca del Norte S.A."},
     {"GQIBESMM", "GQGAES2BXXX"}},
    {"IT",
     "annnnnnnnnncccccccccccc",
     "#####",
     {"Torino", "Forlì", "Bari"},
     {"via Garibaldi", "corso Italia", "piazza del Duomo"},
     {"Niccolò Ferri", "Giulia Conti", "Luca D'Angelo", "Chiara Moretti"},
     {"Officine Valsesia S.p.A.", "Caffè \"Tre Re\" S.r.l.", "Tessuti Brenta S.r.l.", "Cantieri Ligure S.p.A."},
     {"GQTOITMM", "GQADIT33XXX"}},
    {"NL",
     "aaaannnnnnnnnn",
     "#### @@",
     {"Rotterdam", "Utrecht", "'s-Hertogenbosch"},
     {"Keizersgracht", "Stationsweg", "Dorpsstraat"},
     {"Sanne de Vries", "Daan van den Berg", "Fatima El Amrani", "Willem Jansen"},
     {"Bloemen & Bollen B.V.", "Zeevaart Combinatie N.V.", "Fietsfabriek Amstel B.V.", "Datahuis Delft B.V."},
     {"GQPONL2A", "GQDENL2RXXX"}},
    {"AT",
     "nnnnnnnnnnnnnnnn",
     "####",
     {"Wien", "Graz", "Sankt Pölten"},
     {"Ringstraße", "Mühlgasse", "Kirchenplatz"},
     {"Leopold Grüner", "Magdalena Höfer", "Stefan Čuk", "Eva Pichler"},
     {"Alpenholz GesmbH", "Kräuterhof Steyr", "Donau Maschinenbau AG", "Süßwaren Zotter OG"},
     {"GQOSATWW", "GQSTATGG"}},
    {"FI",
     "nnnnnnnnnnnnnn",
     "#####",
     {"Helsinki", "Jyväskylä", "Turku"},
     {"Koivukatu", "Satamatie", "Kirkkopuisto"},
     {"Väinö Järvinen", "Aino Mäkelä", "Pekka Öhman", "Leena Häkkinen"},
     {"Järvi ja Metsä Oy", "Pohjoinen Paperi Oyj", "Saimaan Vene Oy", "Revontuli Data Oy"},
     {"GQSUFIHH", "GQHEFIHHXXX"}},
    {"CH",
     "nnnnncccccccccccc",
     "####",
     {"Zürich", "Genève", "Chur"},
     {"Bahnhofstrasse", "rue du Rhône", "Seeweg"},
     {"Urs Bächli", "Léa Rochat", "Reto Caduff", "Nadia Keller"},
     {"Uhrenwerk Jura AG", "Fromagerie des Alpes Sàrl", "Rhätische Seilbahn AG", "Säntis Präzision GmbH"},
     {"GQHECHZZ", "GQLECHGGXXX"}},
    {"SE",
     "nnnnnnnnnnnnnnnnnnnn",
     "### ##",
     {"Göteborg", "Malmö", "Örebro"},
     {"Storgatan", "Hamnvägen", "Skolgränd"},
     {"Åsa Lindqvist", "Björn Sjöberg", "Elin Ångström", "Oskar Nyström"},
     {"Skogsbolaget Älgen AB", "Västkustens Fisk AB", "Mälaren Kraft AB", "Nordan Stål AB"},
     {"GQSVSESS", "GQGOSEGGXXX"}},
    {"NO",
     "nnnnnnnnnnn",
     "####",
     {"Bergen", "Tromsø", "Ålesund"},
     {"Bryggen", "Fjellveien", "Torggata"},
     {"Kåre Brekke", "Ingrid Sørli", "Øyvind Dahl", "Liv Haugen"},
     {"Fjord Laks AS", "Nordkapp Shipping ASA", "Bølgekraft AS", "Hardanger Frukt SA"},
     {"GQNONOKK", "GQFJNO22"}},
    {"DK",
     "nnnnnnnnnnnnnn",
     "####",
     {"Aarhus", "Odense", "Helsingør"},
     {"Strandvejen", "Nørregade", "Møllevej"},
     {"Søren Kjær", "Mette Østergaard", "Lærke Holm", "Anders Bruun"},
     {"Havvind A/S", "Smørrebrød & Co. ApS", "Øresund Tømmer A/S", "Legetøj Midt ApS"},
     {"GQDADKKK", "GQJYDK22"}},
    {"PL",
     "nnnnnnnnnnnnnnnnnnnnnnnn",
     "##-###",
     {"Kraków", "Łódź", "Gdańsk"},
     {"ulica Długa", "aleja Róż", "plac Wolności"},
     {"Paweł Wójcik", "Małgorzata Nowak", "Zofia Żak", "Grzegorz Lis"},
     {"Huta Śląska S.A.", "Meble Dąb Sp. z o.o.", "Bałtyk Spedycja S.A.", "Zakłady Mleczne Łąka"},
     {"GQWIPLPW", "GQKRPLPKXXX"}},
    {"IS",
     "nnnnnnnnnnnnnnnnnnnnnn",
     "###",
     {"Reykjavík", "Akureyri", "Ísafjörður"},
     {"Laugavegur", "Hafnarstræti", "Aðalgata"},
     {"Guðrún Þórsdóttir", "Jón Einarsson", "Sigríður Ólafsdóttir", "Bjarki Ægisson"},
     {"Norðurfiskur ehf.", "Jarðhiti hf.", "Ullarhúsið ehf.", "Gagnaver Íslands hf."},
     {"GQREISRE", "GQAKISRE"}},
    {"KW",
     "aaaacccccccccccccccccccccc",
     "#####",
     {"Kuwait City", "Hawalli", "Salmiya"},
     {"Gulf Road", "Block 4 Street 12", "Harbour Street"},
     {"Fahad Al-Sabti", "Noura Al-Mulhim", "Yousef Al-Qattan", "Mariam Al-Rashed"},
     {"Desert Rose Trading W.L.L.", "Gulf Pearl Shipping K.S.C.", "Dhow & Sail Co.", "Blue Tower Contracting"},
     {"GQGUKWKW", "GQPEKWKW"}},
}};

struct Currency {
    std::string_view code;
    std::span<const std::string_view> countries;
    unsigned weight;  // of 100 payments
};

constexpr std::array<std::string_view, 7> euro_countries{"DE", "FR", "ES", "IT", "NL", "AT", "FI"};
constexpr std::array<std::string_view, 1> swiss{"CH"};
constexpr std::array<std::string_view, 1> sweden{"SE"};
constexpr std::array<std::string_view, 1> norway{"NO"};
constexpr std::array<std::string_view, 1> denmark{"DK"};
constexpr std::array<std::string_view, 1> poland{"PL"};
constexpr std::array<std::string_view, 1> iceland{"IS"};
constexpr std::array<std::string_view, 1> kuwait{"KW"};

constexpr std::array<Currency, 8> currencies{{
    {"EUR", euro_countries, 52},
    {"CHF", swiss, 14},
    {"SEK", sweden, 11},
    {"NOK", norway, 6},
    {"DKK", denmark, 6},
    {"PLN", poland, 5},
    {"ISK", iceland, 3},  // no decimals
    {"KWD", kuwait, 3},   // three decimals
}};

constexpr std::array<std::string_view, 8> remittances{
    "Invoice 2026-{}, thank you", "Rechnung {} vom 3. November", "Loyer novembre, réf. {}", "Lön november {}", "Factura n.º {}",
    "Order #{} <express>",        "Faktura {} & frakt",          "Membership {}",
};

const Country& country_of(std::string_view code) {
    for (const Country& country : countries) {
        if (country.code == code) return country;
    }
    throw std::logic_error("no such country: " + std::string(code));
}

std::string padded(std::uint64_t number, std::size_t width) {
    std::string digits = std::to_string(number);
    return digits.size() >= width ? digits : std::string(width - digits.size(), '0') + digits;
}

/// The largest amount that one payment has, in minor units.
constexpr std::int64_t largest_minor = 25'000'000;

}  // namespace

Generator::Generator(std::uint64_t seed, std::int64_t payments, std::size_t accounts_per_currency)
    : seed_(seed), payments_(payments), random_(seed), by_currency_(currencies.size()) {
    for (std::size_t currency = 0; currency < currencies.size(); ++currency) {
        for (std::size_t i = 0; i < accounts_per_currency; ++i) open_account(currency);
    }
}

std::string Generator::bank_account_number(std::string_view country) {
    std::string number;
    for (const char kind : country_of(country).bban) {
        if (kind == 'n') {
            number += random_.digits(1);
        } else if (kind == 'a') {
            number += random_.characters("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 1);
        } else {
            number += random_.characters("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", 1);
        }
    }
    return number;
}

void Generator::open_account(std::size_t currency) {
    const Country& country = country_of(random_.pick(currencies[currency].countries));
    Account account;
    account.iban = make_iban(country.code, bank_account_number(country.code));
    account.bic = random_.pick(std::span<const std::string_view>(country.bics));
    account.currency = currencies[currency].code;
    // Enough that no account is overdrawn even if it had to pay every payment.
    account.opening_minor = largest_minor * payments_ + static_cast<std::int64_t>(random_.below(1'000'000));
    const bool is_company = random_.below(2) == 0;
    account.owner.name = random_.pick(std::span<const std::string_view>(is_company ? country.companies : country.people));
    account.owner.street = random_.pick(std::span<const std::string_view>(country.streets));
    account.owner.building = std::to_string(1 + random_.below(180));
    for (const char character : country.post_code) {
        if (character == '#') {
            account.owner.post_code += random_.digits(1);
        } else if (character == '@') {
            account.owner.post_code += random_.characters("ABCDEFGHJKLMNPRSTVWXZ", 1);
        } else {
            account.owner.post_code += character;
        }
    }
    account.owner.town = random_.pick(std::span<const std::string_view>(country.towns));
    account.owner.country = country.code;
    by_currency_[currency].push_back(accounts_.size());
    accounts_.push_back(std::move(account));
}

Payment Generator::next() {
    std::uint64_t draw = random_.below(100);
    std::size_t currency = 0;
    while (draw >= currencies[currency].weight) draw -= currencies[currency++].weight;
    const std::vector<std::size_t>& candidates = by_currency_[currency];
    const std::size_t debtor = static_cast<std::size_t>(random_.below(candidates.size()));
    const std::size_t creditor = (debtor + 1 + static_cast<std::size_t>(random_.below(candidates.size() - 1))) % candidates.size();

    Payment payment;
    payment.sequence = ++sequence_;
    const auto number = static_cast<std::uint64_t>(sequence_);
    const std::string run = padded(seed_ % 10'000'000'000u, 10);
    payment.message_id = "GQMSG" + run + padded(number, 8);
    payment.instruction_id = "GQINS" + run + padded(number, 8);
    payment.end_to_end_id = random_.below(5) == 0 ? "NOTPROVIDED" : "E2E-" + random_.digits(10);
    payment.transaction_id = "GQTX" + run + padded(number, 8);
    const std::uint64_t second = 8 * 3600 + number % (9 * 3600);
    payment.created_at = "2026-11-23T" + padded(second / 3600, 2) + ":" + padded(second / 60 % 60, 2) + ":" + padded(second % 60, 2) + "Z";
    payment.settlement_date = "2026-11-23";
    constexpr std::string_view hex = "0123456789abcdef";
    payment.uetr = random_.characters(hex, 8) + "-" + random_.characters(hex, 4) + "-4" + random_.characters(hex, 3) + "-" +
                   random_.characters("89ab", 1) + random_.characters(hex, 3) + "-" + random_.characters(hex, 12);
    // Mostly small amounts, some large: a random number of digits first.
    constexpr std::array<std::uint64_t, 5> magnitudes{1'000, 20'000, 200'000, 2'000'000, static_cast<std::uint64_t>(largest_minor)};
    payment.amount_minor = 1 + static_cast<std::int64_t>(random_.below(random_.pick(std::span<const std::uint64_t>(magnitudes))));
    payment.currency = currencies[currency].code;
    payment.charge_bearer = currencies[currency].code == "EUR" ? "SLEV" : "SHAR";
    payment.debtor = accounts_[candidates[debtor]];
    payment.creditor = accounts_[candidates[creditor]];
    if (random_.below(3) == 0) {
        payment.creditor_reference =
            make_creditor_reference(random_.characters("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ", 4 + random_.below(12)));
    } else {
        payment.remittance = random_.pick(std::span<const std::string_view>(remittances));
        payment.remittance.replace(payment.remittance.find("{}"), 2, random_.digits(6));
    }
    return payment;
}

}  // namespace payments
