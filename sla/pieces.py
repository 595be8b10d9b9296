"""Where a period's seconds are: each bucket as pieces that sum to it, with the reason. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sla.answers import Bucket, ExclusionAnswer, Outage
from sla.evidence import ChannelEvidence
from sla.exclusions import Excluded
from sla.explanation import ExclusionExplained, NotTaken, Piece
from sla.judged import JudgedRun
from sla.shown import NOT_SHOWN
from sla.words import duration


def pieces_of(
    runs: Sequence[JudgedRun],
    excluded: Sequence[Excluded],
    named: Mapping[str, str],
    start_s: int,
    end_s: int,
) -> tuple[Piece, ...]:
    """Return [start, end) as pieces without gap or reason; what no run covers is unmeasured.

    `named` says what a record is called that excluded seconds; one that is not in it may not be
    shown to this reader.
    """
    found: list[Piece] = []
    by_time = sorted(excluded, key=lambda one: (one.start_s, one.window_id))
    at = start_s
    for run in runs:
        lower, upper = max(run.start_s, start_s), min(run.end_s, end_s)
        if lower >= upper:
            continue
        if lower > at:
            _append(found, _unknown(at, lower))
        for piece in _by_record(run.cut(lower, upper), by_time, named):
            _append(found, piece)
        at = upper
    if at < end_s:
        _append(found, _unknown(at, end_s))
    return tuple(found)


def _unknown(start_s: int, end_s: int) -> Piece:
    return Piece(start_s, end_s, Bucket.UNMEASURED, Bucket.UNMEASURED, "")


def _by_record(
    run: JudgedRun, excluded: Sequence[Excluded], named: Mapping[str, str]
) -> Iterator[Piece]:
    """Yield a run, an excluded one cut by the records that took it out."""
    whole = Piece(run.start_s, run.end_s, run.bucket, run.as_experienced, "")
    if run.bucket is not Bucket.EXCLUDED:
        yield whole
        return
    at = run.start_s
    for one in excluded:
        lower, upper = max(one.start_s, at), min(one.end_s, run.end_s)
        if lower >= upper:
            continue
        if lower > at:
            yield replace(whole, start_s=at, end_s=lower)
        name = one.window_id if one.window_id in named else None
        why = named.get(one.window_id, "a record that is not shown to you")
        yield replace(whole, start_s=lower, end_s=upper, exclusion_id=name, why=why)
        at = upper
    if at < run.end_s:
        yield replace(whole, start_s=at)


def _append(found: list[Piece], piece: Piece) -> None:
    """Append, joining with an equal neighbour; what is equal beyond a gap is none."""
    last = found[-1] if found else None
    joined = last and last.end_s == piece.start_s and replace(last, end_s=piece.end_s)
    if last and joined == replace(piece, start_s=last.start_s):
        found[-1] = joined
    else:
        found.append(piece)


def reasoned(piece: Piece, outages: Sequence[Outage], evidence: Sequence[ChannelEvidence]) -> Piece:
    """Return a piece with its reason and, if it lies in one, its outage."""
    outage = next(
        (
            one.outage_id
            for one in outages
            if one.start_s < piece.end_s and (one.end_s is None or one.end_s > piece.start_s)
        ),
        None,
    )
    if piece.bucket is Bucket.UP:
        return replace(piece, why="the circuit was up")
    if piece.bucket is Bucket.DOWN:
        return replace(piece, why=f"outage {outage}", outage_id=outage)
    if piece.bucket is Bucket.EXCLUDED:
        why = f"{piece.why}; it was {piece.as_experienced.value}"
        return replace(piece, why=why, outage_id=outage)
    return replace(piece, why=_unmeasured(piece, evidence), outage_id=outage)


def _unmeasured(piece: Piece, evidence: Sequence[ChannelEvidence]) -> str:
    if piece.as_experienced is not Bucket.UNMEASURED:
        return f"taken as unmeasured; it was {piece.as_experienced.value}"
    silent = {
        one.channel: seconds
        for one in evidence
        if (
            seconds := sum(
                span.seconds
                for span in one.within(piece.start_s, piece.end_s)
                if span.state == "unknown"
            )
        )
    }
    if not silent:
        return "nothing is known of enough channels"
    told = ", ".join(
        name if seconds == piece.seconds else f"{name} for {duration(seconds)}"
        for name, seconds in silent.items()
    )
    return f"nothing is known of {told}"


def bad_pieces(
    runs: Sequence[JudgedRun], grid_s: int, consecutive: int, start_s: int, end_s: int
) -> tuple[Piece, ...]:
    """Return where the circuit was bad and yet up: fewer bad cells in a row than asked for."""
    found: list[Piece] = []
    for run in runs:
        lower, upper = max(run.start_s, start_s), min(run.end_s, end_s)
        if run.bad and run.bucket is Bucket.UP and lower < upper:
            _append(found, Piece(lower, upper, Bucket.UP, Bucket.UP, ""))
    return tuple(
        replace(
            piece,
            why=f"{-(-piece.seconds // grid_s)} bad cells of {grid_s} s; {consecutive} in a row "
            "make it down",
        )
        for piece in found
    )


def explain_exclusion(
    answer: ExclusionAnswer, pieces: Sequence[Piece], *, capped: bool
) -> ExclusionExplained:
    """Return which pieces a record took out, and why it left the rest of what it covers.

    `pieces` are the whole period's; `capped`: the contract has a monthly cap. Of a record that is
    not shown to the reader no piece is told.
    """
    if answer.exclusion_id == NOT_SHOWN:
        return ExclusionExplained(answer, (), ())
    taken: list[Piece] = []
    rest: dict[str, int] = {}
    for piece in pieces:
        lower, upper = max(piece.start_s, answer.start_s), min(piece.end_s, answer.end_s)
        if lower >= upper:
            continue
        if piece.exclusion_id == answer.exclusion_id:
            taken.append(piece)
            continue
        why = _left(answer, piece, capped=capped)
        rest[why] = rest.get(why, 0) + upper - lower
    return ExclusionExplained(
        answer, tuple(taken), tuple(NotTaken(seconds, why) for why, seconds in rest.items())
    )


def _left(answer: ExclusionAnswer, piece: Piece, *, capped: bool) -> str:
    if not answer.accepted:
        said = "nobody has decided yet" if answer.is_open else "the record is refused"
        return f"{said}: they stay {piece.bucket.value}"
    if piece.bucket is Bucket.EXCLUDED:
        return f"{piece.why} has them already"
    if answer.scope.startswith(("ticket", "outage")):
        return f"only down seconds are taken out: these are {piece.bucket.value}"
    if piece.as_experienced is Bucket.UP and answer.scope.startswith("channel"):
        return "the circuit was up"
    used_up = "the month's cap is used up" if capped else ""
    if answer.scope.startswith("channel"):
        return "the circuit would not have been up without it either" + (
            f", or {used_up}" if used_up else ""
        )
    return used_up or f"they stay {piece.bucket.value}"
