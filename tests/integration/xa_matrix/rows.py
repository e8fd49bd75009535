"""The table of rows: every row of the crash matrix has a function that plays it, or a word about why there is none."""

ROWS = {}
LAST = 52


class NotApplicable(Exception):
    pass


def row(number, dies, point):
    """B broker, A application, T transaction manager, D database, P power, net."""
    def register(function):
        assert number not in ROWS, f"row {number} is there twice"
        ROWS[number] = (dies, point, function)
        return function
    return register


def not_applicable(number, dies, point, reason):
    def explain(_world):
        raise NotApplicable(reason)
    row(number, dies, point)(explain)
