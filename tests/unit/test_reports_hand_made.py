"""Reports of answers made by hand: names may be hostile, and every field has its own value."""

import csv
import io
import json
import re
from dataclasses import replace

import pypdfium2
import pytest

from linksla.inventory import Channel, Circuit, Customer, Ownership
from reports.csv_files import csv_files, safe_cell
from reports.facts import CircuitFacts, ReportFacts, canonical_json
from reports.pdf import displayable, render_pdf
from reports.printed import (
    breakable,
    clock_words,
    ledger_words,
    printed,
    share_words,
    verdict_sentence,
)
from sla.answers import (
    Bucket,
    BucketRun,
    ChannelRun,
    ExclusionAnswer,
    LedgerLine,
    MonthAnswer,
    ObjectiveAnswer,
    Outage,
    Outcome,
    Seconds,
    Segment,
    Tape,
)
from sla.contracts import AvailabilityTerms, Contract
from sla.json import to_json

START = 1_759_298_400  # 2025-10-01T06:00:00Z = 1 October in Denver
END = START + 31 * 86_400
OUTAGE = START + 8 * 86_400
WINDOW = START + 20 * 86_400
SHA = "0123456789abcdef" * 4
CUSTOMER = Customer(id="acme", name="Acme Corp")
CONTRACT = Contract(
    id="last-mile",
    version=3,
    title="Last mile, 4 channels, 3 needed",
    source="the provider's SLA page",
    timezone="America/Denver",
    availability=AvailabilityTerms(target_percent="99.99", up_at_least=3, consecutive=10),
)
HOSTILE = (
    '#let x = 1; #panic("no")',
    "*bold* _under_ $x^2$ `raw` <label> @ref",
    'a "quote" and a \\ backslash \\u{41}',
    "= heading",
    "- item // comment /* more",
    "https://example.test/#fragment",
    "<img hx-get=/x>",
)


def answer_of(circuit_id: str = "DEN-1", **changes) -> MonthAnswer:
    answer = MonthAnswer(
        circuit_id=circuit_id,
        customer_id="acme",
        month="2025-10",
        timezone="America/Denver",
        start_s=START,
        end_s=END,
        month_end_s=END,
        complete_up_to_s=END + 90_000,
        final=True,
        calculation_version=4,
        report_version=None,
        segments=(Segment("last-mile", 3, START, END),),
        seconds=Seconds(2_674_377, 303, 3_600, 120),
        as_experienced=Seconds(2_676_167, 2_113, 0, 120),
        bad_but_not_down_seconds=40,
        coverage="99.99551",
        availability_contractual="99.98867",
        availability_as_experienced="99.92110",
        availability_formula="up / (up + down)",
        availability_working="2,674,377 / (2,674,377 + 303) = 99.98867 %, rounded down",
        availability_bounds=("99.98418", "99.98868"),
        objectives=(
            ObjectiveAnswer(
                "availability", "99.99", "99.98867", "%", Outcome.BREACHED, "36 s too many down"
            ),
            ObjectiveAnswer(
                "latency p95", "8.000", "4.10000", "ms", Outcome.MET, "under", 17_280, "≤ 0.79 %"
            ),
        ),
        credit_percent="10",
        credit_reason="99.0 ≤ 99.98867 < 99.99",
        budget_allowed_seconds=267,
        budget_left_seconds=0,
        outages=(
            Outage("o-77aa", circuit_id, OUTAGE, OUTAGE + 303, 303, 0, "carrier", False),
            Outage("o-88bb", circuit_id, END - 60, None, 60, 7, "", True),
        ),
        exclusions=(
            ExclusionAnswer("CHG-7", WINDOW, WINDOW + 3600, "circuit", True, 3600, "10 days"),
            ExclusionAnswer("CHG-8", WINDOW, WINDOW + 60, "site DEN", False, 0, "notice 2 h of 72"),
        ),
        verdict=Outcome.BREACHED,
        sentence="October: breached. 5 min 3 s down, 4 min 27 s allowed.",
    )
    return replace(answer, **changes)


def circuit_facts(answer: MonthAnswer) -> CircuitFacts:
    names = ("ch1", "ch2", "ch3", "ch4")
    tape = Tape(
        circuit_id=answer.circuit_id,
        start_s=START,
        end_s=END,
        complete_up_to_s=END,
        circuit=(
            BucketRun(START, OUTAGE, Bucket.UP, Bucket.UP),
            BucketRun(OUTAGE, OUTAGE + 303, Bucket.DOWN, Bucket.DOWN),
            BucketRun(OUTAGE + 303, WINDOW, Bucket.UP, Bucket.UP),
            BucketRun(WINDOW, WINDOW + 3600, Bucket.EXCLUDED, Bucket.UP),
            BucketRun(WINDOW + 3600, END, Bucket.UP, Bucket.UP),
        ),
        channels=tuple(ChannelRun(name, START, END, "good") for name in names),
        provisional_from_s=END,
    )
    circuit = Circuit(
        id=answer.circuit_id,
        owners=(Ownership(customer="acme"),),
        contract="last-mile",
        site="Denver",
        region="us-west-2",
        bandwidth_mbps=10_000,
        grid_seconds=10,
        channels=tuple(Channel(name=name) for name in names),
        active_from=START,
    )
    ledger = (
        LedgerLine("late", answer.circuit_id, "ch1", "2025-10-09", 1_200, ""),
        LedgerLine("late", answer.circuit_id, "ch2", "2025-10-10", 34, ""),
    )
    return CircuitFacts(answer, tape, circuit, CONTRACT, ledger)


def facts_of(*answers: MonthAnswer, name: str = CUSTOMER.name) -> ReportFacts:
    circuits = tuple(circuit_facts(answer) for answer in answers)
    return ReportFacts("acme", name, "2025-10", 1, circuits)


def pdf_text(pdf: bytes) -> str:
    """Return a PDF's text, white space as single blanks, invisible break points taken out."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        pages = []
        for page in document:
            text = page.get_textpage()
            pages.append(text.get_text_bounded())
            text.close()
            page.close()
    finally:
        document.close()
    return re.sub(r"\s+", " ", " ".join(pages)).replace("\u200b", "")


def rows_of(facts: ReportFacts, table: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_files(facts)[table].decode(), newline="")))


def test_the_pdf_prints_every_number_of_the_answer() -> None:
    text = pdf_text(render_pdf(facts_of(answer_of()), SHA))

    for number in (
        "2,674,377", "742:52:57", "303", "0:05:03", "3,600", "1:00:00", "120", "2,113", "40 s",
        "99.98867 %", "99.92110 %", "99.99551 %", "99.98418 % to 99.98868 %", "2,678,400",
        "744:00:00", "4.10000 ms", "17,280", "≤ 0.79 %", "10 %", "4 min 27 s allowed",
        "0 s left", "99.0 ≤ 99.98867 < 99.99",
        "2,674,377 / (2,674,377 + 303) = 99.98867 %, rounded down",
    ):  # fmt: skip
        assert number in text, number


def test_the_pdf_names_the_month_in_utc_and_in_the_contracts_zone() -> None:
    text = pdf_text(render_pdf(facts_of(answer_of()), SHA))

    assert "2025-10-01T06:00:00Z to 2025-11-01T06:00:00Z" in text
    assert "1 Oct 2025 00:00:00 MDT to 1 Nov 2025 00:00:00 MDT" in text
    assert "America/Denver" in text
    assert "2,678,400 s" in text


def test_the_pdf_lists_outages_and_both_accepted_and_refused_exclusions() -> None:
    text = pdf_text(render_pdf(facts_of(answer_of()), SHA))

    assert "o-77aa" in text
    assert "began in an earlier month" in text
    assert re.search(r"CHG-7.*accepted.*3,600", text)
    assert re.search(r"CHG-8.*refused.*notice 2 h of 72", text)


def test_the_pdf_says_an_outages_end_in_both_times_and_when_it_was_not_over() -> None:
    found = printed(facts_of(answer_of()), SHA)["circuits"][0]["outages"]
    ends = [(outage["end_local"], outage["end_utc"]) for outage in found]

    assert ends == [
        ("9 Oct 00:05:03 MDT", "2025-10-09T06:05:03Z"),
        ("not over", "at 2025-11-02T07:00:00Z"),
    ]


def test_a_window_has_both_ends_in_the_contracts_zone_and_its_decision() -> None:
    window = answer_of().exclusions[1]
    waits = replace(window, is_open=True)
    facts = facts_of(replace(answer_of(), exclusions=(window, waits)))
    first, second = printed(facts, SHA)["circuits"][0]["exclusions"]

    assert first["local"] == "21 Oct 00:00:00 MDT to 21 Oct 00:01:00 MDT"
    assert (first["decision"], second["decision"]) == ("refused", "not decided")


def test_the_pdf_says_what_each_mark_of_the_tape_means() -> None:
    text = pdf_text(render_pdf(facts_of(answer_of()), SHA))

    assert re.search(r"up\s+down\s+excluded\s+unmeasured\s", text)


def test_the_pdf_prints_the_hash_of_the_report_in_full() -> None:
    assert SHA in pdf_text(render_pdf(facts_of(answer_of()), SHA)).replace(" ", "")


def test_a_month_that_is_not_final_says_so_in_words() -> None:
    open_month = pdf_text(render_pdf(facts_of(answer_of(final=False)), SHA))
    closed = pdf_text(render_pdf(facts_of(answer_of()), SHA))

    assert "DRAFT. Month not final" in open_month
    assert "Month not final" not in closed
    assert "DRAFT" in closed


def test_a_month_that_is_not_final_says_what_it_waits_for_and_where() -> None:
    waits = [answer_of(f"DEN-{n}", final=False, open_proposals=("W", "p1")[:n]) for n in (1, 2)]
    begun = answer_of("DEN-3", final=False, end_s=END - 60)
    final = answer_of("DEN-4", open_proposals=())
    many = [answer_of(f"X-{n}", final=False, open_proposals=("W",)) for n in range(5)]

    def said(*answers: MonthAnswer) -> str:
        return str(printed(facts_of(*answers), SHA)["status"]).removeprefix("DRAFT. Month ")

    assert said(*waits, final) == "not final: 3 proposals await a decision (DEN-1, DEN-2)."
    assert said(waits[0]) == "not final: 1 proposal awaits a decision (DEN-1)."
    assert said(begun, final) == "not final: it is not over."
    assert said(answer_of(final=False)) == "not final: later samples may still change it."
    assert said(*many) == "not final: 5 proposals await a decision (X-0, X-1, X-2, …)."
    assert said(waits[0], begun) == (
        "not final: it is not over, and 1 proposal awaits a decision (DEN-1)."
    )


def test_one_circuit_that_is_not_final_makes_the_report_not_final() -> None:
    facts = facts_of(answer_of(), answer_of("DEN-2", final=False))

    assert not facts.final
    assert json.loads(canonical_json(facts))["final"] is False


def test_equal_facts_give_equal_bytes() -> None:
    facts = facts_of(answer_of(), answer_of("DEN-2"))

    assert render_pdf(facts, SHA) == render_pdf(facts, SHA)
    assert csv_files(facts) == csv_files(facts)
    assert canonical_json(facts) == canonical_json(facts)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_is_markup_is_printed_as_it_is(name: str) -> None:
    answer = answer_of(name, sentence=name, credit_reason=name)

    text = pdf_text(render_pdf(facts_of(answer, name=name), SHA))

    assert text.count(" ".join(name.split())) >= 5


def test_a_name_of_two_hundred_characters_stays_on_the_page() -> None:
    name = "W" * 200
    pdf = render_pdf(facts_of(answer_of(name), name=name), SHA)

    document = pypdfium2.PdfDocument(pdf)
    page = document[0]
    text = page.get_textpage()
    rights = [text.get_charbox(i)[2] for i in range(text.count_chars())]
    width = page.get_width()
    text.close()
    page.close()
    document.close()
    assert max(rights) < width - 30


def test_the_canonical_json_holds_the_apis_answers_unchanged() -> None:
    answers = (answer_of(), answer_of("DEN-2"))
    content = canonical_json(facts_of(*answers))

    document = json.loads(content)
    assert document["circuits"] == [
        json.loads(json.dumps(to_json(answer, commercial=True))) for answer in answers
    ]
    again = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert content == again.encode() + b"\n"


def test_the_csv_holds_the_answers_in_seconds_and_utc() -> None:
    (row,) = rows_of(facts_of(answer_of()), "circuits")

    assert row["up_seconds"] == "2674377"
    assert row["down_seconds"] == "303"
    assert row["excluded_seconds"] == "3600"
    assert row["unmeasured_seconds"] == "120"
    assert row["period_seconds"] == "2678400"
    assert row["availability_contractual_percent"] == "99.98867"
    assert row["availability_as_experienced_percent"] == "99.92110"
    assert row["availability_unmeasured_bad_percent"] == "99.98418"
    assert row["start"] == "2025-10-01T06:00:00Z"
    assert row["budget_allowed_seconds"] == "267"
    assert row["verdict"] == "breached"


def test_each_list_has_its_own_csv_with_all_its_rows() -> None:
    facts = facts_of(answer_of(), answer_of("DEN-2"))

    assert {name: len(rows_of(facts, name)) for name in csv_files(facts)} == {
        "circuits": 2, "segments": 2, "objectives": 4, "outages": 4, "exclusions": 4,
        "ledger": 4,
    }  # fmt: skip
    refused = rows_of(facts, "exclusions")[1]
    assert (refused["accepted"], refused["seconds"]) == ("false", "0")
    still_down = rows_of(facts, "outages")[1]
    assert (still_down["end"], still_down["carried_in"]) == ("", "true")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_that_is_a_formula_gets_an_apostrophe(start: str) -> None:
    name = f"{start}HYPERLINK(0)"
    outage = Outage(name, "DEN-1", OUTAGE, OUTAGE + 303, 303, 0, name, carried_in=False)
    facts = facts_of(answer_of(credit_reason=name, outages=(outage,)))

    assert rows_of(facts, "circuits")[0]["credit_reason"] == f"'{name}"
    (row,) = rows_of(facts, "outages")
    assert (row["outage_id"], row["attribution"]) == (f"'{name}", f"'{name}")


def test_a_number_below_zero_stays_a_number() -> None:
    assert safe_cell(-36) == -36


def test_a_text_with_quotes_commas_and_lines_stays_one_cell() -> None:
    reason = 'one, "two"\nthree'

    assert rows_of(facts_of(answer_of(credit_reason=reason)), "circuits")[0]["credit_reason"] == (
        reason
    )


def test_a_month_without_outages_or_exclusions_says_none() -> None:
    text = pdf_text(render_pdf(facts_of(answer_of(outages=(), exclusions=())), SHA))

    assert "Outages None." in text
    assert "Exclusions None asked for." in text


def test_what_was_not_measured_is_not_a_number() -> None:
    answer = answer_of(
        availability_contractual=None,
        availability_as_experienced=None,
        coverage=None,
        availability_bounds=(None, None),
        verdict=Outcome.NOT_ASSESSABLE,
    )

    text = pdf_text(render_pdf(facts_of(answer), SHA))

    assert "contractual not measured" in text
    assert "not assessable" in text
    assert rows_of(facts_of(answer), "circuits")[0]["availability_contractual_percent"] == ""


@pytest.mark.parametrize(
    ("outcomes", "sentence"),
    [
        ((Outcome.MET,), "The circuit met every objective."),
        ((Outcome.MET, Outcome.MET), "All 2 circuits met every objective."),
        ((Outcome.MET, Outcome.BREACHED), "Of 2 circuits: 1 breached, 1 met."),
        ((Outcome.AT_RISK, Outcome.NOT_ASSESSABLE), "Of 2 circuits: 1 at risk, 1 not assessable."),
    ],
)
def test_the_verdict_is_one_sentence(outcomes: tuple[Outcome, ...], sentence: str) -> None:
    answers = [answer_of(f"DEN-{n}", verdict=outcome) for n, outcome in enumerate(outcomes)]

    assert verdict_sentence(facts_of(*answers)) == sentence


def test_late_samples_are_counted_by_kind() -> None:
    assert "in the ledger: 1,234 late." in pdf_text(render_pdf(facts_of(answer_of()), SHA))
    assert [row["count"] for row in rows_of(facts_of(answer_of()), "ledger")] == ["1200", "34"]
    assert ledger_words(()) == "nothing late, duplicate, conflicting or rejected"


def test_shares_never_flatter() -> None:
    assert share_words(2, 3, up=True) == "66.66666"
    assert share_words(1, 3, up=False) == "33.33334"
    assert share_words(3, 3, up=True) == "100.00000"
    assert share_words(0, 3, up=False) == "0.00000"
    assert share_words(0, 0, up=True) == "–"


def test_hours_do_not_roll_over_into_days() -> None:
    assert clock_words(744 * 3600 + 61) == "744:01:01"
    assert clock_words(-36) == "-0:00:36"


def test_only_words_too_long_for_a_cell_get_break_points() -> None:
    assert breakable("Acme Corp") == "Acme Corp"
    assert breakable("x" * 50).replace("\u200b", "") == "x" * 50
    assert max(len(part) for part in breakable("x" * 50).split("\u200b")) == 24


def test_every_text_of_the_printed_report_survives_json() -> None:
    document = printed(facts_of(answer_of()), SHA)

    assert json.loads(json.dumps(document)) == document


@pytest.mark.parametrize("name", ["Société Générale", "Ωμέγα", "Привет", "שלום", "Łódź →"])
def test_a_name_that_the_fonts_can_show_is_shown(name: str) -> None:
    assert displayable(name) == name
    assert name in pdf_text(render_pdf(facts_of(answer_of(), name=name), SHA))


def test_a_name_that_no_font_can_show_is_numbered_in_the_pdf_and_whole_in_the_json() -> None:
    name = "東京 \N{GRINNING FACE}"
    facts = facts_of(answer_of(name), name=name)

    assert "[U+6771][U+4EAC] [U+1F600]" in pdf_text(render_pdf(facts, SHA))
    assert json.loads(canonical_json(facts))["customer"]["name"] == name
    assert rows_of(facts, "circuits")[0]["circuit_id"] == name


def test_a_channel_that_no_font_can_show_does_not_stop_the_tape() -> None:
    (circuit,) = facts_of(answer_of()).circuits
    tape = replace(circuit.tape, channels=(ChannelRun("通道", START, END, "good"),))
    facts = replace(facts_of(answer_of()), circuits=(replace(circuit, tape=tape),))

    assert "[U+901A][U+9053]" in pdf_text(render_pdf(facts, SHA))
