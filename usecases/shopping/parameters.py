"""What a deployment may choose: the numbers of the patterns; their shape is code."""

from glue.parameters import Duration, Number, Parameter, Role, Text, Whole

PARAMETERS = (
    Parameter(
        "PatternCount", Whole(1, 1_000, "debits"), "5", "How many debits of a card are `shopping`."
    ),
    Parameter(
        "PatternWindow",
        Duration("PT1S", "P7D"),
        "PT75M",
        "Within which time before the last of them, both ends included.",
    ),
    Parameter(
        "LateDebits",
        Duration("PT0S", "P7D"),
        "PT0S",
        "How old a late debit or opening balance may be that still changes the balance, at least "
        "PatternWindow. For as long ids of a card's events are remembered.",
    ),
    Parameter(
        "BalanceThreshold",
        Number(-1e9, 1e9),
        "200",
        "Below which balance after the last debit they are `shopping`.",
    ),
    Parameter(
        "CoolDown",
        Duration("PT0S", "P7D"),
        "PT0S",
        "For how long after a `shopping` of a card there is no other of it.",
    ),
    Parameter(
        "BalanceKept",
        Duration("PT1H", "P3650D"),
        "P90D",
        "For how long after the last debit an opening balance is known.",
    ),
    Parameter(
        "FormTimeout",
        Duration("PT1S", "P7D"),
        "PT30M",
        "How long after the first page the last one may come, else it is `stuck_in_form`.",
    ),
    Parameter(
        "AnswerWindow",
        Duration("PT1S", "P30D", Role.ANSWER, "acceptance"),
        "P1D",
        "How long after its business event an offer may be taken; then it is a row to learn from.",
    ),
    Parameter("FirstPage", Text(), "page1", "The page that a form begins with."),
    Parameter("SecondPage", Text(), "page2", "The page after it."),
    Parameter("LastPage", Text(), "page3", "The page that a form ends with."),
    Parameter(
        "AnomalyDeviations",
        Number(0.5, 1_000.0),
        "4",
        "How many standard deviations from the card's mean an amount is a `spending_anomaly`.",
    ),
    Parameter(
        "AnomalyCount",
        Whole(1, 10_000, "debits"),
        "10",
        "How many debits of a card come before the first `spending_anomaly`.",
    ),
    Parameter(
        "AnomalyHalfLife",
        Duration("PT1M", "P365D"),
        "P7D",
        "After which time a debit has half of its weight in the card's mean.",
    ),
)
