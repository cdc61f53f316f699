"""Leases and silence by a clock of one's own: what the database's clock says, and pauses, take no job away."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from app.jobs import Lease
from worker.awake_clock import AwakeClock
from worker.lease_watch import LeaseWatch
from worker.silence import Silence

LEASE_S, SWEEP_S, HEARTBEAT_S = 60.0, 15.0, 10.0
MOMENT = datetime(2026, 1, 2, tzinfo=UTC)


class Hand:
    """The hand of a clock, moved by the test."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def move(self, seconds: float) -> None:
        self.seconds += seconds


def lease(*, renewed: float = 0, expired: bool = False) -> Lease:
    return Lease("job", 1, "owner", MOMENT + timedelta(seconds=renewed), expired)


def test_a_dead_worker_is_noticed_within_a_lease_and_a_sweep() -> None:
    for first_look in range(int(SWEEP_S)):
        hand = Hand()
        watch = LeaseWatch(lease_s=LEASE_S, clock=hand)
        hand.move(first_look)
        since_renewal, died = float(first_look), 0.0
        while not watch.lost([lease(expired=since_renewal > LEASE_S)]):
            hand.move(SWEEP_S)
            since_renewal += SWEEP_S
        assert since_renewal - died <= LEASE_S + SWEEP_S


def test_a_clock_set_forward_takes_no_lease_that_is_renewed() -> None:
    hand = Hand()
    watch = LeaseWatch(lease_s=LEASE_S, clock=hand)
    for sweep in range(10):
        renewed = sweep * SWEEP_S // HEARTBEAT_S  # the lease is another one at each sweep
        assert watch.lost([lease(renewed=renewed, expired=True)]) == []
        hand.move(SWEEP_S)


def test_a_lease_that_never_runs_out_is_lost_when_it_is_not_renewed() -> None:
    hand = Hand()
    watch = LeaseWatch(lease_s=LEASE_S, clock=hand)
    ahead = lease(renewed=7200)
    looks = []
    while not (lost := watch.lost([ahead])):
        looks.append(hand.seconds)
        hand.move(SWEEP_S)
    assert lost == [ahead]
    assert hand.seconds - looks[0] == LEASE_S


def test_one_look_takes_nothing_however_long_ago_the_lease_ran_out() -> None:
    hand = Hand()
    watch = LeaseWatch(lease_s=LEASE_S, clock=hand)
    hand.move(100_000)
    assert watch.lost([lease(expired=True), replace(lease(expired=True), job_id="other", until=None)]) == []


def test_a_pause_of_the_sweeper_takes_nothing() -> None:
    hand = Hand()
    watch = LeaseWatch(lease_s=LEASE_S, clock=hand)
    for round_ in range(3):  # every process of the machine stands still for an hour, just before a renewal
        assert watch.lost([lease(renewed=round_)]) == []
        hand.move(3600)
        assert watch.lost([lease(renewed=round_, expired=True)]) == []
        hand.move(HEARTBEAT_S)


def test_while_the_database_is_away_nothing_is_counted() -> None:
    hand = Hand()
    watch = LeaseWatch(lease_s=LEASE_S, clock=hand)
    for _ in range(20):
        assert watch.lost([lease(expired=True)]) == []
        hand.move(SWEEP_S)
        watch.forget()


def test_silence_is_what_was_observed_and_pauses_are_not() -> None:
    hand = Hand()
    awake, silence = AwakeClock(longest_s=1, clock=hand), Silence()

    def wait(seconds: float) -> float:
        for _ in range(round(seconds / 0.1)):
            hand.move(0.1)
            awake()
        return awake()

    assert silence.observe("step 1", awake()) == 0
    assert 9.9 < silence.observe("step 1", wait(10)) < 10.1
    hand.move(3600)
    assert silence.observe("step 1", awake()) < 11.1, "a pause counts for one look"
    assert silence.observe("step 2", wait(10)) == 0
    silence.interrupt()
    assert silence.observe("step 2", wait(10)) == 0, "what the job said meanwhile could not be heard"
    assert 9.9 < silence.observe("step 2", wait(10)) < 10.1
